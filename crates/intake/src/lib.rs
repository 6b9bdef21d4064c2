//! Listeners: bytes from the sector's shippers into the journal.
//!
//! [`start`] binds what an [`IntakeConfig`] names. Each protocol is taken apart only as far as it must be to
//! find whole records and to answer as its clients expect; what the records mean is for the rooms behind.
//! What one sender handed over in one go becomes a [`Batch`](ward_core::Batch) that is offered to the
//! [`Inbox`], and the client hears "received" only after the inbox has said so.
//!
//! Invariant: nothing is acknowledged before the inbox has taken it.
//! Invariant: each batch belongs to the one organisation of the [`Source`](ward_core::Source) that its
//! credential, its client certificate or its listener names.
//! Invariant: what cannot be framed or decoded is set aside whole and counted by [`Reason`].
//! Invariant: memory for each connection, listener and source is bounded by [`Limits`]; a sender over its
//! limits is slowed down or refused, and the others do not notice.
//! Invariant: no token and no payload is logged.

mod accept;
pub mod beats;
pub mod config;
mod counters;
mod credentials;
mod datagrams;
mod door;
mod error;
pub mod fluent;
mod gate;
pub mod gelf;
pub mod http;
mod inbox;
mod kernel;
mod members;
mod memory;
mod pace;
mod pipe;
pub mod relp;
mod running;
mod sources;
pub mod syslog;
mod thinned;
mod tls;
mod wire;

pub use config::{IntakeConfig, Limits};
pub use counters::{Counters, ListenerFigures, Reason};
pub use door::{Clock, Dependencies};
pub use error::IntakeError;
pub use http::{HttpState, Peer, ROUTES, Route, routes};
pub use inbox::{Inbox, Refusal, SetAside};
pub use running::{Bound, Running, start};
pub use sources::{Sender, SourceTable, Sources, digest};
