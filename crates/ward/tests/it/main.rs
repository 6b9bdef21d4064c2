//! The built binary, as its users meet it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test: what is missing should end it; skips are printed

mod backup;
mod clients;
mod crash;
mod desk;
mod detect;
mod dice;
mod formats;
mod full;
mod hub;
mod operator;
mod person;
#[path = "../../../store/tests/it/postgres.rs"]
mod postgres;
mod proof;
mod rules;
mod running;
mod senders;
mod small_disk;
