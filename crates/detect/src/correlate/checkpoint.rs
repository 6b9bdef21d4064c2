//! State to bytes and back.
//!
//! The bytes name each correlation with a fingerprint of all that its state depends on: its own
//! definition and the detection rules it refers to. When read, the state of a correlation that is gone
//! or has changed is dropped and named; the rest goes on as if nothing had happened, whatever rules were
//! added or reordered.
//!
//! Invariant: any bytes are either a state within the limits or a named error with its place; lengths
//! are checked against the bytes left before memory is taken.

use std::cmp::Reverse;

use super::grown::{Body, Grown};
use super::keys::zero;
use super::open::Open;
use super::plan::Plan;
use super::recall::{read_entries, read_open, read_time};
use super::scribe::{OPEN, SMALL, Scribe};
use super::slot::{Small, Unpacked};
use super::wire::{Reader, Writer};
use super::{CorrelateError, Correlator, Limits, due};
use crate::correlation_rule::CorrelationRule;
use crate::rule::Rule;

const MAGIC: &[u8; 8] = b"WARDCORR";
const VERSION: u16 = 1;

impl Correlator {
    /// The whole state.
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.0.extend_from_slice(MAGIC);
        out.0.extend_from_slice(&VERSION.to_le_bytes());
        out.word(self.limits.seed);
        for time in [self.watermark, self.told] {
            out.number(u64::from(time.is_some()));
            out.signed(time.unwrap_or(0));
        }
        let stats = &self.stats;
        for count in [
            stats.sightings,
            stats.fired,
            stats.evicted,
            stats.late,
            stats.ahead,
            stats.ungrouped,
            stats.unvalued,
            stats.folded,
        ] {
            out.number(count);
        }
        out.number(self.plans.len() as u64);
        for plan in self.plans.iter() {
            out.text(&plan.id);
            out.word(plan.definition);
        }
        out.number(self.keys.len() as u64);
        for shard in &self.keys.shards {
            for slot in shard.iter() {
                let plan = &self.plans[usize::from(slot.plan)];
                out.number(u64::from(slot.plan));
                out.word(slot.key);
                let scribe = Scribe { plan, shift: self.now(plan) - zero(plan, shard.base) };
                match slot.unpack() {
                    Unpacked::Small(small) => {
                        out.number(SMALL);
                        scribe.entries(&mut out, small.fired, small.entries().iter().copied());
                    }
                    Unpacked::Grown(place) => {
                        if let Some(state) = self.keys.grown.get(place) {
                            scribe.grown(&mut out, state, &self.reducer.routes);
                        }
                    }
                }
            }
        }
        let steps = self.trail.steps();
        out.number(steps.len() as u64);
        for (key, evidence) in steps {
            out.number(key);
            out.number(evidence);
        }
        out.0
    }

    /// A state from bytes, for these rules. The seed is that of the checkpoint. Also tells the names of
    /// the correlations whose state was dropped because they have changed or are gone.
    pub fn restore(
        correlations: &[CorrelationRule],
        rules: &[Rule],
        limits: Limits,
        bytes: &[u8],
    ) -> Result<(Self, Vec<String>), CorrelateError> {
        let (mut input, seed) = head(bytes)?;
        let mut correlator = Self::new(correlations, rules, Limits { seed, ..limits })?;
        let dropped = correlator.fill(&mut input)?;
        Ok((correlator, dropped))
    }

    /// As [`Self::restore`], for the rules and limits of this correlator, which it shares with what is restored.
    ///
    /// # Errors
    /// It is no checkpoint, it is damaged, or it has another seed.
    pub fn restore_alike(&self, bytes: &[u8]) -> Result<(Self, Vec<String>), CorrelateError> {
        let (mut input, seed) = head(bytes)?;
        if seed != self.limits.seed {
            return Err(CorrelateError::Seed);
        }
        let mut correlator = self.alike();
        let dropped = correlator.fill(&mut input)?;
        Ok((correlator, dropped))
    }

    /// Takes in what follows the head. Tells the names of the correlations whose state was dropped.
    fn fill(&mut self, input: &mut Reader) -> Result<Vec<String>, CorrelateError> {
        let times = [read_time(input)?, read_time(input)?];
        [self.watermark, self.told] = times;
        let stats = &mut self.stats;
        for count in [
            &mut stats.sightings,
            &mut stats.fired,
            &mut stats.evicted,
            &mut stats.late,
            &mut stats.ahead,
            &mut stats.ungrouped,
            &mut stats.unvalued,
            &mut stats.folded,
        ] {
            *count = input.below(1 << 62, "a count is too large")?;
        }
        let mut dropped = Vec::new();
        let mut places = Vec::new();
        for _ in 0..input.count(9)? {
            let (id, definition) = (input.text()?, input.word()?);
            let place = self.plans.iter().position(|p| p.definition == definition && p.id == id);
            if place.is_none() {
                dropped.push(id);
            }
            places.push(place);
        }
        let watermark = self.watermark.unwrap_or(0);
        self.keys.shards.iter_mut().for_each(|shard| shard.base = watermark);
        for _ in 0..input.count(12)? {
            self.read_key(input, &places)?;
        }
        for _ in 0..input.count(2)? {
            let (key, evidence) = (input.number()?, input.number()?);
            self.trail.push(key, evidence);
        }
        input.end()?;
        Ok(dropped)
    }

    /// The tick of the watermark.
    fn now(&self, plan: &Plan) -> i64 {
        plan.tick(self.watermark.unwrap_or(0))
    }

    fn read_key(&mut self, input: &mut Reader, places: &[Option<usize>]) -> Result<(), CorrelateError> {
        let written = input.below(places.len() as u64, "a key is of no correlation")?;
        let key = input.word()?;
        let form = input.below(3, "a key has an unknown form")?;
        let place = places[written as usize];
        let plan = place.map(|place| &self.plans[place]);
        let (fired, entries) = read_entries(input, plan)?;
        let state = if form == SMALL {
            let Some(small) = Small::new(&entries, fired) else {
                return Err(input.damaged("a key of few sightings has many"));
            };
            Ok(small)
        } else {
            let kept = input.below(1 << 32, "a length is too large")? as u32;
            let mut evidence = Vec::new();
            for _ in 0..input.count(1)? {
                evidence.push(input.number()?);
            }
            evidence.drain(..evidence.len().saturating_sub(self.limits.evidence.max(1)));
            let open = if form == OPEN { Some(read_open(input, plan, &self.reducer.routes)?) } else { None };
            let Some(plan) = plan else { return Ok(()) };
            if open.is_some() != plan.at_close {
                return Err(input.damaged("a key has another form than its correlation"));
            }
            let mut state = Grown::with(plan, entries, fired, kept, evidence);
            if let (Body::Open(body), Some(open)) = (&mut state.body, open) {
                let waiting = std::mem::take(&mut body.waiting);
                **body = Open { waiting, ..open };
            }
            Err(state)
        };
        let (Some(plan), Some(place)) = (plan, place) else { return Ok(()) };
        if state.is_ok() && plan.at_close {
            return Err(input.damaged("a key has another form than its correlation"));
        }
        let end = state.as_ref().err().and_then(|state| state.end(plan));
        if key == 0 || !self.keys.put(key, plan, place as u16, state) {
            return Err(input.damaged("a key comes twice or does not fit its form"));
        }
        if let Some(end) = end {
            let end = i64::from(end) + zero(plan, self.watermark.unwrap_or(0));
            self.due.push(Reverse((due(plan, end, &self.limits), key)));
        }
        Ok(())
    }
}

/// What follows a checkpoint's magic, version and seed, and the seed.
fn head(bytes: &[u8]) -> Result<(Reader<'_>, u64), CorrelateError> {
    let mut input = Reader::new(bytes);
    if input.take(MAGIC.len()).ok() != Some(MAGIC) {
        return Err(CorrelateError::NoCheckpoint);
    }
    let version = input.take(2).map(|v| u16::from_le_bytes([v[0], v[1]]))?;
    if version != VERSION {
        return Err(CorrelateError::Version { version, known: VERSION });
    }
    let seed = input.word()?;
    Ok((input, seed))
}
