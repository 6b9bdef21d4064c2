//! Forgetting keys: those that can no longer matter, and, where limits want it, those idle longest.
//!
//! A shard is swept when a sighting comes into it and enough have come since the last time to pay for
//! it, so that sweeping costs a constant for each sighting.

use super::grown::{Grown, Slab};
use super::keys::{Keys, relative, zero};
use super::plan::Plan;
use super::slot::{Slot, Unpacked};
use super::{Limits, Stats};

impl Keys {
    /// Sweeps the shard of a key if that is due, and makes room in it if the limits want it.
    #[inline]
    pub fn tend(&mut self, key: u64, plans: &[Plan], watermark: i64, limits: &Limits, stats: &mut Stats) {
        let number = self.shard_of(key);
        let shard = &self.shards[number];
        let age = watermark.saturating_sub(shard.base);
        if age >= self.longest || (age >= self.pause && shard.rest == 0) {
            self.sweep(number, plans, watermark, limits, stats);
        }
        let most = limits.keys / self.shards.len() + 8;
        if self.shards[number].len() >= most {
            self.evict(number, plans, false, stats);
        }
        if self.sightings > limits.sightings {
            // One shard after the other, not too often: each time costs as much as the shard is long.
            self.crowded += 1;
            if self.crowded % 1024 == 1 {
                self.evict(self.crowded / 1024 % self.shards.len(), plans, true, stats);
            }
        }
    }

    /// Forgets what can no longer matter in a shard, and counts its ticks from a new base.
    pub fn sweep(
        &mut self,
        number: usize,
        plans: &[Plan],
        watermark: i64,
        limits: &Limits,
        stats: &mut Stats,
    ) {
        let Self { shards, bits, grown, sightings, keys, scratch, .. } = self;
        let shard = &mut shards[number];
        let base = shard.base;
        let before = shard.len();
        shard.retain(*bits, scratch, |slot| {
            let Some(plan) = plans.get(usize::from(slot.plan)) else { return false };
            let ticks = (plan.tick(watermark) - plan.tick(base)).clamp(0, i64::from(u32::MAX)) as u32;
            let settled = relative(plan, zero(plan, watermark), watermark - limits.lateness);
            let small = match slot.unpack() {
                Unpacked::Small(mut small) => {
                    small.shift(ticks);
                    small.tidy(plan, settled);
                    small
                }
                Unpacked::Grown(place) => {
                    let Some(state) = grown.get_mut(place) else { return false };
                    let before = state.len();
                    state.shift(plan, ticks);
                    let small = state.thin(plan, settled, &mut stats.folded);
                    let packs = small.filter(|s| s.is_empty() || Slot::pack(1, plan, 0, s).is_some());
                    let after = if packs.is_some() { 0 } else { state.len() };
                    *sightings = (*sightings + after).saturating_sub(before);
                    let Some(small) = packs else { return true };
                    grown.remove(place);
                    small
                }
            };
            match Slot::pack(slot.key, plan, slot.plan, &small) {
                Some(packed) => *slot = packed,
                None => return false,
            }
            !small.is_empty()
        });
        *keys = (*keys + shard.len()).saturating_sub(before);
        shard.base = watermark;
        // Where little was over, the next sweep can wait.
        let gone = before - shard.len();
        shard.rest = if gone * 4 >= before { shard.len() / 2 } else { shard.len() * 2 };
    }

    /// Sweeps the next shards whose time has come, a few at a time.
    pub fn sweep_some(
        &mut self,
        from: usize,
        plans: &[Plan],
        watermark: i64,
        limits: &Limits,
        stats: &mut Stats,
    ) {
        for number in from..from + 16 {
            let number = number % self.shards.len();
            let shard = &self.shards[number];
            if shard.len() > 0 && watermark.saturating_sub(shard.base) >= self.pause {
                self.sweep(number, plans, watermark, limits, stats);
            }
        }
    }

    /// Forgets, shard by shard, the eighth of all keys that was idle longest there.
    pub fn give_up_an_eighth(&mut self, plans: &[Plan], stats: &mut Stats) {
        (0..self.shards.len()).for_each(|number| self.evict(number, plans, false, stats));
    }

    /// Forgets the eighth of a shard that was idle longest.
    fn evict(&mut self, number: usize, plans: &[Plan], only_grown: bool, stats: &mut Stats) {
        let Self { shards, bits, grown, sightings, keys, scratch, .. } = self;
        let shard = &mut shards[number];
        let base = shard.base;
        let newest = |slot: &Slot, grown: &Slab| {
            let plan = plans.get(usize::from(slot.plan))?;
            let at = match slot.unpack() {
                Unpacked::Small(small) => (!only_grown).then(|| small.newest())?,
                Unpacked::Grown(place) => grown.get(place)?.newest(),
            };
            Some((i64::from(at) + zero(plan, base)).saturating_mul(plan.unit))
        };
        let mut times: Vec<i64> = shard.iter().filter_map(|slot| newest(slot, grown)).collect();
        if times.is_empty() {
            return;
        }
        let share = (times.len() / 8).max(1);
        let (_, limit, _) = times.select_nth_unstable(share - 1);
        let (limit, mut left) = (*limit, share);
        let before = shard.len();
        shard.retain(*bits, scratch, |slot| {
            let idle = newest(slot, grown).is_some_and(|time| time <= limit);
            if !idle || left == 0 {
                return true;
            }
            left -= 1;
            if let Unpacked::Grown(place) = slot.unpack() {
                *sightings = sightings.saturating_sub(grown.get(place).map_or(0, Grown::len));
                grown.remove(place);
            }
            false
        });
        let gone = before - shard.len();
        *keys = keys.saturating_sub(gone);
        stats.evicted += gone as u64;
    }
}
