//! Inputs as they arrive, read to the end.

// The lints that keep panics out of the product do not know that this is a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod conformance;
mod corpus;
mod hostile;
mod properties;
mod reading;
