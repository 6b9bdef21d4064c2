//! Where batches go: the journal, as the listeners see it.

use std::time::Duration;

use futures::future::BoxFuture;
use ward_core::{Batch, BatchId, OrganisationId, SourceId, Timestamp};

use crate::Reason;

/// Takes batches and keeps them.
pub trait Inbox: Send + Sync + 'static {
    /// Offers a batch. It is taken once the future says so, and not before: by then it is on disk. A `key`
    /// that was seen before means the same batch again, which is answered with the number it got first.
    fn offer(&self, batch: Batch, key: Option<[u8; 32]>) -> BoxFuture<'static, Result<BatchId, Refusal>>;

    /// Keeps what could not be framed or decoded, whole.
    fn set_aside(&self, letter: SetAside) -> BoxFuture<'static, Result<(), Refusal>>;
}

/// Why a batch is not taken. The sender keeps it and tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The disk has no room.
    #[error("the journal is full")]
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// More is waiting to be written than there is memory for.
    #[error("the journal is busy")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The disk does not write.
    #[error("the journal cannot be written")]
    Failing,
    /// No batch may be that large. Trying again does not help.
    #[error("the batch is too large")]
    TooLarge,
    /// It is being stopped.
    #[error("the journal is closed")]
    Closed,
}

impl Refusal {
    /// When to try again.
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::Full { retry_after } | Self::Busy { retry_after } => retry_after,
            Self::Failing | Self::TooLarge => Duration::from_secs(5),
            Self::Closed => Duration::from_secs(2),
        }
    }

    /// What it is counted as.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Full { .. } => Reason::JournalFull,
            Self::Busy { .. } => Reason::JournalBusy,
            Self::Failing => Reason::JournalFailing,
            Self::TooLarge => Reason::TooLarge,
            Self::Closed => Reason::Stopping,
        }
    }
}

/// Bytes that could not be framed or decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Whose they are.
    pub organisation: OrganisationId,
    /// Who sent them.
    pub source: SourceId,
    /// When they came.
    pub received: Timestamp,
    /// Name of the listener they came by.
    pub listener: String,
    /// The protocol, as in [`ListenerFigures::protocol`](crate::ListenerFigures).
    pub protocol: &'static str,
    /// What is wrong with them.
    pub reason: Reason,
    /// All of them, as they came.
    pub bytes: Vec<u8>,
}
