//! What a question may use, and what it has used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ward_core::Timestamp;

use crate::LakeError;

/// What a question may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of memory for rows that wait to be handed out, and for what SQL sorts or groups.
    pub memory: usize,
    /// How long it may take.
    pub time: Duration,
    /// How many rows it may give.
    pub rows: usize,
    /// How many threads work on it. More than there are processors: most of the time they wait for the disk,
    /// and several ask it for more than one thing at a time.
    pub threads: usize,
    /// How it is called off.
    pub cancel: Cancel,
}

/// Calls a question off, from anywhere.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

/// The times that are asked about: from the first, up to but without the second. `None`: without end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The first moment after.
    pub to: Option<Timestamp>,
}

/// What was looked at to answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Files of the organisations in scope.
    pub files: u64,
    /// Those of them that could have nothing, by organisation, time or filters.
    pub files_pruned: u64,
    /// Row groups of the others that could have nothing.
    pub groups_pruned: u64,
    /// Row groups that were read.
    pub groups_read: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes read from the disk.
    pub bytes: u64,
    /// Rows found so far.
    pub found: u64,
    /// Milliseconds so far, or until it ended.
    pub milliseconds: u64,
    /// Files that could not be read, with the reason; all others were.
    pub damaged: Vec<(String, String)>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            time: Duration::from_secs(60),
            rows: 1_000,
            threads: 8,
            cancel: Cancel::default(),
        }
    }
}

impl Limits {
    /// How many threads compute at a time: no more than there are processors.
    pub(crate) fn processors(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.clamp(1, processors)
    }
}

impl Cancel {
    /// Calls it off.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was called off.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl TimeRange {
    /// All times.
    pub const ALL: Self = Self { from: None, to: None };

    /// Whether a time is asked about.
    pub fn holds(self, micros: i64) -> bool {
        self.from.is_none_or(|from| from.micros() <= micros) && self.to.is_none_or(|to| micros < to.micros())
    }

    /// Whether any of the times from the first to the last may be asked about.
    pub fn touches(self, first: i64, last: i64) -> bool {
        self.from.is_none_or(|from| from.micros() <= last) && self.to.is_none_or(|to| first < to.micros())
    }
}

/// The limits of a question that runs, and the time it began.
#[derive(Debug)]
pub(crate) struct Running {
    pub limits: Limits,
    began: Instant,
}

impl Running {
    pub fn new(limits: Limits) -> Self {
        Self { limits, began: Instant::now() }
    }

    /// Milliseconds since it began.
    pub fn milliseconds(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether it may go on.
    pub fn may_go_on(&self) -> Result<(), LakeError> {
        if self.limits.cancel.is_cancelled() {
            return Err(LakeError::Cancelled);
        }
        if self.began.elapsed() > self.limits.time {
            return Err(LakeError::OutOfTime(self.limits.time));
        }
        Ok(())
    }
}

/// Counters that the threads of a question share.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub groups_pruned: AtomicU64,
    pub groups_read: AtomicU64,
    pub rows: AtomicU64,
    pub bytes: Arc<AtomicU64>,
}

impl Counters {
    pub fn count(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_first_moment_and_not_its_last() {
        let at = Timestamp::from_micros;
        let range = TimeRange { from: Some(at(10)), to: Some(at(20)) };
        assert!(range.holds(10) && range.holds(19) && !range.holds(20) && !range.holds(9));
        assert!(
            range.touches(0, 10) && range.touches(19, 30) && !range.touches(20, 30) && !range.touches(0, 9)
        );
        assert!(TimeRange::ALL.holds(i64::MIN) && TimeRange::ALL.touches(0, 0));
    }

    #[test]
    fn a_question_ends_when_it_is_called_off_or_its_time_is_up() {
        let running = Running::new(Limits::default());
        assert!(running.may_go_on().is_ok());
        running.limits.cancel.clone().cancel();
        assert!(matches!(running.may_go_on(), Err(LakeError::Cancelled)));
        let late = Running::new(Limits { time: Duration::ZERO, ..Limits::default() });
        std::thread::sleep(Duration::from_millis(2));
        assert!(matches!(late.may_go_on(), Err(LakeError::OutOfTime(_))));
    }
}
