//! A quick look at a long value before it is read byte by byte.
//!
//! An automaton reads a byte in about a nanosecond; a vectorised search for a few short windows reads
//! thirty. So each literal that is sought anywhere in a slot's values is represented by its rarest window,
//! as measured in values seen before, and a value without any of the windows holds none of the literals.

use std::collections::HashMap;

use aho_corasick::packed;
use foldhash::fast::FixedState;

/// Windows of which one is in every value that holds one of the literals.
#[derive(Debug)]
pub struct Hints {
    searchers: Vec<packed::Searcher>,
}

/// Values shorter than this are read at once.
pub const WORTHWHILE: usize = 48;
/// Bytes of seen values that windows are chosen by.
pub const SAMPLE: usize = 12 * 1024;

const WINDOW: usize = 4;
const PER_SEARCHER: usize = 64;
const MOST_SEARCHERS: usize = 6;

impl Hints {
    /// Chooses windows of the literals that are rare in the values seen. `None`: too many literals, too
    /// short ones, or the values seen would mostly have to be read all the same.
    pub fn choose(literals: &[&[u8]], seen: &[Vec<u8>]) -> Option<Self> {
        if literals.is_empty() {
            return None;
        }
        let mut counts: HashMap<[u8; WINDOW], u32, FixedState> = HashMap::default();
        for value in seen {
            value.array_windows().for_each(|window| *counts.entry(*window).or_default() += 1);
        }
        let mut windows: Vec<&[u8]> = Vec::new();
        for literal in literals {
            let window = match literal.len() {
                0 | 1 => return None,
                2..=WINDOW => literal,
                _ => literal
                    .array_windows::<WINDOW>()
                    .map(|w| (counts.get(w).copied().unwrap_or(0), w))
                    .min()?
                    .1
                    .as_slice(),
            };
            windows.push(window);
        }
        windows.sort_unstable();
        windows.dedup();
        if windows.len() > PER_SEARCHER * MOST_SEARCHERS {
            return None;
        }
        let searchers =
            windows.chunks(PER_SEARCHER).map(|chunk| packed::Config::new().builder().extend(chunk).build());
        let hints = Self { searchers: searchers.collect::<Option<_>>()? };
        let passing = seen.iter().filter(|value| hints.may_hold(value)).count();
        (passing * 2 <= seen.len()).then_some(hints)
    }

    /// Whether a value may hold one of the literals.
    #[inline]
    pub fn may_hold(&self, value: &[u8]) -> bool {
        value.len() < WORTHWHILE || self.searchers.iter().any(|searcher| searcher.find(value).is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_that_holds_a_literal_is_never_passed_over(
            literals in prop::collection::vec("[a-c\\\\.]{2,9}", 1..90),
            seen in prop::collection::vec("[a-d\\\\]{0,60}", 0..20),
            front in "[a-e]{0,80}", back in "[a-e]{0,80}", which in any::<prop::sample::Index>(),
        ) {
            let held = which.get(&literals);
            let value = format!("{front}{held}{back}");
            let literals: Vec<&[u8]> = literals.iter().map(|l| l.as_bytes()).collect();
            let seen: Vec<Vec<u8>> = seen.into_iter().map(String::into_bytes).collect();
            if let Some(hints) = Hints::choose(&literals, &seen) {
                prop_assert!(hints.may_hold(value.as_bytes()));
            }
        }
    }
}
