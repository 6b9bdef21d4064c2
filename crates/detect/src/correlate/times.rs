//! The times of one key's sightings, where only their number counts and only a lower bound is asked for.
//!
//! The latest `need` times decide a window that ends now; what is older is kept for sightings that come
//! late. Without a firing every timespan holds fewer than `need`, so there are at most
//! `need * (2 + lateness / timespan)` times of 4 bytes.

use std::collections::VecDeque;

use super::plan::Plan;
use super::thin::Outlook;

/// A window that fulfilled the condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fire {
    /// Tick of the sighting at its end.
    pub end: u32,
    /// Tick of the first sighting in it.
    pub first: u32,
    /// Tick of the last one.
    pub last: u32,
    /// Sightings in it.
    pub count: u64,
    /// What was measured.
    pub value: f64,
}

/// Ticks in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Times(pub VecDeque<u32>);

impl Times {
    /// Takes in a sighting and says which window it completed.
    pub fn arrive(&mut self, plan: &Plan, at: u32, outlook: Outlook, folded: &mut u64) -> Option<Fire> {
        let floor = outlook.floor(plan);
        while self.0.front().is_some_and(|first| *first < floor) {
            self.0.pop_front();
        }
        if at < floor {
            return None;
        }
        let need = plan.need.unwrap_or(1).max(1);
        let mut upper = self.0.len();
        if self.0.back().is_none_or(|last| *last <= at) {
            self.0.push_back(at);
        } else {
            upper = self.0.partition_point(|t| *t <= at);
            self.0.insert(upper, at);
        }
        let fire = loop {
            let Some(&end) = self.0.get(upper) else { break None };
            if end >= at.saturating_add(plan.span) {
                break None;
            }
            upper = if upper + 1 == self.0.len() { upper + 1 } else { self.0.partition_point(|t| *t <= end) };
            let start = plan.start(end);
            let enough = upper >= need && self.0[upper - need] >= start;
            if enough && !outlook.silent(plan, end) {
                let lower = self.0.partition_point(|t| *t < start);
                let count = (upper - lower) as u64;
                break Some(Fire { end, first: self.0[lower], last: end, count, value: count as f64 });
            }
        };
        if let Some(fire) = fire {
            self.0.drain(..self.0.partition_point(|t| *t <= fire.end));
        } else if outlook.fired.is_some_and(|fired| at < fired.saturating_add(plan.span)) {
            let silent = outlook.fired.map_or(0, |fired| fired.saturating_add(plan.span));
            let waiting = self.0.partition_point(|t| *t < silent);
            self.0.drain(..waiting.saturating_sub(need - 1));
        } else if self.0.len() > plan.most {
            let past = self.0.partition_point(|t| *t < plan.start(*self.0.back().unwrap_or(&0)));
            *folded += past as u64;
            self.0.drain(..past);
        }
        fire
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::tests::{event_count, plan_of};

    fn fires(times: &[u32]) -> Vec<u32> {
        let plan = plan_of(&event_count(3, 10_000));
        let mut state = Times::default();
        let mut outlook = Outlook { settled: 0, fired: None };
        let mut ends = Vec::new();
        for at in times {
            if let Some(fire) = state.arrive(&plan, 20_000 + at, outlook, &mut 0) {
                outlook.fired = Some(fire.end);
                ends.push(fire.end - 20_000);
            }
        }
        ends
    }

    #[test]
    fn the_window_is_half_open() {
        assert_eq!(fires(&[0, 5, 9_999]), [9_999]);
        assert!(fires(&[0, 5, 10_000]).is_empty());
    }

    #[test]
    fn a_late_sighting_completes_the_window_it_belongs_to() {
        assert_eq!(fires(&[1, 2, 30_000, 40_001, 3]), [3]);
        assert_eq!(fires(&[1, 9_000, 5]), [9_000]);
    }

    #[test]
    fn a_key_that_fired_is_silent_for_a_timespan_and_counts_no_sighting_twice() {
        assert_eq!(fires(&[0, 1, 2, 3, 4, 5, 10_001]), [2]);
        assert_eq!(fires(&[0, 1, 2, 3, 4, 5, 10_001, 10_002]), [2, 10_002]);
        assert_eq!(fires(&[0, 1, 2, 10_002, 10_003]), [2]);
    }
}
