//! Syslog over UDP (RFC 5426): a datagram is a message.

use std::net::IpAddr;
use std::time::Duration;

use super::tcp::Batch;
use crate::datagrams::{Bad, Reader};

/// Reads datagrams.
#[derive(Debug)]
pub(crate) struct Syslog;

impl Reader for Syslog {
    type Filling = Batch;

    fn take(&mut self, datagram: &[u8], _peer: IpAddr, _now: Duration, batch: &mut Batch) -> Option<Bad> {
        let end = datagram.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |at| at + 1);
        let message = datagram.get(..end).unwrap_or_default();
        if !message.is_empty() {
            batch.0.push(message, false);
        }
        None
    }

    fn given_up(&mut self, _now: Duration) -> Vec<Bad> {
        Vec::new()
    }
}
