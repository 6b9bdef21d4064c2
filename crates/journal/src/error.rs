//! What can go wrong.

use std::io;
use std::sync::Arc;

use crate::frame::SegmentId;

/// Why something about the journal could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The disk failed.
    #[error("{doing}")]
    Disk {
        /// What was to be done.
        doing: String,
        /// What the disk said.
        source: io::Error,
    },
    /// It was written by a later Ward.
    #[error("segment {segment} has version {version}, which this Ward does not know")]
    Version {
        /// The segment.
        segment: SegmentId,
        /// Its version.
        version: u32,
    },
    /// There is no such segment.
    #[error("there is no segment {0}")]
    NoSegment(SegmentId),
    /// A segment that is still written is not removed.
    #[error("segment {0} is still being written")]
    NotSealed(SegmentId),
    /// A thread could not be started.
    #[error("start a thread of the journal")]
    Thread(#[source] io::Error),
}

/// Why a batch was not taken. It is not in the journal, and will not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Too much waits to be written. Soon there is room again.
    #[error("too much waits to be written")]
    Busy,
    /// The disk, or what the journal may use of it, is full. The batch may be sent again later.
    #[error("the journal has no room")]
    Full,
    /// The disk fails. The batch may be sent again later.
    #[error("the journal's disk fails: {reason}")]
    Failing {
        /// What the disk said.
        reason: Arc<str>,
    },
    /// No journal takes a batch of this size, or a format of such a long name.
    #[error("the batch is too large: {bytes} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The journal is closing.
    #[error("the journal is closed")]
    Closed,
}

impl JournalError {
    pub(crate) fn disk(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Disk { doing: doing.into(), source }
    }
}

impl Refused {
    /// What an error of the disk means to senders.
    pub(crate) fn by(error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            _ => Self::Failing { reason: error.to_string().into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_failing_one() {
        assert_eq!(Refused::by(&io::Error::from(io::ErrorKind::StorageFull)), Refused::Full);
        assert_eq!(Refused::by(&io::Error::from(io::ErrorKind::QuotaExceeded)), Refused::Full);
        assert!(matches!(Refused::by(&io::Error::other("gone")), Refused::Failing { .. }));
    }
}
