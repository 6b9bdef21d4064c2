//! The only place that asks what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ward_core::Timestamp;

/// Now, by the clock of the machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
