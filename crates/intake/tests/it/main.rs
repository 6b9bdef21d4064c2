//! Listeners on real sockets, an inbox in memory, and the bytes that real clients send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod beats;
mod elastic;
mod events;
mod fluent;
mod gelf;
mod hec;
mod journal_upload;
mod kit;
mod otlp;
mod relp;
mod routes;
mod syslog;
mod tls;
