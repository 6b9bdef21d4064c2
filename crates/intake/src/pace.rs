//! How many events a second a source may send: a bucket that goes into debt.
//!
//! A batch of any size is taken while the bucket holds one event, and paid back before the next: the rate holds
//! in the long run, and no batch is too large to ever pass.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ward_core::Timestamp;

/// The bucket of one source.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Option<Level>>);

#[derive(Debug, Clone, Copy)]
struct Level {
    events: f64,
    at: Timestamp,
}

impl Pace {
    /// Takes `events` out of the bucket, which fills at `rate` events a second up to what ten seconds give.
    ///
    /// # Errors
    /// It is empty: for how long.
    pub(crate) fn take(&self, rate: Option<u32>, events: u64, now: Timestamp) -> Result<(), Duration> {
        let Some(rate) = rate.map(|rate| f64::from(rate.max(1))) else { return Ok(()) };
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = level.unwrap_or(Level { events: rate * BURST, at: now });
        let passed = (now.micros() - before.at.micros()).max(0) as f64 / 1e6;
        let there = (before.events + passed * rate).min(rate * BURST);
        let open = there >= 1.0;
        let taken = if open { events as f64 } else { 0.0 };
        *level = Some(Level { events: there - taken, at: now.max(before.at) });
        if open { Ok(()) } else { Err(Duration::from_secs_f64(((1.0 - there) / rate).min(LONGEST))) }
    }
}

/// Seconds whose events may come at once.
const BURST: f64 = 10.0;
/// Seconds that a sender is asked to wait at most.
const LONGEST: f64 = 600.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn second(at: f64) -> Timestamp {
        Timestamp::from_micros((at * 1e6) as i64)
    }

    #[test]
    fn a_source_without_a_rate_is_never_slowed() {
        let pace = Pace::default();
        assert_eq!(pace.take(None, u64::MAX, second(0.0)), Ok(()));
        assert_eq!(pace.take(None, 1, second(0.0)), Ok(()));
    }

    #[test]
    fn a_large_batch_passes_and_is_paid_back() {
        let pace = Pace::default();
        assert_eq!(pace.take(Some(100), 5_000, second(0.0)), Ok(()));
        let wait = pace.take(Some(100), 1, second(0.0)).unwrap_err();
        assert!((39.0..42.0).contains(&wait.as_secs_f64()), "{wait:?}");
        assert!(pace.take(Some(100), 1, second(39.9)).is_err());
        assert_eq!(pace.take(Some(100), 1, second(40.1)), Ok(()));
    }

    #[test]
    fn the_rate_holds_in_the_long_run() {
        let pace = Pace::default();
        let tries = (0..60_000).map(|ms| second(f64::from(ms) / 1e3));
        let taken = tries.filter(|now| pace.take(Some(50), 10, *now).is_ok()).count() * 10;
        assert!((3_400..=3_600).contains(&taken), "{taken}: 60 seconds and a burst of 10");
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let pace = Pace::default();
        assert_eq!(pace.take(Some(1), 10, second(100.0)), Ok(()));
        assert!(pace.take(Some(1), 1, second(0.0)).is_err());
        assert!(pace.take(Some(1), 1, second(100.5)).is_err());
    }
}
