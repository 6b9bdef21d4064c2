//! GELF: Graylog's messages, over TCP and UDP.
//!
//! Over TCP each message ends in a NUL. Over UDP a datagram is a message, plain or packed (gzip, zlib), or a
//! part of one, see [`parts`]. What a message becomes is told by [`message`].

pub mod message;
pub mod parts;
mod tcp;
mod udp;

pub(crate) use tcp::serve;
pub(crate) use udp::Gelf;
