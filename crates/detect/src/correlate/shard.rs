//! A part of the table of keys: open addressing in order of fingerprint.
//!
//! A slot's home grows with its fingerprint, and slots are kept in order, so that a search ends at the
//! first larger fingerprint: a miss costs no more than a hit, even when the shard is nearly full. It
//! grows by an eighth, and each shard by itself, so that memory never has to hold two copies of
//! everything.
//!
//! Invariant: the slots that are taken are in order of fingerprint, and between a key's home and its
//! slot none is free.

use super::slot::Slot;

/// Slots of keys whose fingerprints begin with the same bits.
#[derive(Debug, Clone, Default)]
pub(super) struct Shard {
    slots: Vec<Slot>,
    homes: usize,
    len: usize,
    /// Watermark that ticks of this shard are counted from, in microseconds.
    pub base: i64,
    /// Sightings since the last sweep.
    pub touched: usize,
}

/// Full at 7/8.
const FULL: (usize, usize) = (7, 8);

impl Shard {
    pub fn new(base: i64) -> Self {
        Self { base, ..Self::default() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// Whether a further key needs more room.
    pub fn is_full(&self) -> bool {
        (self.len + 1) * FULL.1 > self.homes * FULL.0
    }

    /// Where the key is, or else where it belongs. `bits`: leading bits common to the shard.
    pub fn find(&self, key: u64, bits: u32) -> Result<usize, usize> {
        let mut at = home(key, bits, self.homes);
        loop {
            match self.slots.get(at) {
                Some(slot) if slot.key == key => return Ok(at),
                Some(slot) if slot.key != 0 && slot.key < key => at += 1,
                _ => return Err(at),
            }
        }
    }

    pub fn get(&self, at: usize) -> Slot {
        self.slots.get(at).copied().unwrap_or_default()
    }

    pub fn set(&mut self, at: usize, slot: Slot) {
        if let Some(place) = self.slots.get_mut(at) {
            *place = slot;
        }
    }

    /// Adds a slot whose key is not in yet.
    pub fn insert(&mut self, slot: Slot, bits: u32) {
        loop {
            if !self.is_full()
                && let Err(at) = self.find(slot.key, bits)
                && let Some(gap) = self.slots.iter().skip(at).position(|s| s.key == 0)
            {
                self.slots.copy_within(at..at + gap, at + 1);
                self.slots[at] = slot;
                self.len += 1;
                return;
            }
            let homes = self.homes + self.homes / 8 + 8;
            let slots = std::mem::take(&mut self.slots);
            self.lay_out(slots.into_iter().filter(|s| s.key != 0), homes, bits);
        }
    }

    /// The slots in order of fingerprint.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.key != 0)
    }

    /// Passes every slot through `keep`, which may change all but its key, and drops those it refuses.
    pub fn retain(&mut self, bits: u32, mut keep: impl FnMut(&mut Slot) -> bool) {
        let before = self.slots.len();
        let mut slots = std::mem::take(&mut self.slots);
        slots.retain_mut(|slot| slot.key != 0 && keep(slot));
        let roomy = slots.len() * FULL.1 / FULL.0;
        let homes = if roomy + roomy / 4 + 16 < before { roomy + roomy / 8 + 8 } else { self.homes };
        self.lay_out(slots.into_iter(), homes, bits);
    }

    fn lay_out(&mut self, sorted: impl Iterator<Item = Slot>, homes: usize, bits: u32) {
        self.homes = homes;
        self.len = 0;
        self.slots = Vec::new();
        self.slots.reserve_exact(homes + TAIL);
        for slot in sorted {
            let at = home(slot.key, bits, homes).max(self.slots.len());
            self.slots.resize(at, Slot::default());
            self.slots.push(slot);
            self.len += 1;
        }
        self.slots.resize((homes + TAIL).max(self.slots.len()), Slot::default());
    }
}

/// Slots behind the last home.
const TAIL: usize = 16;

/// The first slot that a key may be in.
fn home(key: u64, bits: u32, homes: usize) -> usize {
    let rest = key.checked_shl(bits).unwrap_or(0);
    ((u128::from(rest) * homes as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_finds_what_went_in_and_keeps_it_through_growth_and_sweeps() {
        for bits in [0, 3] {
            let (mut shard, mut judge) = (Shard::new(0), BTreeMap::new());
            let mut random = 88_172_645_463_325_252u64;
            for i in 0..20_000u32 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = ((random % 30_000).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> bits).max(1);
                match shard.find(key, bits) {
                    Ok(at) => shard.set(at, Slot::grown(key, 0, i)),
                    Err(_) => shard.insert(Slot::grown(key, 0, i), bits),
                }
                judge.insert(key, Slot::grown(key, 0, i));
                if i % 7_000 == 6_999 {
                    shard.retain(bits, |slot| slot.key % 3 == 0);
                    judge.retain(|key, _| key % 3 == 0);
                }
            }
            assert_eq!(shard.len(), judge.len());
            assert!(shard.iter().eq(judge.values()));
            assert!(judge.keys().all(|key| shard.find(*key, bits).is_ok()));
        }
    }

    #[test]
    fn a_grown_shard_wastes_at_most_a_third() {
        let mut shard = Shard::new(0);
        for i in 1..=100_000u64 {
            shard.insert(Slot::grown(i.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0, 0), 0);
            if i > 1000 {
                assert!(shard.bytes() <= i as usize * 32 + 2048, "{} bytes for {i} keys", shard.bytes());
            }
        }
    }
}
