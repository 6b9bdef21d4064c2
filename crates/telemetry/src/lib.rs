//! Outside bytes to events: formats recognised by content, field names, log sources.
//!
//! [`input`] turns a stream of bytes (a file, standard input, plain or compressed) into blocks of whole
//! records and each record into a [`ward_core::Event`]; [`taxonomy`] is the table that says which fields
//! mean the same and which log sources an event belongs to; [`json`] finds the fields of a JSON record
//! without building a map.
//!
//! Invariant: nothing in here panics, whatever the bytes; what cannot be read is returned as an error
//! that names the place.
//! Invariant: memory is bounded by the limits, whatever the input's size.

mod error;
pub mod input;
pub mod json;
pub mod taxonomy;

pub use error::Error;
