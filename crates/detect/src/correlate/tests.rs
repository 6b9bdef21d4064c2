//! What the correlator promises, told by streams of sightings.

use std::collections::HashMap;

use proptest::prelude::*;
use ward_core::{Severity, Timestamp};

use super::plan::Plan;
use super::reference::{Judge, Seen, Verdict};
use super::{CorrelateError, Correlated, Correlator, Fields, Limits, Reduced, Reorder, Sighting};
use crate::correlation_rule::{
    Alias, CorrelationCondition, CorrelationKind, CorrelationRule, RefExpr, RuleRef,
};
use crate::rule::{Comparison, Origin};

const SECOND: i64 = 1_000_000;

/// A correlation of `references` rules, grouped by `user`, with values in `value`.
pub(super) fn correlation(
    kind: CorrelationKind,
    references: usize,
    condition: CorrelationCondition,
    timespan_ms: i64,
) -> CorrelationRule {
    CorrelationRule {
        id: format!("{} over {timespan_ms}", kind.as_str()),
        name: None,
        title: kind.as_str().to_owned(),
        level: Severity::High,
        tags: Vec::new(),
        author: None,
        origin: Origin { path: "test.yml".into(), line: 1 },
        kind,
        refs: (0..references).map(RuleRef::Rule).collect(),
        group_by: vec!["user".to_owned()],
        aliases: Vec::new(),
        timespan: timespan_ms * 1000,
        condition,
        fields: if kind.reads_values() { vec!["value".to_owned()] } else { Vec::new() },
        percentile: 50.0,
        generate: false,
        reports: true,
    }
}

fn at_least(bound: f64) -> CorrelationCondition {
    CorrelationCondition::Threshold(vec![(Comparison::GreaterOrEqual, bound)])
}

pub(super) fn event_count(need: u32, timespan_ms: i64) -> CorrelationRule {
    correlation(CorrelationKind::EventCount, 1, at_least(f64::from(need)), timespan_ms)
}

pub(super) fn value_count(need: u32, timespan_ms: i64) -> CorrelationRule {
    correlation(CorrelationKind::ValueCount, 1, at_least(f64::from(need)), timespan_ms)
}

pub(super) fn temporal_ordered(references: usize, timespan_ms: i64) -> CorrelationRule {
    let all = at_least(references as f64);
    correlation(CorrelationKind::TemporalOrdered, references, all, timespan_ms)
}

pub(super) fn plan_of(rule: &CorrelationRule) -> Plan {
    Plan::new(rule, &[], &Limits::default()).unwrap()
}

/// An event with named fields.
struct Named<'a> {
    known: &'a [String],
    values: HashMap<&'a str, &'a str>,
}

impl Fields for Named<'_> {
    fn read(&self, field: usize, text: &mut Vec<u8>) -> bool {
        let value = self.known.get(field).and_then(|name| self.values.get(name.as_str()));
        value.is_some_and(|value| {
            text.extend_from_slice(value.as_bytes());
            true
        })
    }
}

/// A correlator that is fed by hand.
struct Bench {
    correlator: Correlator,
    fields: Vec<String>,
    out: Vec<Correlated>,
    number: u64,
}

impl Bench {
    fn new(rules: &[CorrelationRule], limits: Limits) -> Self {
        Self::of(Correlator::new(rules, &[], limits).unwrap())
    }

    fn of(correlator: Correlator) -> Self {
        let fields = correlator.reducer().fields().to_vec();
        Self { correlator, fields, out: Vec::new(), number: 0 }
    }

    fn see(&mut self, rule: usize, time: i64, values: &[(&str, &str)]) {
        let values = values.iter().copied().collect();
        let fields = Named { known: &self.fields, values };
        let time = Timestamp::from_micros(time);
        let sighting = Sighting { rule, time, fields: &fields, evidence: self.number };
        self.number += 1;
        self.correlator.observe(&sighting, &mut self.out);
    }

    /// Seconds at which it fired, and for whom.
    fn fired(&mut self) -> Vec<(i64, String)> {
        let told = |found: &Correlated| {
            let values: Vec<&str> = found.group.iter().map(|(_, value)| value.as_str()).collect();
            (found.time.micros() / SECOND, values.join(","))
        };
        std::mem::take(&mut self.out).iter().map(told).collect()
    }
}

fn limits(lateness: i64) -> Limits {
    Limits { lateness, trail: 4096, ..Limits::default() }
}

#[test]
fn ten_failures_of_one_user_in_ten_minutes_are_told_once() {
    let mut bench = Bench::new(&[event_count(10, 600_000)], Limits::default());
    (0..15).for_each(|i| bench.see(0, i * SECOND, &[("user", "ann")]));
    (1..15).for_each(|i| bench.see(0, i * 70 * SECOND, &[("user", "bob")]));
    assert_eq!(bench.fired(), [(9, "ann".to_owned())]);
    let mut again = Bench::new(&[event_count(10, 600_000)], Limits::default());
    (0..2000).for_each(|i| again.see(0, i * SECOND, &[("user", "ann")]));
    let times: Vec<i64> = again.fired().iter().map(|(time, _)| *time).collect();
    assert_eq!(times, [9, 609, 1209, 1809]);
}

#[test]
fn a_finding_names_its_group_its_window_and_its_evidence() {
    let mut rule = event_count(3, 10_000);
    rule.group_by = vec!["user".to_owned(), "host".to_owned()];
    let mut bench = Bench::new(&[rule], Limits::default());
    for time in [1, 2, 3] {
        bench.see(0, time * SECOND + 5, &[("user", "ann"), ("host", "pc-1")]);
        bench.see(0, time * SECOND + 6, &[("user", "ann"), ("host", "pc-2")]);
    }
    let found = &bench.out[0];
    let group = [("user", "ann"), ("host", "pc-1")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(found.group, group);
    assert_eq!(found.time.micros(), 3 * SECOND + 5);
    assert_eq!((found.first.micros(), found.last.micros()), (SECOND, 3 * SECOND));
    assert_eq!((found.count, found.value), (3, 3.0));
    assert_eq!(found.evidence, [0, 2, 4]);
    assert_eq!(bench.out[1].evidence, [1, 3, 5]);
}

#[test]
fn what_lacks_a_group_field_or_a_number_does_not_count_but_is_counted() {
    let sum = correlation(CorrelationKind::ValueSum, 1, at_least(10.0), 10_000);
    let mut bench = Bench::new(&[sum], Limits::default());
    bench.see(0, 0, &[("value", "9")]);
    bench.see(0, 1, &[("user", "ann")]);
    bench.see(0, 2, &[("user", "ann"), ("value", "many")]);
    bench.see(0, 3, &[("user", "ann"), ("value", "9.5")]);
    bench.see(0, 4, &[("user", "ann"), ("value", " 0.5 ")]);
    assert_eq!(bench.out.iter().map(|f| f.value).collect::<Vec<_>>(), [10.0]);
    let stats = bench.correlator.stats();
    assert_eq!((stats.ungrouped, stats.unvalued), (1, 2));
}

#[test]
fn an_alias_reads_each_rule_by_its_own_field() {
    let mut rule = correlation(CorrelationKind::Temporal, 2, at_least(2.0), 10_000);
    rule.group_by = vec!["ip".to_owned()];
    let fields = vec![Some("destination.ip".to_owned()), Some("source.ip".to_owned())];
    rule.aliases = vec![Alias { name: "ip".to_owned(), fields }];
    let mut bench = Bench::new(&[rule], Limits::default());
    bench.see(0, 0, &[("destination.ip", "10.0.0.1"), ("source.ip", "10.0.0.2")]);
    bench.see(1, SECOND, &[("destination.ip", "10.0.0.1"), ("source.ip", "10.0.0.3")]);
    assert!(bench.fired().is_empty());
    bench.see(1, SECOND, &[("source.ip", "10.0.0.1")]);
    assert_eq!(bench.fired(), [(1, "10.0.0.1".to_owned())]);
    assert_eq!(bench.correlator.reducer().fields(), ["destination.ip", "source.ip"]);
}

#[test]
fn many_failures_then_a_success_is_a_chain() {
    let mut failures = event_count(3, 600_000);
    failures.group_by = vec!["user".to_owned(), "host".to_owned()];
    failures.reports = false;
    let mut then_success = temporal_ordered(2, 600_000);
    then_success.refs = vec![RuleRef::Correlation(0), RuleRef::Rule(1)];
    let mut bench = Bench::new(&[failures, then_success], Limits::default());
    for time in [1, 2, 3] {
        bench.see(0, time * SECOND, &[("user", "ann"), ("host", "pc-1")]);
        bench.see(0, time * SECOND, &[("user", "bob"), ("host", if time == 2 { "pc-1" } else { "pc-2" })]);
    }
    bench.see(1, 5 * SECOND, &[("user", "ann"), ("host", "pc-9")]);
    bench.see(1, 5 * SECOND, &[("user", "bob"), ("host", "pc-1")]);
    assert_eq!(bench.fired(), [(5, "ann".to_owned())]);
    assert_eq!(bench.correlator.stats().fired, 2);
}

#[test]
fn fewer_than_five_is_decided_when_the_window_has_passed() {
    let few = CorrelationCondition::Threshold(vec![(Comparison::Less, 3.0)]);
    let rule = correlation(CorrelationKind::EventCount, 1, few, 60_000);
    let mut bench = Bench::new(&[rule], limits(10 * SECOND));
    for time in [0, 1, 2] {
        bench.see(0, time * SECOND, &[("user", "ann")]);
    }
    bench.see(0, 5 * SECOND, &[("user", "bob")]);
    bench.correlator.advance(Timestamp::from_micros(74 * SECOND), &mut bench.out);
    assert!(bench.out.is_empty());
    bench.correlator.advance(Timestamp::from_micros(75 * SECOND), &mut bench.out);
    assert_eq!((bench.out[0].time.micros(), bench.out[0].count), (65 * SECOND, 1));
    assert_eq!(bench.out[0].evidence, [3]);
    let event = Named { known: &bench.fields, values: HashMap::from([("user", "bob")]) };
    bench.correlator.name_group(&mut bench.out[0], &event);
    assert_eq!(bench.out[0].group, [("user".to_owned(), "bob".to_owned())]);
    assert_eq!(bench.out.len(), 1);
}

#[test]
fn a_window_decided_at_its_end_feeds_the_chain_above() {
    let without = RefExpr::All(vec![RefExpr::Matched(0), RefExpr::Not(Box::new(RefExpr::Matched(1)))]);
    let stopped = correlation(CorrelationKind::Temporal, 2, CorrelationCondition::Refs(without), 60_000);
    let mut twice = event_count(2, 600_000);
    twice.group_by = vec!["site".to_owned()];
    twice.refs = vec![RuleRef::Correlation(0)];
    let mut bench = Bench::new(&[stopped, twice], limits(10 * SECOND));
    for (user, back) in [("ann", true), ("bob", false), ("cat", false)] {
        bench.see(0, SECOND, &[("user", user), ("site", "leeds")]);
        if back {
            bench.see(1, 5 * SECOND, &[("user", user), ("site", "leeds")]);
        }
    }
    bench.correlator.finish(&mut bench.out);
    let fired: Vec<(usize, i64)> =
        bench.out.iter().map(|f| (f.correlation, f.time.micros() / SECOND)).collect();
    assert_eq!(fired, [(0, 61), (0, 61), (1, 61)]);
}

#[test]
fn late_is_counted_and_the_future_is_not_believed() {
    let ahead = Limits { ahead: Some(60 * SECOND), ..limits(10 * SECOND) };
    let mut bench = Bench::new(&[event_count(2, 60_000)], ahead);
    bench.correlator.advance(Timestamp::from_micros(100 * SECOND), &mut bench.out);
    bench.see(0, 500 * SECOND, &[("user", "ann")]);
    bench.see(0, 100 * SECOND, &[("user", "ann")]);
    bench.see(0, 89 * SECOND, &[("user", "ann")]);
    assert!(bench.fired().is_empty());
    bench.see(0, 90 * SECOND, &[("user", "ann")]);
    assert_eq!(bench.fired(), [(100, "ann".to_owned())]);
    let stats = bench.correlator.stats();
    assert_eq!((stats.ahead, stats.late), (1, 1));
}

#[test]
fn the_keys_idle_longest_make_room_and_are_counted() {
    let small = Limits { keys: 1000, ..limits(0) };
    let mut bench = Bench::new(&[event_count(2, 3_600_000)], small);
    for user in 0..3000 {
        bench.see(0, user * SECOND / 10, &[("user", &user.to_string())]);
    }
    let stats = bench.correlator.stats();
    assert!(stats.keys <= 1008, "{}", stats.keys);
    assert_eq!(stats.keys as u64 + stats.evicted, 3000);
    bench.see(0, 301 * SECOND, &[("user", "2999")]);
    bench.see(0, 301 * SECOND, &[("user", "0")]);
    assert_eq!(bench.fired(), [(301, "2999".to_owned())]);
}

#[test]
fn a_thousand_distinct_values_are_counted_exactly_and_repeated_ones_cost_nothing() {
    let mut bench = Bench::new(&[value_count(1000, 3_600_000)], limits(0));
    for i in 0..100_000 {
        bench.see(0, i * 1000, &[("user", "ann"), ("value", &(i % 999).to_string())]);
    }
    let stats = bench.correlator.stats();
    assert!(stats.bytes < 400_000, "{} bytes", stats.bytes);
    assert!(bench.fired().is_empty());
    bench.see(0, 100 * SECOND, &[("user", "ann"), ("value", "999")]);
    assert_eq!(bench.fired(), [(100, "ann".to_owned())]);
}

#[test]
fn counts_far_above_the_cap_are_right_to_a_small_part_of_the_timespan() {
    let mut bench = Bench::new(&[event_count(50_000, 60_000)], limits(0));
    (0..200_000).for_each(|i| bench.see(0, i * 1250, &[("user", "ann")])); // 48,000 a minute
    assert!(bench.fired().is_empty());
    (0..60_000).for_each(|i| bench.see(0, 250 * SECOND + i * 1000, &[("user", "ann")]));
    let fired = bench.fired();
    assert_eq!(fired.len(), 1);
    assert!((258..=262).contains(&fired[0].0), "{fired:?}"); // exactly: 260
    assert!(bench.correlator.stats().bytes < 400_000);
}

#[test]
fn a_flood_of_one_key_stays_within_the_limits() {
    let kinds =
        [CorrelationKind::ValueSum, CorrelationKind::ValuePercentile, CorrelationKind::TemporalOrdered];
    for kind in kinds {
        let rule = correlation(kind, 2, at_least(1e12), 3_600_000);
        let mut bench = Bench::new(&[rule], limits(300 * SECOND));
        for i in 0..40_000 {
            bench.see(i % 2, i as i64 * 1000, &[("user", "ann"), ("value", "1")]);
        }
        let stats = bench.correlator.stats();
        assert!(stats.bytes < 500_000, "{kind:?}: {} bytes", stats.bytes);
    }
}

#[test]
fn keys_that_are_over_are_forgotten() {
    for rule in [event_count(3, 60_000), value_count(3, 60_000), temporal_ordered(2, 60_000)] {
        let mut bench = Bench::new(&[rule], Limits { keys: 8192, ..limits(SECOND) });
        for i in 0..50_000 {
            bench.see(0, i * 20_000, &[("user", &i.to_string()), ("value", "x")]); // 3,000 a minute
        }
        let stats = bench.correlator.stats();
        assert!(stats.keys < 8000, "{} keys", stats.keys);
        assert_eq!(stats.evicted, 0);
    }
}

#[test]
fn correlations_that_cannot_be_run_are_refused_by_name() {
    let refused = |rule: CorrelationRule| Correlator::new(&[rule], &[], Limits::default()).unwrap_err();
    assert!(matches!(refused(event_count(1, 0)), CorrelateError::Timespan { .. }));
    assert!(matches!(refused(temporal_ordered(65, 1000)), CorrelateError::TooManyReferences { .. }));
    assert!(matches!(refused(value_count(2_000_000, 1000)), CorrelateError::Threshold { .. }));
    let mut circular = [event_count(1, 1000), event_count(1, 2000)];
    circular[0].refs = vec![RuleRef::Rule(0), RuleRef::Correlation(1)];
    circular[1].refs = vec![RuleRef::Correlation(0)];
    let error = Correlator::new(&circular, &[], Limits::default()).unwrap_err();
    assert!(matches!(error, CorrelateError::Circular { .. }));
}

#[test]
fn files_read_in_any_order_are_correlated_in_order_of_time() {
    let correlator = Correlator::new(&[event_count(5, 60_000)], &[], limits(0)).unwrap();
    let (mut reducer, fields) = (correlator.reducer(), correlator.reducer().fields().to_vec());
    let mut sightings: Vec<Reduced> = Vec::new();
    for i in 0..1000i64 {
        let event = Named { known: &fields, values: HashMap::from([("user", "ann")]) };
        let time = Timestamp::from_micros((i * 7919 % 1000) * SECOND);
        reducer.reduce(&Sighting { rule: 0, time, fields: &event, evidence: i as u64 }, &mut sightings);
    }
    let mut bench = Bench::of(correlator);
    let mut reorder = Reorder::new(1000);
    for sighting in sightings {
        assert_eq!(reorder.push(sighting), None);
    }
    while let Some(sighting) = reorder.pop() {
        bench.correlator.observe_reduced(sighting, &mut bench.out);
    }
    assert_eq!(bench.correlator.stats().late, 0);
    let times: Vec<i64> = bench.fired().iter().map(|(time, _)| *time).collect();
    assert_eq!(times, (0..17).map(|i| 4 + i * 60).collect::<Vec<_>>());
}

// What follows compares with the judge on random streams.

fn kinds() -> impl Strategy<Value = CorrelationRule> {
    let threshold = |bounds: Vec<(Comparison, f64)>| CorrelationCondition::Threshold(bounds);
    let comparison = prop_oneof![
        8 => Just(Comparison::GreaterOrEqual),
        3 => Just(Comparison::Greater),
        1 => Just(Comparison::Less),
        1 => Just(Comparison::LessOrEqual),
        1 => Just(Comparison::Equal),
        1 => Just(Comparison::NotEqual),
    ];
    let span = prop_oneof![1i64..200, 200i64..20_000];
    let bound = prop_oneof![1u32..8, 8u32..40];
    let temporal = prop_oneof![Just(CorrelationKind::Temporal), Just(CorrelationKind::TemporalOrdered)];
    let values = prop_oneof![
        Just(CorrelationKind::ValueSum),
        Just(CorrelationKind::ValueAvg),
        Just(CorrelationKind::ValuePercentile),
        Just(CorrelationKind::ValueMedian)
    ];
    let counts = prop_oneof![Just(CorrelationKind::EventCount), Just(CorrelationKind::ValueCount)];
    prop_oneof![
        (counts, 1usize..3, comparison.clone(), bound.clone(), span.clone()).prop_map(
            move |(kind, refs, comparison, bound, span)| {
                correlation(kind, refs, threshold(vec![(comparison, f64::from(bound))]), span)
            }
        ),
        (bound.clone(), 1u32..5, span.clone()).prop_map(move |(low, width, span)| {
            let bounds = vec![
                (Comparison::Greater, f64::from(low)),
                (Comparison::LessOrEqual, f64::from(low + width)),
            ];
            correlation(CorrelationKind::EventCount, 1, threshold(bounds), span)
        }),
        (temporal.clone(), 1usize..6, span.clone())
            .prop_map(|(kind, refs, span)| { correlation(kind, refs, at_least(refs as f64), span) }),
        (temporal.clone(), 2usize..6, comparison.clone(), 1u32..5, span.clone()).prop_map(
            move |(kind, refs, comparison, bound, span)| {
                correlation(kind, refs, threshold(vec![(comparison, f64::from(bound))]), span)
            }
        ),
        (temporal, any::<bool>(), any::<bool>(), span.clone()).prop_map(|(kind, not, any, span)| {
            let second = RefExpr::Matched(1);
            let second = if not { RefExpr::Not(Box::new(second)) } else { second };
            let parts = vec![RefExpr::Matched(0), second];
            let two = if any { RefExpr::Any(parts) } else { RefExpr::All(parts) };
            let expr = RefExpr::All(vec![two, RefExpr::Matched(2)]);
            correlation(kind, 3, CorrelationCondition::Refs(expr), span)
        }),
        (values, comparison, 0u32..60, 0u32..=100, span).prop_map(
            move |(kind, comparison, bound, percentile, span)| {
                let condition = threshold(vec![(comparison, f64::from(bound) / 4.0)]);
                let mut rule = correlation(kind, 2, condition, span);
                rule.percentile = f64::from(percentile);
                rule
            }
        ),
    ]
}

/// Steps in time, delays, references, keys and values.
fn streams() -> impl Strategy<Value = Vec<(i64, i64, usize, u8, u8)>> {
    let step = prop_oneof![8 => 0i64..40, 4 => 0i64..2_000, 1 => 0i64..40_000];
    let delay = prop_oneof![6 => Just(0i64), 3 => 0i64..300, 1 => 0i64..6_000];
    let sparse = prop::collection::vec((step, delay.clone(), 0usize..5, 0u8..3, 0u8..30), 1..400);
    let dense = prop::collection::vec((0i64..30, delay, 0usize..5, 0u8..2, 0u8..60), 100..700);
    prop_oneof![3 => sparse, 1 => dense]
}

fn sightings(rule: &CorrelationRule, stream: &[(i64, i64, usize, u8, u8)]) -> Vec<Seen> {
    let mut now = 1_700_000_000_000_000;
    let seen = |&(step, delay, reference, key, value): &(i64, i64, usize, u8, u8)| {
        now += step * 1000 + 137;
        Seen {
            time: now - delay * 1000,
            reference: reference % rule.refs.len(),
            key: format!("user-{key}"),
            value: (f64::from(value) / 4.0 - 1.0).to_string(),
        }
    };
    stream.iter().map(seen).collect()
}

fn judged(rule: &CorrelationRule, seen: &[Seen], lateness: i64) -> (Vec<Verdict>, u64) {
    let mut judge = Judge::new(rule, lateness);
    let mut verdicts: Vec<Verdict> = seen.iter().filter_map(|s| judge.observe(s)).collect();
    verdicts.extend(judge.closed());
    (verdicts.into_iter().map(|v| enough(rule, v)).collect(), judge.late)
}

/// What is beyond the condition's bounds need not be counted.
fn enough(rule: &CorrelationRule, (time, key, value, count): Verdict) -> Verdict {
    match (rule.kind, &plan_of(rule).need) {
        (CorrelationKind::EventCount | CorrelationKind::ValueCount, Some(need)) => {
            (time, key, value.min(*need as f64), 0)
        }
        (CorrelationKind::ValueCount, None) => {
            let CorrelationCondition::Threshold(bounds) = &rule.condition else {
                return (time, key, value, 0);
            };
            (time, key, bounds.iter().fold(value, |value, (_, bound)| value.min(bound + 2.0)), count)
        }
        (CorrelationKind::Temporal | CorrelationKind::TemporalOrdered, _) => (time, key, value, 0),
        _ => (time, key, value, count),
    }
}

fn verdicts(rule: &CorrelationRule, out: &[Correlated], names: &HashMap<u64, String>) -> Vec<Verdict> {
    let told = |f: &Correlated| {
        let time = f.time.micros().div_euclid(1000);
        enough(rule, (time, names[&f.key].clone(), f.value, f.count as usize))
    };
    let mut verdicts: Vec<Verdict> = out.iter().map(told).collect();
    if Judge::new(rule, 0).at_close() {
        verdicts.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    }
    verdicts
}

/// Runs a stream; before sighting number `stop`, the state goes through bytes.
fn run(rule: &CorrelationRule, seen: &[Seen], limits: Limits, stop: Option<usize>) -> (Vec<Verdict>, u64) {
    let mut bench = Bench::new(std::slice::from_ref(rule), limits);
    let mut names = HashMap::new();
    for (i, s) in seen.iter().enumerate() {
        if stop == Some(i) {
            let bytes = bench.correlator.checkpoint();
            let (restored, dropped) =
                Correlator::restore(std::slice::from_ref(rule), &[], limits, &bytes).unwrap();
            assert_eq!(dropped, [""; 0]);
            bench.correlator = restored;
        }
        let event = Named {
            known: &bench.fields,
            values: HashMap::from([("user", s.key.as_str()), ("value", s.value.as_str())]),
        };
        let time = Timestamp::from_micros(s.time);
        let sighting = Sighting { rule: s.reference, time, fields: &event, evidence: i as u64 };
        let mut reduced = Vec::new();
        bench.correlator.reducer().reduce(&sighting, &mut reduced);
        names.insert(reduced[0].key, s.key.clone());
        bench.correlator.observe(&sighting, &mut bench.out);
    }
    bench.correlator.finish(&mut bench.out);
    assert_eq!(bench.correlator.stats().folded, 0);
    (verdicts(rule, &bench.out, &names), bench.correlator.stats().late)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_fires_is_what_a_full_account_says(rule in kinds(), stream in streams(), lateness in 0i64..8_000) {
        let seen = sightings(&rule, &stream);
        let limits = limits(lateness * 1000);
        prop_assert_eq!(run(&rule, &seen, limits, None), judged(&rule, &seen, limits.lateness));
    }

    #[test]
    fn a_checkpoint_changes_nothing(rule in kinds(), stream in streams(), lateness in 0i64..8_000, at in 0usize..400) {
        let seen = sightings(&rule, &stream);
        let limits = limits(lateness * 1000);
        let stop = Some(at % seen.len());
        prop_assert_eq!(run(&rule, &seen, limits, stop), run(&rule, &seen, limits, None));
    }

    #[test]
    fn damaged_checkpoints_are_refused_or_read_but_never_worse(
        rule in kinds(), stream in streams(), flips in prop::collection::vec((0usize..5000, any::<u8>()), 0..4), cut in 0usize..6000
    ) {
        let seen = sightings(&rule, &stream);
        let mut bench = Bench::new(std::slice::from_ref(&rule), limits(1_000_000));
        for s in &seen {
            bench.see(s.reference, s.time, &[("user", &s.key), ("value", &s.value)]);
        }
        let mut bytes = bench.correlator.checkpoint();
        for (at, byte) in flips {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(cut.max(11));
        if let Ok((restored, _)) = Correlator::restore(&[rule], &[], limits(1_000_000), &bytes) {
            let mut bench = Bench::of(restored);
            for s in &seen {
                bench.see(s.reference, s.time + 1_000_000, &[("user", &s.key), ("value", &s.value)]);
            }
            bench.correlator.finish(&mut bench.out);
        }
    }
}
