//! Correlations: sightings of rules, counted and put in order over time, for millions of keys at once.
//!
//! A *sighting* is a match of a rule. It goes to each correlation that refers to the rule, and there to
//! the *key* made of its values of the fields to group by. Every key has a state of its own. When a
//! window of a key fulfils the condition, the correlation *fires*: a [`Correlated`] comes out, and
//! correlations that refer to this one get a sighting at that time, with the fields of the event that
//! made it fire.
//!
//! # When a correlation fires
//!
//! * A window is a timespan long and slides: it ends at a sighting and holds what is less than a timespan
//!   older. Times are compared to the millisecond (to the second for timespans above twelve days).
//! * Conditions that only ask for more (`gt`, `gte`, references without `not`) are decided at each
//!   sighting. A key that fired is silent for a timespan; while the condition stays true, it fires again
//!   when that is over. So the windows of two firings have no sighting in common: an attack that goes on
//!   is told once per timespan, and never twice with the same evidence.
//! * All other conditions (`lt`, `lte`, `eq`, `neq`, ranges, `not`) could be undone by the next sighting.
//!   They are decided once, when the window is over: it opens at a key's first sighting outside an
//!   earlier window, lasts a timespan, and ends when the watermark has passed its end by the lateness.
//! * A sighting without a field to group by, or without the value asked for, does not count and is
//!   counted in [`Stats`]. Of a field with several values, the first counts. Group values are compared
//!   as they are written.
//!
//! # Order
//!
//! Event time governs. The watermark is the latest time seen or told by [`Correlator::advance`]. What is
//! behind it by no more than [`Limits::lateness`] is exact: it is put at its place, and every window
//! that holds it is decided anew; the earliest that fulfils the condition fires, unless the key is
//! silent there or has fired later than that. What is later is dropped and counted. Files are best read
//! through a [`Reorder`].
//!
//! # Memory
//!
//! | state | bytes |
//! |---|---|
//! | a key with up to three sightings (one, if they have values) | 24 in a table 7/8 full at most, 27 to 31 in all |
//! | `event_count` >= N | 4 for each of at most N (2 + lateness / timespan) times |
//! | `value_count` >= N | 16 (index: 17) for each of at most N settled values and the sightings within the lateness |
//! | `temporal` of k | 16 for each of at most k settled sightings and those within the lateness |
//! | `temporal_ordered` of k | 16 for each of at most k³ settled ones and those within the lateness |
//! | `value_sum`, `value_avg`, `value_percentile`, `value_median` | 16 to 24 for each sighting in the window |
//! | conditions decided at the end | 200, and 16 for each distinct value or number |
//!
//! None keeps more than twice [`Limits::key_sightings`] for a key (or four times the threshold of a
//! `value_count`). Above that, counts, sums and means merge neighbours (their window's start is then off
//! by up to 1/256 of the timespan), the others give up first what only late sightings would need, then
//! the oldest; [`Stats::folded`] counts it. Above [`Limits::keys`] the keys idle longest go. Fingerprints
//! of 64 bits stand for keys and values: among 40 million, two are taken for one with probability 0.00004.
//!
//! Invariant: whatever the order of sightings within the lateness, what fires is what a full account of
//! all sightings would say (`reference` in the tests is that account).
//! Invariant: nothing is forgotten without being counted.

mod checkpoint;
mod error;
mod fingerprint;
mod fire;
mod grown;
#[cfg(test)]
mod judged;
mod keys;
mod limits;
mod measure;
mod open;
mod plan;
mod recall;
#[cfg(test)]
mod reference;
mod reorder;
mod route;
mod scribe;
mod shard;
mod sighting;
mod slot;
mod sweep;
#[cfg(test)]
mod tests;
mod thin;
mod times;
mod trail;
mod window;
mod wire;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use ward_core::Timestamp;

use self::fire::Cause;
use self::grown::Body;
use self::keys::{Arrival, Keys};
use self::plan::Plan;
use self::trail::Trail;
use crate::correlation_rule::CorrelationRule;
use crate::rule::Rule;

pub use self::error::CorrelateError;
pub use self::limits::{Limits, Stats};
pub use self::reorder::Reorder;
pub use self::route::{Reducer, Skipped};
pub use self::sighting::{Correlated, Fields, Reduced, Sighting};

/// All correlations and their state.
#[derive(Debug, Clone)]
pub struct Correlator {
    plans: Arc<[Plan]>,
    limits: Limits,
    reducer: Reducer,
    keys: Keys,
    trail: Trail,
    /// When a key's open window is to be decided, and the key.
    due: BinaryHeap<Reverse<(i64, u64)>>,
    /// Latest time seen or told. `None`: nothing yet.
    watermark: Option<i64>,
    /// Latest time told.
    told: Option<i64>,
    stats: Stats,
    buffer: Vec<Reduced>,
    next_sweep: usize,
}

impl Correlator {
    /// Correlations without any state. `rules` are the detection rules that they refer to by index.
    pub fn new(
        correlations: &[CorrelationRule],
        rules: &[Rule],
        limits: Limits,
    ) -> Result<Self, CorrelateError> {
        let limits = Limits { lateness: limits.lateness.clamp(0, LONGEST_LATENESS), ..limits };
        if correlations.len() > usize::from(u16::MAX) {
            return Err(CorrelateError::TooManyCorrelations { count: correlations.len() });
        }
        let plans: Arc<[Plan]> =
            correlations.iter().map(|c| Plan::new(c, rules, &limits)).collect::<Result<_, _>>()?;
        let definitions: Vec<u64> = plans.iter().map(|p| p.definition).collect();
        let reducer = Reducer::new(correlations, &definitions, limits.seed)?;
        Ok(Self::without_state(plans, reducer, limits))
    }

    /// Another of the same correlations and limits, without any state. It shares all that does not change.
    pub fn alike(&self) -> Self {
        Self::without_state(Arc::clone(&self.plans), self.reducer.clone(), self.limits)
    }

    fn without_state(plans: Arc<[Plan]>, reducer: Reducer, limits: Limits) -> Self {
        Self {
            keys: Keys::new(&plans, &limits, 0),
            trail: Trail::new(limits.trail),
            due: BinaryHeap::new(),
            watermark: None,
            told: None,
            stats: Stats::default(),
            buffer: Vec::new(),
            next_sweep: 0,
            plans,
            reducer,
            limits,
        }
    }

    /// What turns matches into sightings for [`Self::observe_reduced`], on any thread.
    pub fn reducer(&self) -> Reducer {
        self.reducer.clone()
    }

    /// Takes in a match. What fires is appended to `out`.
    pub fn observe(&mut self, sighting: &Sighting, out: &mut Vec<Correlated>) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let skipped = self.reducer.reduce(sighting, &mut buffer);
        self.count_skipped(skipped);
        for reduced in buffer.drain(..) {
            self.take_in(reduced, Some(sighting.fields), out);
        }
        self.buffer = buffer;
    }

    /// Takes in a sighting that this correlator's [`Reducer`] made. What fires is appended to `out`.
    pub fn observe_reduced(&mut self, reduced: Reduced, out: &mut Vec<Correlated>) {
        self.take_in(reduced, None, out);
    }

    /// Takes in many sightings, in their order. The same as one by one, only faster when there are more
    /// keys than fit into the processor's caches.
    pub fn observe_all(&mut self, sightings: &mut Vec<Reduced>, out: &mut Vec<Correlated>) {
        let keys: Vec<u64> = sightings.iter().map(|s| s.key).collect();
        let mut together = keys.chunks(TOGETHER);
        for (i, sighting) in sightings.drain(..).enumerate() {
            if i % TOGETHER == 0 {
                let keys = together.next().unwrap_or(&[]);
                let steps = keys.iter().fold(0, |all, key| all ^ self.trail.touch(*key));
                std::hint::black_box((self.keys.touch(keys), steps));
            }
            self.take_in(sighting, None, out);
        }
    }

    /// Counts what a [`Reducer`] skipped.
    pub fn count_skipped(&mut self, skipped: Skipped) {
        self.stats.ungrouped += skipped.ungrouped;
        self.stats.unvalued += skipped.unvalued;
    }

    /// Says that it is `watermark` now: windows that are over are decided, and what comes later than
    /// allowed behind it will be dropped. To be called now and then while no events come, and, with a
    /// time far ahead, at the end of input.
    pub fn advance(&mut self, watermark: Timestamp, out: &mut Vec<Correlated>) {
        let time = watermark.micros().clamp(-LAST_TIME, LAST_TIME);
        self.told = Some(self.told.map_or(time, |told| told.max(time)));
        self.pass(time, out);
        self.keys.sweep_some(self.next_sweep, &self.plans, time, &self.limits, &mut self.stats);
        self.next_sweep = (self.next_sweep + 16) % self.keys.shards.len();
    }

    /// Decides all windows still open, as if the lateness had passed since the last of them.
    pub fn finish(&mut self, out: &mut Vec<Correlated>) {
        while let Some(Reverse((due, _))) = self.due.peek() {
            self.pass(*due, out);
        }
    }

    /// Decides all windows still open by what has come so far, as if that were all, without believing that
    /// time has passed: what comes afterwards still counts as far as the lateness allows. What then comes
    /// for a window that was decided here opens another.
    pub fn decide(&mut self, out: &mut Vec<Correlated>) {
        let watermark = self.watermark;
        while let Some(Reverse((due, key))) = self.due.pop() {
            let end = due.saturating_sub(self.limits.lateness);
            self.watermark = self.watermark.max(Some(end));
            self.close(due, key, end, out);
        }
        self.watermark = watermark;
    }

    /// Fills in the group's names and values from the event behind the last evidence handle.
    pub fn name_group(&self, found: &mut Correlated, fields: &dyn Fields) {
        let (route, step) = found.source;
        let (Some(step), Some(plan)) =
            (self.reducer.routes.step(route, step), self.plans.get(found.correlation))
        else {
            return;
        };
        let mut text = Vec::new();
        found.group.clear();
        for (name, field) in plan.group_by.iter().zip(&step.group) {
            text.clear();
            if fields.read(*field, &mut text) {
                found.group.push((name.clone(), String::from_utf8_lossy(&text).into_owned()));
            }
        }
    }

    /// What it holds and what it counted. Takes time in proportion to the grown keys.
    pub fn stats(&self) -> Stats {
        let due = self.due.capacity() * size_of::<(i64, u64)>();
        Stats {
            keys: self.keys.len(),
            grown: self.keys.grown.len(),
            bytes: self.keys.bytes() + self.trail.bytes() + due,
            ..self.stats
        }
    }

    /// Bytes that it holds, about: quicker to tell than [`Stats::bytes`].
    pub fn weight(&self) -> usize {
        self.keys.weight() + self.trail.bytes()
    }

    /// Gives up an eighth of what it holds, of the keys those idle longest, for others that need the room.
    /// Keys are counted in [`Stats::evicted`].
    pub fn give_up_an_eighth(&mut self) {
        self.keys.give_up_an_eighth(&self.plans, &mut self.stats);
        self.trail.give_up_an_eighth();
    }

    fn take_in(&mut self, reduced: Reduced, fields: Option<&dyn Fields>, out: &mut Vec<Correlated>) {
        self.stats.sightings += 1;
        let time = reduced.time;
        let far = |told: i64| self.limits.ahead.is_some_and(|ahead| time > told.saturating_add(ahead));
        if self.told.is_some_and(far) || !(-LAST_TIME..=LAST_TIME).contains(&time) {
            self.stats.ahead += 1;
            return;
        }
        if self.watermark.is_none_or(|watermark| time > watermark) {
            self.pass(time, out);
        }
        if time < self.settled() {
            self.stats.late += 1;
            return;
        }
        self.feed(reduced, fields, out);
    }

    /// No sighting before this time will be taken in.
    fn settled(&self) -> i64 {
        self.watermark.unwrap_or(-LAST_TIME).saturating_sub(self.limits.lateness)
    }

    /// Moves the watermark, and decides on the way the windows that end, each at its time.
    fn pass(&mut self, time: i64, out: &mut Vec<Correlated>) {
        if self.watermark.is_none() {
            self.keys.shards.iter_mut().for_each(|shard| shard.base = time);
            self.watermark = Some(time);
        }
        while let Some(Reverse((due, key))) = self.due.peek().copied().filter(|r| r.0.0 <= time) {
            self.due.pop();
            self.watermark = self.watermark.max(Some(due));
            self.close(due, key, self.settled(), out);
        }
        self.watermark = self.watermark.max(Some(time));
    }

    fn feed(&mut self, reduced: Reduced, fields: Option<&dyn Fields>, out: &mut Vec<Correlated>) {
        let Some(watermark) = self.watermark else { return };
        let settled = self.settled();
        let Self { plans, keys, trail, limits, stats, .. } = self;
        let Some(plan) = plans.get(usize::from(reduced.correlation)) else { return };
        keys.tend(reduced.key, plans, watermark, limits, stats);
        let arrival = Arrival {
            plan,
            index: reduced.correlation,
            key: reduced.key,
            time: reduced.time,
            value: reduced.value,
            evidence: reduced.evidence,
            settled,
        };
        if !plan.at_close {
            if let Some(fired) = keys.arrive(&arrival, trail, limits, stats) {
                let index = usize::from(reduced.correlation);
                let exact = (fired.end == plan.tick(reduced.time)).then_some(reduced.time);
                let cause = Cause {
                    key: reduced.key,
                    evidence: reduced.evidence,
                    reference: reduced.reference,
                    carried: reduced.carried.as_deref(),
                    fields,
                };
                self.emit(index, fired, exact, cause, out);
            }
            return;
        }
        let mut early = Vec::new();
        let (reference, carried) = (reduced.reference, reduced.carried);
        let (before, end) = keys.arrive_open(&arrival, limits, |state, entry, settled| {
            if let Body::Open(open) = &mut state.body {
                open.arrive(plan, entry, settled, &mut early, &mut stats.folded);
                open.source = (reference, carried);
            }
        });
        if let Some(end) = end.filter(|end| before != Some(*end)) {
            self.due.push(Reverse((due(plan, end, limits), reduced.key)));
        }
        if !early.is_empty() {
            self.emit_closed(reduced.correlation, reduced.key, early, out);
        }
    }

    /// Decides the windows of a key that are over at this time, when nothing before `settled` may come.
    fn close(&mut self, time: i64, key: u64, settled: i64, out: &mut Vec<Correlated>) {
        let Some(watermark) = self.watermark else { return };
        let Self { plans, keys, limits, stats, .. } = self;
        keys.tend(key, plans, watermark, limits, stats);
        let mut fires = Vec::new();
        let mut decided = None;
        let next = keys.close(plans, key, settled, |state, plan, zero, settled| {
            let index = plan;
            let plan = &plans[usize::from(plan)];
            if let Body::Open(open) = &mut state.body
                && open.end(plan).is_some_and(|end| due(plan, i64::from(end) + zero, limits) <= time)
            {
                open.settle(plan, settled, true, &mut fires);
                decided = Some(index);
            }
        });
        // If nothing was decided, the window moved, and its new end is in the heap already.
        let Some(index) = decided else { return };
        if let Some(next) = next {
            self.due.push(Reverse((due(&plans[usize::from(index)], next, limits), key)));
        }
        self.emit_closed(index, key, fires, out);
    }
}

/// One year, in microseconds.
const LONGEST_LATENESS: i64 = 366 * 86_400 * 1_000_000;

/// Keys looked up together, so that a processor waits for memory once and not for each.
const TOGETHER: usize = 16;

/// Times beyond this many microseconds from 1970 (about 28,000 years) are no times.
const LAST_TIME: i64 = i64::MAX / 10;

/// Time at which a window that ends at this tick can be decided, in microseconds.
fn due(plan: &Plan, end: i64, limits: &Limits) -> i64 {
    end.saturating_mul(plan.unit).saturating_add(limits.lateness)
}
