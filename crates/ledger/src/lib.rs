//! Who did what, in a chain that shows where it was touched. Pure: format and verification, no storage.
//!
//! Each [`Entry`] carries the SHA-256 of the one before it and of itself, so an entry that is altered, taken
//! out, put in or moved breaks the chain at a place that [`verify()`] names.
//!
//! Invariant: entries are numbered from 1 without a gap, and entry 1 follows [`Head::EMPTY`].
//! Invariant: an entry's hash covers every other part of it, in the encoding that [`entry`] documents.
//!
//! What a chain alone cannot show is its own end: whoever can write all of it can cut it, or compute it anew.
//! A [`Head`] that is known from elsewhere (a printed one, another machine's) shows that too.

pub mod canonical;
pub mod entry;
pub mod hash;
pub mod verify;

pub use canonical::canonical;
pub use entry::{Chain, Entry, Head, NewEntry, actor_kind, actor_kind_name};
pub use hash::{BadHash, Hash};
pub use verify::{Broken, Verifier, Why, verify, verify_to};
