//! How an input is read, and how much of it is believed.

use super::Format;
use ward_core::Timestamp;

/// How to read an input.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Read as this format instead of recognising it. Compression is recognised all the same.
    pub format: Option<Format>,
    /// The bytes arrive as they are written (a pipe): hand on what is there instead of waiting for a
    /// full block.
    pub live: bool,
    /// When the input was written or received. Gives the times of RFC 3164, which have no year, their
    /// year: the latest one that is not more than a day after this. `None`: such times stay as they are.
    pub received: Option<Timestamp>,
    /// The limits.
    pub limits: Limits,
}

/// What outside bytes may ask for. Memory is bounded by a small multiple of `record` and `block`. How deep
/// JSON may nest is [`MAX_DEPTH`](crate::json::MAX_DEPTH).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest record in bytes; a longer one is skipped and reported. Default 16 MiB: the largest
    /// legitimate ones seen are script blocks and cloud audit documents of a few MiB.
    pub record: usize,
    /// Most columns of a table. Default 4096.
    pub columns: usize,
    /// Bytes handed out at a time, unless one record is longer. Default 1 MiB: long enough that the
    /// lock costs nothing, short enough to stay in the cache of a core.
    pub block: usize,
    /// Most decompressed bytes per compressed byte, looked at once `ratio_from` bytes came out. Default
    /// 500: logs compress 10 to 40 fold, the same event over and over with a new time stamp about 150
    /// fold; gzip cannot do more than 1,032 fold, which is what a bomb of zeros does.
    pub ratio: u64,
    /// Decompressed bytes from which on `ratio` is looked at. Default 64 MiB.
    pub ratio_from: u64,
    /// Most decompressed bytes of one compressed input. Default 64 GiB: memory does not depend on it,
    /// so this only bounds the time a hostile file can take.
    pub decompressed: u64,
    /// Largest zstd window, which is memory. Default 128 MiB, that of the zstd command.
    pub zstd_window: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record: 16 << 20,
            columns: 4096,
            block: 1 << 20,
            ratio: 500,
            ratio_from: 64 << 20,
            decompressed: 64 << 30,
            zstd_window: 128 << 20,
        }
    }
}
