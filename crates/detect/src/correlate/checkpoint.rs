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
use super::measure::{Entry, Running};
use super::open::{Content, Open};
use super::plan::{HORIZON, Plan};
use super::route::Routes;
use super::sighting::Carried;
use super::slot::{Small, Unpacked};
use super::wire::{Reader, Writer};
use super::{CorrelateError, Correlator, Limits, due};
use crate::correlation_rule::CorrelationRule;
use crate::rule::Rule;

const MAGIC: &[u8; 8] = b"WARDCORR";
const VERSION: u16 = 1;

/// How a key's state is written.
const SMALL: u64 = 0;
const GROWN: u64 = 1;
const OPEN: u64 = 2;

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
        for plan in &self.plans {
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
        let mut input = Reader::new(bytes);
        if input.take(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(CorrelateError::NoCheckpoint);
        }
        let version = input.take(2).map(|v| u16::from_le_bytes([v[0], v[1]]))?;
        if version != VERSION {
            return Err(CorrelateError::Version { version, known: VERSION });
        }
        let seed = input.word()?;
        let mut correlator = Self::new(correlations, rules, Limits { seed, ..limits })?;
        let times = [read_time(&mut input)?, read_time(&mut input)?];
        [correlator.watermark, correlator.told] = times;
        let stats = &mut correlator.stats;
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
            *count = input.number()?;
        }
        let mut dropped = Vec::new();
        let mut places = Vec::new();
        for _ in 0..input.count(9)? {
            let (id, definition) = (input.text()?, input.word()?);
            let place = correlator.plans.iter().position(|p| p.definition == definition && p.id == id);
            if place.is_none() {
                dropped.push(id);
            }
            places.push(place);
        }
        let watermark = correlator.watermark.unwrap_or(0);
        correlator.keys.shards.iter_mut().for_each(|shard| shard.base = watermark);
        for _ in 0..input.count(12)? {
            correlator.read_key(&mut input, &places)?;
        }
        for _ in 0..input.count(2)? {
            let (key, evidence) = (input.number()?, input.number()?);
            correlator.trail.push(key, evidence);
        }
        input.end()?;
        Ok((correlator, dropped))
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

/// Writes the states of one correlation in one shard.
struct Scribe<'a> {
    plan: &'a Plan,
    /// Tick of the watermark, as the shard counts.
    shift: i64,
}

impl Scribe<'_> {
    fn age(&self, tick: u32) -> u64 {
        (self.shift - i64::from(tick)).clamp(0, i64::from(HORIZON)) as u64
    }

    fn entries(&self, out: &mut Writer, fired: Option<u32>, entries: impl Iterator<Item = Entry>) {
        let valued = self.plan.kind.reads_values();
        out.option(fired.filter(|f| self.is_near(*f)).map(|f| self.age(f)));
        let entries: Vec<Entry> = entries.filter(|e| self.is_near(e.at)).collect();
        out.number(entries.len() as u64 * 2 + u64::from(valued));
        for entry in entries {
            out.number(self.age(entry.at));
            out.number(u64::from(entry.weight));
            if valued {
                out.word(entry.value);
            } else {
                out.number(entry.value);
            }
        }
    }

    /// Whether a tick is not so far back that it means nothing any more.
    fn is_near(&self, tick: u32) -> bool {
        self.shift - i64::from(tick) <= i64::from(HORIZON)
    }

    fn grown(&self, out: &mut Writer, state: &Grown, routes: &Routes) {
        let mut kept = 0;
        match &state.body {
            Body::Times(times) => {
                out.number(GROWN);
                self.entries(out, state.fired, times.0.iter().map(|at| Entry::new(*at, 0)));
            }
            Body::Window(window) => {
                out.number(GROWN);
                kept = window.kept;
                self.entries(out, state.fired, window.entries.iter().copied());
            }
            Body::Open(open) => {
                out.number(OPEN);
                self.entries(out, state.fired, open.waiting.iter().copied());
            }
        }
        out.number(u64::from(kept));
        out.number(state.evidence.len() as u64);
        state.evidence.iter().for_each(|evidence| out.number(*evidence));
        if let Body::Open(open) = &state.body {
            self.open(out, open, routes);
        }
    }

    fn open(&self, out: &mut Writer, open: &Open, routes: &Routes) {
        out.number(u64::from(open.source.0));
        out.number(u64::from(open.source.1.is_some()));
        if let Some(carried) = &open.source.1 {
            out.word(routes.print(carried.route));
            out.number(u64::from(carried.step));
            out.number(carried.words.len() as u64);
            for (key, value) in &carried.words {
                out.word(*key);
                out.word(*value);
            }
        }
        out.number(u64::from(open.window.is_some()));
        let Some(window) = &open.window else { return };
        out.number(self.age(window.first));
        out.number(self.age(window.last));
        out.number(window.count);
        let chained = |tick: &u32| self.age(tick.saturating_sub(1));
        let words: Vec<u64> = match &window.running {
            Running::Distinct(values) => values.keys().copied().collect(),
            Running::References(counts) => counts.iter().map(|c| u64::from(*c)).collect(),
            Running::Chain(chain) => {
                let begun = chain.starts.iter().chain(&chain.last);
                begun.map(|tick| if *tick == 0 { 0 } else { chained(tick) + 1 }).collect()
            }
            Running::Sum { total, count } => vec![*total as u64, (*total >> 64) as u64, *count],
            Running::Sorted(values) => values.iter().map(|value| value.to_bits()).collect(),
        };
        out.number(words.len() as u64);
        words.iter().for_each(|word| out.word(*word));
    }
}

fn read_time(input: &mut Reader) -> Result<Option<i64>, CorrelateError> {
    let known = input.below(2, "a time is neither known nor unknown")? == 1;
    let time = input.signed()?;
    if time.abs_diff(0) > super::LAST_TIME as u64 {
        return Err(input.damaged("a time is out of range"));
    }
    Ok(known.then_some(time))
}

/// A tick, as counted from the zero of a shard whose base is the watermark, from its age.
fn read_tick(input: &mut Reader) -> Result<u32, CorrelateError> {
    Ok(HORIZON - input.below(u64::from(HORIZON) + 1, "a sighting is too old")? as u32)
}

fn read_entries(
    input: &mut Reader,
    plan: Option<&Plan>,
) -> Result<(Option<u32>, Vec<Entry>), CorrelateError> {
    let fired = match input.option()? {
        Some(age) if age > u64::from(HORIZON) => return Err(input.damaged("a firing is too old")),
        age => age.map(|age| HORIZON - age as u32),
    };
    let head = input.number()?;
    let (count, valued) = (head / 2, head % 2 == 1);
    if plan.is_some_and(|p| p.kind.reads_values() != valued || count > 2 * p.most as u64 + 64) {
        return Err(input.damaged("a key holds what its correlation cannot"));
    }
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..count {
        let at = read_tick(input)?;
        let weight = input.below(1 << 32, "a weight is too large")? as u32;
        let value = if valued { input.word()? } else { input.number()? };
        let known = |plan: &Plan| valued || value < plan.references.max(1) as u64;
        let ordered = entries.last().is_none_or(|last| last.at <= at);
        if weight == 0 || !ordered || !plan.is_none_or(known) {
            return Err(input.damaged("a sighting is out of order or of no reference"));
        }
        entries.push(Entry { at, weight, value });
    }
    Ok((fired, entries))
}

fn read_open(input: &mut Reader, plan: Option<&Plan>, routes: &Routes) -> Result<Open, CorrelateError> {
    let references = plan.map_or(u64::from(u16::MAX), |p| p.references as u64);
    let reference = input.below(references, "a reference is of no rule")? as u16;
    let mut carried = None;
    if input.below(2, "something is neither there nor not")? == 1 {
        let print = input.word()?;
        let step = input.below(u64::from(u32::MAX), "a step is too far")? as u32;
        let mut words = Vec::new();
        for _ in 0..input.count(16)? {
            words.push((input.word()?, input.word()?));
        }
        // Without its route, what it feeds has changed, and that state was dropped as well.
        let route = routes.printed(print).filter(|(_, steps)| *steps == words.len());
        carried = route.map(|(route, _)| Box::new(Carried { route, step, words }));
    }
    let mut open = Open { source: (reference, carried), ..Open::default() };
    if input.below(2, "something is neither there nor not")? == 1 {
        let (first, last, count) = (read_tick(input)?, read_tick(input)?, input.number()?);
        let mut words = Vec::new();
        for _ in 0..input.count(8)? {
            words.push(input.word()?);
        }
        if first > last {
            return Err(input.damaged("a window ends before it begins"));
        }
        if let Some(plan) = plan {
            let running = read_running(plan, &words);
            let running = running.ok_or_else(|| input.damaged("a window holds what it cannot"))?;
            open.window = Some(Box::new(Content { first, last, count, running }));
        }
    }
    Ok(open)
}

fn read_running(plan: &Plan, words: &[u64]) -> Option<Running> {
    let mut running = Running::new(plan);
    match (&mut running, words) {
        (Running::Distinct(values), words) if words.len() <= plan.most => {
            values.extend(words.iter().map(|word| (*word, 1)));
        }
        (Running::References(counts), words) if words.len() == counts.len() => {
            for (count, word) in counts.iter_mut().zip(words) {
                *count = u32::try_from(*word).ok()?;
            }
        }
        (Running::Chain(chain), words) if words.len() == chain.starts.len() + chain.last.len() => {
            for (begun, word) in chain.starts.iter_mut().chain(&mut chain.last).zip(words) {
                let age = word
                    .checked_sub(1)
                    .map(|age| u32::try_from(age).ok())
                    .map_or(Some(None), |a| a.map(Some))?;
                *begun = age.map_or(Some(0), |age| (HORIZON + 1).checked_sub(age))?;
            }
        }
        (Running::Sum { total, count }, [low, high, number]) => {
            *total = i128::from(*high as i64) << 64 | i128::from(*low);
            *count = *number;
        }
        (Running::Sorted(values), words) if words.len() <= plan.most => {
            let numbers = words.iter().map(|word| f64::from_bits(*word));
            values.extend(numbers);
            values.sort_unstable_by(f64::total_cmp);
        }
        _ => return None,
    }
    Some(running)
}
