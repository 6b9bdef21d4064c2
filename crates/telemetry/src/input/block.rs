//! A piece of an input: whole records, their place, and what was wrong between them.

use super::Format;
use super::table::Columns;
use crate::Error;
use std::sync::Arc;

/// Some whole records, ready to be decoded on any thread.
#[derive(Debug)]
pub struct Block {
    pub(super) format: Format,
    /// The bytes; those from `used` on are left from earlier and mean nothing.
    pub(super) bytes: Vec<u8>,
    pub(super) used: usize,
    /// Where it starts in the decompressed input.
    pub(super) offset: u64,
    /// Number of the first record: line, element, row.
    pub(super) first_record: u64,
    /// Where the records are, unless they are simply lines.
    pub(super) units: Option<Vec<Unit>>,
    /// The header in force at its start.
    pub(super) columns: Option<Arc<Columns>>,
    pub(super) faults: Vec<Fault>,
}

/// Place of one record in its block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub start: usize,
    pub end: usize,
    pub record: u64,
}

/// Something unreadable that the reader met and left out.
#[derive(Debug)]
pub(super) struct Fault {
    pub record: u64,
    pub offset: u64,
    pub error: Error,
}

impl Block {
    /// Where it starts in the decompressed input, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether it has no bytes: it may still have faults to tell.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The memory, to be handed to the next [`Input::next_block`](super::Input::next_block).
    pub fn into_memory(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn data(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }
}
