//! GELF over TCP: messages that end in a NUL, as graypy and log4j send them; or in a newline.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::message::record;
use crate::accept::Connection;
use crate::counters::Reason;
use crate::door::{Door, Shown};
use crate::pipe::{Cut, Cutter, Records, drain};

/// Serves one connection until its end.
pub(crate) async fn serve(door: Arc<Door>, connection: Connection, stop: CancellationToken) {
    let shown = Shown { certificate: connection.certificate, ..Shown::default() };
    let Ok(sender) = door.sender(&shown) else { return };
    let stream = Stream { longest: door.limits.message_bytes, looked: 0, discard: false };
    drain(door, sender, connection, stream, Records::default(), stop).await;
}

#[derive(Debug)]
struct Stream {
    longest: usize,
    /// Bytes of the message at hand that are known to hold no end.
    looked: usize,
    /// The rest of the message is to be thrown away.
    discard: bool,
}

impl Cutter for Stream {
    type Filling = Records;

    fn next(&mut self, bytes: &[u8], ended: bool, batch: &mut Records) -> Cut {
        let found =
            memchr::memchr(0, bytes.get(self.looked..).unwrap_or_default()).map(|at| at + self.looked);
        let end = match found {
            Some(end) => end,
            None if ended && !bytes.is_empty() => bytes.len(),
            None if bytes.len() > self.longest => {
                self.looked = 0;
                let first = !std::mem::replace(&mut self.discard, true);
                let next = bytes.len();
                return if first {
                    Cut::Lost { next, reason: Reason::MessageTooLong }
                } else {
                    Cut::Taken { next }
                };
            }
            None => {
                self.looked = bytes.len();
                return Cut::More;
            }
        };
        self.looked = 0;
        let next = (end + 1).min(bytes.len());
        if std::mem::take(&mut self.discard) {
            return Cut::Taken { next };
        }
        let message = bytes.get(..end).unwrap_or_default().trim_ascii();
        if message.is_empty() || batch.add(message) {
            return Cut::Taken { next };
        }
        Cut::SetAside { start: 0, end, next, reason: Reason::Gelf }
    }
}

impl Records {
    /// Adds a message. `false`: it is none.
    pub(super) fn add(&mut self, message: &[u8]) -> bool {
        let added = record(message, &mut self.payload);
        self.events += u64::from(added);
        added
    }
}
