//! What a window holds: all at once for few sightings, running along for many. Both say the same.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::plan::{Measured, Plan};
use crate::correlation_rule::CorrelationKind;

/// A sighting as a state keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Tick, counted from the zero of its shard.
    pub at: u32,
    /// How many sightings it stands for: 1 unless a key has so many that neighbours were merged.
    pub weight: u32,
    /// See [`super::Reduced::value`].
    pub value: u64,
}

impl Entry {
    pub const fn new(at: u32, value: u64) -> Self {
        Self { at, weight: 1, value }
    }
}

/// Up to this many sightings are measured all at once.
pub(super) const FEW: usize = 16;

/// Measures at most [`FEW`] sightings, which are in order of time and within one window.
pub(super) fn at_once(plan: &Plan, window: &[Entry]) -> Measured {
    match plan.kind {
        CorrelationKind::EventCount => Measured { value: weight(window) as f64, seen: 0 },
        CorrelationKind::ValueCount => {
            let fresh = |(i, e): &(usize, &Entry)| window[..*i].iter().all(|before| before.value != e.value);
            Measured { value: window.iter().enumerate().filter(fresh).count() as f64, seen: 0 }
        }
        CorrelationKind::Temporal => references(window.iter().fold(0, |seen, e| seen | bit(e.value))),
        CorrelationKind::TemporalOrdered => {
            let mut longest = [0u32; FEW];
            let mut seen = 0;
            for (i, entry) in window.iter().enumerate().take(FEW) {
                let before = window[..i].iter().zip(&longest).filter(|(e, _)| e.value < entry.value);
                longest[i] = before.map(|(_, len)| len + 1).max().unwrap_or(1);
                seen |= bit(entry.value);
            }
            Measured { value: f64::from(longest.into_iter().max().unwrap_or(0)), seen }
        }
        CorrelationKind::ValueSum | CorrelationKind::ValueAvg => {
            let total = window.iter().map(|e| fixed(e.value)).fold(0, i128::saturating_add);
            sum_or_mean(plan.kind, total, weight(window))
        }
        CorrelationKind::ValuePercentile | CorrelationKind::ValueMedian => {
            let mut values = [0.0; FEW];
            let len = window.len().min(FEW);
            for (value, entry) in values.iter_mut().zip(window) {
                *value = f64::from_bits(entry.value);
            }
            values[..len].sort_unstable_by(f64::total_cmp);
            percentile(&values[..len], plan.rank)
        }
    }
}

/// What a window holds, kept up to date while sightings come in at its end and go out at its start.
#[derive(Debug, Clone)]
pub(super) enum Running {
    Distinct(HashMap<u64, u32, BuildHasherDefault<AsIs>>),
    References(Vec<u32>),
    Chain(Chain),
    Sum { total: i128, count: u64 },
    Sorted(Vec<f64>),
}

impl Running {
    pub fn new(plan: &Plan) -> Self {
        match plan.kind {
            CorrelationKind::ValueCount => Self::Distinct(HashMap::default()),
            CorrelationKind::Temporal => Self::References(vec![0; plan.references]),
            CorrelationKind::TemporalOrdered => Self::Chain(Chain::new(plan.references)),
            CorrelationKind::EventCount | CorrelationKind::ValueSum | CorrelationKind::ValueAvg => {
                Self::Sum { total: 0, count: 0 }
            }
            CorrelationKind::ValuePercentile | CorrelationKind::ValueMedian => Self::Sorted(Vec::new()),
        }
    }

    pub fn add(&mut self, entry: Entry) {
        match self {
            Self::Distinct(counts) => *counts.entry(entry.value).or_insert(0) += 1,
            Self::References(counts) => {
                if let Some(count) = counts.get_mut(entry.value as usize) {
                    *count += 1;
                }
            }
            Self::Chain(chain) => chain.add(entry),
            Self::Sum { total, count } => {
                *total = total.saturating_add(fixed(entry.value));
                *count += u64::from(entry.weight);
            }
            Self::Sorted(values) => {
                let value = f64::from_bits(entry.value);
                let at = values.partition_point(|v| v.total_cmp(&value).is_lt());
                values.insert(at, value);
            }
        }
    }

    /// Takes out the oldest sighting that is in.
    pub fn remove(&mut self, entry: Entry) {
        match self {
            Self::Distinct(counts) => {
                if let Some(count) = counts.get_mut(&entry.value) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&entry.value);
                    }
                }
            }
            Self::References(counts) => {
                if let Some(count) = counts.get_mut(entry.value as usize) {
                    *count = count.saturating_sub(1);
                }
            }
            Self::Chain(_) => {} // chains that begin too early are passed over when measuring
            Self::Sum { total, count } => {
                *total = total.saturating_sub(fixed(entry.value));
                *count = count.saturating_sub(u64::from(entry.weight));
            }
            Self::Sorted(values) => {
                let value = f64::from_bits(entry.value);
                let at = values.partition_point(|v| v.total_cmp(&value).is_lt());
                if at < values.len() {
                    values.remove(at);
                }
            }
        }
    }

    /// What is in, given the window's first tick.
    pub fn measure(&self, plan: &Plan, start: u32) -> Measured {
        match self {
            Self::Distinct(counts) => Measured { value: counts.len() as f64, seen: 0 },
            Self::References(counts) => {
                let present = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                references(present.fold(0, |seen, (i, _)| seen | bit(i as u64)))
            }
            Self::Chain(chain) => chain.measure(start),
            Self::Sum { total, count } => sum_or_mean(plan.kind, *total, *count),
            Self::Sorted(values) => percentile(values, plan.rank),
        }
    }

    /// Values kept one by one.
    pub fn len(&self) -> usize {
        match self {
            Self::Distinct(counts) => counts.len(),
            Self::Sorted(values) => values.len(),
            Self::References(_) | Self::Chain(_) | Self::Sum { .. } => 0,
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Self::Distinct(counts) => counts.capacity() * 17,
            Self::References(counts) => counts.capacity() * 4,
            Self::Chain(chain) => chain.starts.capacity() * 4 + chain.last.capacity() * 4,
            Self::Sum { .. } => 0,
            Self::Sorted(values) => values.capacity() * 8,
        }
    }
}

/// The longest chain of sightings whose references come in the rule's order.
///
/// For each length and last reference it keeps the latest tick at which such a chain can have begun: of
/// all chains that end alike, that one stays in a sliding window longest.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    references: usize,
    /// By length - 1, then last reference: tick + 1, or 0.
    pub starts: Vec<u32>,
    /// Latest tick + 1 of each reference.
    pub last: Vec<u32>,
}

impl Chain {
    pub fn new(references: usize) -> Self {
        Self { references, starts: vec![0; references * references], last: vec![0; references] }
    }

    pub fn add(&mut self, entry: Entry) {
        let (reference, count) = (entry.value as usize, self.references);
        if reference >= count {
            return;
        }
        self.last[reference] = entry.at + 1;
        self.starts[reference] = entry.at + 1;
        for len in (1..=reference).rev() {
            let shorter = &self.starts[(len - 1) * count..(len - 1) * count + reference];
            let begun = shorter.iter().copied().max().unwrap_or(0);
            let place = &mut self.starts[len * count + reference];
            *place = begun.max(*place);
        }
    }

    /// Counts ticks from a zero that lies later.
    pub fn shift(&mut self, ticks: u32) {
        let begun = self.starts.iter_mut().chain(&mut self.last);
        begun.for_each(|begun| *begun = begun.saturating_sub(ticks));
    }

    pub fn measure(&self, start: u32) -> Measured {
        let within = |row: &[u32]| row.iter().any(|begun| *begun > start);
        let lengths = self.starts.chunks(self.references.max(1));
        let longest = lengths.enumerate().filter(|(_, row)| within(row)).map(|(i, _)| i + 1).last();
        let present = self.last.iter().enumerate().filter(|(_, at)| **at > start);
        Measured {
            value: longest.unwrap_or(0) as f64,
            seen: present.fold(0, |seen, (i, _)| seen | bit(i as u64)),
        }
    }
}

/// A number in steps of 2^-20, so that sums do not depend on the order of adding: whole numbers up to
/// 2^53 and fractions down to a millionth are exact.
pub(super) fn fixed(bits: u64) -> i128 {
    (f64::from_bits(bits) * FRACTION).round() as i128
}

pub(super) fn sum_or_mean(kind: CorrelationKind, total: i128, count: u64) -> Measured {
    let value = match kind {
        CorrelationKind::EventCount => count as f64,
        CorrelationKind::ValueAvg if count > 0 => total as f64 / FRACTION / count as f64,
        _ => total as f64 / FRACTION,
    };
    Measured { value, seen: 0 }
}

/// Linear between the neighbouring ranks, as spreadsheets and databases do it.
fn percentile(sorted: &[f64], rank: f64) -> Measured {
    let place = rank * sorted.len().saturating_sub(1) as f64;
    let at = |i: usize| sorted.get(i).copied().unwrap_or(0.0);
    let (low, high) = (at(place.floor() as usize), at(place.ceil() as usize));
    Measured { value: low + (high - low) * place.fract(), seen: 0 }
}

fn weight(window: &[Entry]) -> u64 {
    window.iter().map(|e| u64::from(e.weight)).sum()
}

fn references(seen: u64) -> Measured {
    Measured { value: f64::from(seen.count_ones()), seen }
}

fn bit(reference: u64) -> u64 {
    1u64.checked_shl(reference as u32).unwrap_or(0)
}

const FRACTION: f64 = 1_048_576.0;

/// Fingerprints are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
