//! How quickly something grows, and how sure that is.

/// A line through measurements, by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Growth in an hour, as a share of the mean.
    pub an_hour: f64,
    /// Its standard error, in the same measure: two of them to either side hold the truth nineteen times of twenty,
    /// if measurements do not depend on each other.
    pub error: f64,
}

impl Slope {
    /// Of pairs of hours and values. `None`: too few to tell.
    pub fn of(measured: &[(f64, f64)]) -> Option<Self> {
        if measured.len() < 5 {
            return None;
        }
        let count = measured.len() as f64;
        let mean = |values: &dyn Fn(&(f64, f64)) -> f64| measured.iter().map(values).sum::<f64>() / count;
        let (time, mean) = (mean(&|(at, _)| *at), mean(&|(_, value)| *value));
        let spread: f64 = measured.iter().map(|(at, _)| (at - time).powi(2)).sum();
        let together: f64 = measured.iter().map(|(at, value)| (at - time) * (value - mean)).sum();
        if spread <= 0.0 || mean <= 0.0 {
            return None;
        }
        let slope = together / spread;
        let off = |(at, value): &(f64, f64)| (value - mean - slope * (at - time)).powi(2);
        let variance = measured.iter().map(off).sum::<f64>() / (count - 2.0);
        Some(Self { an_hour: slope / mean, error: (variance / spread).sqrt() / mean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_a_share_of_the_mean_an_hour() {
        let line: Vec<(f64, f64)> =
            (0..60).map(|minute| (f64::from(minute) / 60.0, 1e6 + f64::from(minute) * 1e3)).collect();
        let slope = Slope::of(&line).unwrap();
        assert!((slope.an_hour - 60_000.0 / 1_029_500.0).abs() < 1e-9, "{slope:?}");
        assert!(slope.error < 1e-9, "{slope:?}");
    }

    #[test]
    fn waves_make_it_less_sure() {
        let wave = |height: f64| -> Vec<(f64, f64)> {
            (0..20).map(|minute| (f64::from(minute) / 60.0, 100.0 + height * f64::from(minute % 2))).collect()
        };
        let [small, large] = [1.0, 10.0].map(|height| Slope::of(&wave(height)).unwrap().error);
        assert!(small > 0.0 && large > 9.0 * small, "{small} {large}");
        assert_eq!(Slope::of(&[(0.0, 1.0)]), None);
        assert_eq!(Slope::of(&[(1.0, 1.0); 9]), None, "all at the same time");
    }
}
