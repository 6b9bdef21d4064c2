//! The seeds of the fuzz targets, and the promise that no parser is without one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod coverage;
mod replay;
