//! Syslog over TCP and TLS (RFC 6587, RFC 5425).
//!
//! There is no answer to syslog: what was read and not yet handed over when the machine fails is lost, which
//! is at most two batches a connection. While the inbox refuses, nothing more is read.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Framer, Messages, Step};
use crate::accept::Connection;
use crate::counters::Reason;
use crate::door::{Door, Shown};
use crate::pipe::{Cut, Cutter, Filling, drain};

/// Serves one connection until its end.
pub(crate) async fn serve(door: Arc<Door>, connection: Connection, stop: CancellationToken) {
    let shown = Shown { certificate: connection.certificate, ..Shown::default() };
    let Ok(sender) = door.sender(&shown) else { return };
    let longest = door.limits.message_bytes;
    let stream = Stream { framer: Framer::new(longest.saturating_mul(4)), longest };
    drain(door, sender, connection, stream, Batch::default(), stop).await;
}

#[derive(Debug)]
struct Stream {
    framer: Framer,
    longest: usize,
}

/// Messages being filled.
#[derive(Debug, Default)]
pub(crate) struct Batch(pub(super) Messages);

impl Cutter for Stream {
    type Filling = Batch;

    fn next(&mut self, bytes: &[u8], ended: bool, batch: &mut Batch) -> Cut {
        let set_aside = |start: usize, end: usize, next, reason| Cut::SetAside { start, end, next, reason };
        match self.framer.next(bytes, ended) {
            Step::Message { start, end, next, .. } if end - start > self.longest => {
                set_aside(start, end, next, Reason::MessageTooLong)
            }
            Step::Message { start, end, next, counted } => {
                batch.0.push(bytes.get(start..end).unwrap_or_default(), counted);
                Cut::Taken { next }
            }
            Step::Cut { start } => set_aside(start, bytes.len(), bytes.len(), Reason::BrokenOff),
            Step::TooLong { next } => Cut::Lost { next, reason: Reason::MessageTooLong },
            Step::Skip { next } => Cut::Taken { next },
            Step::More => Cut::More,
        }
    }
}

impl Filling for Batch {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self) -> (&'static str, Vec<u8>, u64) {
        self.0.take()
    }
}
