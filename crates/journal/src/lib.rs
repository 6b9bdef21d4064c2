//! Durable segments: where an event lives between received and in the lake.
//!
//! A [`Journal`] takes batches, puts many of them into one frame, makes the frame durable and only then tells
//! their senders. A [`Reader`] hands the frames out, in order, as often as asked. Whoever has dealt with a whole
//! segment writes that down elsewhere and has the segment removed.
//!
//! # Invariants
//! - A batch whose number was told was made durable first, and is read again until its segment is removed.
//! - Numbers rise in the order of reading and are never used twice. There may be gaps.
//! - A refused batch is not read in this run or, once anything later was acknowledged, in any other. Only a
//!   crash before that may bring it back, as it brings back one whose answer was lost: keys are there for both.
//! - Readers see durable bytes only. Damage is told with its place, and what is behind it is read.
//! - No bytes on the disk make it panic, or take memory beyond stated limits.
//! - No segment goes but by [`Journal::remove`], which its caller precedes with a durable note.
//!
//! # How it works
//! Two threads: the first takes what waits in a queue bounded in bytes, encodes and compresses it as a frame;
//! meanwhile the second writes and syncs the frame before. The busier the disk, the larger the frames. What
//! cannot be written is refused, the segment it was meant for is closed where it was last good, and the next
//! segment's head says where that is. The disk is tried again after a short pause.
//!
//! The bytes are described in `docs/journal-format.md`.

mod disk;
mod error;
pub mod faulty;
mod format;
mod frame;
mod group;
mod index;
mod journal;
mod keys;
mod options;
mod queue;
mod reader;
mod recovery;
mod shared;
mod slot;
mod sync;
mod usage;
mod writer;

pub use disk::{Disk, DiskFile, ReadAt, RealDisk};
pub use error::{JournalError, Refused};
pub use format::MAX_BATCH_BYTES;
pub use frame::{BatchKey, BatchRef, Damage, Frame, Item, Position, SegmentId};
pub use index::SegmentInfo;
pub use journal::Journal;
pub use options::Options;
pub use reader::Reader;
pub use recovery::{KnownKey, Recovery};
pub use usage::{Histogram, Usage};
