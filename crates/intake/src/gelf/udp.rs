//! GELF over UDP.

use std::net::IpAddr;
use std::time::Duration;

use super::message::unpacked;
use super::parts::{Datagram, Parts};
use crate::config::Limits;
use crate::counters::Reason;
use crate::datagrams::{Bad, Reader};
use crate::pipe::Records;

/// Reads datagrams.
#[derive(Debug)]
pub(crate) struct Gelf {
    parts: Parts,
    longest: usize,
}

impl Gelf {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { parts: Parts::new(limits.memory_bytes), longest: limits.message_bytes }
    }

    fn message(&self, bytes: &[u8], batch: &mut Records) -> Option<Bad> {
        let taken = unpacked(bytes, self.longest).is_some_and(|message| batch.add(&message));
        (!taken).then(|| Bad { reason: Reason::Gelf, bytes: bytes.to_vec() })
    }
}

impl Reader for Gelf {
    type Filling = Records;

    fn take(&mut self, datagram: &[u8], peer: IpAddr, now: Duration, batch: &mut Records) -> Option<Bad> {
        match self.parts.take(datagram, peer, now) {
            Datagram::Part => None,
            Datagram::Whole(message) => self.message(&message, batch),
            Datagram::Plain => self.message(datagram, batch),
            Datagram::Broken => Some(Bad { reason: Reason::GelfParts, bytes: datagram.to_vec() }),
        }
    }

    fn given_up(&mut self, now: Duration) -> Vec<Bad> {
        let lost = self.parts.given_up(now);
        lost.into_iter().map(|bytes| Bad { reason: Reason::GelfParts, bytes }).collect()
    }
}
