//! The built binary, as its users meet it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test fails by panicking, and tells why it did not run

mod crash;
mod desk;
mod detect;
mod dice;
mod formats;
mod full;
mod hub;
mod proof;
mod rules;
mod running;
mod senders;
mod small_disk;
