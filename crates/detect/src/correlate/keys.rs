//! All keys of all correlations: shards of slots, and the grown states that slots point to.

use super::grown::{Grown, Slab};
use super::measure::Entry;
use super::plan::{HORIZON, Plan};
use super::shard::Shard;
use super::slot::{Slot, Small, Unpacked};
use super::times::Fire;
use super::trail::Trail;
use super::{Limits, Stats};

/// The state of every key.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub shards: Vec<Shard>,
    /// Leading bits of a fingerprint that choose the shard.
    pub bits: u32,
    pub grown: Slab,
    /// Sightings kept in grown states.
    pub sightings: usize,
    pub keys: usize,
    /// Sightings that came while there were too many.
    pub crowded: usize,
    /// Where a shard's slots wait while it is laid out anew.
    pub scratch: Vec<Slot>,
    /// A shard is swept this often at most, in microseconds of event time.
    pub pause: i64,
    /// and at least this often, so that ticks never run over.
    pub longest: i64,
}

/// A sighting on its way into a key's state.
pub(super) struct Arrival<'a> {
    pub plan: &'a Plan,
    pub index: u16,
    pub key: u64,
    /// Microseconds.
    pub time: i64,
    pub value: u64,
    pub evidence: u64,
    /// No sighting before this time will come in, in microseconds.
    pub settled: i64,
}

/// A window that fulfilled its condition, in ticks since the epoch, and what is remembered of it.
pub(super) struct Fired {
    pub end: i64,
    pub first: i64,
    pub last: i64,
    pub count: u64,
    pub value: f64,
    pub evidence: Vec<u64>,
}

impl Keys {
    pub fn new(plans: &[Plan], limits: &Limits, now: i64) -> Self {
        let wanted = (limits.keys / 65_536).clamp(1, 1024).next_power_of_two();
        let shortest = plans.iter().map(|p| i64::from(p.span) * p.unit).min().unwrap_or(0);
        let finest = plans.iter().map(|p| p.unit).min().unwrap_or(1000);
        Self {
            shards: vec![Shard::new(now); wanted],
            bits: wanted.trailing_zeros(),
            grown: Slab::default(),
            sightings: 0,
            keys: 0,
            crowded: 0,
            scratch: Vec::new(),
            pause: ((shortest + limits.lateness) / 2).max(1_000_000),
            longest: i64::from(HORIZON) * finest,
        }
    }

    pub fn len(&self) -> usize {
        self.keys
    }

    pub fn bytes(&self) -> usize {
        let shards = self.shards.iter().map(Shard::bytes).sum::<usize>();
        let scratch = self.scratch.capacity() * size_of::<Slot>();
        shards + scratch + self.shards.capacity() * size_of::<Shard>() + self.grown.bytes()
    }

    /// [`Self::bytes`], about, without looking at every key: 30 bytes each, 16 for a sighting kept.
    pub fn weight(&self) -> usize {
        self.shards.len() * size_of::<Shard>() + self.keys * 30 + self.sightings * size_of::<Entry>()
    }

    pub fn shard_of(&self, key: u64) -> usize {
        key.checked_shr(u64::BITS - self.bits).unwrap_or(0) as usize
    }

    /// Reads where the keys will be looked for, so that they are in the caches then.
    pub fn touch(&self, keys: &[u64]) -> u64 {
        keys.iter().fold(0, |all, key| all ^ self.shards[self.shard_of(*key)].touch(*key, self.bits))
    }

    /// Takes in a sighting of a correlation that is decided at each sighting.
    #[inline]
    pub fn arrive(
        &mut self,
        arrival: &Arrival,
        trail: &mut Trail,
        limits: &Limits,
        stats: &mut Stats,
    ) -> Option<Fired> {
        let Arrival { plan, index, key, .. } = *arrival;
        let shard = self.shard_of(key);
        let zero = zero(plan, self.shards[shard].base);
        let settled = relative(plan, zero, arrival.settled);
        let entry = Entry::new(relative(plan, zero, arrival.time), arrival.value);
        let found = self.shards[shard].find(key, self.bits);
        let unpacked = found.map_or(Unpacked::Small(Small::EMPTY), |at| self.shards[shard].get(at).unpack());
        let (fire, evidence) = match unpacked {
            Unpacked::Grown(place) => {
                let state = self.grown.get_mut(place)?;
                let before = state.len();
                let fire = state.arrive(plan, entry, settled, &mut stats.folded);
                state.remember(arrival.evidence, limits.evidence);
                let evidence = fire.map(|_| std::mem::take(&mut state.evidence)).unwrap_or_default();
                self.sightings = (self.sightings + state.len()).saturating_sub(before);
                (fire, evidence)
            }
            Unpacked::Small(mut small) => {
                let fire = small.arrive(plan, entry, settled);
                trail.push(key, arrival.evidence);
                let slot = Slot::pack(key, plan, index, &small).unwrap_or_else(|| {
                    let evidence = trail.of(key, limits.evidence.min(small.entries().len()));
                    let state = Grown::new(plan, &small, evidence);
                    self.sightings += state.len();
                    Slot::grown(key, index, self.grown.insert(state))
                });
                match found {
                    Ok(at) => self.shards[shard].set(at, slot),
                    Err(_) if small.is_empty() => {}
                    Err(_) => {
                        self.shards[shard].insert(slot, self.bits, &mut self.scratch);
                        self.keys += 1;
                    }
                }
                let known = |fire: Fire| trail.of(key, limits.evidence.min(fire.count as usize));
                (fire, fire.map(known).unwrap_or_default())
            }
        };
        self.shards[shard].rest = self.shards[shard].rest.saturating_sub(1);
        fire.map(|fire| absolute(zero, fire, evidence))
    }

    /// Takes in a sighting of a correlation that is decided when its windows end, by `with`. The tick at
    /// which the key's first window ends, before and after.
    pub fn arrive_open(
        &mut self,
        arrival: &Arrival,
        limits: &Limits,
        with: impl FnOnce(&mut Grown, Entry, u32),
    ) -> (Option<i64>, Option<i64>) {
        let Arrival { plan, index, key, .. } = *arrival;
        let shard = self.shard_of(key);
        let zero = zero(plan, self.shards[shard].base);
        let settled = relative(plan, zero, arrival.settled);
        let entry = Entry::new(relative(plan, zero, arrival.time), arrival.value);
        if self.shards[shard].find(key, self.bits).is_err() {
            let place = self.grown.insert(Grown::new(plan, &Small::EMPTY, Vec::new()));
            self.shards[shard].insert(Slot::grown(key, index, place), self.bits, &mut self.scratch);
            self.keys += 1;
        }
        self.shards[shard].rest = self.shards[shard].rest.saturating_sub(1);
        let Some(state) = self.place_of(key).and_then(|place| self.grown.get_mut(place)) else {
            return (None, None);
        };
        let (before, end) = (state.len(), state.end(plan));
        with(state, entry, settled);
        state.remember(arrival.evidence, limits.evidence);
        let (after, new_end) = (state.len(), state.end(plan));
        self.sightings = (self.sightings + after).saturating_sub(before);
        let absolute = |end: Option<u32>| end.map(|end| i64::from(end) + zero);
        (absolute(end), absolute(new_end))
    }

    /// Decides the windows of a key that are over, by `with`, and forgets the key if nothing is left.
    /// The tick at which its next window ends.
    pub fn close(
        &mut self,
        plans: &[Plan],
        key: u64,
        settled: i64,
        with: impl FnOnce(&mut Grown, u16, i64, u32),
    ) -> Option<i64> {
        let shard = self.shard_of(key);
        let at = self.shards[shard].find(key, self.bits).ok()?;
        let slot = self.shards[shard].get(at);
        let Unpacked::Grown(place) = slot.unpack() else { return None };
        let plan = plans.get(usize::from(slot.plan))?;
        let zero = zero(plan, self.shards[shard].base);
        let state = self.grown.get_mut(place)?;
        let before = state.len();
        with(state, slot.plan, zero, relative(plan, zero, settled));
        self.sightings = (self.sightings + state.len()).saturating_sub(before);
        state.end(plan).map(|end| i64::from(end) + zero)
    }

    /// The grown state of a key, and the tick that its ticks are counted from.
    pub fn state_of(&self, plan: &Plan, key: u64) -> Option<(i64, &Grown)> {
        let shard = &self.shards[self.shard_of(key)];
        let state = self.grown.get(self.place_of(key)?)?;
        Some((zero(plan, shard.base), state))
    }

    fn place_of(&self, key: u64) -> Option<u32> {
        let shard = &self.shards[self.shard_of(key)];
        match shard.get(shard.find(key, self.bits).ok()?).unpack() {
            Unpacked::Grown(place) => Some(place),
            Unpacked::Small(_) => None,
        }
    }

    /// Puts in a state that was kept. `false`: the key is in already.
    pub fn put(&mut self, key: u64, plan: &Plan, index: u16, state: Result<Small, Grown>) -> bool {
        let shard = self.shard_of(key);
        if self.shards[shard].find(key, self.bits).is_ok() {
            return false;
        }
        let slot = match state {
            Ok(small) => match Slot::pack(key, plan, index, &small) {
                Some(slot) => slot,
                None => return false,
            },
            Err(state) => {
                self.sightings += state.len();
                Slot::grown(key, index, self.grown.insert(state))
            }
        };
        self.shards[shard].insert(slot, self.bits, &mut self.scratch);
        self.keys += 1;
        true
    }
}

/// Tick since the epoch that a shard's ticks are counted from.
pub(super) fn zero(plan: &Plan, base: i64) -> i64 {
    plan.tick(base) - i64::from(HORIZON)
}

/// A time as a tick of a shard. Sweeps come often enough that it fits.
pub(super) fn relative(plan: &Plan, zero: i64, micros: i64) -> u32 {
    (plan.tick(micros) - zero).clamp(0, i64::from(u32::MAX - HORIZON)) as u32
}

pub(super) fn absolute(zero: i64, fire: Fire, evidence: Vec<u64>) -> Fired {
    Fired {
        end: i64::from(fire.end) + zero,
        first: i64::from(fire.first) + zero,
        last: i64::from(fire.last) + zero,
        count: fire.count,
        value: fire.value,
        evidence,
    }
}
