//! The bytes of one file: as they are read, as they are safe, and what is in between.

/// Bytes that a disk writes in one go.
const BLOCK: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Content {
    pub live: Vec<u8>,
    durable: Vec<u8>,
    /// Since the last sync, in order.
    pending: Vec<Change>,
    /// Given to a sync that failed.
    lost: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

impl Content {
    pub fn durable(bytes: Vec<u8>) -> Self {
        Self { live: bytes.clone(), durable: bytes, ..Self::default() }
    }

    pub fn write(&mut self, at: u64, bytes: &[u8]) {
        let change = Change::Write { at: at as usize, bytes: bytes.to_vec() };
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    pub fn truncate(&mut self, len: usize) {
        Change::Cut(len).apply(&mut self.live);
        self.pending.push(Change::Cut(len));
    }

    pub fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
            if let Change::Cut(len) = change {
                self.lost.retain(|lost| matches!(lost, Change::Write { at, .. } if *at < len));
            }
        }
    }

    pub fn fail_sync(&mut self) {
        self.lost.append(&mut self.pending);
    }

    /// What is left after the power was cut.
    pub fn survive(&self, chance: &mut Chance) -> Vec<u8> {
        let mut left = self.durable.clone();
        for lost in &self.lost {
            if chance.below(2) == 1 {
                lost.apply(&mut left);
            }
        }
        let whole = chance.below(self.pending.len() as u64 + 1) as usize;
        for change in &self.pending[..whole] {
            change.apply(&mut left);
        }
        if let Some(Change::Write { at, bytes }) = self.pending.get(whole) {
            if chance.below(2) == 0 {
                let torn = chance.below(bytes.len() as u64 + 1) as usize;
                if torn > 0 {
                    Change::Write { at: *at, bytes: bytes[..torn].to_vec() }.apply(&mut left);
                }
            } else {
                // The length may be there before the bytes, and the bytes in any order.
                for (nth, block) in bytes.chunks(BLOCK).enumerate() {
                    let there = chance.below(2) == 1;
                    let bytes = if there { block.to_vec() } else { vec![0; block.len()] };
                    Change::Write { at: at + nth * BLOCK, bytes }.apply(&mut left);
                }
            }
        }
        left
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*at..end].copy_from_slice(bytes);
            }
            Self::Cut(len) => to.truncate(*len),
        }
    }
}

/// A row of numbers that is the same for the same seed. For 0 it is all zeros.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}
