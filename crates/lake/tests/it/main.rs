//! The lake as its callers use it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod docs;
mod export;
mod formats;
mod keep;
mod sample;
mod search;
mod sql;
mod write;
