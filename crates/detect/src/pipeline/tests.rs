//! Pipelines over the SigmaHQ corpus, and hostile ones.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rsigma_parser::{ConditionExpr, Detection, SigmaRule, SigmaValue, parse_sigma_yaml};

use super::*;

fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("WARD_CORPUS").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/corpus/detection");
    let found = given.or(Some(usual)).filter(|path| path.is_dir());
    if found.is_none() {
        println!("skipped: no corpus");
    }
    found
}

fn rules_under(folder: &Path) -> Vec<SigmaRule> {
    let mut rules = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rules.extend(rules_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            rules.extend(parse_sigma_yaml(&std::fs::read_to_string(&path).unwrap()).unwrap().rules);
        }
    }
    rules
}

fn one(text: &str) -> Pipelines {
    Pipelines::new(vec![Pipeline::parse("p.yml", text).unwrap()])
}

fn rule(detection: &str) -> SigmaRule {
    let text = format!("title: t\nlogsource: {{product: windows}}\ndetection: {detection}");
    parse_sigma_yaml(&text).unwrap().rules.remove(0)
}

fn fails(text: &str) -> String {
    Pipeline::parse("p.yml", text).unwrap_err().to_string()
}

#[test]
fn the_windows_channel_pipeline_adds_a_condition_to_each_rule_whose_log_source_it_knows() {
    let Some(corpus) = corpus() else { return };
    let Ok(text) = std::fs::read_to_string(corpus.join("winchan_pipeline.yml")) else {
        println!("skipped: no winchan_pipeline.yml");
        return;
    };
    let pipelines = one(&text);
    let rules = rules_under(&corpus.join("sigma/rules/windows"));
    assert_eq!(rules.len(), 2_407);
    let mut without = Vec::new();
    for before in &rules {
        let mut after = before.clone();
        let applied = pipelines.apply(&mut after).unwrap();
        if applied.steps.is_empty() {
            assert_eq!(after, *before);
            without.push(&before.logsource);
            continue;
        }
        assert_eq!(after.detection.named.len(), before.detection.named.len() + applied.steps.len());
        for (condition, old) in after.detection.conditions.iter().zip(&before.detection.conditions) {
            let ConditionExpr::And(parts) = condition else { panic!("{condition}") };
            let added = &parts[..applied.steps.len()];
            assert!(added.iter().all(|part| matches!(part, ConditionExpr::Identifier(_))), "{condition}");
            assert!(parts[added.len()..] == [old.clone()] || matches!(old, ConditionExpr::And(_)));
        }
        if before.logsource.category.as_deref() == Some("process_creation") {
            let Detection::AllOf(items) = &after.detection.named["_cond_1"] else { panic!() };
            let fields: Vec<_> = items.iter().map(|item| item.field.name.as_deref().unwrap()).collect();
            assert_eq!(fields, ["EventID", "Channel"]);
            assert_eq!(items[0].values, [SigmaValue::Integer(1)]);
        }
    }
    println!("{} rules, {} without a condition", rules.len(), without.len());
    assert!(without.len() < 50, "{without:?}");
}

#[test]
fn a_pipeline_that_changes_nothing_leaves_every_rule_of_the_corpus_as_it_was() {
    let Some(corpus) = corpus() else { return };
    let pipelines = one("transformations:
  - {type: field_name_mapping, mapping: {NoSuchField: [A, B]}}
  - {type: replace_string, regex: no-such-text-anywhere, replacement: x}
  - {type: map_string, mapping: {no-such-text-anywhere: [x, y]}}
  - {type: value_placeholders, include: [no_such_name]}
  - type: drop_detection_item
    field_name_conditions: [{type: include_fields, fields: [NoSuchField]}]");
    for folder in ["rules", "rules-emerging-threats", "rules-threat-hunting", "rules-placeholder"] {
        for before in rules_under(&corpus.join("sigma").join(folder)) {
            let mut after = before.clone();
            pipelines.apply(&mut after).unwrap();
            assert_eq!(after, before);
        }
    }
}

#[test]
fn a_refused_rule_is_left_as_it_was() {
    let pipelines = one("transformations:
  - {type: field_name_prefix, prefix: x.}
  - {type: change_logsource, product: other}
  - {id: stop, type: rule_failure, message: not here}");
    let before = rule("{s: {A: 1}, condition: s}");
    let mut after = before.clone();
    let refusal = pipelines.apply(&mut after).unwrap_err();
    assert_eq!(after, before);
    assert_eq!(
        refusal.to_string(),
        "refused by pipeline p.yml:4: transformation 3 `stop` (rule_failure): not here"
    );
}

#[test]
fn pipelines_apply_by_priority_then_as_given_and_share_their_state() {
    let set = |name: &str, priority: i64, key: &str| {
        let text = format!(
            "priority: {priority}\nvars: {{who: {name}}}\ntransformations:\n- {{id: {name}, type: set_state, key: {key}, val: {name}}}"
        );
        Pipeline::parse(name, &text).unwrap()
    };
    let last = "priority: 99
transformations:
- id: both
  type: field_name_suffix
  suffix: .x
  rule_conditions:
  - {type: processing_state, key: k, val: second}
  - {type: processing_item_applied, processing_item_id: first}";
    let last = Pipeline::parse("last", last).unwrap();
    let pipelines =
        Pipelines::new(vec![last, set("second", 20, "k"), set("first", 10, "k"), set("third", 20, "other")]);
    let mut rule = rule("{s: {A: 1}, condition: s}");
    let applied = pipelines.apply(&mut rule).unwrap();
    let steps: Vec<&str> = applied.steps.iter().map(|id| &**id).collect();
    assert_eq!(steps, ["both", "first", "second", "third"]);
    assert_eq!(applied.state["k"].to_string(), "second");
    assert_eq!(pipelines.vars["who"], Some(vec!["third".to_owned()]));
}

#[test]
fn a_filter_for_any_log_source_is_mapped_as_the_rule_it_filters() {
    let pipelines = one("transformations:
  - {type: field_name_mapping, mapping: {User: name}, rule_conditions: [{type: logsource, product: windows}]}
  - {type: change_logsource, product: other}");
    let text = "title: f\nfilter: {rules: any, s: {User: x}, condition: not s}";
    let filter = parse_sigma_yaml(text).unwrap().filters.remove(0);
    let field = |filter: &FilterRule| match &filter.detection.named["s"] {
        Detection::AllOf(items) => items[0].field.name.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    let mut alone = filter.clone();
    pipelines.apply_to_filter(&mut alone, None).unwrap();
    assert_eq!((field(&alone).as_str(), alone.logsource), ("User", None));
    let mut of_windows = filter.clone();
    let windows = LogSource { product: Some("windows".to_owned()), ..LogSource::default() };
    pipelines.apply_to_filter(&mut of_windows, Some(&windows)).unwrap();
    assert_eq!((field(&of_windows).as_str(), of_windows.logsource), ("name", None));
}

#[test]
fn what_is_wrong_with_a_pipeline_is_named_with_its_place() {
    let step = |text: &str| {
        fails(&format!("name: n\ntransformations:\n  # one\n  - {{type: drop_detection_item}}\n  - {text}\n"))
    };
    for (text, reason) in [
        (
            "{id: q, type: query_expression_placeholders, expression: x}",
            "p.yml:5: transformation 2 `q` (query_expression_placeholders): it puts text of a query language into the rule, and there is none here",
        ),
        ("{type: no_such}", "p.yml:5: transformation 2 (no_such): unknown type of transformation"),
        ("{id: a}", "p.yml:5: transformation 2 `a`: `type` is missing"),
        (
            "{type: field_name_mapping}",
            "p.yml:5: transformation 2 (field_name_mapping): `mapping` is missing",
        ),
        (
            "{type: case, method: title}",
            "p.yml:5: transformation 2 (case): `method` must be one of lower, upper, snake_case, not `title`",
        ),
        ("{type: case, mode: lower}", "p.yml:5: transformation 2 (case): unknown key `mode`"),
        (
            "{type: replace_string, regex: '(?<=a)b', replacement: c}",
            "p.yml:5: transformation 2 (replace_string): regular expression `(?<=a)b`: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "{type: nest, items: [{type: case}, {id: in, type: nope}]}",
            "p.yml:5: transformation 2.2 `in` (nope): unknown type of transformation",
        ),
        (
            "{type: case, rule_conditions: [{type: tag}]}",
            "p.yml:5: transformation 2 (case): rule_conditions 1: tag: `tag` is missing",
        ),
        (
            "{type: case, rule_conditions: [{type: rule_attribute, attribute: level, value: big}]}",
            "p.yml:5: transformation 2 (case): rule_conditions 1: rule_attribute: `big` is not a level",
        ),
        (
            "{type: case, rule_conditions: {a: {type: is_sigma_rule}}, rule_cond_expr: b}",
            "p.yml:5: transformation 2 (case): `rule_cond_expr`: no condition is named `b`",
        ),
        (
            "{type: case, rule_conditions: [{type: is_sigma_rule}], rule_cond_expr: a}",
            "p.yml:5: transformation 2 (case): `rule_cond_expr` needs `rule_conditions` to be a mapping of names",
        ),
        (
            "{type: case, detection_item_conditions: [{type: is_null}]}",
            "p.yml:5: transformation 2 (case): detection_item_conditions 1: is_null: `cond` is missing",
        ),
        (
            "{type: command_placeholders, cmd: id}",
            "p.yml:5: transformation 2 (command_placeholders): a pipeline may not fetch values by itself; give them as `vars` or as placeholders of the caller",
        ),
        (
            "{type: add_condition, conditions: {'A|nope': 1}}",
            "p.yml:5: transformation 2 (add_condition): `conditions`: Unknown modifier 'nope'",
        ),
        ("5", "p.yml:5: transformation 2: a transformation must be a mapping, not a number"),
    ] {
        assert_eq!(step(text), format!("could not load pipeline {reason}"));
    }
    assert_eq!(fails("transformation: []"), "could not load pipeline p.yml: unknown key `transformation`");
    assert_eq!(fails("- 1"), "could not load pipeline p.yml: a pipeline must be a mapping, not a list");
    assert!(fails("name: a\nname: b").contains("key `name` is there twice"));
    assert!(fails("a: [\nb").starts_with("could not load pipeline p.yml:"));
}

#[test]
fn what_shapes_query_text_is_noted_and_not_an_error() {
    let text = "name: n
postprocessing: [{type: embed, prefix: x}]
finalizers: [{type: concat}]
allowed_backends: [splunk]
transformations:
- type: set_state
  key: k
  val: 1
  field_name_conditions: [{type: include_fields, fields: [A]}]";
    let pipeline = Pipeline::parse("p.yml", text).unwrap();
    assert_eq!(
        pipeline.notes(),
        [
            "p.yml: `postprocessing` (1) has no effect: it shapes the text of queries, and there are none here",
            "p.yml: `finalizers` (1) has no effect: it shapes the text of queries, and there are none here",
            "p.yml:6: transformation 1 (set_state): its detection item and field name conditions have no effect, as it changes the rule as a whole",
        ]
    );
}

#[test]
fn hostile_pipelines_are_refused_by_a_bound() {
    let large = format!("name: {}", "x".repeat(MAX_BYTES));
    assert!(matches!(fails(&large), text if text.ends_with("more than 1048576")));

    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = format!("*a{}, ", level - 1).repeat(10);
        let _ = writeln!(bomb, "a{level}: &a{level} [{inner}]");
    }
    assert!(matches!(fails(&bomb), text if text.contains("aliases are followed") || text.contains("limit")));
    let wide = format!("a: &a {}\nb: [{}]", "x".repeat(500_000), "*a, ".repeat(100_000));
    assert!(fails(&wide).contains("aliases are followed"));

    for open in ["[", "{a: "] {
        let deep = format!("transformations: {}", open.repeat(200));
        assert!(fails(&deep).contains("recursion limit"), "{}", fails(&deep));
        let deep = format!("transformations: {}", open.repeat(MAX_BYTES / 5));
        assert!(fails(&deep).ends_with("too many brackets for its size"), "{}", fails(&deep));
    }

    let mut nested = String::from("{type: case}");
    for _ in 0..8 {
        nested = format!("{{type: nest, items: [{nested}]}}");
    }
    assert!(fails(&format!("transformations: [{nested}]")).ends_with("it is nested deeper than 8"));

    let steps = format!("transformations:\n{}", "- {type: case}\n".repeat(5_001));
    assert!(fails(&steps).ends_with("the pipeline has more than 5000 transformations"));
    let regex = r"transformations: [{type: replace_string, regex: '\w{1000}{1000}', replacement: x}]";
    assert!(fails(regex).contains("size limit"), "{}", fails(regex));
    let many = "- {type: replace_string, regex: a, replacement: b}\n".repeat(501);
    assert!(fails(&format!("transformations:\n{many}")).ends_with("more than 500 regular expressions"));
}

#[test]
fn a_rule_that_would_grow_without_end_is_refused() {
    let doubling = "- {type: replace_string, regex: '^(.*)$', replacement: '\\1\\1'}\n".repeat(64);
    let mapping = "- {type: field_name_mapping, mapping: {A: [A, A]}}\n".repeat(64);
    let renaming =
        "- {type: field_name_transform, transform_func: lower, mapping: {A: [A, A, A, A]}}\n".repeat(64);
    for steps in [doubling, mapping, renaming] {
        let pipelines = one(&format!("transformations:\n{steps}"));
        let mut rule = rule("{s: {A: some text}, condition: s}");
        rule.fields.push("A".to_owned());
        let refusal = pipelines.apply(&mut rule).unwrap_err().to_string();
        assert!(
            refusal.ends_with("the step would write more than 16777216 bytes into the rule"),
            "{refusal}"
        );
    }
    let product =
        format!("vars: {{a: [{}]}}\ntransformations: [{{type: value_placeholders}}]", "x, ".repeat(100));
    let mut rule = rule("{s: {'A|expand': '%a%%a%%a%%a%%a%'}, condition: s}");
    assert!(one(&product).apply(&mut rule).unwrap_err().reason.contains("16777216"));
}

#[test]
fn a_rule_that_would_nest_without_end_is_refused() {
    let deeper = "- {type: field_name_mapping, mapping: {A: [A, B]}}\n".repeat(5_000);
    let mut rule = rule("{s: {A: x}, condition: s}");
    let refusal = one(&format!("transformations:\n{deeper}")).apply(&mut rule).unwrap_err().to_string();
    assert!(refusal.ends_with("the rule would be nested deeper than 64"), "{refusal}");
}

#[test]
fn replacing_each_character_by_itself_changes_no_value_of_the_corpus() {
    let Some(corpus) = corpus() else { return };
    let texts = |rule: &SigmaRule| {
        let mut texts = Vec::new();
        let mut named: Vec<_> = rule.detection.named.iter().collect();
        named.sort_by_key(|(name, _)| name.as_str());
        for (name, detection) in named {
            Node::of(detection).any_item(&mut |item| {
                let shown: Vec<_> = item.values.iter().map(|value| item.shown(value)).collect();
                texts.push((name.clone(), item.spec.name.clone(), shown));
                false
            });
        }
        texts
    };
    let mut changed = 0;
    for options in ["", ", skip_special: true", ", skip_special: true, interpret_special: true"] {
        let pipelines = one(&format!(
            "transformations: [{{type: replace_string, regex: '(?s).', replacement: '\\g<0>'{options}}}]"
        ));
        for before in rules_under(&corpus.join("sigma/rules")) {
            let mut after = before.clone();
            pipelines.apply(&mut after).unwrap();
            assert_eq!(texts(&after), texts(&before), "{}", before.title);
            changed += usize::from(after != before);
        }
    }
    assert!(changed > 7_000, "{changed}");
}

#[test]
fn every_conformance_pipeline_leaves_rules_of_the_corpus_that_can_be_read_again() {
    let Some(corpus) = corpus() else { return };
    let rules = rules_under(&corpus.join("sigma/rules"));
    let (mut passed, mut refused) = (0, 0);
    for text in conformance_pipelines() {
        let Ok(pipeline) = Pipeline::parse("p.yml", &text) else { continue };
        let pipelines = Pipelines::new(vec![pipeline]);
        for before in rules.iter().step_by(17) {
            let mut after = before.clone();
            if pipelines.apply(&mut after).is_err() {
                assert_eq!(after, *before);
                refused += 1;
                continue;
            }
            passed += 1;
            for condition in &after.detection.condition_strings {
                rsigma_parser::parse_condition(condition).unwrap();
            }
            let emitted = super::conformance::emit(&after);
            let again = parse_sigma_yaml(&emitted).unwrap_or_else(|error| panic!("{error}\n{emitted}"));
            // Two questions to one field may come to share a key, which only YAML forbids.
            let errors: Vec<_> =
                again.errors.iter().filter(|error| !error.contains("duplicate entry")).collect();
            assert!(errors.is_empty(), "{errors:?}\n{emitted}\n{text}");
        }
    }
    println!("{passed} rules passed, {refused} refused");
    assert!(passed > 5_000, "{passed}");
}

#[test]
fn damaged_pipelines_never_panic() {
    const SIGNS: &[u8] = b"{}[]'\"|>:,*&!%\\\n 0-";
    let subject =
        rule("{s: {'A|contains|all': [x, '*y'], 'B|expand': '%a%'}, w: [one, 2], condition: s and 1 of w*}");
    let mut seed = 7_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let (mut loaded, mut failed) = (0, 0);
    for text in conformance_pipelines() {
        for _ in 0..60 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..=random(3) {
                let (at, from) = (random(bytes.len()), random(bytes.len()));
                match random(4) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = SIGNS[random(SIGNS.len())],
                    2 => drop(bytes.remove(at)),
                    _ => bytes
                        .splice(at..at, bytes[from..(from + 20).min(bytes.len())].to_vec())
                        .for_each(drop),
                }
                if bytes.is_empty() {
                    bytes.push(b'x');
                }
            }
            match Pipeline::parse("p.yml", &String::from_utf8_lossy(&bytes)) {
                Ok(pipeline) => {
                    loaded += 1;
                    let _ = Pipelines::new(vec![pipeline]).apply(&mut subject.clone());
                }
                Err(_) => failed += 1,
            }
        }
    }
    assert!(loaded > 100 && failed > 100, "{loaded} {failed}");
}

fn conformance_pipelines() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/pipelines");
    let mut texts: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .filter_map(|case| std::fs::read_to_string(case.unwrap().path().join("pipeline.yml")).ok())
        .collect();
    texts.sort();
    texts
}
