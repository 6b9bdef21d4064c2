//! Which fields mean the same, and which log sources an event belongs to.
