//! Syslog: messages out of streams and datagrams, as they stand. What they say is read later.
//!
//! A stream becomes batches of the format `syslog` (a message a line), or `syslog-frames` (RFC 6587 section
//! 3.4.1) where messages came counted or hold line breaks.

mod framing;
mod messages;
mod tcp;
mod udp;

pub use framing::{Framer, Step};
pub use messages::Messages;
pub(crate) use tcp::serve;
pub(crate) use udp::Syslog;
