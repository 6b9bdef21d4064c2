//! The store, on both databases.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod access;
mod alerts;
mod crash;
mod doors;
mod dropped;
mod lake;
mod ledger;
mod people;
mod plans;
mod postgres;
mod quiet;
mod schema;
mod support;
mod tallies;
mod tree;
mod views;
mod work;
