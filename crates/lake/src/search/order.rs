//! Newest first, without reading everything first.
//!
//! Files and row groups wait in the order of their latest time. A file is looked into when it is its turn;
//! its row groups then wait for theirs. A row that was found is handed out as soon as nothing that waits or
//! is being read can have a later one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::FoundRow;

/// What is to be looked at: a file, or a row group of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unit {
    /// The latest time in it.
    pub latest: i64,
    /// Which file.
    pub file: Reverse<usize>,
    /// Which of its row groups. `None`: it has not been looked into.
    pub group: Option<usize>,
}

/// What waits, what is being read, and what was found but may not be handed out yet.
#[derive(Debug)]
pub(crate) struct Order {
    waiting: BinaryHeap<Unit>,
    being_read: Vec<Unit>,
    found: BinaryHeap<Found>,
    bytes: usize,
    /// How many rows may still be handed out.
    left: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct Found(FoundRow);

impl Order {
    pub fn new(units: Vec<Unit>, rows: usize) -> Self {
        Self { waiting: units.into(), being_read: Vec::new(), found: BinaryHeap::new(), bytes: 0, left: rows }
    }

    /// The next to be looked at.
    pub fn take(&mut self) -> Option<Unit> {
        let unit = self.waiting.pop()?;
        self.being_read.push(unit);
        Some(unit)
    }

    /// Whether nothing waits and nothing is being read.
    pub fn is_done(&self) -> bool {
        self.left == 0 || (self.waiting.is_empty() && self.being_read.is_empty())
    }

    /// How many rows may still be handed out.
    pub fn left(&self) -> usize {
        self.left
    }

    /// A file was looked into, or a row group read.
    pub fn done(&mut self, unit: Unit, groups: Vec<Unit>, rows: Vec<FoundRow>) {
        self.being_read.retain(|other| *other != unit);
        self.waiting.extend(groups);
        for row in rows {
            self.bytes += row.size();
            self.found.push(Found(row));
        }
    }

    /// Bytes of the rows that were found and wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets rows that were found and can never be handed out, for there are enough later ones.
    pub fn trim(&mut self) {
        if self.found.len() > self.left.saturating_mul(2).max(1_024) {
            let mut rows = std::mem::take(&mut self.found).into_sorted_vec();
            let spare = rows.len().saturating_sub(self.left);
            rows.drain(..spare).for_each(|Found(row)| self.bytes -= row.size());
            self.found = rows.into();
        }
    }

    /// The next row that may be handed out.
    pub fn next(&mut self) -> Option<FoundRow> {
        let waiting = self.waiting.peek().map(|unit| unit.latest);
        let bound = self.being_read.iter().map(|unit| unit.latest).chain(waiting).max();
        let next = self.found.peek()?;
        // of the same time, the one that waits may have to come first
        if self.left == 0 || bound.is_some_and(|bound| next.0.time.micros() <= bound) {
            return None;
        }
        let Found(row) = self.found.pop()?;
        self.bytes -= row.size();
        self.left -= 1;
        Some(row)
    }
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |row: &FoundRow| (row.time, row.id);
        key(&self.0).cmp(&key(&other.0)).then_with(|| self.0.organisation.cmp(&other.0.organisation))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
