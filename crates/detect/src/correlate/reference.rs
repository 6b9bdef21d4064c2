//! The judge: keeps every sighting of every key, and measures each window anew from all of them.

use std::collections::BTreeMap;

use crate::correlation_rule::{CorrelationCondition, CorrelationKind, CorrelationRule, RefExpr};
use crate::rule::Comparison;

/// A sighting as the judge wants it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub time: i64,
    pub reference: usize,
    pub key: String,
    pub value: String,
}

/// What the judge says: time in milliseconds, key, measured value, sightings in the window.
pub type Verdict = (i64, String, f64, usize);

/// Sightings of a key with their times, and when it last fired.
type History = (Vec<(i64, Seen)>, Option<i64>);

/// One correlation and all it ever saw.
pub struct Judge {
    rule: CorrelationRule,
    lateness: i64,
    pub watermark: i64,
    keys: BTreeMap<String, History>,
    pub late: u64,
}

impl Judge {
    pub fn new(rule: &CorrelationRule, lateness: i64) -> Self {
        Self { rule: rule.clone(), lateness, watermark: i64::MIN / 2, keys: BTreeMap::new(), late: 0 }
    }

    pub fn at_close(&self) -> bool {
        fn has_not(expr: &RefExpr) -> bool {
            match expr {
                RefExpr::Not(_) => true,
                RefExpr::All(parts) | RefExpr::Any(parts) => parts.iter().any(has_not),
                RefExpr::Matched(_) => false,
            }
        }
        match &self.rule.condition {
            CorrelationCondition::Threshold(bounds) => {
                !bounds.iter().all(|(c, _)| matches!(c, Comparison::Greater | Comparison::GreaterOrEqual))
            }
            CorrelationCondition::Refs(expr) => has_not(expr),
        }
    }

    pub fn observe(&mut self, seen: &Seen) -> Option<Verdict> {
        self.watermark = self.watermark.max(seen.time);
        if seen.time < self.watermark - self.lateness {
            self.late += 1;
            return None;
        }
        self.take_in(seen)
    }

    /// Takes in a sighting that is in time.
    pub fn take_in(&mut self, seen: &Seen) -> Option<Verdict> {
        let at_close = self.at_close();
        let (span, time) = (self.rule.timespan / 1000, seen.time.div_euclid(1000));
        let (all, fired) = self.keys.entry(seen.key.clone()).or_default();
        let place = all.partition_point(|(t, _)| *t <= time);
        all.insert(place, (time, seen.clone()));
        if at_close {
            return None;
        }
        let mut ends: Vec<i64> =
            all.iter().map(|(t, _)| *t).filter(|end| *end >= time && *end < time + span).collect();
        ends.dedup();
        for end in ends {
            if fired.is_some_and(|fired| end < fired + span) {
                continue;
            }
            let window: Vec<&Seen> =
                all.iter().filter(|(t, _)| *t > end - span && *t <= end).map(|(_, s)| s).collect();
            if let Some(value) = verdict(&self.rule, &window) {
                *fired = Some(end);
                return Some((end, seen.key.clone(), value, window.len()));
            }
        }
        None
    }

    /// What the windows say that are decided at their end, once all are over.
    pub fn closed(&self) -> Vec<Verdict> {
        let mut out = Vec::new();
        let span = self.rule.timespan / 1000;
        for (key, (all, _)) in self.keys.iter().filter(|_| self.at_close()) {
            let mut rest = &all[..];
            while let Some((first, _)) = rest.first() {
                let len = rest.partition_point(|(t, _)| *t < first + span);
                let window: Vec<&Seen> = rest[..len].iter().map(|(_, s)| s).collect();
                if let Some(value) = verdict(&self.rule, &window) {
                    out.push((first + span, key.clone(), value, len));
                }
                rest = &rest[len..];
            }
        }
        out.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        out
    }
}

/// What is measured of the window, if it fulfils the condition.
fn verdict(rule: &CorrelationRule, window: &[&Seen]) -> Option<f64> {
    let seen = |reference: usize| window.iter().any(|s| s.reference == reference);
    let numbers = || window.iter().map(|s| s.value.parse::<f64>().unwrap());
    let value = match rule.kind {
        CorrelationKind::EventCount => window.len() as f64,
        CorrelationKind::ValueCount => {
            let mut values: Vec<&str> = window.iter().map(|s| s.value.as_str()).collect();
            values.sort_unstable();
            values.dedup();
            values.len() as f64
        }
        CorrelationKind::Temporal => (0..rule.refs.len()).filter(|r| seen(*r)).count() as f64,
        CorrelationKind::TemporalOrdered => longest_chain(window) as f64,
        CorrelationKind::ValueSum => numbers().sum(),
        CorrelationKind::ValueAvg => numbers().sum::<f64>() / window.len() as f64,
        CorrelationKind::ValuePercentile | CorrelationKind::ValueMedian => {
            let mut sorted: Vec<f64> = numbers().collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let median = rule.kind == CorrelationKind::ValueMedian;
            let rank = if median { 0.5 } else { rule.percentile / 100.0 } * (sorted.len() - 1) as f64;
            let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
            low + (high - low) * rank.fract()
        }
    };
    let holds = match &rule.condition {
        CorrelationCondition::Threshold(bounds) => bounds.iter().all(|(c, bound)| c.holds(value, *bound)),
        CorrelationCondition::Refs(expr) => expr.holds(&seen),
    };
    holds.then_some(value)
}

/// For each sighting, the longest chain that ends with it.
fn longest_chain(window: &[&Seen]) -> usize {
    let mut longest: Vec<usize> = Vec::new();
    for (i, last) in window.iter().enumerate() {
        let before = (0..i).filter(|j| window[*j].reference < last.reference);
        longest.push(1 + before.map(|j| longest[j]).max().unwrap_or(0));
    }
    longest.into_iter().max().unwrap_or(0)
}
