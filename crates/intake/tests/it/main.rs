//! Listeners on real sockets, an inbox in memory, and the bytes that real clients send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod events;
mod kit;
mod syslog;
