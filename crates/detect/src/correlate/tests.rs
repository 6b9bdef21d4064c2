//! What the correlator promises, told by streams of sightings.

use std::collections::HashMap;

use ward_core::{Severity, Timestamp};

use super::plan::Plan;
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

pub(super) fn at_least(bound: f64) -> CorrelationCondition {
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
pub(super) struct Named<'a> {
    pub known: &'a [String],
    pub values: HashMap<&'a str, &'a str>,
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
pub(super) struct Bench {
    pub correlator: Correlator,
    pub fields: Vec<String>,
    pub out: Vec<Correlated>,
    number: u64,
}

impl Bench {
    pub fn new(rules: &[CorrelationRule], limits: Limits) -> Self {
        Self::of(Correlator::new(rules, &[], limits).unwrap())
    }

    pub fn of(correlator: Correlator) -> Self {
        let fields = correlator.reducer().fields().to_vec();
        Self { correlator, fields, out: Vec::new(), number: 0 }
    }

    pub fn see(&mut self, rule: usize, time: i64, values: &[(&str, &str)]) {
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

pub(super) fn limits(lateness: i64) -> Limits {
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
fn what_is_decided_early_makes_nothing_late_that_comes_afterwards() {
    let few = CorrelationCondition::Threshold(vec![(Comparison::Less, 3.0)]);
    let few = correlation(CorrelationKind::EventCount, 1, few, 60_000);
    let mut bench = Bench::new(&[few, event_count(3, 60_000)], limits(3_600 * SECOND));
    for time in [1_000, 1_001] {
        bench.see(0, time * SECOND, &[("user", "ann")]);
    }
    bench.correlator.decide(&mut bench.out);
    let fired: Vec<_> = bench.out.drain(..).map(|f| (f.correlation, f.time.micros() / SECOND)).collect();
    assert_eq!(fired, [(0, 1_060)]);
    bench.correlator.decide(&mut bench.out);
    assert!(bench.out.is_empty(), "once");
    // Of the same minute, and of one a quarter of an hour before.
    bench.see(0, 1_002 * SECOND, &[("user", "ann")]);
    bench.see(0, 10 * SECOND, &[("user", "bob")]);
    bench.correlator.decide(&mut bench.out);
    let fired: Vec<_> = bench.out.iter().map(|f| (f.correlation, f.time.micros() / SECOND)).collect();
    assert_eq!(fired, [(1, 1_002), (0, 70), (0, 1_062)]);
    assert_eq!(bench.correlator.stats().late, 0);
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

#[test]
fn the_state_of_a_changed_rule_is_dropped_by_name_and_the_rest_goes_on() {
    let [old, kept] = [event_count(3, 10_000), value_count(3, 20_000)];
    let mut bench = Bench::new(&[old.clone(), kept.clone()], limits(0));
    for value in ["x", "y"] {
        bench.see(0, SECOND, &[("user", "ann"), ("value", value)]);
    }
    let changed = CorrelationRule { timespan: 11_000_000, ..old };
    let bytes = bench.correlator.checkpoint();
    let rules = [kept, changed];
    let (restored, dropped) = Correlator::restore(&rules, &[], limits(0), &bytes).unwrap();
    assert_eq!(dropped, ["event_count over 10000"]);
    let mut bench = Bench::of(restored);
    bench.see(0, 2 * SECOND, &[("user", "ann"), ("value", "z")]);
    assert_eq!(bench.out.iter().map(|f| f.correlation).collect::<Vec<_>>(), [0]);
}

#[test]
fn bytes_that_are_no_checkpoint_are_refused_by_name() {
    let restore = |bytes: &[u8]| Correlator::restore(&[event_count(3, 1000)], &[], limits(0), bytes);
    assert_eq!(restore(b"hello").unwrap_err(), CorrelateError::NoCheckpoint);
    let newer = restore(b"WARDCORR\x63\x00").unwrap_err();
    assert_eq!(newer, CorrelateError::Version { version: 99, known: 1 });
    let mut whole = Bench::new(&[event_count(3, 1000)], limits(0));
    whole.see(0, 0, &[("user", "ann")]);
    let bytes = whole.correlator.checkpoint();
    for end in 10..bytes.len() {
        let error = restore(&bytes[..end]).unwrap_err();
        assert!(matches!(error, CorrelateError::Damaged { at, .. } if at <= end), "{end}: {error}");
    }
}

#[test]
fn sightings_kept_in_all_are_bounded() {
    let few = Limits { sightings: 10_000, keys: 65_536, ..limits(0) };
    let mut bench = Bench::new(&[value_count(1000, 3_600_000)], few);
    for i in 0..100_000 {
        let (user, value) = ((i % 200).to_string(), i.to_string());
        bench.see(0, i * 1000, &[("user", &user), ("value", &value)]);
    }
    let stats = bench.correlator.stats();
    assert!(stats.bytes < 1_500_000, "{} bytes", stats.bytes);
    assert!(stats.evicted > 0);
}
