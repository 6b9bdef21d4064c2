//! Figures of a journal, as plain numbers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Refused;
use crate::sync::lock;

/// What a journal did since it was opened, and what it holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Bytes of batches that wait to be written.
    pub queued_bytes: u64,
    /// Batches that wait to be written.
    pub queued_batches: u64,
    /// Segments on the disk.
    pub segments: u64,
    /// Bytes of them.
    pub disk_bytes: u64,
    /// Batches made durable since it was opened.
    pub batches: u64,
    /// Frames made durable since it was opened.
    pub frames: u64,
    /// Bytes of these batches, uncompressed.
    pub plain_bytes: u64,
    /// Bytes that were written for them.
    pub stored_bytes: u64,
    /// Batches that were answered from their key, and not stored again.
    pub known_again: u64,
    /// Batches that were refused.
    pub refused: u64,
    /// Why the last frame was refused. `None`: it was not.
    pub refusing: Option<Refused>,
    /// Time that each write and sync took.
    pub sync: Histogram,
    /// Time from a batch's arrival until it was durable.
    pub acknowledge: Histogram,
}

/// How often something took how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// How many took no longer than the bound in [`Histogram::BOUNDS`] and longer than the one before it; the
    /// last: longer than all.
    pub counts: [u64; Self::BOUNDS.len() + 1],
    /// Microseconds of all together.
    pub sum: u64,
}

impl Histogram {
    /// Upper bounds, microseconds.
    pub const BOUNDS: [u64; 14] = [
        500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 40_000, 60_000, 100_000, 250_000, 500_000,
        1_000_000, 5_000_000,
    ];

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    pub batches: Count,
    pub frames: Count,
    pub plain_bytes: Count,
    pub stored_bytes: Count,
    pub known_again: Count,
    pub refused: Count,
    pub refusing: Mutex<Option<Refused>>,
    pub sync: Times,
    pub acknowledge: Times,
}

impl Counters {
    /// The figures; those of queue and disk are still 0.
    pub fn usage(&self) -> Usage {
        Usage {
            queued_bytes: 0,
            queued_batches: 0,
            segments: 0,
            disk_bytes: 0,
            batches: self.batches.get(),
            frames: self.frames.get(),
            plain_bytes: self.plain_bytes.get(),
            stored_bytes: self.stored_bytes.get(),
            known_again: self.known_again.get(),
            refused: self.refused.get(),
            refusing: lock(&self.refusing).clone(),
            sync: self.sync.get(),
            acknowledge: self.acknowledge.get(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(crate) struct Times {
    counts: [Count; Histogram::BOUNDS.len() + 1],
    sum: Count,
}

impl Times {
    pub fn add(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.counts[Histogram::BOUNDS.partition_point(|bound| *bound < micros)].add(1);
        self.sum.add(micros);
    }

    fn get(&self) -> Histogram {
        Histogram { counts: self.counts.each_ref().map(Count::get), sum: self.sum.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_below_the_first_bound_that_it_does_not_pass() {
        let times = Times::default();
        for micros in [0, 500, 501, 5_000_000, 5_000_001] {
            times.add(Duration::from_micros(micros));
        }
        let histogram = times.get();
        assert_eq!((histogram.counts[0], histogram.counts[1]), (2, 1));
        assert_eq!((histogram.counts[13], histogram.counts[14]), (1, 1));
        assert_eq!((histogram.count(), histogram.sum), (5, 10_001_002));
    }
}
