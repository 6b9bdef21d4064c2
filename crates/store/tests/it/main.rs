//! The store, on both databases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod access;
mod alerts;
mod lake;
mod ledger;
mod postgres;
mod schema;
mod support;
