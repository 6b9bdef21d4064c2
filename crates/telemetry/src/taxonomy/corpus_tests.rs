//! The built-in tables against the corpus: every rule's log source, every recorded event.
//!
//! The corpus is looked for in the folder that `WARD_CORPUS` names, else in `target/corpus/detection`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use evtx::EvtxParser;
use ward_core::{Event, EventBuf, FieldNames, LogSource};

use super::{Resolver, Taxonomy, file};
use crate::json::Scanner;

/// Fields that thousands of rules read, so that events carry spans of them as in a real run.
const RULE_FIELDS: &str = "CommandLine Image ParentImage OriginalFileName ParentCommandLine Description Product \
    Hashes IntegrityLevel User Company CurrentDirectory TargetObject Details EventType TargetFilename ImageLoaded \
    Signed Signature SignatureStatus DestinationIp DestinationHostname DestinationPort Initiated SourceIp QueryName \
    PipeName SourceImage TargetImage GrantedAccess CallTrace StartModule StartFunction ScriptBlockText Payload \
    ContextInfo Data Path EventID Channel Provider_Name Computer ProcessName ObjectName ObjectType AccessMask \
    AccessList SubjectUserName TargetUserName LogonType IpAddress ServiceName ServiceFileName ShareName \
    RelativeTargetName TaskName Status Keywords Level Message LogonId ProcessId Application";

fn corpus() -> Option<PathBuf> {
    let fallback = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/corpus/detection");
    let found = std::env::var_os("WARD_CORPUS").map_or_else(fallback, PathBuf::from);
    if !found.is_dir() {
        println!("skipped: no corpus");
        return None;
    }
    Some(found)
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn all(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(folder, extension, &mut found);
    assert!(!found.is_empty(), "no .{extension} under {}", folder.display());
    found
}

/// Identifier and log source of each rule in a file; SigmaHQ's layout is regular enough to read by line.
fn rules(text: &str) -> Vec<(String, LogSource)> {
    let mut found: Vec<(String, LogSource)> = Vec::new();
    for document in text.split("\n---") {
        let mut id = String::new();
        let mut source = LogSource::default();
        let mut inside = false;
        for line in document.lines() {
            let value = |line: &str| {
                let value = line.split_once(':').map_or("", |(_, v)| v);
                value.split(" #").next().unwrap_or("").trim().trim_matches(['\'', '"']).to_owned()
            };
            if !line.starts_with([' ', '#']) && !line.is_empty() {
                inside = line.starts_with("logsource:");
                if line.starts_with("id:") {
                    id = value(line);
                }
            } else if inside {
                match line.trim().split(':').next().unwrap_or("") {
                    "product" => source.product = Some(value(line)),
                    "category" => source.category = Some(value(line)),
                    "service" => source.service = Some(value(line)),
                    _ => {}
                }
            }
        }
        if source != LogSource::default() {
            found.push((id, source));
        }
    }
    found
}

fn all_rules(corpus: &Path) -> Vec<(String, LogSource)> {
    let folders = fs::read_dir(corpus.join("sigma")).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("rules"));
    let texts = folders.flat_map(|folder| all(&folder, "yml")).map(|p| fs::read_to_string(p).unwrap());
    texts.flat_map(|text| rules(&text)).collect()
}

struct Reader {
    names: FieldNames,
    resolver: Resolver,
    scanner: Scanner,
    buf: EventBuf,
}

impl Reader {
    fn new() -> Self {
        let taxonomy = Taxonomy::builtin().unwrap();
        let names = taxonomy.field_names(RULE_FIELDS.split_whitespace()).unwrap();
        let resolver = taxonomy.resolver(&names).unwrap();
        Self { names, resolver, scanner: Scanner::default(), buf: EventBuf::default() }
    }

    fn each(&mut self, record: &str, visit: &mut impl FnMut(&mut Resolver, &FieldNames, &Event<'_>)) {
        self.scanner.scan(record.as_bytes(), &self.names, &mut self.buf).unwrap();
        visit(&mut self.resolver, &self.names, &self.buf.json_event(record.as_bytes()));
    }

    /// Log sources of all events in a JSON or EVTX file.
    fn log_sources(&mut self, path: &Path) -> BTreeSet<LogSource> {
        let mut found = BTreeSet::new();
        for record in records(path) {
            self.each(&record, &mut |resolver, _, event| {
                found.extend(resolver.resolve(event).log_sources.iter().cloned());
            });
        }
        found
    }
}

fn records(path: &Path) -> Vec<String> {
    if path.extension().is_some_and(|e| e == "evtx") {
        let mut parser = EvtxParser::from_path(path).unwrap();
        return parser.records_json().filter_map(Result::ok).map(|record| record.data).collect();
    }
    let text = fs::read_to_string(path).unwrap();
    let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
    values.map(|value| value.unwrap().to_string()).collect()
}

#[test]
fn every_log_source_of_the_rules_can_be_reached_or_is_listed_with_the_reason() {
    let Some(corpus) = corpus() else { return };
    let taxonomy = Taxonomy::builtin().unwrap();
    let rules = all_rules(&corpus);
    assert!(rules.len() >= 3_754, "{} rules", rules.len());
    let unreachable: BTreeSet<String> = rules
        .iter()
        .filter(|(_, source)| !taxonomy.can_reach(source))
        .map(|(_, source)| source.to_string())
        .collect();
    let ratchet =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/taxonomy/unreachable.txt");
    let listed = fs::read_to_string(&ratchet).unwrap();
    let listed = listed.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: BTreeMap<&str, &str> = listed.map(|line| line.split_once(": ").unwrap()).collect();
    assert_eq!(unreachable, listed.keys().map(|s| (*s).to_owned()).collect(), "keep {}", ratchet.display());
}

#[test]
fn every_regression_case_resolves_to_the_log_source_of_its_rule() {
    let Some(corpus) = corpus() else { return };
    let rules: BTreeMap<String, LogSource> = all_rules(&corpus).into_iter().collect();
    let mut reader = Reader::new();
    let mut missed = Vec::new();
    let cases = all(&corpus.join("sigma_regression"), "yml");
    for case in &cases {
        let info = fs::read_to_string(case).unwrap();
        let id = info.split("rule_metadata:").nth(1).and_then(|text| text.split("id: ").nth(1));
        let id = id.and_then(|text| text.lines().next()).unwrap().trim();
        let rule = &rules[id];
        for extension in ["json", "evtx"] {
            for events in all(case.parent().unwrap(), extension) {
                if !reader.log_sources(&events).iter().any(|source| rule.covers(source)) {
                    missed.push(format!("{rule} {}", events.display()));
                }
            }
        }
    }
    println!("{} cases", cases.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_recorded_windows_event_has_a_class_a_time_and_a_host() {
    let Some(corpus) = corpus() else { return };
    let mut reader = Reader::new();
    let mut paths = all(&corpus.join("json"), "jsonl");
    paths.extend(all(&corpus.join("evtx"), "evtx"));
    let (mut events, mut strange) = (0, BTreeSet::new());
    for path in paths {
        for record in records(&path) {
            events += 1;
            reader.each(&record, &mut |resolver, names, event| {
                let class = resolver.resolve(event).clone();
                // The record of a cleared log names that log as its channel, too.
                let constant = |field: &str| {
                    let id = names.get(field);
                    class.constants.iter().any(|(f, _)| Some(*f) == id)
                        || event.fields.iter().filter(|span| Some(span.field) == id).count() > 1
                };
                if class.log_sources.is_empty()
                    || !["Channel", "EventID", "Provider_Name"].into_iter().all(constant)
                    || resolver.time(event).is_none()
                    || resolver.host(event).is_none()
                {
                    strange.insert(record.chars().take(600).collect::<String>());
                }
            });
        }
    }
    println!("{events} events, {} classes", reader.resolver.class_count());
    assert!(
        strange.is_empty(),
        "{} strange, such as {:#?}",
        strange.len(),
        strange.iter().take(3).collect::<Vec<_>>()
    );
}

/// Not a bound, which would fail on a busy machine: prints what an event costs, in the caches as it is
/// when it was just scanned.
#[test]
fn what_an_event_costs() {
    let Some(corpus) = corpus() else { return };
    let start = Instant::now();
    let Reader { names, mut resolver, mut scanner, .. } = Reader::new();
    println!("{:.1} ms to load", start.elapsed().as_secs_f64() * 1000.0);
    let lines: Vec<String> =
        all(&corpus.join("json"), "jsonl").iter().flat_map(|path| records(path)).collect();
    let (mut spans, mut total) = (0, 0.0);
    for lines in lines.chunks(50) {
        let scan = |line: &String| {
            let mut buf = EventBuf::default();
            scanner.scan(line.as_bytes(), &names, &mut buf).unwrap();
            buf
        };
        let bufs: Vec<EventBuf> = lines.iter().map(scan).collect();
        spans += bufs.iter().map(|buf| buf.fields.len()).sum::<usize>();
        let mut best = f64::MAX;
        for _ in 0..20 {
            let start = Instant::now();
            for (buf, line) in bufs.iter().zip(lines) {
                std::hint::black_box(resolver.resolve(&buf.json_event(line.as_bytes())).id);
            }
            best = best.min(start.elapsed().as_nanos() as f64);
        }
        total += best;
    }
    let count = lines.len() as f64;
    println!(
        "{:.0} ns an event of {:.0} spans, {} classes",
        total / count,
        spans as f64 / count,
        resolver.class_count()
    );
}

#[test]
fn rules_are_read_by_line() {
    let text = "title: x\nid: 1\nlogsource:\n    category: c\n    product: p # why\ndetection:\n    a:\n        product: no\n";
    assert_eq!(rules(text), [("1".to_owned(), file::log_source("p/c/*").unwrap())]);
}
