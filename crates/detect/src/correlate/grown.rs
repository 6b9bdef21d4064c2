//! The state of a key that outgrew its slot.

use std::collections::VecDeque;

use super::measure::Entry;
use super::open::Open;
use super::plan::Plan;
use super::slot::Small;
use super::thin::{Outlook, thin};
use super::times::{Fire, Times};
use super::window::Window;

/// All that is known of one key.
#[derive(Debug, Clone)]
pub(super) struct Grown {
    pub fired: Option<u32>,
    pub body: Body,
    /// Handles of the latest sightings, oldest first.
    pub evidence: Vec<u64>,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Times(Times),
    Window(Window),
    Open(Box<Open>),
}

/// Grown states, found by index.
#[derive(Debug, Clone, Default)]
pub(super) struct Slab {
    states: Vec<Option<Box<Grown>>>,
    free: Vec<u32>,
}

impl Grown {
    /// A key of few sightings that is about to have more.
    pub fn new(plan: &Plan, small: &Small, evidence: Vec<u64>) -> Self {
        Self::with(plan, small.entries().to_vec(), small.fired, 0, evidence)
    }

    pub fn with(plan: &Plan, entries: Vec<Entry>, fired: Option<u32>, kept: u32, evidence: Vec<u64>) -> Self {
        let body = if plan.at_close {
            Body::Open(Box::new(Open { waiting: entries, ..Open::default() }))
        } else if plan.only_times() {
            Body::Times(Times(entries.iter().map(|e| e.at).collect()))
        } else {
            Body::Window(Window::new(plan, entries, kept))
        };
        Self { fired, body, evidence }
    }

    /// Takes in a sighting of a correlation that is decided at each sighting.
    pub fn arrive(&mut self, plan: &Plan, entry: Entry, settled: u32, folded: &mut u64) -> Option<Fire> {
        let outlook = Outlook { settled, fired: self.fired };
        let fire = match &mut self.body {
            Body::Times(times) => times.arrive(plan, entry.at, outlook, folded),
            Body::Window(window) => window.arrive(plan, entry, outlook, folded),
            Body::Open(_) => None,
        };
        if let Some(fire) = fire {
            self.fired = Some(fire.end);
        }
        fire
    }

    /// Remembers a handle among the latest `most`.
    pub fn remember(&mut self, evidence: u64, most: usize) {
        if self.evidence.len() >= most.max(1) {
            self.evidence.remove(0);
        }
        if self.evidence.len() == self.evidence.capacity() {
            self.evidence.reserve_exact(if self.evidence.len() < 4 { 2 } else { 4 });
        }
        self.evidence.push(evidence);
    }

    /// Forgets what cannot matter any more. The state as a small one, if it has become small enough.
    pub fn thin(&mut self, plan: &Plan, settled: u32, folded: &mut u64) -> Option<Small> {
        let outlook = Outlook { settled, fired: self.fired };
        if outlook.over(plan) {
            self.fired = None;
        }
        let entries: Vec<Entry> = match &mut self.body {
            Body::Open(open) => return (open.len() == 0 && open.window.is_none()).then_some(Small::EMPTY),
            Body::Times(times) => {
                let mut entries: Vec<Entry> = times.0.iter().map(|at| Entry::new(*at, 0)).collect();
                thin(plan, &mut entries, outlook);
                times.0 = entries.iter().map(|e| e.at).collect::<VecDeque<u32>>();
                entries
            }
            Body::Window(window) => {
                window.thin(plan, outlook, folded);
                window.entries.iter().take(4).copied().collect()
            }
        };
        Small::new(&entries, self.fired)
    }

    /// Counts ticks from a zero that lies later.
    pub fn shift(&mut self, plan: &Plan, ticks: u32) {
        self.fired = self.fired.and_then(|f| f.checked_sub(ticks));
        match &mut self.body {
            Body::Times(times) => {
                times.0.drain(..times.0.partition_point(|t| *t < ticks));
                times.0.iter_mut().for_each(|t| *t -= ticks);
            }
            Body::Window(window) => window.shift(plan, ticks),
            Body::Open(open) => open.shift(ticks),
        }
    }

    /// Sightings or values kept.
    pub fn len(&self) -> usize {
        match &self.body {
            Body::Times(times) => times.0.len(),
            Body::Window(window) => window.entries.len(),
            Body::Open(open) => open.len(),
        }
    }

    /// Tick at which its open window ends.
    pub fn end(&self, plan: &Plan) -> Option<u32> {
        match &self.body {
            Body::Open(open) => open.end(plan),
            Body::Times(_) | Body::Window(_) => None,
        }
    }

    /// Latest tick it knows of.
    pub fn newest(&self) -> u32 {
        let newest = match &self.body {
            Body::Times(times) => times.0.back().copied(),
            Body::Window(window) => window.entries.back().map(|e| e.at),
            Body::Open(open) => {
                open.waiting.last().map(|e| e.at).or_else(|| open.window.as_ref().map(|w| w.last))
            }
        };
        newest.max(self.fired).unwrap_or(0)
    }

    pub fn bytes(&self) -> usize {
        let body = match &self.body {
            Body::Times(times) => times.0.capacity() * size_of::<u32>(),
            Body::Window(window) => window.bytes(),
            Body::Open(open) => size_of::<Open>() + open.bytes(),
        };
        size_of::<Self>() + size_of::<usize>() + self.evidence.capacity() * 8 + body
    }
}

impl Slab {
    pub fn insert(&mut self, state: Grown) -> u32 {
        let state = Some(Box::new(state));
        match self.free.pop() {
            Some(index) => {
                self.states[index as usize] = state;
                index
            }
            None => {
                self.states.push(state);
                (self.states.len() - 1) as u32
            }
        }
    }

    pub fn get(&self, index: u32) -> Option<&Grown> {
        self.states.get(index as usize)?.as_deref()
    }

    pub fn get_mut(&mut self, index: u32) -> Option<&mut Grown> {
        self.states.get_mut(index as usize)?.as_deref_mut()
    }

    pub fn remove(&mut self, index: u32) {
        if self.states.get_mut(index as usize).is_some_and(|state| state.take().is_some()) {
            self.free.push(index);
        }
    }

    /// How many states there are.
    pub fn len(&self) -> usize {
        self.states.len() - self.free.len()
    }

    pub fn bytes(&self) -> usize {
        let states = self.states.iter().flatten().map(|state| state.bytes()).sum::<usize>();
        states + self.states.capacity() * size_of::<usize>() + self.free.capacity() * 4
    }
}
