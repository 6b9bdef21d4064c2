//! Correlations over time, each organisation's by themselves, so that a shared account name at two hospitals
//! is two accounts.
//!
//! Invariant: a lane hears its sightings in the order of the journal, each once, however often the journal is
//! replayed: a restored lane passes over what it had heard.
//! Invariant: memory is bounded by [`MOST_BYTES`] over all lanes together, but for what comes between two looks.

mod kept;
mod room;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::{Map, Value};
use ward_core::{BatchId, EventId, SourceId, Timestamp};
use ward_detect::correlate::{Correlated, Correlator, Skipped, Stats};
use ward_store::FindingId;
use ward_store::findings::{Finding, RuleName};

use super::engine::Engine;
use super::eyes::{Lane, LaneKey};
use super::figures::Figures;
use super::identity;
use crate::told::Told;

/// Most lanes at once; above it, the late lane that is idle longest goes.
const MOST_LANES: usize = 50_000;
/// Most bytes that all lanes together hold; above it, those that hold most give up what is idlest.
const MOST_BYTES: usize = 256 << 20;
/// Events heard between two looks at how much that is.
const LOOKED_AFTER: u32 = 4_096;
/// Most events of a lane that are remembered by what they tell.
const MOST_TOLD: usize = 4_096;
/// A lane of late events is forgotten when it has heard nothing for an hour of the hub's time.
const LATE_KEPT: i64 = 3_600_000_000;

/// All lanes.
#[derive(Debug)]
pub struct Correlators {
    engine: Arc<Engine>,
    /// How long a lane of late events hears nothing until what is open in it is decided, in microseconds.
    late_quiet: i64,
    lanes: BTreeMap<LaneKey, State>,
    buffer: Vec<Correlated>,
    /// Names of lanes that are no more.
    forgotten: Vec<String>,
    /// What was counted elsewhere: by lanes that are gone, and before sightings came here.
    gone: Stats,
    /// Correlations of lanes whose state changed rules could not take over, since started.
    dropped: u64,
    /// Lanes that went for want of room, since started.
    crowded: u64,
    /// Events heard since the last look at what all lanes hold.
    unweighed: u32,
}

#[derive(Debug)]
struct State {
    correlator: Correlator,
    told: HashMap<u64, Told>,
    order: VecDeque<u64>,
    /// Bytes of `told` and `order`, about.
    told_bytes: usize,
    /// The last event it heard of.
    heard: EventId,
    /// Who sent that.
    source: SourceId,
    /// When that came.
    received: Timestamp,
    /// A late lane whose open windows have been decided since it last heard anything.
    decided: bool,
    /// Something changed since the last checkpoint.
    changed: bool,
}

/// A lane that changed, and what is to be stored of it.
#[derive(Debug)]
pub struct Changed {
    /// Under which name it is stored.
    pub name: String,
    /// Which lane.
    pub key: LaneKey,
    /// The last batch it heard of.
    pub heard: BatchId,
    /// Its state.
    pub state: Vec<u8>,
}

impl Correlators {
    /// Without any state. `late_quiet`: how long a source that delivers late is waited for.
    pub fn new(engine: Arc<Engine>, late_quiet: Duration) -> Self {
        let late_quiet = i64::try_from(late_quiet.as_micros()).unwrap_or(i64::MAX);
        Self {
            engine,
            late_quiet,
            lanes: BTreeMap::new(),
            buffer: Vec::new(),
            forgotten: Vec::new(),
            gone: Stats::default(),
            dropped: 0,
            crowded: 0,
            unweighed: 0,
        }
    }

    /// Goes over to other rules. What a correlation has counted is kept if it has not changed.
    pub fn change_rules(&mut self, engine: &Arc<Engine>) {
        if engine.generation == self.engine.generation {
            return;
        }
        for (key, state) in &mut self.lanes {
            let bytes = state.correlator.checkpoint();
            match engine.correlator(key.late.is_some()).restore_alike(&bytes) {
                Ok((correlator, dropped)) => {
                    self.dropped += dropped.len() as u64;
                    state.correlator = correlator;
                    // Fields have other numbers now.
                    state.forget_told(0);
                }
                Err(error) => {
                    tracing::error!(organisation = %key.organisation, %error, "could not take over correlations");
                }
            }
        }
        self.engine = Arc::clone(engine);
    }

    /// Hears the sightings of one event; appends what fired.
    pub fn hear(&mut self, lane: Lane, findings: &mut Vec<Finding>) {
        if !self.lanes.contains_key(&lane.key) {
            self.make_room(lane.received);
            let correlator = self.engine.correlator(lane.key.late.is_some()).alike();
            self.lanes.insert(lane.key.clone(), State::new(correlator, lane.source.clone()));
        }
        self.unweighed += 1;
        if self.unweighed >= LOOKED_AFTER {
            self.unweighed = 0;
            self.share_room(MOST_BYTES);
        }
        let Some(state) = self.lanes.get_mut(&lane.key) else { return };
        if lane.event <= state.heard {
            return;
        }
        (state.heard, state.received, state.changed) = (lane.event, lane.received, true);
        (state.source, state.decided) = (lane.source, false);
        state.remember(identity::handle(lane.event), lane.told);
        if lane.key.late.is_none() {
            state.correlator.advance(lane.received, &mut self.buffer);
        }
        for sighting in lane.sightings {
            state.correlator.observe_reduced(sighting, &mut self.buffer);
        }
        self.tell(&lane.key, findings);
    }

    /// Says what time it is to lanes that hear nothing, so that windows that are over are decided.
    pub fn advance(&mut self, now: Timestamp, findings: &mut Vec<Finding>) {
        let quiet = |(key, state): &(&LaneKey, &State)| {
            let most = if key.late.is_some() { self.late_quiet } else { QUIET };
            !state.decided && now.micros() - state.received.micros() > most
        };
        let keys: Vec<LaneKey> = self.lanes.iter().filter(quiet).map(|(key, _)| key.clone()).collect();
        for key in keys {
            if let Some(state) = self.lanes.get_mut(&key) {
                match key.late {
                    None => state.correlator.advance(now, &mut self.buffer),
                    Some(_) => {
                        state.correlator.decide(&mut self.buffer);
                        (state.decided, state.changed) = (true, true);
                    }
                }
            }
            self.tell(&key, findings);
        }
    }

    /// Notes that a lane was stored as it is.
    pub fn is_stored(&mut self, key: &LaneKey) {
        if let Some(state) = self.lanes.get_mut(key) {
            state.changed = false;
        }
    }

    /// Counts matches that did not become sightings.
    pub fn skip(&mut self, skipped: Skipped) {
        self.gone.ungrouped += skipped.ungrouped;
        self.gone.unvalued += skipped.unvalued;
    }

    /// Tells how many lanes there are, keys in them, and what was lost.
    pub fn tell_size(&self, figures: &Figures) {
        let mut sum = self.gone;
        self.lanes.values().for_each(|state| add(&mut sum, &state.correlator.stats()));
        figures.lanes.store(self.lanes.len() as u64, Relaxed);
        figures.keys.store(sum.keys as u64, Relaxed);
        let skipped = [sum.ungrouped, sum.unvalued, sum.late, sum.ahead, sum.folded];
        let forgotten = [sum.evicted, self.crowded, self.dropped];
        for (figure, value) in figures.skipped.iter().zip(skipped) {
            figure.store(value, Relaxed);
        }
        for (figure, value) in figures.forgotten.iter().zip(forgotten) {
            figure.store(value, Relaxed);
        }
    }

    fn tell(&mut self, key: &LaneKey, findings: &mut Vec<Finding>) {
        let Some(state) = self.lanes.get(key) else { return };
        for mut found in self.buffer.drain(..) {
            let last = found.evidence.last().copied();
            let told = last.and_then(|handle| state.told.get(&handle));
            if let Some(told) = told {
                state.correlator.name_group(&mut found, told);
            }
            let Some(rule) = self.engine.correlations.get(found.correlation).filter(|rule| rule.reports)
            else {
                continue;
            };
            let last = last.map_or(state.heard, identity::event);
            let mut matched: Map<String, Value> = found
                .group
                .iter()
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .collect();
            matched.insert("correlation.events".into(), found.count.into());
            matched.insert("correlation.value".into(), found.value.into());
            matched.insert("correlation.first".into(), found.first.to_string().into());
            matched.insert("correlation.last".into(), found.last.to_string().into());
            findings.push(Finding {
                id: FindingId(identity::correlation(&key.organisation, &rule.id, found.key, last)),
                organisation: key.organisation.clone(),
                source: state.source.clone(),
                events: found.evidence.iter().map(|handle| identity::event(*handle)).collect(),
                rule: RuleName { id: rule.id.clone(), title: rule.title.clone(), tags: rule.tags.clone() },
                level: rule.level,
                host: told.and_then(|told| told.host.as_deref()).map(str::to_owned),
                user: None,
                time: found.time,
                received: state.received,
                matched,
                exception: None,
            });
        }
    }

    /// Names of lanes that are no more, to be forgotten by the store as well. Told once.
    pub fn forgotten(&mut self) -> Vec<String> {
        let mut forgotten = std::mem::take(&mut self.forgotten);
        forgotten.retain(|gone| !self.lanes.keys().any(|key| name(key) == *gone));
        forgotten
    }
}

fn add(sum: &mut Stats, other: &Stats) {
    sum.keys += other.keys;
    sum.evicted += other.evicted;
    sum.late += other.late;
    sum.ahead += other.ahead;
    sum.ungrouped += other.ungrouped;
    sum.unvalued += other.unvalued;
    sum.folded += other.folded;
}

impl State {
    fn new(correlator: Correlator, source: SourceId) -> Self {
        Self {
            correlator,
            told: HashMap::new(),
            order: VecDeque::new(),
            told_bytes: 0,
            heard: EventId { batch: BatchId(0), index: 0 },
            source,
            received: Timestamp::from_micros(0),
            decided: false,
            changed: false,
        }
    }

    fn remember(&mut self, handle: u64, told: Told) {
        self.told_bytes += TOLD_BYTES + told.size();
        match self.told.insert(handle, told) {
            Some(before) => self.told_bytes -= TOLD_BYTES + before.size(),
            None => self.order.push_back(handle),
        }
        self.forget_told(MOST_TOLD);
    }

    /// Forgets what the oldest events tell, until no more than `most` are known.
    fn forget_told(&mut self, most: usize) {
        let gone = self.order.len().saturating_sub(most);
        for told in self.order.drain(..gone).filter_map(|handle| self.told.remove(&handle)) {
            self.told_bytes -= TOLD_BYTES + told.size();
        }
    }
}

/// Bytes of a place in the tables of what events tell, about.
const TOLD_BYTES: usize = 32;

/// A lane of what happens now is quiet when it has heard nothing for a minute.
const QUIET: i64 = 60_000_000;

/// Beginning of the names of all lanes' checkpoints.
pub const PREFIX: &str = "correlation/";

fn name(key: &LaneKey) -> String {
    match &key.late {
        None => format!("{PREFIX}{}", key.organisation),
        Some(source) => format!("{PREFIX}{}/{source}", key.organisation),
    }
}
