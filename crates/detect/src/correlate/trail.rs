//! Which sightings a key of few sightings had lately, in a fixed amount of memory for all keys together.
//!
//! A ring of handles, each linked to the one before it whose key falls into the same bucket. What the
//! ring has overwritten is forgotten: evidence is told as far as it is remembered.

/// The latest sightings of all keys. Takes memory as it fills: a sector has tens of thousands of them, most
/// nearly empty.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    steps: Vec<Step>,
    /// As many as there are steps to four of them, or more.
    buckets: Vec<u32>,
    /// Number of the next step; its place is this modulo the ring's length.
    next: u32,
    most: usize,
}

/// Numbers of 64 bits in halves, so that a step takes 20 bytes and not 24.
#[derive(Debug, Clone, Copy)]
struct Step {
    key: [u32; 2],
    evidence: [u32; 2],
    before: u32,
}

/// Steps followed before giving up.
const FAR: usize = 256;
/// Buckets to begin with.
const FEW: usize = 16;

impl Trail {
    /// A trail of up to `most` steps, rounded up to a power of two.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, 1 << 28).next_power_of_two();
        Self { steps: Vec::new(), buckets: vec![u32::MAX; FEW], next: 0, most }
    }

    pub fn push(&mut self, key: u64, evidence: u64) {
        if self.steps.len() >= self.buckets.len() * 4 && self.steps.len() < self.most {
            self.buckets = vec![u32::MAX; self.buckets.len() * 4];
            self.link();
        }
        let bucket = self.bucket(key);
        let step = Step { key: halves(key), evidence: halves(evidence), before: self.buckets[bucket] };
        let place = self.next as usize & (self.most - 1);
        match self.steps.get_mut(place) {
            Some(old) => *old = step,
            None => self.steps.push(step),
        }
        self.buckets[bucket] = self.next;
        // One number stands for "none"; the ring's length divides the others' distance from it.
        self.next = if self.next == u32::MAX - 1 { 0 } else { self.next + 1 };
        if self.next == 0 {
            self.buckets.fill(u32::MAX);
            self.steps.clear();
        }
    }

    /// Reads what a push for the key will need. Reads of several keys wait for memory together.
    #[inline]
    pub fn touch(&self, key: u64) -> u32 {
        self.buckets[self.bucket(key)]
    }

    /// Up to `most` handles of the key, oldest first.
    pub fn of(&self, key: u64, most: usize) -> Vec<u64> {
        let mut found = Vec::new();
        let mut number = self.buckets[self.bucket(key)];
        let mut age = 0;
        for _ in 0..FAR {
            let older = self.next.wrapping_sub(number);
            if number == u32::MAX || older <= age || older as usize > self.steps.len() || found.len() >= most
            {
                break;
            }
            age = older;
            let Some(step) = self.steps.get(number as usize & (self.most - 1)) else { break };
            if whole(step.key) == key {
                found.push(whole(step.evidence));
            }
            number = step.before;
        }
        found.reverse();
        found
    }

    /// Key and handle of each step, oldest first.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = (u64, u64)> {
        let oldest = (self.next as usize).wrapping_sub(self.steps.len());
        (0..self.steps.len()).map(move |nth| {
            let step = &self.steps[oldest.wrapping_add(nth) & (self.most - 1)];
            (whole(step.key), whole(step.evidence))
        })
    }

    /// Forgets the oldest eighth, and gives its memory back.
    pub fn give_up_an_eighth(&mut self) {
        let gone = self.steps.len().div_ceil(8);
        let kept: Vec<(u64, u64)> = self.steps().skip(gone).collect();
        let mut smaller = Self::new(self.most);
        smaller.steps.reserve_exact(kept.len());
        kept.into_iter().for_each(|(key, evidence)| smaller.push(key, evidence));
        *self = smaller;
    }

    pub fn bytes(&self) -> usize {
        self.steps.capacity() * size_of::<Step>() + self.buckets.capacity() * 4
    }

    /// Links all steps anew. They are in the order of their numbers: the ring is not full yet.
    fn link(&mut self) {
        for place in 0..self.steps.len() {
            let bucket = self.bucket(whole(self.steps[place].key));
            self.steps[place].before = self.buckets[bucket];
            self.buckets[bucket] = place as u32;
        }
    }

    fn bucket(&self, key: u64) -> usize {
        (key >> 32) as usize & (self.buckets.len() - 1)
    }
}

fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

fn whole(halves: [u32; 2]) -> u64 {
    u64::from(halves[0]) | u64::from(halves[1]) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_the_latest_handles_of_a_key_until_they_are_overwritten() {
        let mut trail = Trail::new(8);
        for evidence in 0..5 {
            trail.push(7, evidence);
            trail.push(8, 100 + evidence);
        }
        assert_eq!(trail.of(7, 3), [2, 3, 4]);
        assert_eq!(trail.of(8, 10), [101, 102, 103, 104]);
        assert!(trail.of(9, 10).is_empty());
        for evidence in 0..8 {
            trail.push(9, evidence);
        }
        assert!(trail.of(7, 10).is_empty());
    }

    #[test]
    fn it_grows_with_what_it_holds_and_forgets_the_oldest_first() {
        let mut trail = Trail::new(1 << 16);
        assert!(trail.bytes() < 100, "{} bytes for nothing", trail.bytes());
        let key = |nth: u64| (nth % 1_000).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for nth in 0..200_000 {
            trail.push(key(nth), nth);
            if nth.is_power_of_two() {
                assert_eq!(trail.of(key(nth), 1), [nth]);
            }
        }
        assert_eq!(trail.of(key(7), 3), [197_007, 198_007, 199_007]);
        assert_eq!(trail.steps().len(), 1 << 16);
        let oldest = 200_000 - (1 << 16);
        assert!(trail.steps().eq((oldest..200_000).map(|nth| (key(nth), nth))));
        let before = trail.bytes();
        trail.give_up_an_eighth();
        assert!(trail.steps().eq((oldest + (1 << 13)..200_000).map(|nth| (key(nth), nth))));
        assert!(trail.bytes() < before, "{} and {before} bytes", trail.bytes());
        assert_eq!(trail.of(key(7), 3), [197_007, 198_007, 199_007]);
        trail.push(1, 2);
        assert_eq!(trail.of(1, 9), [2]);
    }
}
