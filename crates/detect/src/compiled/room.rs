//! A partition as one thread knows it.

use std::sync::Arc;

use super::cache::Answers;
use super::hints::Hints;
use super::partition::Partition;
use super::plan::{Measured, Plan};

/// A partition with what this thread has learned of its events.
#[derive(Debug)]
pub struct Room {
    pub partition: Arc<Partition>,
    pub plan: Plan,
    pub measured: Measured,
    /// By slot.
    pub learned: Vec<Learned>,
    pub events: u64,
    pub next_plan: u64,
}

/// What a thread learns of a slot.
#[derive(Debug, Default)]
pub struct Learned {
    pub answers: Answers,
    pub hints: Option<Hints>,
    /// Values seen, in lower case, to choose hints by.
    pub seen: Vec<Vec<u8>>,
    pub seen_bytes: usize,
}

impl Room {
    /// Plans anew by what was measured.
    pub fn replan(&mut self) {
        self.plan = Plan::new(&self.partition, &self.measured);
        for (slot, learned) in self.partition.slots.iter().zip(&mut self.learned) {
            let calling = |bit| !self.plan.called_by(bit).is_empty();
            let literals = slot.folded.as_ref().map(|texts| texts.parts(calling)).unwrap_or_default();
            learned.hints = Hints::choose(&literals, &learned.seen);
            learned.answers = Answers::default(); // they may have been left incomplete by the old hints
        }
    }
}
