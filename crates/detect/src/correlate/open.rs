//! A window whose content is decided when it is over.
//!
//! It opens with a key's first sighting outside an earlier window, and lasts a timespan. Sightings wait
//! in order until none may come before them any more; then they go into the open window. So what is
//! decided is what would be if all had come in order.

use super::measure::{Entry, Running};
use super::plan::Plan;
use super::sighting::Carried;
use super::times::Fire;
use crate::correlation_rule::{CorrelationCondition, CorrelationKind};

/// One key's open window and what waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Open {
    /// Sightings that may still be preceded by others, in order of time.
    pub waiting: Vec<Entry>,
    pub window: Option<Box<Content>>,
    /// Reference of the last sighting and what it carried, for what is fed when the window ends.
    pub source: (u16, Option<Box<Carried>>),
}

/// What is settled of an open window.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub first: u32,
    pub last: u32,
    pub count: u64,
    pub running: Running,
}

impl Open {
    /// Takes in a sighting. Of a key with too many, those waiting longest are settled early.
    pub fn arrive(
        &mut self,
        plan: &Plan,
        entry: Entry,
        settled: u32,
        fires: &mut Vec<Fire>,
        folded: &mut u64,
    ) {
        if let Some(window) = &self.window
            && entry.at < window.last
        {
            *folded += 1; // only possible after settling early
            return;
        }
        let place = self.waiting.partition_point(|e| e.at <= entry.at);
        self.waiting.insert(place, entry);
        if self.waiting.get(32).is_some_and(|e| e.at <= settled) && place > 64 {
            self.settle(plan, settled, false, fires);
        }
        if self.waiting.len() > plan.most {
            let early = self.waiting[plan.most / 2].at;
            self.settle(plan, early, false, fires);
        }
    }

    /// Lets in what is settled, and decides the windows that are over.
    pub fn settle(&mut self, plan: &Plan, settled: u32, over: bool, fires: &mut Vec<Fire>) {
        let ready = self.waiting.partition_point(|e| e.at <= settled);
        let ready: Vec<Entry> = self.waiting.drain(..ready).collect();
        for entry in ready {
            if self.window.as_ref().is_some_and(|w| entry.at - w.first >= plan.span) {
                self.decide(plan, fires);
            }
            let fresh = || {
                let running = Running::new(plan);
                Box::new(Content { first: entry.at, last: entry.at, count: 0, running })
            };
            let window = self.window.get_or_insert_with(fresh);
            window.last = entry.at;
            window.count += 1;
            window.put(plan, entry);
        }
        if over && self.window.as_ref().is_some_and(|w| w.first.saturating_add(plan.span) <= settled) {
            self.decide(plan, fires);
        }
    }

    /// Tick at which the first window ends. `None`: nothing is open or waiting.
    pub fn end(&self, plan: &Plan) -> Option<u32> {
        let first = self.window.as_ref().map(|w| w.first);
        first.or_else(|| self.waiting.first().map(|e| e.at)).map(|first| first.saturating_add(plan.span))
    }

    /// Counts ticks from a zero that lies later.
    pub fn shift(&mut self, ticks: u32) {
        self.waiting.iter_mut().for_each(|e| e.at = e.at.saturating_sub(ticks));
        if let Some(window) = &mut self.window {
            window.first = window.first.saturating_sub(ticks);
            window.last = window.last.saturating_sub(ticks);
            if let Running::Chain(chain) = &mut window.running {
                chain.shift(ticks);
            }
        }
    }

    pub fn bytes(&self) -> usize {
        let window = self.window.as_ref().map_or(0, |w| size_of::<Content>() + w.running.bytes());
        let carried = self.source.1.as_ref().map_or(0, |c| size_of::<Carried>() + c.words.capacity() * 16);
        self.waiting.capacity() * size_of::<Entry>() + window + carried
    }

    /// Sightings or values kept.
    pub fn len(&self) -> usize {
        self.waiting.len() + self.window.as_ref().map_or(0, |w| w.running.len())
    }

    fn decide(&mut self, plan: &Plan, fires: &mut Vec<Fire>) {
        let Some(window) = self.window.take() else { return };
        let measured = window.running.measure(plan, window.first);
        if plan.holds(measured) {
            fires.push(Fire {
                end: window.first.saturating_add(plan.span),
                first: window.first,
                last: window.last,
                count: window.count,
                value: measured.value,
            });
        }
    }
}

impl Content {
    /// Distinct values beyond the highest bound of the condition change nothing and are not kept. Of too
    /// many numbers to rank, a sample is.
    fn put(&mut self, plan: &Plan, entry: Entry) {
        match &mut self.running {
            Running::Distinct(values) => {
                if values.len() < distinct_bound(plan) {
                    values.insert(entry.value, 1);
                }
            }
            Running::Sorted(values) if values.len() >= plan.most => {
                let place = (entry.value ^ self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)) as usize;
                let place = place % values.len();
                values.remove(place);
                self.running.add(entry);
            }
            running => running.add(entry),
        }
    }
}

fn distinct_bound(plan: &Plan) -> usize {
    match (&plan.condition, plan.kind) {
        (CorrelationCondition::Threshold(bounds), CorrelationKind::ValueCount) => {
            bounds.iter().map(|(_, bound)| bound.max(0.0) as usize + 2).max().unwrap_or(1)
        }
        _ => usize::MAX,
    }
}
