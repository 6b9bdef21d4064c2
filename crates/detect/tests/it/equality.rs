//! The compiled matcher answers as the plain one: on all of the corpus, and on rules and events made up.

use std::sync::Arc;

use proptest::prelude::*;
use ward_core::{ClassId, EventBuf, EventClass, FieldNames, LogSource};
use ward_detect::compiled::{Matcher, Worker};
use ward_detect::load::{LoadOptions, load};
use ward_detect::plain::{PlainEvent, matches};
use ward_detect::rule::Rule;
use ward_telemetry::json::Scanner;

use crate::scene::{Scene, corpus, files};

#[test]
fn on_the_corpus_the_compiled_matcher_answers_as_the_plain_one() {
    let Some(corpus) = corpus() else { return };
    let scene = Scene::of_corpus(&corpus);
    let telemetry = ["evtx", "json", "sigma_regression"].map(|folder| corpus.join(folder));
    let inputs: Vec<_> =
        telemetry.iter().flat_map(|folder| files(folder, &["evtx", "json", "jsonl"])).collect();
    let (mut events, mut fired) = (0, 0);
    for path in inputs {
        scene.scan(&path, &mut |event, class, record, hits| {
            events += 1;
            // walking 3,754 trees an event takes its time: every seventh event and every one with a hit
            if hits.is_empty() && events % 7 != 0 {
                return;
            }
            let plain = PlainEvent::new(event, &scene.names, Some(class));
            let expected = plain_hits(&scene.rules.rules, class, &plain);
            assert_eq!(hits, expected, "{} record {record}", path.display());
            fired += hits.len();
        });
    }
    println!("{events} events, {fired} hits");
    assert!(events > 18_000 && fired > 1_000);
}

/// Numbers of the rules that fire, by walking every tree.
pub fn plain_hits(rules: &[Rule], class: &EventClass, event: &PlainEvent) -> Vec<u32> {
    let applies = |rule: &Rule| {
        rule.log_source == LogSource::default()
            || class.log_sources.iter().any(|source| rule.log_source.covers(source))
    };
    let numbered = rules.iter().enumerate();
    numbered
        .filter(|(_, rule)| applies(rule) && matches(rule, event))
        .map(|(number, _)| number as u32)
        .collect()
}

/// A question to a field, as YAML `key: value`.
fn question() -> impl Strategy<Value = String> {
    let field = prop_oneof![Just("alpha"), Just("beta"), Just("gamma"), Just("Fixed")];
    let text = "[abAB\\\\.*?é ]{0,6}";
    let modifier = prop_oneof![
        4 => Just(""),
        4 => Just("|contains"),
        3 => Just("|startswith"),
        3 => Just("|endswith"),
        1 => Just("|contains|cased"),
        1 => Just("|cased"),
        1 => Just("|neq"),
        1 => Just("|windash|contains"),
    ];
    let texts = prop::collection::vec(text, 1..4);
    let of_texts = (field.clone(), modifier, texts).prop_map(|(field, modifier, texts)| {
        let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        format!("{field}{modifier}: [{}]", quoted.join(", "))
    });
    let others = prop_oneof![
        Just("|exists: true"),
        Just("|exists: false"),
        Just(": null"),
        Just("|gt: 5"),
        Just("|lte: 5"),
        Just("|cidr: 10.0.0.0/8"),
        Just("|re: 'a+b'"),
        Just("|re|i: 'ab{2}|ba\\.'"),
        Just("|fieldref: beta"),
        Just("|fieldref|startswith: alpha"),
        Just("|contains|all: ['a', 'b']"),
        Just("|hour|gte: 12"),
    ];
    prop_oneof![4 => of_texts, 2 => (field, others).prop_map(|(field, rest)| format!("{field}{rest}"))]
}

fn rule_text() -> impl Strategy<Value = String> {
    let selection = prop_oneof![
        5 => prop::collection::vec(question(), 1..4).prop_map(|questions| unique(&questions)),
        1 => "[abé]{1,3}".prop_map(|word| format!("['{word}', 'zz']")),
    ];
    let condition = prop_oneof![
        Just("s1 and s2"),
        Just("s1 or s2"),
        Just("s1 and not s2"),
        Just("not s1"),
        Just("not (s1 or s2) or s3"),
        Just("1 of s*"),
        Just("all of them"),
        Just("s1 and not 1 of s*"),
        Just("(s1 or s2) and (s2 or s3)"),
    ];
    (selection.clone(), selection.clone(), selection, condition).prop_map(|(s1, s2, s3, condition)| {
        format!("title: t\nlogsource: {{product: p}}\ndetection:\n  s1: {s1}\n  s2: {s2}\n  s3: {s3}\n  condition: {condition}\n")
    })
}

/// A YAML mapping of the questions; of those with the same key, the first.
fn unique(questions: &[String]) -> String {
    let mut keys = std::collections::HashSet::new();
    let kept: Vec<&str> = questions
        .iter()
        .filter(|question| keys.insert(question.split_once(": ").map(|(key, _)| key.to_owned())))
        .map(String::as_str)
        .collect();
    format!("{{{}}}", kept.join(", "))
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        6 => "[abAB\\\\.é* ]{0,9}".prop_map(serde_json::Value::from),
        1 => (0i64..10).prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::from("10.1.2.3")),
        1 => Just(serde_json::Value::from("2026-01-05T13:00:00Z")),
        1 => "[ab]{60,120}".prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::from("\u{212a}\u{130}aB")),
    ];
    prop_oneof![5 => leaf.clone(), 1 => prop::collection::vec(leaf, 0..3).prop_map(serde_json::Value::from)]
}

fn event_text() -> impl Strategy<Value = String> {
    let keys = prop::sample::select(vec!["alpha", "beta", "gamma", "delta", "alias"]);
    prop::collection::vec((keys, value()), 0..5).prop_map(|fields| {
        let mut object: serde_json::Map<String, serde_json::Value> =
            fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        object.insert("Fixed".to_owned(), "abAB".into());
        serde_json::Value::Object(object).to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn made_up_rules_and_events_are_matched_alike(
        rules in prop::collection::vec(rule_text(), 1..12),
        events in prop::collection::vec(event_text(), 1..40),
        constant in any::<bool>(),
        alias in any::<bool>(),
        repeats in prop_oneof![3 => Just(1usize), 1 => Just(20)],
    ) {
        let texts: Vec<(String, &String)> = rules.iter().enumerate().map(|(n, text)| (format!("{n}.yml"), text)).collect();
        let set = load(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())), &LoadOptions::default());
        let mut names = FieldNames::default();
        for name in ["alpha", "beta", "gamma", "Fixed", "alias"] {
            names.intern(name).unwrap();
        }
        let id = |name: &str| names.get(name).unwrap();
        let class = EventClass {
            id: ClassId(0),
            log_sources: vec![LogSource { product: Some("p".to_owned()), ..LogSource::default() }],
            constants: if constant { vec![(id("Fixed"), "abAB".to_owned())] } else { Vec::new() },
            also_read_from: if alias { vec![(id("beta"), vec![id("alias")]), (id("gamma"), vec![id("alias"), id("alpha")])] } else { Vec::new() },
        };
        let names = Arc::new(names);
        let matcher = Arc::new(Matcher::new(set.rules.clone().into(), Arc::clone(&names)));
        // they share what they learn, and one comes when it is learned
        let mut workers = vec![Worker::new(Arc::clone(&matcher)), Worker::new(Arc::clone(&matcher))];
        let (mut scanner, mut buf) = (Scanner::default(), EventBuf::default());
        // repeats let the workers learn: plans, answers and hints come into play
        for round in 0..repeats {
            if round == 10 {
                workers.push(Worker::new(Arc::clone(&matcher)));
            }
            for (turn, record) in events.iter().enumerate() {
                let of_all = workers.len();
                let worker = &mut workers[(round + turn / 2) % of_all];
                scanner.scan(record.as_bytes(), &names, &mut buf).unwrap();
                let event = buf.json_event(record.as_bytes());
                let mut hits = Vec::new();
                worker.matches(&class, &event, &mut hits);
                let plain = PlainEvent::new(&event, &names, Some(&class));
                prop_assert_eq!(hits, plain_hits(&set.rules, &class, &plain), "{}\n{}", record, rules.join("---\n"));
            }
        }
    }
}
