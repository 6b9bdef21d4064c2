//! A part of the table of keys: open addressing in order of fingerprint.
//!
//! A slot's home grows with its fingerprint, and slots are kept in order, so that a search ends at the
//! first larger fingerprint: a miss costs no more than a hit, even when the shard is nearly full. It
//! grows by a sixteenth, in blocks of one size, so that memory never has to hold two copies of
//! everything and what one shard frees fits another.
//!
//! Invariant: the slots that are taken are in order of fingerprint, and between a key's home and its
//! slot none is free.

use super::slot::Slot;

/// Slots of keys whose fingerprints begin with the same bits.
#[derive(Debug, Clone, Default)]
pub(super) struct Shard {
    blocks: Vec<Box<Block>>,
    homes: usize,
    len: usize,
    /// Watermark that ticks of this shard are counted from, in microseconds.
    pub base: i64,
    /// Sightings until the next sweep.
    pub rest: usize,
}

type Block = [Slot; BLOCK];

const BLOCK: usize = 128;
/// Full at 7/8.
const FULL: (usize, usize) = (7, 8);
/// Slots behind the last home.
const TAIL: usize = 16;

impl Shard {
    pub fn new(base: i64) -> Self {
        Self { base, ..Self::default() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bytes(&self) -> usize {
        self.blocks.len() * size_of::<Block>() + self.blocks.capacity() * size_of::<usize>()
    }

    /// Where the key is, or else where it belongs. `bits`: leading bits common to the shard.
    #[inline]
    pub fn find(&self, key: u64, bits: u32) -> Result<usize, usize> {
        let mut at = home(key, bits, self.homes);
        loop {
            match self.slot(at) {
                Some(slot) if slot.key == key => return Ok(at),
                Some(slot) if slot.key != 0 && slot.key < key => at += 1,
                _ => return Err(at),
            }
        }
    }

    pub fn get(&self, at: usize) -> Slot {
        self.slot(at).copied().unwrap_or_default()
    }

    pub fn set(&mut self, at: usize, slot: Slot) {
        if let Some(place) = self.blocks.get_mut(at / BLOCK) {
            place[at % BLOCK] = slot;
        }
    }

    /// Adds a slot whose key is not in yet. `scratch` is used while the shard grows.
    pub fn insert(&mut self, slot: Slot, bits: u32, scratch: &mut Vec<Slot>) {
        loop {
            let full = (self.len + 1) * FULL.1 > self.homes * FULL.0;
            if !full
                && let Err(at) = self.find(slot.key, bits)
                && self.shift_in(at, slot)
            {
                self.len += 1;
                return;
            }
            let blocks = self.blocks.len() + (self.blocks.len() / 16).max(1);
            scratch.clear();
            scratch.extend(self.iter());
            self.lay_out(scratch, blocks, bits);
        }
    }

    /// The slots in order of fingerprint.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.blocks.iter().flat_map(|block| block.iter()).filter(|slot| slot.key != 0)
    }

    /// Passes every slot through `keep`, which may change all but its key, and drops those it refuses.
    pub fn retain(&mut self, bits: u32, scratch: &mut Vec<Slot>, mut keep: impl FnMut(&mut Slot) -> bool) {
        scratch.clear();
        scratch.extend(self.iter());
        scratch.retain_mut(|slot| keep(slot));
        let blocks = self.blocks.len();
        let needed = (scratch.len() * FULL.1 / FULL.0 + TAIL).div_ceil(BLOCK);
        let roomy = if scratch.is_empty() { 0 } else { needed + needed / 16 + 1 };
        self.lay_out(scratch, if roomy + blocks / 8 < blocks { roomy } else { blocks }, bits);
    }

    /// Puts a slot in at `at`, and moves what is there up to the next gap. `false`: there is no gap.
    fn shift_in(&mut self, at: usize, mut slot: Slot) -> bool {
        let end = self.blocks.len() * BLOCK;
        let Some(gap) = (at..end).find(|i| self.slot(*i).is_none_or(|s| s.key == 0)) else { return false };
        for i in at..=gap {
            if let Some(block) = self.blocks.get_mut(i / BLOCK) {
                std::mem::swap(&mut block[i % BLOCK], &mut slot);
            }
        }
        true
    }

    fn lay_out(&mut self, sorted: &[Slot], blocks: usize, bits: u32) {
        let free = || Box::new([Slot::default(); BLOCK]);
        self.blocks.truncate(blocks);
        self.blocks.iter_mut().for_each(|block| block.fill(Slot::default()));
        if self.blocks.capacity() < blocks {
            self.blocks.reserve_exact(blocks - self.blocks.len() + blocks / 4);
        }
        self.blocks.resize_with(blocks, free);
        self.homes = (blocks * BLOCK).saturating_sub(TAIL);
        self.len = sorted.len();
        let mut next = 0;
        for slot in sorted {
            next = home(slot.key, bits, self.homes).max(next);
            if next >= self.blocks.len() * BLOCK {
                self.blocks.push(free());
            }
            self.set(next, *slot);
            next += 1;
        }
    }

    #[inline]
    fn slot(&self, at: usize) -> Option<&Slot> {
        self.blocks.get(at / BLOCK).map(|block| &block[at % BLOCK])
    }
}

/// The first slot that a key may be in.
#[inline]
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
            let mut scratch = Vec::new();
            let mut random = 88_172_645_463_325_252u64;
            for i in 0..20_000u32 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = ((random % 30_000).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> bits).max(1);
                match shard.find(key, bits) {
                    Ok(at) => shard.set(at, Slot::grown(key, 0, i)),
                    Err(_) => shard.insert(Slot::grown(key, 0, i), bits, &mut scratch),
                }
                judge.insert(key, Slot::grown(key, 0, i));
                if i % 7_000 == 6_999 {
                    shard.retain(bits, &mut scratch, |slot| slot.key % 3 == 0);
                    judge.retain(|key, _| key % 3 == 0);
                }
            }
            assert_eq!(shard.len(), judge.len());
            assert!(shard.iter().eq(judge.values()));
            assert!(judge.keys().all(|key| shard.find(*key, bits).is_ok()));
        }
    }

    #[test]
    fn a_grown_shard_wastes_at_most_a_quarter() {
        let (mut shard, mut scratch) = (Shard::new(0), Vec::new());
        for i in 1..=100_000u64 {
            let slot = Slot::grown(i.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0, 0);
            shard.insert(slot, 0, &mut scratch);
            if i > 1000 {
                assert!(shard.bytes() <= i as usize * 30 + 4096, "{} bytes for {i} keys", shard.bytes());
            }
        }
    }
}
