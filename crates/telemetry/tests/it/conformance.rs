//! One folder, one case: `tests/conformance/formats/<case>/` holds `input.*` and `expected.json`.
//!
//! `expected.json` has `fields` (the names that are known) and what must come out: `format`; `events` with
//! `record` and `fields` (a text, a list of texts, `null`; what is not listed must be absent); `bad` with
//! `record` and the `error` text; `failure`, why the input could not be read at all or to its end. It may
//! have `options`: `format`, `received`, `record_limit`. With the variable `WARD_BLESS` set, what came out
//! is written into it, for review.

use crate::reading::{Reading, names, read};
use serde_json::{Map, Value, json};
use std::path::Path;
use ward_core::Timestamp;
use ward_telemetry::input::Options;

#[test]
fn every_case_reads_as_expected() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/formats");
    let mut cases: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let failed: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failed.is_empty(), "{} of {} cases failed\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn check(case: &Path) -> Result<(), String> {
    let input = std::fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with("input")))
        .unwrap_or_else(|| panic!("{} has no input", case.display()));
    let file = case.join("expected.json");
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap())
        .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let known: Vec<&str> = expected["fields"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let reading = read(&std::fs::read(input).unwrap(), &names(&known), &options(&expected["options"]));
    let found = written(&reading, &expected);
    if found == expected {
        return Ok(());
    }
    if std::env::var_os("WARD_BLESS").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    Err(format!("{}\nexpected {expected:#}\nfound {found:#}", case.display()))
}

fn options(told: &Value) -> Options {
    let mut options = Options {
        format: told["format"].as_str().map(|name| name.parse().unwrap()),
        received: told["received"].as_str().map(|time| Timestamp::parse(time).unwrap()),
        ..Options::default()
    };
    if let Some(limit) = told["record_limit"].as_u64() {
        options.limits.record = limit as usize;
    }
    options
}

/// What came out, in the form of `expected.json`.
fn written(reading: &Reading, expected: &Value) -> Value {
    let mut found = Map::new();
    for key in ["options", "fields"] {
        if let Some(value) = expected.get(key) {
            found.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(format) = reading.format {
        found.insert("format".to_owned(), format.as_str().into());
    }
    let events: Vec<Value> = reading
        .events
        .iter()
        .map(|(record, values)| json!({ "record": record, "fields": by_name(values) }))
        .collect();
    found.insert("events".to_owned(), events.into());
    if !reading.bad.is_empty() {
        let bad = reading
            .bad
            .iter()
            .map(|(record, _, error)| json!({ "record": record, "error": error.to_string() }));
        found.insert("bad".to_owned(), bad.collect::<Vec<_>>().into());
    }
    if let Some(failure) = &reading.failure {
        found.insert("failure".to_owned(), failure.to_string().into());
    }
    found.into()
}

fn by_name(values: &[(String, Option<String>)]) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in values {
        let value = value.clone().map_or(Value::Null, Value::String);
        match fields.get_mut(name) {
            None => {
                fields.insert(name.clone(), value);
            }
            Some(Value::Array(many)) => many.push(value),
            Some(one) => *one = json!([one.take(), value]),
        }
    }
    fields
}
