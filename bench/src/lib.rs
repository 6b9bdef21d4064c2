//! Measurements of Ward, and the made-up streams they run on.
//!
//! Invariant: a stream is a function of its size and seed; nothing in it is drawn from real people.

pub mod correlate;
pub mod detect;
pub mod peers;
pub mod process;
pub mod report;
pub mod signins;
pub mod stream;
