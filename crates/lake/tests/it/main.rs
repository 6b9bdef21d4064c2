//! The lake as its callers use it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod sample;
mod search;
mod write;
