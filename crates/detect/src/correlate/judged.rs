//! Random streams, before the correlator and before the judge.

use std::collections::HashMap;

use proptest::prelude::*;
use ward_core::Timestamp;

use super::reference::{Judge, Seen, Verdict};
use super::tests::{Bench, Named, at_least, correlation, event_count, limits, plan_of, temporal_ordered};
use super::{Correlated, Correlator, Limits, Sighting};
use crate::correlation_rule::{CorrelationCondition, CorrelationKind, CorrelationRule, RefExpr, RuleRef};
use crate::rule::Comparison;

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

/// Milliseconds, and whose.
type Firings = Vec<(i64, String)>;

/// Firings of a correlation over another: what is told, and what two judges say, one above the other.
fn chained(
    stream: &[(i64, i64, usize, u8, u8)],
    need: u32,
    spans: (i64, i64),
    lateness: i64,
) -> (Firings, Firings) {
    let mut child = event_count(need, spans.0);
    child.reports = false;
    let mut parent = temporal_ordered(2, spans.1);
    parent.refs = vec![RuleRef::Correlation(0), RuleRef::Rule(1)];
    let seen = sightings(&temporal_ordered(2, 1), stream);
    let (mut below, mut above) = (Judge::new(&child, lateness * 1000), Judge::new(&parent, 0));
    let mut bench = Bench::new(&[child, parent], limits(lateness * 1000));
    let mut verdicts = Firings::new();
    let mut watermark = i64::MIN;
    for s in &seen {
        watermark = watermark.max(s.time);
        let late = s.time < watermark - lateness * 1000;
        let fed = if s.reference == 1 {
            (!late).then(|| s.clone())
        } else {
            below.watermark = watermark;
            let fired = below.observe(s);
            fired.map(|(end, ..)| Seen { time: end * 1000, ..s.clone() })
        };
        verdicts.extend(fed.and_then(|fed| above.take_in(&fed)).map(|(end, key, ..)| (end, key)));
        bench.see(s.reference, s.time, &[("user", &s.key)]);
    }
    let told = bench.out.iter().map(|f| (f.time.micros().div_euclid(1000), f.group[0].1.clone()));
    (told.collect(), verdicts)
}

/// Found by the property below: a whole chain, silent since the key had fired shortly before, was forgotten once
/// that was over.
#[test]
fn a_whole_chain_that_was_silent_is_not_forgotten() {
    let stream = [
        (0, 0, 1, 0, 0),
        (921, 0, 1, 1, 0),
        (1755, 0, 0, 1, 0),
        (3324, 0, 2, 1, 0),
        (930, 0, 0, 0, 0),
        (24, 0, 1, 1, 0),
        (504, 0, 0, 0, 0),
        (1881, 87, 2, 1, 0),
        (868, 0, 0, 0, 0),
        (990, 0, 0, 0, 0),
        (24, 0, 1, 1, 0),
        (622, 0, 0, 0, 0),
        (1420, 35, 1, 1, 0),
        (1957, 0, 0, 0, 0),
        (307, 0, 1, 1, 0),
        (0, 1, 0, 1, 0),
    ];
    let (told, judged) = chained(&stream, 1, (1, 6_276), 1_756);
    assert_eq!(told, judged);
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
    fn a_chain_is_two_judges_one_above_the_other(
        stream in streams(), need in 1u32..5, spans in (1i64..4_000, 1i64..8_000), lateness in 0i64..3_000
    ) {
        let (told, judged) = chained(&stream, need, spans, lateness);
        prop_assert_eq!(told, judged);
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
