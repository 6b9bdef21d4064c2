//! Correlations over time, each organisation's by themselves, so that a shared account name at two hospitals
//! is two accounts.
//!
//! Invariant: a lane hears its sightings in the order of the journal, each once, however often the journal is
//! replayed: a restored lane passes over what it had heard.
//! Invariant: memory is bounded by [`MOST_LANES`], the correlators' limits and [`MOST_TOLD`].

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ward_core::{BatchId, EventId, OrganisationId, SourceId, Timestamp};
use ward_detect::correlate::{Correlated, Correlator, Limits, Skipped, Stats};
use ward_store::FindingId;
use ward_store::findings::{Finding, RuleName};

use super::engine::{Engine, late_limits, limits};
use super::eyes::{Lane, LaneKey};
use super::figures::Figures;
use super::identity;
use crate::error::Error;
use crate::told::Told;

/// Most lanes at once; above it, the late lane that is idle longest goes.
const MOST_LANES: usize = 50_000;
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
}

#[derive(Debug)]
struct State {
    correlator: Correlator,
    told: HashMap<u64, Told>,
    order: VecDeque<u64>,
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

/// A lane as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    organisation: String,
    late: Option<String>,
    heard: String,
    source: String,
    received: i64,
    /// The fields that `told` has numbers of.
    #[serde(default)]
    fields: Vec<String>,
    told: Vec<(u64, KeptTold)>,
    state: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptTold {
    values: Vec<(u16, String)>,
    host: Option<String>,
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
        }
    }

    /// Goes over to other rules. What a correlation has counted is kept if it has not changed.
    pub fn change_rules(&mut self, engine: &Arc<Engine>) {
        if engine.generation == self.engine.generation {
            return;
        }
        for (key, state) in &mut self.lanes {
            let bytes = state.correlator.checkpoint();
            match Correlator::restore(&engine.correlations, engine.rules(), key.limits(), &bytes) {
                Ok((correlator, dropped)) => {
                    self.dropped += dropped.len() as u64;
                    state.correlator = correlator;
                    // Fields have other numbers now.
                    state.told.clear();
                    state.order.clear();
                }
                Err(error) => {
                    tracing::error!(organisation = %key.organisation, %error, "could not take over correlations");
                }
            }
        }
        self.engine = Arc::clone(engine);
    }

    /// Hears the sightings of one event; appends what fired.
    ///
    /// # Errors
    /// The correlations ask for more than can be kept.
    pub fn hear(&mut self, lane: Lane, findings: &mut Vec<Finding>) -> Result<(), Error> {
        if !self.lanes.contains_key(&lane.key) {
            self.make_room(lane.received);
            let correlator =
                Correlator::new(&self.engine.correlations, self.engine.rules(), lane.key.limits())
                    .map_err(|error| Error::Correlate(Box::new(error)))?;
            self.lanes.insert(lane.key.clone(), State::new(correlator, lane.source.clone()));
        }
        let Some(state) = self.lanes.get_mut(&lane.key) else { return Ok(()) };
        if lane.event <= state.heard {
            return Ok(());
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
        Ok(())
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

    /// The lanes that changed since they were stored last.
    pub fn changed(&self) -> Vec<Changed> {
        let changed = self.lanes.iter().filter(|(_, state)| state.changed);
        let kept = changed.filter_map(|(key, state)| {
            let bytes = serde_json::to_vec(&state.keep(key)).ok()?;
            Some(Changed { name: name(key), key: key.clone(), heard: state.heard.batch, state: bytes })
        });
        kept.collect()
    }

    /// Notes that a lane was stored as it is.
    pub fn is_stored(&mut self, key: &LaneKey) {
        if let Some(state) = self.lanes.get_mut(key) {
            state.changed = false;
        }
    }

    /// Takes a lane up again. What cannot be read is told and begins anew.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let kept: Kept = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let key = LaneKey {
            organisation: OrganisationId::new(&kept.organisation).map_err(|error| error.to_string())?,
            late: kept.late.as_deref().map(SourceId::new).transpose().map_err(|error| error.to_string())?,
        };
        let heard: EventId = kept.heard.parse().map_err(|()| format!("'{}' is no event", kept.heard))?;
        let state = from_base64(&kept.state)?;
        let (correlator, dropped) =
            Correlator::restore(&self.engine.correlations, self.engine.rules(), key.limits(), &state)
                .map_err(|error| error.to_string())?;
        self.dropped += dropped.len() as u64;
        let source = SourceId::new(&kept.source).map_err(|error| error.to_string())?;
        // Where rules have changed since, the numbers mean other fields.
        let same_fields = correlator.reducer().fields() == kept.fields;
        let mut lane = State::new(correlator, source);
        (lane.heard, lane.received) = (heard, Timestamp::from_micros(kept.received));
        for (handle, told) in kept.told.into_iter().take(MOST_TOLD).filter(|_| same_fields) {
            lane.remember(handle, told.into_told());
        }
        self.lanes.insert(key, lane);
        Ok(())
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

    fn make_room(&mut self, now: Timestamp) {
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

    /// Names of lanes that are no more, to be forgotten by the store as well. Told once.
    pub fn forgotten(&mut self) -> Vec<String> {
        let mut forgotten = std::mem::take(&mut self.forgotten);
        forgotten.retain(|gone| !self.lanes.keys().any(|key| name(key) == *gone));
        forgotten
    }
}

/// Keeps what a lane counted, which goes.
fn forget(gone: &mut Stats, state: &State) {
    add(gone, &Stats { keys: 0, ..state.correlator.stats() });
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

impl LaneKey {
    fn limits(&self) -> Limits {
        if self.late.is_some() { late_limits() } else { limits() }
    }
}

impl State {
    fn new(correlator: Correlator, source: SourceId) -> Self {
        Self {
            correlator,
            told: HashMap::new(),
            order: VecDeque::new(),
            heard: EventId { batch: BatchId(0), index: 0 },
            source,
            received: Timestamp::from_micros(0),
            decided: false,
            changed: false,
        }
    }

    fn remember(&mut self, handle: u64, told: Told) {
        if self.told.insert(handle, told).is_none() {
            self.order.push_back(handle);
        }
        while self.order.len() > MOST_TOLD {
            if let Some(oldest) = self.order.pop_front() {
                self.told.remove(&oldest);
            }
        }
    }

    fn keep(&self, key: &LaneKey) -> Kept {
        use base64::Engine as _;
        let told = self.order.iter().filter_map(|handle| {
            let told = self.told.get(handle)?;
            let values = told.values.iter().map(|(field, value)| (*field, value.to_string())).collect();
            let host = told.host.as_deref().map(str::to_owned);
            Some((*handle, KeptTold { values, host }))
        });
        Kept {
            organisation: key.organisation.to_string(),
            late: key.late.as_ref().map(ToString::to_string),
            heard: self.heard.to_string(),
            source: self.source.to_string(),
            received: self.received.micros(),
            fields: self.correlator.reducer().fields().to_vec(),
            told: told.collect(),
            state: base64::engine::general_purpose::STANDARD.encode(self.correlator.checkpoint()),
        }
    }
}

impl KeptTold {
    fn into_told(self) -> Told {
        Told {
            values: self.values.into_iter().map(|(field, value)| (field, value.into())).collect(),
            host: self.host.map(Into::into),
        }
    }
}

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

fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use ward_detect::correlate::{Fields, Sighting};

    use super::*;
    use crate::hub::engine::RulePlaces;

    const BASE: &str = "title: a\nid: a\nname: a\nstatus: test\nlevel: low\nlogsource: {product: windows}\n\
                        detection: {sel: {EventID: 1}, condition: sel}\n";

    /// An engine with a correlation by each of these fields.
    fn engine(fields: &[&str]) -> Arc<Engine> {
        let folder = tempfile::tempdir().unwrap();
        let correlations = fields.iter().map(|field| {
            format!(
                "---\ntitle: {field}\nid: {field}\nstatus: test\nlevel: low\ncorrelation: {{type: event_count, \
                 rules: [a], group-by: [{field}], timespan: 1h, condition: {{gte: 9}}}}\n"
            )
        });
        let rules = folder.path().join("rules.yml");
        std::fs::write(&rules, BASE.to_owned() + &correlations.collect::<String>()).unwrap();
        let places = RulePlaces { rules: vec![rules], ..RulePlaces::default() };
        Arc::new(Engine::load(&places, 0, 1).unwrap())
    }

    #[test]
    fn a_lane_is_taken_up_again_and_tells_nothing_of_fields_that_have_other_numbers_now() {
        let old = engine(&["User", "Image"]);
        let quiet = Duration::from_secs(10);
        let mut correlators = Correlators::new(Arc::clone(&old), quiet);
        let key = LaneKey { organisation: OrganisationId::new("RXX").unwrap(), late: None };
        let lane = Lane {
            key: key.clone(),
            event: EventId { batch: BatchId(7), index: 0 },
            source: SourceId::new("dc").unwrap(),
            received: Timestamp::from_micros(1),
            told: Told { values: [(0, "nurse".into())].into(), host: None },
            sightings: Vec::new(),
        };
        correlators.hear(lane, &mut Vec::new()).unwrap();
        let Changed { heard, state, .. } = correlators.changed().remove(0);
        assert_eq!(heard, BatchId(7));
        assert_eq!(correlators.changed().len(), 1, "until it is stored");
        correlators.is_stored(&key);
        assert!(correlators.changed().is_empty());
        for (engine, told) in [(old, 1), (engine(&["Image", "User"]), 0)] {
            let mut restored = Correlators::new(engine, quiet);
            restored.restore(&state).unwrap();
            assert_eq!((restored.lanes[&key].heard.batch, restored.lanes[&key].told.len()), (heard, told));
        }
    }

    /// An event of a user.
    struct OfUser;

    impl Fields for OfUser {
        fn read(&self, _: usize, text: &mut Vec<u8>) -> bool {
            text.extend_from_slice(b"nurse");
            true
        }
    }

    #[test]
    fn what_correlations_lose_is_told_also_of_lanes_that_are_gone() {
        let mut correlators = Correlators::new(engine(&["User"]), Duration::from_secs(10));
        correlators.skip(Skipped { ungrouped: 3, unvalued: 1 });
        let late = LaneKey {
            organisation: OrganisationId::new("RXX").unwrap(),
            late: Some(SourceId::new("dc").unwrap()),
        };
        let mut reducer = correlators.engine.reducer();
        let mut lane = |nth: u32, time: i64| {
            let mut sightings = Vec::new();
            let sighting =
                Sighting { rule: 0, time: Timestamp::from_micros(time), fields: &OfUser, evidence: 0 };
            reducer.reduce(&sighting, &mut sightings);
            assert_eq!(sightings.len(), 1);
            Lane {
                key: late.clone(),
                event: EventId { batch: BatchId(7), index: nth },
                source: SourceId::new("dc").unwrap(),
                received: Timestamp::from_micros(1),
                told: Told { values: [].into(), host: None },
                sightings,
            }
        };
        // The second is older than anything may be that comes after the first.
        let day = 86_400_000_000;
        for (nth, time) in [(0, 2_000 * day), (1, day)] {
            correlators.hear(lane(nth, time), &mut Vec::new()).unwrap();
        }
        let told = |correlators: &Correlators| {
            let figures = Figures::default();
            correlators.tell_size(&figures);
            (figures.lanes.load(Relaxed), figures.skipped.map(|figure| figure.load(Relaxed)))
        };
        assert_eq!(told(&correlators), (1, [3, 1, 1, 0, 0]));
        correlators.make_room(Timestamp::from_micros(2 * LATE_KEPT));
        assert_eq!(told(&correlators), (0, [3, 1, 1, 0, 0]));
    }
}
