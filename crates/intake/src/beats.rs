//! Beats: Winlogbeat, Filebeat and everything else that speaks Lumberjack version 2.
//!
//! A client says how many events it sends (a window), sends them, plain or packed, and waits for the number
//! of the last one. The events become NDJSON as they came. A window is handed over as one batch, a larger one
//! in parts that are acknowledged one by one. While the journal takes its time the client hears the last
//! number again, which it takes for a sign of life.
//!
//! There is no way to refuse: a connection that brings what cannot be read, or comes while the journal is
//! full, is closed without an acknowledgement, and the client sends again.

pub mod frames;
mod serve;

pub(crate) use serve::serve;
