//! Limits and waits.

use std::time::Duration;

use ward_core::BatchId;

use crate::recovery::KnownKey;

/// How a journal works. The defaults suit a hub of 200,000 events a second on a small disk.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The highest batch number that is known elsewhere: numbering goes on above it even if no segment is left.
    pub floor: BatchId,
    /// Keys that are known elsewhere, oldest first: those of segments that were removed.
    pub known: Vec<KnownKey>,
    /// Bytes of batches, uncompressed, that one frame takes: about 30 ms of a small disk.
    pub commit_bytes: usize,
    /// With fewer bytes waiting than this, more are waited for.
    pub commit_soon_bytes: usize,
    /// How long.
    pub commit_wait: Duration,
    /// Bytes of batches that may wait. Beyond it senders wait, or are told [`crate::Refused::Busy`].
    pub queue_bytes: usize,
    /// Bytes on disk after which a segment is sealed.
    pub seal_bytes: u64,
    /// Time since its first frame after which a segment is sealed.
    pub seal_after: Duration,
    /// Bytes on disk that all segments together may take.
    pub max_bytes: u64,
    /// Bytes of the disk that are left free, so that the rest of the hub can still finish its work.
    pub reserve_bytes: u64,
    /// Bytes of the newest frames that are kept in memory for readers.
    pub ring_bytes: usize,
    /// How long the key of a batch is remembered after the batch was received.
    pub keep_keys: Duration,
    /// How many keys are remembered at most, about 150 bytes each.
    pub max_keys: usize,
    /// How long nothing is written after the disk failed; it doubles with each further failure.
    pub retry_first: Duration,
    /// The longest such pause.
    pub retry_most: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            floor: BatchId(0),
            known: Vec::new(),
            commit_bytes: 4 << 20,
            commit_soon_bytes: 256 << 10,
            commit_wait: Duration::from_millis(2),
            queue_bytes: 32 << 20,
            seal_bytes: 64 << 20,
            seal_after: Duration::from_secs(10),
            max_bytes: u64::MAX,
            reserve_bytes: 256 << 20,
            ring_bytes: 16 << 20,
            keep_keys: Duration::from_secs(15 * 60),
            max_keys: 400_000,
            retry_first: Duration::from_millis(50),
            retry_most: Duration::from_secs(1),
        }
    }
}
