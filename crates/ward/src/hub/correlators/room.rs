//! Room for all lanes together.
//!
//! Invariant: what goes for want of room is counted.

use std::collections::BinaryHeap;

use ward_core::Timestamp;
use ward_detect::correlate::Stats;

use super::{Correlators, LATE_KEPT, LaneKey, MOST_LANES, State, add, name};

impl Correlators {
    /// Lets lanes go that are idle, and others where there are too many for one more.
    pub(super) fn make_room(&mut self, now: Timestamp) {
        let is_old = |state: &State| now.micros() - state.received.micros() > LATE_KEPT;
        let old = self.lanes.iter().filter(|(key, state)| key.late.is_some() && is_old(state));
        let mut going: Vec<LaneKey> = old.map(|(key, _)| key.clone()).collect();
        while self.lanes.len() - going.len() >= MOST_LANES {
            let stay = self.lanes.iter().filter(|(key, _)| !going.contains(key));
            let oldest = stay.min_by_key(|(key, state)| (key.late.is_none(), state.received));
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            going.push(key);
            self.crowded += 1;
        }
        for key in going {
            if let Some(state) = self.lanes.remove(&key) {
                forget(&mut self.gone, &state);
            }
            self.forgotten.push(name(&key));
        }
    }

    /// Where all lanes together hold more than so many bytes, those that hold most give up an eighth, each of its
    /// idlest, until it is less. So a flood at one organisation is at its own cost.
    pub(super) fn share_room(&mut self, most: usize) {
        let mut held: BinaryHeap<(usize, LaneKey)> =
            self.lanes.iter().map(|(key, state)| (state.weight(), key.clone())).collect();
        let mut sum: usize = held.iter().map(|(weight, _)| weight).sum();
        while sum > most {
            let Some((before, key)) = held.pop() else { return };
            let Some(state) = self.lanes.get_mut(&key) else { continue };
            state.give_up_an_eighth();
            let now = state.weight();
            sum = (sum + now).saturating_sub(before);
            if now < before {
                held.push((now, key)); // else it has nothing to give
            }
        }
    }
}

impl State {
    /// Bytes that it takes, about.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.correlator.weight() + self.told_bytes
    }

    fn give_up_an_eighth(&mut self) {
        self.correlator.give_up_an_eighth();
        self.forget_told(self.order.len() - self.order.len().div_ceil(8));
        self.told.shrink_to_fit();
        self.order.shrink_to_fit();
        self.changed = true;
    }
}

/// Keeps what a lane counted, which goes.
fn forget(gone: &mut Stats, state: &State) {
    add(gone, &Stats { keys: 0, ..state.correlator.stats() });
}
