//! From a value to a height or a colour.

/// How high a value stands where the highest is `top`. What is not nothing is seen to be something.
pub(super) fn height(value: u64, top: u64, full: f64) -> f64 {
    if value == 0 || top == 0 {
        return 0.0;
    }
    (value as f64 / top as f64 * full).max(full / 50.0)
}

/// How many colours there are for what is more than nothing.
pub(super) const LEVELS: u64 = 4;

/// The highest value of each level from 1 on, when the highest of all is `top`. Levels widen by the same factor
/// each, since counts of this trade are many small and a few large ones.
pub(super) fn levels(top: u64) -> Vec<u64> {
    if top <= LEVELS {
        return (1..=top).collect();
    }
    let bound = |level: u64| ((1.0 + top as f64).powf(level as f64 / LEVELS as f64) - 1.0).round() as u64;
    let mut bounds: Vec<u64> = Vec::new();
    for level in 1..LEVELS {
        let least = bounds.last().map_or(1, |bound| bound + 1);
        bounds.push(bound(level).max(least));
    }
    bounds.push(top);
    bounds
}

/// The level of a value: 0 for nothing, then that of `levels`.
pub(super) fn level(value: u64, levels: &[u64]) -> usize {
    if value == 0 {
        return 0;
    }
    let at = levels.iter().position(|bound| value <= *bound).unwrap_or(levels.len());
    (at + 1).min(LEVELS as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_level_and_a_larger_one_no_lower() {
        for top in [0, 1, 2, 3, 4, 5, 6, 7, 10, 99, 1_000, 1_000_000, u64::MAX / 2] {
            let levels = levels(top);
            assert!(levels.windows(2).all(|pair| pair[0] < pair[1]), "{top}: {levels:?}");
            assert!(levels.len() as u64 <= LEVELS && levels.last().is_none_or(|last| *last == top));
            assert_eq!(level(0, &levels), 0);
            let (mut last, step) = (0, (top / 1_000).max(1));
            for value in (1..=1_000).map(|nth| nth * step).take_while(|value| *value <= top) {
                let level = level(value, &levels);
                assert!(level >= last.max(1) && level as u64 <= LEVELS, "{value} of {top}");
                last = level;
            }
        }
        assert_eq!(levels(1_000_000), [31, 999, 31_622, 1_000_000]);
    }

    #[test]
    fn little_is_not_nothing() {
        assert_eq!(height(0, 1_000_000, 100.0), 0.0);
        assert_eq!(height(1, 1_000_000, 100.0), 2.0);
        assert_eq!(height(50, 100, 100.0), 50.0);
        assert_eq!(height(0, 0, 100.0), 0.0);
    }
}
