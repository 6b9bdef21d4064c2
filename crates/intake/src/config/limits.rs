//! How much of everything.

use std::time::Duration;

use serde::Deserialize;

/// The limits of a listener. Those that its protocol has no use for do nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest request body, Beats frame or Forward message as it is sent, in bytes. Default 16 MiB.
    pub body_bytes: usize,
    /// Longest body, frame or message once unpacked, in bytes. Default 24 MiB: the journal takes 32 in one batch, and
    /// records may be longer than what they came in.
    pub unpacked_bytes: usize,
    /// Longest syslog, RELP or GELF message and journal field, in bytes. Default 1 MiB.
    pub message_bytes: usize,
    /// Bytes that all requests and connections of the listener may hold at a time; the first 64 KiB of each connection
    /// do not count, and one source has at most a quarter of it, or what one body may
    /// take. Default 256 MiB.
    pub memory_bytes: usize,
    /// Connections at a time. Default 4,096.
    pub connections: usize,
    /// Connections of one address at a time. Default 1,024.
    pub connections_of_peer: usize,
    /// Seconds after which a connection that has brought nothing valid yet, no message and no client certificate, gives its
    /// place to a new one when there is none left. While there is room it stays. Default 30.
    pub silent_seconds: u64,
    /// Seconds for a TLS handshake, and for the head of a request. Default 10.
    pub header_seconds: u64,
    /// Seconds without a byte in the middle of a body or message. Default 30.
    pub read_seconds: u64,
    /// Seconds for a whole body. Default 300.
    pub body_seconds: u64,
    /// Seconds without a byte between the messages of a stream. Default 86,400: a quiet device is no broken
    /// one.
    pub idle_seconds: u64,
    /// Bytes of messages of one stream that are handed over at a time. Default 1 MiB.
    pub batch_bytes: usize,
    /// Milliseconds that the first message of a batch waits for others. Default 20.
    pub batch_milliseconds: u64,
}

/// A setting's name and value, and the least and most that it may be.
pub(super) type OutOfBounds = (&'static str, u64, u64, u64);

const GIBIBYTE: u64 = 1 << 30;
const YEAR: u64 = 365 * 86_400;

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 16 << 20,
            unpacked_bytes: 24 << 20,
            message_bytes: 1 << 20,
            memory_bytes: 256 << 20,
            connections: 4096,
            connections_of_peer: 1024,
            silent_seconds: 30,
            header_seconds: 10,
            read_seconds: 30,
            body_seconds: 300,
            idle_seconds: 86_400,
            batch_bytes: 1 << 20,
            batch_milliseconds: 20,
        }
    }
}

impl Limits {
    /// The first setting that is out of its bounds: its name, what it is, and the least and most that it may be.
    pub(super) fn out_of_bounds(&self) -> Option<OutOfBounds> {
        let Self { body_bytes, unpacked_bytes, message_bytes, memory_bytes, .. } = *self;
        let Self { connections, connections_of_peer, .. } = *self;
        let Self { silent_seconds, header_seconds, read_seconds, body_seconds, idle_seconds, .. } = *self;
        let Self { batch_bytes, batch_milliseconds, .. } = *self;
        [
            ("body_bytes", body_bytes as u64, 1, GIBIBYTE),
            ("unpacked_bytes", unpacked_bytes as u64, 1, GIBIBYTE),
            ("message_bytes", message_bytes as u64, 1, GIBIBYTE),
            ("memory_bytes", memory_bytes as u64, 1, 1024 * GIBIBYTE),
            ("connections", connections as u64, 1, 1_000_000),
            ("connections_of_peer", connections_of_peer as u64, 1, 1_000_000),
            ("silent_seconds", silent_seconds, 1, YEAR),
            ("header_seconds", header_seconds, 1, YEAR),
            ("read_seconds", read_seconds, 1, YEAR),
            ("body_seconds", body_seconds, 1, YEAR),
            ("idle_seconds", idle_seconds, 1, YEAR),
            ("batch_bytes", batch_bytes as u64, 1, GIBIBYTE),
            ("batch_milliseconds", batch_milliseconds, 0, 3_600_000),
        ]
        .into_iter()
        .find(|(_, value, least, most)| !(least..=most).contains(&value))
    }

    pub(crate) const fn silent(&self) -> Duration {
        Duration::from_secs(self.silent_seconds)
    }

    pub(crate) const fn header(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    pub(crate) const fn read(&self) -> Duration {
        Duration::from_secs(self.read_seconds)
    }

    pub(crate) const fn body(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    pub(crate) const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// Most bytes of records that a body may become: records say more than what they came in.
    pub(crate) const fn records_bytes(&self) -> usize {
        self.unpacked_bytes + self.unpacked_bytes / 4
    }

    pub(crate) const fn linger(&self) -> Duration {
        Duration::from_millis(self.batch_milliseconds)
    }
}
