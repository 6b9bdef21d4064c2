//! Ward and `rsigma-eval` agree on the corpus, but for a list that says who is right.
//!
//! Both get the same fields under the rules' own names, and a rule counts only where its log source covers
//! the event: what is compared is matching, not field names or routing.

#![allow(clippy::unwrap_used, clippy::panic)] // a test: what is missing should end it

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use rsigma_parser::SigmaCollection;
use serde_json::{Map, Value, json};
use ward_bench::detect::{corpus, files, ready};
use ward_core::{Event, EventClass, FieldNames, LogSource, RecordForm, ValueKind};
use ward_detect::compiled::Worker;
use ward_detect::load::{LoadOptions, load};
use ward_detect::plain::PlainEvent;
use ward_telemetry::input::{Decoded, Decoder, Input, Options};

const FOLDERS: [&str; 3] = ["rules", "rules-emerging-threats", "rules-threat-hunting"];

#[test]
fn ward_and_rsigma_agree_on_the_corpus_but_for_a_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let usual = root.join("target/corpus/detection");
    let Ok(corpus) = corpus().or_else(|e| if usual.join("sigma").is_dir() { Ok(usual) } else { Err(e) })
    else {
        println!("skipped: no corpus");
        return;
    };
    let folders = FOLDERS.map(|folder| corpus.join("sigma").join(folder));
    let engine = rsigma(&folders);
    let texts: Vec<(String, String)> = folders
        .iter()
        .flat_map(|folder| files(folder, "yml").unwrap())
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap()))
        .collect();
    let set = load(texts.iter().map(|(p, t)| (p.as_str(), t.as_str())), &LoadOptions::default());
    let rules = set.rules.clone();
    let (matcher, resolver) = ready(set).unwrap();
    let (mut events, mut agreed) = (0, 0);
    let mut differences: BTreeMap<String, usize> = BTreeMap::new();
    for path in inputs(&corpus) {
        let mut resolver = resolver.clone();
        let mut worker = Worker::new(matcher.clone());
        each_event(&path, matcher.names(), &mut |event| {
            let class = resolver.resolve(event).clone();
            let mut hits = Vec::new();
            worker.matches(&class, event, &mut hits);
            let ours: BTreeSet<&str> = hits.iter().map(|&hit| rules[hit as usize].id.as_str()).collect();
            let covered: BTreeSet<&str> = rules
                .iter()
                .filter(|rule| covers(&rule.log_source, &class))
                .map(|rule| rule.id.as_str())
                .collect();
            let value = flat(event, &class, matcher.names());
            let found = engine.evaluate(&JsonEvent::borrow(&value));
            let theirs: BTreeSet<&str> = found
                .iter()
                .filter_map(|result| result.header.rule_id.as_deref())
                .filter(|id| covered.contains(id))
                .collect();
            events += 1;
            agreed += ours.intersection(&theirs).count();
            for id in ours.difference(&theirs) {
                *differences.entry(format!("ward {id}")).or_default() += 1;
            }
            for id in theirs.difference(&ours) {
                *differences.entry(format!("rsigma {id}")).or_default() += 1;
            }
        });
    }
    println!("{events} events, {agreed} matches of both, {} differ", differences.values().sum::<usize>());
    assert!(events > 18_000 && agreed > 850, "{events} {agreed}");
    let known = known(&root.join("tests/conformance/agreement/rsigma.txt"));
    assert!(differences.keys().eq(&known), "found {differences:#?}\nknown {known:#?}");
}

/// The other engine with all rules.
fn rsigma(folders: &[PathBuf]) -> Engine {
    let mut all = SigmaCollection::new();
    for folder in folders {
        let part = rsigma_parser::parse_sigma_directory(folder).unwrap();
        all.rules.extend(part.rules);
    }
    let mut engine = Engine::new();
    engine.add_collection(&all).unwrap();
    engine
}

fn covers(source: &LogSource, class: &EventClass) -> bool {
    *source == LogSource::default() || class.log_sources.iter().any(|event| source.covers(event))
}

/// The event as the other engine reads one: rules' field names at the top, and the record for keywords.
fn flat(event: &Event<'_>, class: &EventClass, names: &FieldNames) -> Value {
    let plain = PlainEvent::new(event, names, Some(class));
    let mut fields = Map::new();
    for number in 0..names.len() {
        let name = names.name(ward_core::FieldId(number as u16));
        let values: Vec<Value> = plain
            .values(name)
            .iter()
            .filter_map(|value| {
                let text = String::from_utf8_lossy(&value.bytes).into_owned();
                match value.kind {
                    ValueKind::Text => Some(json!(text)),
                    ValueKind::Number => Some(serde_json::from_str(&text).unwrap_or(json!(text))),
                    ValueKind::Bool => Some(json!(text == "true")),
                    ValueKind::Null => Some(Value::Null),
                    ValueKind::Container => None,
                }
            })
            .collect();
        match values.len() {
            0 => {}
            1 => _ = fields.insert(name.to_owned(), values.into_iter().next().unwrap()),
            _ => _ = fields.insert(name.to_owned(), Value::Array(values)),
        }
    }
    let record = match event.form {
        RecordForm::Json => serde_json::from_slice(event.record).unwrap(),
        RecordForm::Text => json!(String::from_utf8_lossy(event.record)),
    };
    fields.insert("the whole record".to_owned(), record);
    Value::Object(fields)
}

fn inputs(corpus: &Path) -> Vec<PathBuf> {
    let in_folder = |folder: &str, extension: &str| files(&corpus.join(folder), extension).unwrap();
    [in_folder("evtx", "evtx"), in_folder("json", "jsonl"), in_folder("sigma_regression", "evtx")].concat()
}

fn each_event(path: &Path, names: &FieldNames, each: &mut dyn FnMut(&Event<'_>)) {
    let options = Options::default();
    let mut input = Input::open(Box::new(std::fs::File::open(path).unwrap()), &options).unwrap();
    let mut decoder = Decoder::new(&options);
    while let Ok(Some(mut block)) = input.next_block(Vec::new()) {
        decoder.decode(&mut block, names, &mut |decoded| {
            if let Decoded::Event { event, .. } = decoded {
                each(&event);
            }
        });
    }
}

/// A line a difference: who matches, the rule's id, " # " and who is right and why.
fn known(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut known: Vec<String> = lines
        .map(|line| {
            let (what, reason) = line.split_once(" # ").unwrap_or_else(|| panic!("no reason given: {line}"));
            assert!(!reason.trim().is_empty());
            what.trim().to_owned()
        })
        .collect();
    known.sort();
    known
}
