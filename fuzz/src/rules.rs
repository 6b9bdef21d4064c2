//! What a user writes: Sigma rules, pipelines, values of placeholders, taxonomy tables.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rsigma_parser::parse_sigma_yaml;
use ward_detect::about::{about, document};
use ward_detect::load::{LoadOptions, load};
use ward_detect::pipeline::{Pipeline, Pipelines};
use ward_detect::placeholders::{from_toml, from_yaml};
use ward_telemetry::taxonomy::Taxonomy;

/// Rules load or are refused by name, the same each time.
pub fn sigma(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let placeholders = BTreeMap::from([("admins".to_owned(), vec!["root".to_owned(), "adm*".to_owned()])]);
    let options = LoadOptions { placeholders, ..LoadOptions::default() };
    let set = load([("rule.yml", text)], &options);
    for rule in &set.rules {
        rule.condition.each_field(&mut |field| assert!(field.len() <= text.len() + 64));
    }
    for line in 0..4 {
        let _ = document(text, line).map(about);
    }
    let again = load([("rule.yml", text)], &options);
    assert_eq!(set.report, again.report);
    for (rule, again) in set.rules.iter().zip(&again.rules) {
        assert_eq!(rule.condition, again.condition);
    }
}

/// A pipeline is read or refused; one that is read changes rules or refuses them.
pub fn pipeline(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(pipeline) = Pipeline::parse("pipeline.yml", text) else { return };
    let pipelines = Pipelines::new(vec![pipeline]);
    let Ok(collection) = parse_sigma_yaml(RULES) else { return };
    for mut rule in collection.rules {
        let before = rule.clone();
        if pipelines.apply(&mut rule).is_err() {
            assert_eq!(rule.detection, before.detection, "a refused rule is as it was");
        }
    }
}

const RULES: &str = "\
title: one
logsource: {product: windows, category: process_creation}
detection:
  sel:
    Image|endswith: ['\\cmd.exe', '\\powershell.exe']
    CommandLine|contains|all: ['-enc', '%admins%']
    User|expand: '%admins%'
  filter:
    - ParentImage: null
    - EventID: 4688
  condition: sel and not filter
---
title: two
logsource: {product: linux, service: auditd}
detection:
  keywords: ['curl * | sh', 'wget']
  sel: {type: EXECVE, a0|re: '^(nc|ncat)$'}
  condition: 1 of them
";

/// Values of placeholders are read or refused, as YAML and as TOML; what is read can be given to a rule.
pub fn placeholders(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for placeholders in [from_yaml(text), from_toml(text)].into_iter().flatten() {
        let bytes: usize = placeholders.values().flatten().map(String::len).sum();
        assert!(bytes <= 64 << 20, "aliases made {bytes} bytes of {}", text.len());
        let options = LoadOptions { placeholders, ..LoadOptions::default() };
        let set = load([("rule.yml", EXPANDED)], &options);
        assert_eq!(set.rules.len() + set.report.refused.len(), 1);
    }
}

const EXPANDED: &str = "\
title: expanded
logsource: {product: windows, category: process_creation}
detection: {sel: {User|expand: '%admins%'}, condition: sel}
";

/// A user's tables are read or refused by entry; what is read makes a resolver or says why not.
pub fn taxonomy(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    static BUILTIN: OnceLock<Option<Taxonomy>> = OnceLock::new();
    let Some(mut taxonomy) = BUILTIN.get_or_init(|| Taxonomy::builtin().ok()).clone() else { return };
    if taxonomy.extend("mine.toml", text).is_ok()
        && let Ok(names) = taxonomy.field_names(["Image", "c-uri"])
    {
        drop(taxonomy.resolver(&names));
    }
}
