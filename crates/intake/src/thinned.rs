//! Lines of the log that senders could make come without end: of each kind one in a while, with the number of those
//! that were not written since the one before.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use ward_core::Timestamp;

/// Microseconds between two lines of a kind.
const PAUSE: i64 = 10_000_000;

/// What was written of each kind. There must not be endlessly many kinds.
#[derive(Debug)]
pub(crate) struct Thinned<K>(Mutex<HashMap<K, Last>>);

#[derive(Debug)]
struct Last {
    at: Timestamp,
    untold: u64,
}

impl<K: Hash + Eq> Thinned<K> {
    /// Whether a line of this kind is to be written now: the number of those that were not, since the last one.
    pub(crate) fn due(&self, kind: K, now: Timestamp) -> Option<u64> {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(last) = kinds.get_mut(&kind) else {
            kinds.insert(kind, Last { at: now, untold: 0 });
            return Some(0);
        };
        // A clock that was set back must not silence anybody.
        if (0..PAUSE).contains(&now.micros().saturating_sub(last.at.micros())) {
            last.untold += 1;
            return None;
        }
        last.at = now;
        Some(std::mem::take(&mut last.untold))
    }
}

impl<K> Default for Thinned<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn of_each_kind_a_line_in_ten_seconds_tells_how_many_were_not_written() {
        let lines = Thinned::default();
        assert_eq!(lines.due("a", at(100)), Some(0));
        assert_eq!(lines.due("a", at(101)), None);
        assert_eq!(lines.due("b", at(101)), Some(0), "another is no reason for silence");
        assert_eq!(lines.due("a", at(109)), None);
        assert_eq!(lines.due("a", at(110)), Some(2));
        assert_eq!(lines.due("a", at(119)), None);
        assert_eq!(lines.due("a", at(1_000)), Some(1));
        assert_eq!(lines.due("a", at(2_000)), Some(0));
        assert_eq!(lines.due("a", at(50)), Some(0), "the clock was set back");
    }
}
