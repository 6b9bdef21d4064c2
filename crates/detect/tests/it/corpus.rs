//! Every rule of the SigmaHQ corpus loads, or is refused for the reason that the checked-in list says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ward_detect::load::{self, LoadOptions, RuleSet};
use ward_detect::{Expr, PlainEvent, explain, plain};

use crate::scene::{conformance, corpus, files};

/// Texts of the rule files below folders, with their paths from `root`.
fn texts(root: &Path, folders: &[&str]) -> Vec<(String, String)> {
    let text = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    folders.iter().flat_map(|folder| files(&root.join(folder), &["yml"])).map(text).collect()
}

fn loaded(root: &Path, folders: &[&str]) -> RuleSet {
    let files = texts(root, folders);
    load::load(files.iter().map(|(path, text)| (path.as_str(), text.as_str())), &LoadOptions::default())
}

const RULES: [&str; 3] = ["rules", "rules-emerging-threats", "rules-threat-hunting"];
const ALL: [&str; 6] = [
    "rules",
    "rules-emerging-threats",
    "rules-threat-hunting",
    "rules-compliance",
    "rules-placeholder",
    "unsupported",
];

#[test]
fn all_rules_of_the_corpus_load() {
    let Some(corpus) = corpus() else { return };
    let set = loaded(&corpus.join("sigma"), &RULES);
    assert!(set.report.refused.is_empty(), "{:?}", set.report.refused);
    assert_eq!(set.rules.len(), 3_754);
    assert!(set.rules.iter().all(|rule| rule.reports));
}

#[test]
fn what_is_refused_of_the_corpus_is_exactly_what_the_list_says() {
    let Some(corpus) = corpus() else { return };
    let set = loaded(&corpus.join("sigma"), &ALL);
    let refused: BTreeSet<String> = set.report.refused.iter().map(ToString::to_string).collect();
    let listed = fs::read_to_string(conformance().join("rules/refused.txt")).unwrap();
    let listed: BTreeSet<String> =
        listed.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect();
    let newly: Vec<_> = refused.difference(&listed).collect();
    let no_more: Vec<_> = listed.difference(&refused).collect();
    assert!(newly.is_empty() && no_more.is_empty(), "newly refused: {newly:#?}\nno more: {no_more:#?}");
    // 87 files, of which five are refused.
    assert_eq!(set.correlations.iter().filter(|c| c.origin.path.starts_with("unsupported/")).count(), 53);
}

#[test]
fn placeholders_without_values_are_named_and_those_with_values_are_not() {
    let Some(corpus) = corpus() else { return };
    let root = corpus.join("sigma");
    let partial = loaded(&root, &["rules-placeholder"]).report.partial;
    assert!(partial.iter().any(|p| p.to_string().contains("the placeholder '%Workstations%' has no values")));
    let names = partial.iter().filter_map(|problem| match &problem.reason {
        ward_detect::Error::Placeholder(name) => Some((name.clone(), vec!["srv*".to_owned()])),
        _ => None,
    });
    let options = LoadOptions { placeholders: names.collect(), ..LoadOptions::default() };
    let files = texts(&root, &["rules-placeholder"]);
    let set = load::load(files.iter().map(|(path, text)| (path.as_str(), text.as_str())), &options);
    assert!(set.report.partial.is_empty(), "{:?}", set.report.partial);
}

#[test]
fn an_explanation_says_of_every_rule_what_the_matcher_says() {
    let Some(corpus) = corpus() else { return };
    let set = loaded(&corpus.join("sigma"), &RULES);
    let nothing = PlainEvent::default();
    let mut held = 0;
    for rule in &set.rules {
        let explanation = explain(rule, &nothing);
        assert_eq!(explanation.held, plain::matches(rule, &nothing), "{}", rule.origin);
        held += usize::from(explanation.held);
    }
    // Rules that only ask for something not to be there fire on an event of their log source without it.
    assert!(held < 5, "{held} rules fire on an empty event");
}

#[test]
fn every_rule_of_the_corpus_keeps_its_search_identifiers_for_explanations() {
    let Some(corpus) = corpus() else { return };
    fn names(expr: &Expr) -> usize {
        match expr {
            Expr::Named(_, _) => 1,
            Expr::All(parts) | Expr::Any(parts) => parts.iter().map(names).sum(),
            Expr::Not(part) => names(part),
            _ => 0,
        }
    }
    let set = loaded(&corpus.join("sigma"), &RULES);
    assert!(set.rules.iter().all(|rule| names(&rule.condition) > 0));
}
