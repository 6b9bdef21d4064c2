//! Pipelines and rules together: what a pipeline changes is what is matched.

use std::collections::BTreeMap;
use std::path::Path;

use ward_detect::load::{LoadOptions, RuleSet, load};
use ward_detect::pipeline::{Pipeline, Pipelines};

use crate::scene::{Scene, conformance, corpus, files};

/// A SigmaHQ rule about Mimikatz' command line, kept short.
const RULE: &str = r"
title: credentials read from memory
name: memory
id: 0a7ef2c6-3b6a-4a45-9a33-1ec2f0a6ad0d
logsource: {product: windows, category: process_creation}
detection:
    selection:
        Image|endswith: '\rundll32.exe'
        CommandLine|contains|all: [comsvcs, '\*dump?']
    filter: {User: null}
    condition: selection and not filter
";

#[test]
fn windows_rules_with_their_channels_added_fire_on_the_same_events() {
    let Some(corpus) = corpus() else { return };
    let Ok(text) = std::fs::read_to_string(corpus.join("winchan_pipeline.yml")) else {
        println!("skipped: no winchan_pipeline.yml");
        return;
    };
    let folders = [corpus.join("sigma/rules/windows")];
    let options = options(&[&text]);
    let (plain, piped) = (Scene::of(&folders), Scene::piped(&folders, &options));
    assert_eq!(piped.rules.report.refused, []);
    assert_eq!((plain.rules.rules.len(), piped.rules.rules.len()), (2_407, 2_407));
    let changed =
        plain.rules.rules.iter().zip(&piped.rules.rules).filter(|(a, b)| a.condition != b.condition);
    assert!(changed.count() > 2_300);
    let (mut fired, mut differing) = (0, Vec::new());
    for info in files(&corpus.join("sigma_regression"), &["yml"]) {
        let id = rule_of(&info);
        if !plain.rules.rules.iter().any(|rule| rule.id == id) {
            continue;
        }
        for path in files(info.parent().unwrap(), &["evtx"]) {
            let (without, with) = (plain.count(&path, &id), piped.count(&path, &id));
            fired += usize::from(with > 0);
            if with != without {
                differing.push(format!("{id}: {with} of {without}"));
            }
        }
    }
    println!("{fired} cases fire");
    assert!(fired > 150, "only {fired} fire");
    assert_eq!(differing, [] as [String; 0]);
}

#[test]
fn a_pipeline_that_changes_nothing_loads_every_rule_as_it_is_without() {
    let Some(corpus) = corpus() else { return };
    let folders =
        ["rules", "rules-emerging-threats", "rules-threat-hunting", "rules-placeholder", "unsupported"];
    let texts: Vec<(String, String)> = folders
        .iter()
        .flat_map(|folder| files(&corpus.join("sigma").join(folder), &["yml"]))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap()))
        .collect();
    let load = |options: LoadOptions| load(texts.iter().map(|(p, t)| (p.as_str(), t.as_str())), &options);
    let without = load(LoadOptions::default());
    let with = load(options(&["transformations: [{type: set_state, key: k, val: v}]"]));
    assert!(without.rules.len() > 3_700);
    assert_eq!(with.report.refused, without.report.refused);
    assert_eq!(with.report.partial, without.report.partial);
    assert_eq!(with.correlations, without.correlations);
    let meaning = |set: &RuleSet| -> Vec<_> {
        set.rules.iter().map(|r| (r.id.clone(), r.log_source.clone(), r.condition.clone())).collect()
    };
    assert!(meaning(&with) == meaning(&without));
}

#[test]
fn mapped_names_are_what_events_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let event = |image: &str, line: &str| {
        format!(
            "{{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1,\"{image}\":\"C:\\\\x\\\\RUNDLL32.exe\",\
             \"{line}\":\"rundll32 comsvcs.dll *dump!\",\"who\":\"a\",\"User\":\"a\"}}\n"
        )
    };
    let events = folder.path().join("events.ndjson");
    std::fs::write(&events, event("exe_path", "args_text") + &event("Image", "CommandLine")).unwrap();
    let map = "transformations:
  - {type: field_name_mapping, mapping: {Image: exe_path, CommandLine: [cmd_text, args_text], User: who}}";
    let scene = Scene::with(load([("r.yml", RULE)], &options(&[map])));
    assert_eq!(records(&scene, &events), [1]);
    let scene = Scene::with(load([("r.yml", RULE)], &LoadOptions::default()));
    assert_eq!(records(&scene, &events), [2]);
}

#[test]
fn a_changed_log_source_is_where_the_rule_is_asked() {
    let change = "transformations: [{type: change_logsource, product: linux, service: auditd}]";
    let set = load([("r.yml", RULE)], &options(&[change]));
    assert_eq!(set.rules[0].log_source.to_string(), "linux/*/auditd");
    let filter = "
title: not here
logsource: {product: windows}
filter: {rules: [memory], selection: {User: a}, condition: not selection}
";
    let set = load([("r.yml", RULE), ("f.yml", filter)], &options(&[change]));
    assert!(
        format!("{:?}", set.rules[0].condition).contains("filter not here"),
        "filters go by what was read"
    );
}

#[test]
fn a_refused_rule_is_named_with_its_place_and_the_step_that_refused_it() {
    let fail = "transformations:
  - {type: set_state, key: a, val: b}
  - type: rule_failure
    message: no such events here
    rule_conditions: [{type: logsource, category: process_creation}]";
    let text = format!(
        "title: other\nlogsource: {{product: linux}}\ndetection: {{s: {{a: b}}, condition: s}}\n---{RULE}"
    );
    let set = load([("some/r.yml", text.as_str())], &options(&[fail]));
    assert_eq!(set.rules.len(), 1);
    let told: Vec<String> = set.report.refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["some/r.yml:5: credentials read from memory: refused by pipeline p0.yml:3: transformation 2 \
          (rule_failure): no such events here"]
    );
    let odd = "transformations: [{type: field_name_mapping, mapping: {User: 'a|re'}}]";
    let set = load([("r.yml", RULE)], &options(&[odd]));
    assert!(
        set.report.refused[0]
            .to_string()
            .ends_with("a pipeline calls a field 'a|re', which cannot be its name")
    );
}

#[test]
fn a_filter_is_mapped_as_each_rule_it_is_laid_over() {
    let map = "transformations:
  - type: field_name_mapping
    mapping: {User: win_user}
    rule_conditions: [{type: logsource, product: windows}]
  - type: field_name_mapping
    mapping: {User: [auid, uid]}
    rule_conditions: [{type: logsource, product: linux}]
  - type: rule_failure
    message: not for macos
    rule_conditions: [{type: logsource, product: macos}, {type: contains_field, field: User}]";
    let rule = |product: &str| {
        format!(
            "title: {product}\nlogsource: {{product: {product}}}\ndetection: {{s: {{x: y}}, condition: s}}\n---\n"
        )
    };
    let filter =
        "title: ours\nfilter: {rules: any, selection: {User|startswith: adm}, condition: not selection}\n";
    let text = rule("windows") + &rule("linux") + &rule("macos") + filter;
    let set = load([("r.yml", text.as_str())], &options(&[map]));
    let fields = |at: usize| {
        let mut fields = Vec::new();
        set.rules[at].condition.each_field(&mut |field| fields.push(field));
        fields
    };
    assert_eq!(fields(0), ["x", "win_user"]);
    assert_eq!(fields(1), ["x", "auid", "uid"]);
    assert_eq!(fields(2), ["x"]);
    assert_eq!(set.report.refused, []);
    assert!(set.report.partial[0].to_string().ends_with("not for macos"), "{:?}", set.report.partial);
}

#[test]
fn a_correlation_is_mapped_by_the_log_sources_of_its_rules() {
    let map = "transformations:
  - {type: change_logsource, product: any, rule_conditions: [{type: logsource, product: windows}]}
  - type: field_name_mapping
    mapping: {User: user.name, Computer: [host.name, agent.name], Path: file.path}
    rule_conditions: [{type: logsource, product: any}]
  - type: field_name_mapping
    mapping: {User: never}
    rule_conditions: [{type: logsource, product: linux}]";
    let text = format!(
        "{RULE}---
title: many
correlation:
    type: value_count
    rules: [memory]
    group-by: [who, Computer]
    timespan: 1h
    condition: {{gte: 2.5, field: Path}}
    aliases: {{who: {{memory: User}}}}
---
title: old form
logsource: {{product: windows}}
detection:
    s: {{a: b}}
    condition: s | count(Path) by User > 3
    timeframe: 5m
"
    );
    let set = load([("r.yml", text.as_str())], &options(&[map]));
    assert_eq!(set.report.refused, []);
    let [many, old] = &set.correlations[..] else { panic!("{:?}", set.correlations) };
    assert_eq!(
        (&many.group_by[..], &many.fields[..]),
        (&strings(&["who", "host.name", "agent.name"])[..], &strings(&["file.path"])[..])
    );
    assert_eq!(many.field_for("who", 0), "user.name");
    assert_eq!(
        (&old.group_by[..], &old.fields[..]),
        (&strings(&["user.name"])[..], &strings(&["file.path"])[..])
    );
    let many_counted = "transformations: [{type: field_name_mapping, mapping: {Path: [a, b]}}]";
    let set = load([("r.yml", text.as_str())], &options(&[many_counted]));
    assert_eq!(set.report.refused.len(), 2, "a field that is counted must stay one");
}

#[test]
fn placeholders_of_the_caller_are_filled_with_and_without_pipelines() {
    let rule =
        "title: t\nlogsource: {product: windows}\ndetection: {s: {'User|expand': '%admins%*'}, condition: s}";
    let given = || BTreeMap::from([("admins".to_owned(), strings(&["root", "adm?n"]))]);
    let condition = |pipelines: &[&str]| {
        let options = LoadOptions { placeholders: given(), ..options(pipelines) };
        let set = load([("r.yml", rule)], &options);
        assert_eq!((&set.report.refused[..], &set.report.partial[..]), (&[][..], &[][..]));
        set.rules[0].condition.clone()
    };
    let plain = condition(&[]);
    assert_eq!(condition(&["transformations: [{type: set_state, key: k, val: v}]"]), plain);
    assert_eq!(condition(&["transformations: [{type: value_placeholders}]"]), plain);
    let own = "vars: {admins: [root, 'adm?n']}\ntransformations: [{type: value_placeholders}]";
    let set = load([("r.yml", rule)], &options(&[own]));
    assert_eq!(set.rules[0].condition, plain);
}

/// Cases of which the rule itself is beyond Sigma 2.1: members of lists.
const BEYOND: [&str; 1] = ["array-blocks"];

#[test]
fn every_conformance_case_ends_the_same_when_loaded() {
    let (mut loaded, mut beyond) = (0, Vec::new());
    for case in std::fs::read_dir(conformance().join("pipelines")).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let read = |file: &str| std::fs::read_to_string(case.join(file)).ok();
        let (rule, expected) = (read("rule.yml").unwrap(), read("expected.yml").unwrap());
        let texts: Vec<String> = files(&case, &["yml"])
            .iter()
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("pipeline"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let Ok(pipelines) = parsed(&texts) else {
            assert!(expected.starts_with("error:"), "{name}");
            continue;
        };
        let placeholders =
            read("placeholders.yml").map(|text| yaml_serde::from_str(&text).unwrap()).unwrap_or_default();
        let set = load([("rule.yml", rule.as_str())], &LoadOptions { pipelines, placeholders });
        if BEYOND.contains(&name.as_str()) {
            assert!(set.report.refused[0].to_string().contains("cannot be compared with"), "{name}");
            beyond.push(name);
        } else if expected.starts_with("refusal:") {
            assert_eq!(set.report.refused.len(), 1, "{name}");
        } else {
            let want = load([("expected.yml", expected.as_str())], &LoadOptions::default());
            assert_eq!(set.report.refused, [], "{name}");
            assert_eq!((set.rules.len(), set.filters), (want.rules.len(), want.filters), "{name}");
            for (got, want) in set.rules.iter().zip(&want.rules) {
                assert_eq!((&got.id, &got.log_source), (&want.id, &want.log_source), "{name}");
                assert_eq!(fields_of(got), fields_of(want), "{name}");
            }
            assert_eq!(set.correlations.len(), want.correlations.len(), "{name}");
            for (got, want) in set.correlations.iter().zip(&want.correlations) {
                assert_eq!(
                    (&got.group_by, &got.fields, &got.aliases),
                    (&want.group_by, &want.fields, &want.aliases)
                );
            }
        }
        loaded += 1;
    }
    assert!(loaded >= 48, "only {loaded} cases");
    assert_eq!(beyond, BEYOND);
}

/// The fields a rule asks for, each once. Expected ones may be written with brackets escaped.
fn fields_of(rule: &ward_detect::Rule) -> Vec<String> {
    let mut fields = Vec::new();
    rule.condition.each_field(&mut |field| fields.push(field.replace("\\[", "[").replace("\\]", "]")));
    fields.sort_unstable();
    fields.dedup();
    fields
}

fn parsed(texts: &[&str]) -> Result<Pipelines, ward_detect::pipeline::PipelineError> {
    let each = texts.iter().enumerate().map(|(at, text)| Pipeline::parse(&format!("p{at}.yml"), text));
    Ok(Pipelines::new(each.collect::<Result<_, _>>()?))
}

fn options(texts: &[&str]) -> LoadOptions {
    LoadOptions { pipelines: parsed(texts).unwrap(), ..LoadOptions::default() }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The records of a file on which any rule fires.
fn records(scene: &Scene, path: &Path) -> Vec<u64> {
    let mut records = Vec::new();
    let errors = scene.scan(path, &mut |_, _, record, hits| records.extend(hits.iter().map(|_| record)));
    assert_eq!(errors, [] as [String; 0]);
    records
}

fn rule_of(info: &Path) -> String {
    let text = std::fs::read_to_string(info).unwrap();
    let metadata = text.split("rule_metadata:").nth(1).unwrap();
    metadata.lines().find_map(|line| line.trim().strip_prefix("- id:")).unwrap().trim().to_owned()
}
