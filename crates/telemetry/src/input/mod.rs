//! Streams of bytes to events.
