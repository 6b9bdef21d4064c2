//! The journal's promises, against a disk that breaks them where it can.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod damage;
mod hub;
mod keys;
mod power;
mod reading;
mod refusal;
