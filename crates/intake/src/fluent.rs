//! Fluent Forward, version 1: Fluentd, Fluent Bit, Docker's `fluentd` driver and the libraries of Fluentd.
//!
//! A client sends one [`message`] after another, each an array of [`messagepack`], and may ask for an answer by
//! naming the message (`chunk`). A message that is named is a batch of its own, which is acknowledged once it is
//! kept; when it is sent again it is the same batch. Those that are not named go together, as syslog does.
//!
//! The handshake by `shared_key` is left out: nothing is said to the client before it sends. A client is told
//! by its certificate, or by the listener.

pub mod message;
pub mod messagepack;
mod record;
mod serve;

pub(crate) use serve::serve;
