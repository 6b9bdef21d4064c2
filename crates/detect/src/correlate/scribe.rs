//! The state of a key, written into a checkpoint.
//!
//! Ticks are written as ages: how long before the watermark.

use super::grown::{Body, Grown};
use super::measure::{Entry, Running};
use super::open::Open;
use super::plan::{HORIZON, Plan};
use super::route::Routes;
use super::wire::Writer;

/// How a key's state is written: as in its slot,
pub(super) const SMALL: u64 = 0;
/// grown,
pub(super) const GROWN: u64 = 1;
/// or grown, with an open window.
pub(super) const OPEN: u64 = 2;

/// Writes the states of one correlation in one shard.
pub(super) struct Scribe<'a> {
    pub plan: &'a Plan,
    /// Tick of the watermark, as the shard counts.
    pub shift: i64,
}

impl Scribe<'_> {
    fn age(&self, tick: u32) -> u64 {
        (self.shift - i64::from(tick)).clamp(0, i64::from(HORIZON)) as u64
    }

    pub fn entries(&self, out: &mut Writer, fired: Option<u32>, entries: impl Iterator<Item = Entry>) {
        let valued = self.plan.kind.reads_values();
        out.option(fired.filter(|f| self.is_near(*f)).map(|f| self.age(f)));
        let entries: Vec<Entry> = entries.filter(|e| self.is_near(e.at)).collect();
        out.number(entries.len() as u64 * 2 + u64::from(valued));
        for entry in entries {
            out.number(self.age(entry.at));
            out.number(u64::from(entry.weight));
            if valued {
                out.word(entry.value);
            } else {
                out.number(entry.value);
            }
        }
    }

    /// Whether a tick is not so far back that it means nothing any more.
    fn is_near(&self, tick: u32) -> bool {
        self.shift - i64::from(tick) <= i64::from(HORIZON)
    }

    pub fn grown(&self, out: &mut Writer, state: &Grown, routes: &Routes) {
        let mut kept = 0;
        match &state.body {
            Body::Times(times) => {
                out.number(GROWN);
                self.entries(out, state.fired, times.0.iter().map(|at| Entry::new(*at, 0)));
            }
            Body::Window(window) => {
                out.number(GROWN);
                kept = window.kept;
                self.entries(out, state.fired, window.entries.iter().copied());
            }
            Body::Open(open) => {
                out.number(OPEN);
                self.entries(out, state.fired, open.waiting.iter().copied());
            }
        }
        out.number(u64::from(kept));
        out.number(state.evidence.len() as u64);
        state.evidence.iter().for_each(|evidence| out.number(*evidence));
        if let Body::Open(open) = &state.body {
            self.open(out, open, routes);
        }
    }

    fn open(&self, out: &mut Writer, open: &Open, routes: &Routes) {
        out.number(u64::from(open.source.0));
        out.number(u64::from(open.source.1.is_some()));
        if let Some(carried) = &open.source.1 {
            out.word(routes.print(carried.route));
            out.number(u64::from(carried.step));
            out.number(carried.words.len() as u64);
            for (key, value) in &carried.words {
                out.word(*key);
                out.word(*value);
            }
        }
        out.number(u64::from(open.window.is_some()));
        let Some(window) = &open.window else { return };
        out.number(self.age(window.first));
        out.number(self.age(window.last));
        out.number(window.count);
        let chained = |tick: &u32| self.age(tick.saturating_sub(1));
        let words: Vec<u64> = match &window.running {
            Running::Distinct(values) => values.keys().copied().collect(),
            Running::References(counts) => counts.iter().map(|c| u64::from(*c)).collect(),
            Running::Chain(chain) => {
                let begun = chain.starts.iter().chain(&chain.last);
                begun.map(|tick| if *tick == 0 { 0 } else { chained(tick) + 1 }).collect()
            }
            Running::Sum { total, count } => vec![*total as u64, (*total >> 64) as u64, *count],
            Running::Sorted(values) => values.iter().map(|value| value.to_bits()).collect(),
        };
        out.number(words.len() as u64);
        words.iter().for_each(|word| out.word(*word));
    }
}
