//! SigmaHQ's own regression cases: each rule fires on the record its author kept for it.

use std::collections::BTreeMap;

use crate::scene::{Scene, conformance, corpus, files};

/// What a case's `info.yml` says.
struct Case {
    name: String,
    rule: String,
    match_count: Option<usize>,
}

#[test]
fn every_case_fires_from_evtx_and_json_as_often_as_its_author_counted() {
    let Some(corpus) = corpus() else { return };
    let scene = Scene::of_corpus(&corpus);
    let folder = corpus.join("sigma_regression");
    let known = known_differences();
    let mut differences = BTreeMap::new();
    let mut cases = 0;
    for info in files(&folder, &["yml"]) {
        let case = read_case(&std::fs::read_to_string(&info).unwrap(), &info.display().to_string());
        cases += 1;
        let here = info.parent().unwrap();
        let mut complaint = Vec::new();
        for path in files(here, &["evtx"]) {
            let count = scene.count(&path, &case.rule);
            if count == 0 || case.match_count.is_some_and(|wanted| wanted != count) {
                complaint.push(format!("evtx fires {count}, wanted {:?}", case.match_count));
            }
        }
        for path in files(here, &["json"]) {
            if scene.count(&path, &case.rule) == 0 {
                complaint.push("json does not fire".to_owned());
            }
        }
        if !complaint.is_empty() {
            differences.insert(format!("{} {}", case.name, case.rule), complaint.join("; "));
        }
    }
    println!("{cases} cases, {} differ", differences.len());
    assert!(cases >= 165, "the corpus has 165 cases");
    assert!(differences.keys().eq(&known), "the list of known differences is not exact: {differences:#?}");
}

/// `tests/conformance/regression/differences.txt`: a line a case, its reason behind `#`.
fn known_differences() -> Vec<String> {
    let text = std::fs::read_to_string(conformance().join("regression/differences.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let (case, reason) = line.split_once(" # ").unwrap_or_else(|| panic!("no reason given: {line}"));
            assert!(!reason.trim().is_empty());
            case.trim().to_owned()
        })
        .collect()
}

fn read_case(text: &str, path: &str) -> Case {
    let after = |key: &str| {
        let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(key))?;
        Some(line.trim().to_owned())
    };
    let rule_metadata = text.split("rule_metadata:").nth(1).unwrap_or_else(|| panic!("{path}"));
    let rule =
        rule_metadata.lines().find_map(|line| line.trim().strip_prefix("- id:")).unwrap().trim().to_owned();
    let folder = std::path::Path::new(path).parent().unwrap().file_name().unwrap();
    Case {
        name: folder.to_string_lossy().into_owned(),
        rule,
        match_count: after("match_count:").map(|count| count.parse().unwrap()),
    }
}
