//! Sightings of many files, read in any order by many threads, put into order of time.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ward_core::Timestamp;

use super::Reduced;

/// A bounded buffer that releases sightings oldest first. Of the same microsecond, the order of their
/// evidence handles decides, so that the result does not depend on which thread was faster.
///
/// When it is full, the oldest goes out to make room. Should something older still come, the correlator
/// decides whether it is later than allowed, and counts it.
#[derive(Debug, Clone)]
pub struct Reorder {
    heap: BinaryHeap<Oldest>,
    capacity: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Oldest(Reduced);

impl Reorder {
    /// Room for a million sightings of 48 bytes.
    pub const CAPACITY: usize = 1 << 20;

    /// A buffer for this many sightings. The memory is taken as it fills.
    pub fn new(capacity: usize) -> Self {
        Self { heap: BinaryHeap::new(), capacity: capacity.max(1) }
    }

    /// Puts a sighting in, and takes the oldest out if there are too many.
    pub fn push(&mut self, sighting: Reduced) -> Option<Reduced> {
        let sighting = Oldest(sighting);
        if self.heap.len() < self.capacity {
            self.heap.push(sighting);
            return None;
        }
        match self.heap.peek_mut() {
            Some(mut oldest) if *oldest > sighting => Some(std::mem::replace(&mut *oldest, sighting).0),
            _ => Some(sighting.0),
        }
    }

    /// Takes the oldest out.
    pub fn pop(&mut self) -> Option<Reduced> {
        self.heap.pop().map(|oldest| oldest.0)
    }

    /// Takes the oldest out if it is before `time`.
    pub fn pop_before(&mut self, time: Timestamp) -> Option<Reduced> {
        if self.heap.peek()?.0.time() < time { self.pop() } else { None }
    }

    /// How many sightings are in.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is in.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl Ord for Oldest {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = |s: &Reduced| (s.time, s.evidence, s.correlation, s.reference, s.key, s.value);
        order(&other.0).cmp(&order(&self.0))
    }
}

impl PartialOrd for Oldest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: i64) -> Reduced {
        Reduced { time, key: 1, value: 0, evidence: 0, carried: None, correlation: 0, reference: 0 }
    }

    #[test]
    fn a_sighting_is_48_bytes() {
        assert_eq!(size_of::<Oldest>(), 48);
    }

    #[test]
    fn the_oldest_goes_first_and_makes_room() {
        let mut reorder = Reorder::new(3);
        let out: Vec<i64> =
            [5, 9, 1, 7, 0, 8].into_iter().filter_map(|t| reorder.push(at(t))).map(|r| r.time).collect();
        assert_eq!(out, [1, 0, 5]);
        assert_eq!(reorder.pop_before(Timestamp::from_micros(7)).map(|r| r.time), None);
        let rest: Vec<i64> = std::iter::from_fn(|| reorder.pop()).map(|r| r.time).collect();
        assert_eq!(rest, [7, 8, 9]);
    }
}
