//! Which sightings a key of few sightings had lately, in a fixed amount of memory for all keys together.
//!
//! A ring of handles, each linked to the one before it whose key falls into the same bucket. What the
//! ring has overwritten is forgotten: evidence is told as far as it is remembered.

/// The latest sightings of all keys.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    steps: Vec<Step>,
    buckets: Vec<u32>,
    /// Number of the next step; its place is this modulo the ring's length.
    next: u32,
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    evidence: [u32; 2],
    tag: u32,
    before: u32,
}

/// Steps followed before giving up.
const FAR: usize = 256;

impl Trail {
    /// A trail of up to `most` steps, rounded up to a power of two. The memory is taken as it fills.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, 1 << 28).next_power_of_two();
        Self { steps: Vec::new(), buckets: vec![u32::MAX; (most / 4).max(1)], next: 0, most }
    }

    pub fn push(&mut self, key: u64, evidence: u64) {
        let bucket = self.bucket(key);
        let step = Step {
            evidence: [evidence as u32, (evidence >> 32) as u32],
            tag: key as u32,
            before: self.buckets[bucket],
        };
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
            if step.tag == key as u32 {
                found.push(u64::from(step.evidence[0]) | u64::from(step.evidence[1]) << 32);
            }
            number = step.before;
        }
        found.reverse();
        found
    }

    /// Key, as far as it is known, and handle of each step, oldest first.
    pub fn steps(&self) -> Vec<(u64, u64)> {
        let mut found = vec![(0, 0); self.steps.len()];
        for (bucket, latest) in self.buckets.iter().enumerate() {
            let (mut number, mut age) = (*latest, 0);
            loop {
                let older = self.next.wrapping_sub(number);
                if number == u32::MAX || older <= age || older as usize > self.steps.len() {
                    break;
                }
                age = older;
                let step = &self.steps[number as usize & (self.most - 1)];
                let evidence = u64::from(step.evidence[0]) | u64::from(step.evidence[1]) << 32;
                found[self.steps.len() - older as usize] =
                    ((bucket as u64) << 32 | u64::from(step.tag), evidence);
                number = step.before;
            }
        }
        found
    }

    pub fn bytes(&self) -> usize {
        self.steps.capacity() * size_of::<Step>() + self.buckets.capacity() * 4
    }

    fn bucket(&self, key: u64) -> usize {
        (key >> 32) as usize & (self.buckets.len() - 1)
    }
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
}
