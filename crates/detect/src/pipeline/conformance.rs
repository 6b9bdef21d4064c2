//! Runs every folder of `tests/conformance/pipelines`: `pipeline*.yml` (in order of name) over
//! `rule.yml`, with `placeholders.yml` from the caller if it is there, must give `expected.yml`. That is
//! either the documents as they end, or `error:` (a pipeline does not load) or `refusal:` (of the rule)
//! with the whole text.
//!
//! With `WARD_BLESS` set, a missing `expected.yml` of a detection rule or a failure is written: read it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rsigma_parser::{
    CorrelationRule, Detection, DetectionItem, SigmaCollection, SigmaRule, emit_rule_yaml, parse_sigma_yaml,
};

use super::{Pipeline, Pipelines};

#[test]
fn every_conformance_case_ends_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/pipelines");
    let mut cases: Vec<PathBuf> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 25, "only {} cases in {}", cases.len(), root.display());
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What a case gave, or should give.
#[derive(Debug, PartialEq)]
enum Outcome {
    Error(String),
    Refusal(String),
    Documents(Vec<CorrelationRule>, String),
}

fn check(case: &Path) -> Result<(), String> {
    let name = case.file_name().unwrap().to_string_lossy().into_owned();
    let got = run(case);
    let path = case.join("expected.yml");
    let expected = match fs::read_to_string(&path) {
        Ok(text) => expected(&text),
        Err(_) if std::env::var_os("WARD_BLESS").is_some() => {
            fs::write(&path, written(&got)).unwrap();
            return Ok(());
        }
        Err(error) => return Err(format!("{name}: no expected.yml: {error}")),
    };
    (got == expected)
        .then_some(())
        .ok_or_else(|| format!("{name}: got\n{}\nbut expected\n{}", written(&got), written(&expected)))
}

fn run(case: &Path) -> Outcome {
    let mut files: Vec<PathBuf> = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut pipelines = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("pipeline") {
            match Pipeline::parse(&name, &fs::read_to_string(&file).unwrap()) {
                Ok(pipeline) => pipelines.push(pipeline),
                Err(error) => return Outcome::Error(error.to_string()),
            }
        }
    }
    let mut pipelines = Pipelines::new(pipelines);
    if let Ok(text) = fs::read_to_string(case.join("placeholders.yml")) {
        let given: BTreeMap<String, Vec<String>> = yaml_serde::from_str(&text).unwrap();
        pipelines = pipelines.with_placeholders(given);
    }
    let mut documents = read(&fs::read_to_string(case.join("rule.yml")).unwrap());
    let sources: Vec<_> = documents.rules.iter().map(|rule| rule.logsource.clone()).collect();
    let rules = documents.rules.iter_mut().map(|rule| pipelines.apply(rule).err());
    let correlations =
        documents.correlations.iter_mut().map(|rule| pipelines.apply_to_correlation(rule, &sources).err());
    let filters = documents.filters.iter_mut().map(|rule| pipelines.apply_to_filter(rule, None).err());
    match rules.chain(correlations).chain(filters).flatten().next() {
        Some(refusal) => Outcome::Refusal(refusal.to_string()),
        None => outcome(documents),
    }
}

fn expected(text: &str) -> Outcome {
    let head: yaml_serde::Value =
        text.split("---").next().and_then(|head| yaml_serde::from_str(head).ok()).unwrap_or_default();
    let entry = |key: &str| Some(head.get(key)?.as_str()?.to_owned());
    if let Some(error) = entry("error") {
        return Outcome::Error(error);
    }
    entry("refusal").map_or_else(|| outcome(read(text)), Outcome::Refusal)
}

fn read(text: &str) -> SigmaCollection {
    let documents = parse_sigma_yaml(text).unwrap();
    assert_eq!(documents.errors, Vec::<String>::new());
    documents
}

/// The documents with their rules and filters as text, which is the same for the same meaning.
fn outcome(documents: SigmaCollection) -> Outcome {
    let rules = documents.rules.iter().map(emit);
    let filters = documents.filters.iter().map(|filter| {
        let mut rule = SigmaRule {
            title: format!("filter {} on {:?}", filter.title, filter.rules),
            logsource: filter.logsource.clone().unwrap_or_default(),
            detection: filter.detection.clone(),
            ..some_rule()
        };
        rule.fields.clone_from(&filter.fields);
        emit(&rule)
    });
    let text = rules.chain(filters).collect::<Vec<_>>().join("---\n");
    Outcome::Documents(documents.correlations, text)
}

fn written(outcome: &Outcome) -> String {
    let quoted = |text: &str| yaml_serde::to_string(text).unwrap();
    match outcome {
        Outcome::Error(text) => format!("error: {}", quoted(text)),
        Outcome::Refusal(text) => format!("refusal: {}", quoted(text)),
        Outcome::Documents(correlations, text) if correlations.is_empty() => text.clone(),
        Outcome::Documents(correlations, text) => format!("{text}---\n# {correlations:#?}"),
    }
}

fn some_rule() -> SigmaRule {
    read("title: t\nlogsource: {}\ndetection: {s: {A: 1}, condition: s}").rules.remove(0)
}

/// The rule as YAML, its alternatives spelled out.
pub(super) fn emit(rule: &SigmaRule) -> String {
    let mut rule = rule.clone();
    for detection in rule.detection.named.values_mut() {
        let alternatives = spelled_out(detection);
        *detection = match <[_; 1]>::try_from(alternatives) {
            Ok([Alternative::Items(items)]) => Detection::AllOf(items),
            Ok([Alternative::Words(words)]) => words,
            Err(many) => Detection::AnyOf(many.into_iter().map(Alternative::into_detection).collect()),
        };
    }
    emit_rule_yaml(&rule)
}

/// A detection as alternatives, the only form of nesting YAML rules have.
fn spelled_out(detection: &Detection) -> Vec<Alternative> {
    match detection {
        Detection::AllOf(items) => vec![Alternative::Items(items.clone())],
        Detection::AnyOf(parts) => parts.iter().flat_map(spelled_out).collect(),
        Detection::And(parts) => parts.iter().fold(vec![Alternative::Items(Vec::new())], |ways, part| {
            let part = spelled_out(part);
            ways.iter().flat_map(|way| part.iter().map(|more| way.and(more))).collect()
        }),
        words => vec![Alternative::Words(words.clone())],
    }
}

#[derive(Clone)]
enum Alternative {
    Items(Vec<DetectionItem>),
    Words(Detection),
}

impl Alternative {
    fn and(&self, more: &Self) -> Self {
        match (self, more) {
            (Self::Items(items), Self::Items(more)) => Self::Items([items.clone(), more.clone()].concat()),
            _ => panic!("keywords beside fields cannot be written as YAML"),
        }
    }

    fn into_detection(self) -> Detection {
        match self {
            Self::Items(items) => Detection::AllOf(items),
            Self::Words(words) => words,
        }
    }
}
