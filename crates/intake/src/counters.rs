//! What is counted, for metrics: plain atomics, read at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Why something was refused, set aside or cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No credential came, and the listener has no source of its own.
    NoCredential,
    /// A credential came that nobody here has.
    UnknownCredential,
    /// A token in the URL, where that is not allowed.
    TokenInQuery,
    /// More connections than the listener takes.
    Connections,
    /// More connections than one peer may hold.
    ConnectionsOfPeer,
    /// A connection that brought nothing valid lost its place to another when there was no room.
    Silent,
    /// The TLS handshake failed.
    Handshake,
    /// A body is longer than the limit, as sent or unpacked.
    TooLarge,
    /// A message is longer than the limit.
    MessageTooLong,
    /// A client was too slow.
    Slow,
    /// A client broke the connection off in the middle of something.
    BrokenOff,
    /// The memory for bodies of this listener is in use.
    Memory,
    /// The source sends more events a second than it may.
    Rate,
    /// The journal is full.
    JournalFull,
    /// The journal is busy.
    JournalBusy,
    /// The journal cannot be written.
    JournalFailing,
    /// Ward is being stopped.
    Stopping,
    /// A content encoding that is not known.
    Encoding,
    /// Compressed bytes that are damaged.
    Compression,
    /// Content of no known format.
    Format,
    /// A Splunk HEC body that is no sequence of events.
    Hec,
    /// A `_bulk` body with a broken action line.
    BulkAction,
    /// A document of a `_bulk` body that is no JSON object.
    BulkDocument,
    /// An OTLP request that cannot be decoded.
    Otlp,
    /// A journal upload that is not in export format.
    JournalExport,
    /// A Beats frame that is none.
    Beats,
    /// A GELF message that is none.
    Gelf,
    /// Parts of a GELF message that never became whole.
    GelfParts,
    /// A Forward message that is none.
    Fluent,
    /// A RELP frame that is none, or not expected.
    Relp,
    /// Datagrams that the kernel dropped.
    DroppedByKernel,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 31] = [
        Self::NoCredential,
        Self::UnknownCredential,
        Self::TokenInQuery,
        Self::Connections,
        Self::ConnectionsOfPeer,
        Self::Silent,
        Self::Handshake,
        Self::TooLarge,
        Self::MessageTooLong,
        Self::Slow,
        Self::BrokenOff,
        Self::Memory,
        Self::Rate,
        Self::JournalFull,
        Self::JournalBusy,
        Self::JournalFailing,
        Self::Stopping,
        Self::Encoding,
        Self::Compression,
        Self::Format,
        Self::Hec,
        Self::BulkAction,
        Self::BulkDocument,
        Self::Otlp,
        Self::JournalExport,
        Self::Beats,
        Self::Gelf,
        Self::GelfParts,
        Self::Fluent,
        Self::Relp,
        Self::DroppedByKernel,
    ];

    /// As it is written in metrics and lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoCredential => "no_credential",
            Self::UnknownCredential => "unknown_credential",
            Self::TokenInQuery => "token_in_query",
            Self::Connections => "connections",
            Self::ConnectionsOfPeer => "connections_of_peer",
            Self::Silent => "silent",
            Self::Handshake => "handshake",
            Self::TooLarge => "too_large",
            Self::MessageTooLong => "message_too_long",
            Self::Slow => "slow",
            Self::BrokenOff => "broken_off",
            Self::Memory => "memory",
            Self::Rate => "rate",
            Self::JournalFull => "journal_full",
            Self::JournalBusy => "journal_busy",
            Self::JournalFailing => "journal_failing",
            Self::Stopping => "stopping",
            Self::Encoding => "encoding",
            Self::Compression => "compression",
            Self::Format => "format",
            Self::Hec => "hec",
            Self::BulkAction => "bulk_action",
            Self::BulkDocument => "bulk_document",
            Self::Otlp => "otlp",
            Self::JournalExport => "journal_export",
            Self::Beats => "beats",
            Self::Gelf => "gelf",
            Self::GelfParts => "gelf_parts",
            Self::Fluent => "fluent",
            Self::Relp => "relp",
            Self::DroppedByKernel => "dropped_by_kernel",
        }
    }
}

/// A number that only grows, or one that goes up and down.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn less(&self, fewer: u64) {
        self.0.fetch_sub(fewer, Ordering::Relaxed);
    }

    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one listener counted.
#[derive(Debug)]
pub struct ListenerFigures {
    /// The listener's name.
    pub name: String,
    /// Its protocol, as its part of the configuration is called.
    pub protocol: &'static str,
    /// Connections taken.
    pub connections: Count,
    /// Connections open now.
    pub open: Count,
    /// Requests, frames of a window, datagrams.
    pub requests: Count,
    /// Batches that the inbox took.
    pub batches: Count,
    /// Events in them, as far as they are counted here.
    pub events: Count,
    /// Bytes in them.
    pub bytes: Count,
    refused: [Count; Reason::ALL.len()],
    set_aside: [Count; Reason::ALL.len()],
}

impl ListenerFigures {
    /// A listener that has counted nothing yet.
    pub fn new(name: &str, protocol: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            protocol,
            connections: Count::default(),
            open: Count::default(),
            requests: Count::default(),
            batches: Count::default(),
            events: Count::default(),
            bytes: Count::default(),
            refused: Default::default(),
            set_aside: Default::default(),
        }
    }

    /// How often something was refused for this reason.
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused.get(reason as usize).map_or(0, Count::get)
    }

    /// How often something was set aside for this reason.
    pub fn set_aside(&self, reason: Reason) -> u64 {
        self.set_aside.get(reason as usize).map_or(0, Count::get)
    }

    pub(crate) fn refuse(&self, reason: Reason, times: u64) {
        if let Some(count) = self.refused.get(reason as usize) {
            count.add(times);
        }
    }

    pub(crate) fn put_aside(&self, reason: Reason) {
        if let Some(count) = self.set_aside.get(reason as usize) {
            count.add(1);
        }
    }
}

/// What all listeners counted.
#[derive(Debug, Default)]
pub struct Counters(Mutex<Vec<Arc<ListenerFigures>>>);

impl Counters {
    /// The figures of each listener, in the order of their start.
    pub fn listeners(&self) -> Vec<Arc<ListenerFigures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The figures of a listener, new ones if there are none of its name and protocol.
    pub fn listener(&self, name: &str, protocol: &'static str) -> Arc<ListenerFigures> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(|it| it.name == name && it.protocol == protocol) {
            return Arc::clone(known);
        }
        let new = Arc::new(ListenerFigures::new(name, protocol));
        all.push(Arc::clone(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_reason_has_a_name_and_a_place_of_its_own() {
        let names: HashSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place, "{reason:?}");
        }
    }

    #[test]
    fn figures_are_kept_apart_by_listener_and_reason() {
        let counters = Counters::default();
        counters.listener("a", "http").refuse(Reason::Rate, 2);
        counters.listener("a", "http").put_aside(Reason::Hec);
        let a = counters.listener("a", "http");
        assert_eq!((a.refused(Reason::Rate), a.set_aside(Reason::Hec)), (2, 1));
        assert_eq!((a.refused(Reason::Hec), a.set_aside(Reason::Rate)), (0, 0));
        assert_eq!(counters.listener("a", "beats").refused(Reason::Rate), 0);
        assert_eq!(counters.listeners().len(), 2);
    }
}
