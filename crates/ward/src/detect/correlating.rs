//! The one correlator of a scan: takes what the threads saw, in order, and tells what fired.
//!
//! Threads hand over compact sightings and, for each event that made one, what a finding would have to
//! tell of it. The latter is remembered for the latest events only.
//!
//! Invariant: memory is bounded: by the reorder buffer, by the correlator's limits, and by
//! [`MOST_BYTES`] of remembered texts.

use std::collections::{HashMap, VecDeque};

use ward_detect::correlate::{Correlated, Correlator, Limits, Reduced, Reorder, Skipped, Stats};
use ward_detect::{CorrelationRule, Rule};

use super::finding::Place;
use super::inputs::Named;
use crate::error::Error;
use crate::told::Told;

/// Sightings that wait for older ones of other files.
const WAITING: usize = 1 << 19;
/// Most bytes of texts that are remembered.
const MOST_BYTES: usize = 64 << 20;

/// What a block meant to the correlations.
#[derive(Debug, Default)]
pub struct Seen {
    /// The sightings.
    pub sightings: Vec<Reduced>,
    /// What to remember of their events, by handle.
    pub told: Vec<(u64, Told)>,
    /// Matches that meant nothing.
    pub skipped: Skipped,
}

/// A correlation that fired.
#[derive(Debug)]
pub struct Fired {
    /// What the correlator says.
    pub found: Correlated,
    /// Host of the event that completed it.
    pub host: Option<Box<str>>,
}

/// Correlator with what it needs around it.
#[derive(Debug)]
pub struct Correlating {
    correlator: Correlator,
    waiting: Reorder,
    told: HashMap<u64, Told>,
    order: VecDeque<u64>,
    bytes: usize,
    buffer: Vec<Correlated>,
}

impl Correlating {
    /// For these correlations over these rules.
    ///
    /// # Errors
    /// A correlation asks for more than can be kept.
    pub fn new(correlations: &[CorrelationRule], rules: &[Rule]) -> Result<Self, Error> {
        let correlator = Correlator::new(correlations, rules, Limits::default())
            .map_err(|error| Error::Correlate(Box::new(error)))?;
        Ok(Self {
            correlator,
            waiting: Reorder::new(WAITING),
            told: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            buffer: Vec::new(),
        })
    }

    /// The correlator, for its reducer.
    pub fn correlator(&self) -> &Correlator {
        &self.correlator
    }

    /// Takes in what a block meant; appends what fired.
    pub fn take(&mut self, seen: Seen, fired: &mut Vec<Fired>) {
        self.correlator.count_skipped(seen.skipped);
        for (handle, told) in seen.told {
            self.remember(handle, told);
        }
        for sighting in seen.sightings {
            if let Some(oldest) = self.waiting.push(sighting) {
                self.correlator.observe_reduced(oldest, &mut self.buffer);
                self.tell(fired);
            }
        }
    }

    /// Takes in what still waits: nothing more will come.
    pub fn finish(&mut self, fired: &mut Vec<Fired>) {
        while let Some(oldest) = self.waiting.pop() {
            self.correlator.observe_reduced(oldest, &mut self.buffer);
            self.tell(fired);
        }
        self.correlator.finish(&mut self.buffer);
        self.tell(fired);
    }

    /// What was left out, and why.
    pub fn losses(&self) -> Vec<(&'static str, u64)> {
        let Stats { evicted, late, ahead, ungrouped, unvalued, folded, .. } = self.correlator.stats();
        [
            ("came later than allowed and did not count", late),
            ("had a time that cannot be and did not count", ahead),
            ("had no value of a field to group by and did not count", ungrouped),
            ("had no value of the field to compute with and did not count", unvalued),
            ("were forgotten early because one group had too many", folded),
            ("were of groups forgotten because there were too many", evicted),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
    }

    fn tell(&mut self, fired: &mut Vec<Fired>) {
        for mut found in self.buffer.drain(..) {
            let last = found.evidence.last().and_then(|handle| self.told.get(handle));
            if let Some(told) = last {
                self.correlator.name_group(&mut found, told);
            }
            fired.push(Fired { host: last.and_then(|told| told.host.clone()), found });
        }
    }

    fn remember(&mut self, handle: u64, told: Told) {
        self.bytes += told.size();
        if let Some(before) = self.told.insert(handle, told) {
            self.bytes -= before.size();
            return;
        }
        self.order.push_back(handle);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.told.remove(&oldest).map_or(0, |told| told.size());
        }
    }
}

/// The number by which the correlator knows an event: of the input, then of the record in it.
pub fn handle(source: u32, record: u64) -> u64 {
    let source = u64::from(source).min(u64::MAX >> RECORD_BITS);
    source << RECORD_BITS | (record & RECORD_MASK)
}

/// Where the event with this handle stands.
pub fn place(handle: u64, inputs: &[Named]) -> Place<'_> {
    let source = inputs.get((handle >> RECORD_BITS) as usize).map_or("", |named| &named.shown);
    Place { source, record: handle & RECORD_MASK }
}

/// More records than an input can have.
const RECORD_BITS: u32 = 44;
const RECORD_MASK: u64 = (1 << RECORD_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_leads_back_to_its_place() {
        let named = |shown: &str| Named { shown: shown.into(), path: None, by_name: true, size: None };
        let inputs = [named("a"), named("b")];
        let place = place(handle(1, 4711), &inputs);
        assert_eq!((place.source, place.record), ("b", 4711));
    }

    #[test]
    fn only_so_much_is_remembered() {
        let mut correlating = Correlating::new(&[], &[]).unwrap();
        let long: Box<str> = "x".repeat(1 << 20).into();
        for n in 0..200 {
            correlating.remember(n, Told { values: Box::new([(0, long.clone())]), host: None });
        }
        assert!(correlating.bytes <= MOST_BYTES && correlating.told.len() == correlating.order.len());
        assert!(correlating.told.contains_key(&199) && !correlating.told.contains_key(&0));
    }
}
