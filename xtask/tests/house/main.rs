//! The rules of the house, kept by tests: who may depend on whom, how long a file may be, what may be
//! shipped, and that the documents are true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod dependencies;
mod direction;
mod documents;
mod licence;
mod size;
mod sources;
mod tree;
