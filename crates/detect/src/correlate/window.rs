//! One key's sightings with their values, and the measure of the latest window kept up to date.
//!
//! A sighting that comes in order costs the same whatever the window holds; one that comes late makes
//! the windows around it be measured anew.

use std::collections::VecDeque;

use super::measure::{Entry, FEW, Running, at_once};
use super::plan::{Measured, Plan};
use super::thin::{Outlook, crowd_out, thin};
use super::times::Fire;

/// Sightings in order of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    pub entries: VecDeque<Entry>,
    /// How many there were after the last thinning.
    pub kept: u32,
    latest: Option<Box<Latest>>,
}

/// The window that ends at the latest sighting, if it holds more than a few.
#[derive(Debug, Clone)]
struct Latest {
    /// Index of its first sighting.
    from: usize,
    running: Running,
}

impl Window {
    pub fn new(plan: &Plan, entries: impl IntoIterator<Item = Entry>, kept: u32) -> Self {
        let kept = kept.min(plan.most as u32);
        let mut window = Self { entries: entries.into_iter().collect(), kept, latest: None };
        window.remeasure(plan);
        window
    }

    /// Takes in a sighting and says which window it completed. `folded` counts what had to be forgotten.
    pub fn arrive(&mut self, plan: &Plan, entry: Entry, outlook: Outlook, folded: &mut u64) -> Option<Fire> {
        let floor = outlook.floor(plan);
        if entry.at < floor {
            return None;
        }
        self.drop_before(floor);
        let fire = if self.entries.back().is_none_or(|last| last.at <= entry.at) {
            self.arrive_in_order(plan, entry, outlook)
        } else {
            let fire = self.arrive_late(plan, entry, outlook);
            self.remeasure(plan);
            fire
        };
        if let Some(fire) = fire {
            self.entries.drain(..self.entries.partition_point(|e| e.at <= fire.end));
            self.kept = 0;
            self.remeasure(plan);
        } else if self.entries.len() >= (2 * self.kept as usize).max(2 * FEW) {
            self.thin(plan, outlook, folded);
        }
        fire
    }

    /// Forgets what cannot matter any more.
    pub fn thin(&mut self, plan: &Plan, outlook: Outlook, folded: &mut u64) {
        let mut entries = Vec::from(std::mem::take(&mut self.entries));
        thin(plan, &mut entries, outlook);
        if entries.len() > plan.most {
            *folded += crowd_out(plan, &mut entries) as u64;
        }
        self.kept = entries.len() as u32;
        self.entries = entries.into();
        self.remeasure(plan);
    }

    /// Counts ticks from a zero that lies later. What would be before it goes.
    pub fn shift(&mut self, plan: &Plan, ticks: u32) {
        let gone = self.entries.partition_point(|e| e.at < ticks);
        self.entries.drain(..gone);
        self.entries.iter_mut().for_each(|e| e.at -= ticks);
        self.remeasure(plan);
    }

    pub fn bytes(&self) -> usize {
        let latest = self.latest.as_ref().map_or(0, |l| size_of::<Latest>() + l.running.bytes());
        self.entries.capacity() * size_of::<Entry>() + latest
    }

    fn arrive_in_order(&mut self, plan: &Plan, entry: Entry, outlook: Outlook) -> Option<Fire> {
        self.entries.push_back(entry);
        let start = plan.start(entry.at);
        match &mut self.latest {
            Some(latest) => {
                latest.running.add(entry);
                while let Some(first) = self.entries.get(latest.from).filter(|e| e.at < start) {
                    latest.running.remove(*first);
                    latest.from += 1;
                }
            }
            None if self.entries.len() > FEW => self.remeasure(plan),
            None => {}
        }
        if outlook.silent(plan, entry.at) {
            return None;
        }
        let (from, measured) = match &self.latest {
            Some(latest) => (latest.from, latest.running.measure(plan, start)),
            None => {
                let window = self.entries.make_contiguous();
                let from = window.partition_point(|e| e.at < start);
                (from, at_once(plan, &window[from..]))
            }
        };
        self.fire(plan, measured, from, self.entries.len())
    }

    fn arrive_late(&mut self, plan: &Plan, entry: Entry, outlook: Outlook) -> Option<Fire> {
        let place = self.entries.partition_point(|e| e.at <= entry.at);
        self.entries.insert(place, entry);
        let mut running = Running::new(plan);
        let first_start = plan.start(entry.at);
        let mut from = self.entries.partition_point(|e| e.at < first_start);
        let (mut upper, mut next) = (from, place);
        while let Some(end) = self.entries.get(next).map(|e| e.at) {
            if end >= entry.at.saturating_add(plan.span) {
                return None;
            }
            while let Some(e) = self.entries.get(upper).filter(|e| e.at <= end) {
                running.add(*e);
                upper += 1;
            }
            let start = plan.start(end);
            while let Some(e) = self.entries.get(from).filter(|e| e.at < start) {
                running.remove(*e);
                from += 1;
            }
            next = upper;
            if !outlook.silent(plan, end) {
                let fire = self.fire(plan, running.measure(plan, start), from, upper);
                if fire.is_some() {
                    return fire;
                }
            }
        }
        None
    }

    fn fire(&self, plan: &Plan, measured: Measured, from: usize, upper: usize) -> Option<Fire> {
        let (first, last) = (self.entries.get(from)?.at, self.entries.get(upper.checked_sub(1)?)?.at);
        plan.holds(measured).then(|| {
            let count = self.entries.range(from..upper).map(|e| u64::from(e.weight)).sum();
            Fire { end: last, first, last, count, value: measured.value }
        })
    }

    fn drop_before(&mut self, floor: u32) {
        while let Some(first) = self.entries.front().copied().filter(|e| e.at < floor) {
            if let Some(latest) = &mut self.latest {
                match latest.from {
                    0 => latest.running.remove(first),
                    _ => latest.from -= 1,
                }
            }
            self.entries.pop_front();
        }
    }

    fn remeasure(&mut self, plan: &Plan) {
        self.latest = None;
        let Some(newest) = self.entries.back().filter(|_| self.entries.len() > FEW) else { return };
        let start = plan.start(newest.at);
        let from = self.entries.partition_point(|e| e.at < start);
        let mut running = Running::new(plan);
        self.entries.range(from..).for_each(|e| running.add(*e));
        self.latest = Some(Box::new(Latest { from, running }));
    }
}
