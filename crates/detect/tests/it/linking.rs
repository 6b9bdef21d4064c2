//! Files together: filters, correlations, duplicates, pipelines.

use ward_core::Severity;
use ward_detect::load::{self, LoadOptions, RuleSet};
use ward_detect::pipeline::{Pipeline, Pipelines};
use ward_detect::{CorrelationCondition, CorrelationKind, RefExpr, RuleRef, plain, rule::Comparison};

use crate::loading::{event, loaded};

fn rule(id: &str, level: &str, product: &str) -> String {
    format!(
        "title: Rule {id}\nid: {id}\nname: name_{id}\nlevel: {level}\nlogsource: {{product: {product}}}\ndetection:\n  \
         s: {{x: {id}}}\n  condition: s\n---\n"
    )
}

fn correlation(title: &str, rest: &str) -> String {
    format!("title: {title}\ncorrelation:\n  timespan: 5m\n  {}\n---\n", rest.replace("; ", "\n  "))
}

fn refusals(set: &RuleSet) -> Vec<String> {
    set.report.refused.iter().map(ToString::to_string).collect()
}

#[test]
fn a_correlation_finds_rules_by_id_name_and_title_and_silences_them() {
    let text = [
        rule("a", "low", "p"),
        rule("b", "high", "p"),
        rule("c", "low", "p"),
        rule("d", "low", "p"),
        correlation("C", "type: temporal; rules: [a, name_b, Rule c]; group-by: [u]"),
    ];
    let set = loaded(&text.concat());
    assert_eq!(refusals(&set), [""; 0]);
    let found = &set.correlations[0];
    assert_eq!(found.refs, [RuleRef::Rule(0), RuleRef::Rule(1), RuleRef::Rule(2)]);
    assert_eq!(found.condition, CorrelationCondition::Threshold(vec![(Comparison::GreaterOrEqual, 3.0)]));
    assert_eq!((found.level, found.timespan, found.reports), (Severity::High, 300_000_000, true));
    assert_eq!(set.rules.iter().map(|r| r.reports).collect::<Vec<_>>(), [false, false, false, true]);
}

#[test]
fn generate_lets_what_is_referred_to_report() {
    let silent = correlation("C", "type: event_count; rules: a; condition: {gte: 2}");
    let loud = correlation("D", "type: event_count; rules: a; generate: true; condition: {gte: 3}");
    let set = loaded(&[rule("a", "low", "p"), silent.clone()].concat());
    assert!(!set.rules[0].reports);
    let set = loaded(&[rule("a", "low", "p"), silent, loud].concat());
    assert!(set.rules[0].reports);
    let root = "title: C\ngenerate: true\ncorrelation: {type: event_count, rules: a, timespan: 1h, condition: {gt: 1}}\n";
    assert!(loaded(&[&rule("a", "low", "p"), root].concat()).rules[0].reports);
}

#[test]
fn correlations_may_be_chained_and_take_the_level_below_them() {
    let text = [
        correlation("Top", "type: temporal_ordered; rules: [Mid, b]"),
        correlation("Mid", "type: event_count; rules: [a]; condition: {gte: 10}"),
        rule("a", "critical", "p"),
        rule("b", "low", "p"),
    ];
    let set = loaded(&text.concat());
    assert_eq!(set.correlations[0].refs, [RuleRef::Correlation(1), RuleRef::Rule(1)]);
    assert_eq!(set.correlations[0].level, Severity::Critical);
    assert_eq!((set.correlations[0].reports, set.correlations[1].reports), (true, false));
}

#[test]
fn what_cannot_be_found_leads_in_a_circle_or_hangs_on_such_is_refused_and_the_rest_stays() {
    let text = [
        correlation("One", "type: temporal; rules: [Two, a]"),
        correlation("Two", "type: temporal; rules: [One, a]"),
        correlation("On", "type: temporal; rules: [Two, a]"),
        correlation("Lost", "type: temporal; rules: [nowhere, a]"),
        correlation("Good", "type: temporal; rules: [a, Fine]"),
        correlation("Fine", "type: event_count; rules: a; condition: {gt: 1.5}"),
        correlation("Own", "type: temporal; rules: Own"),
        rule("a", "low", "p"),
    ];
    let set = loaded(&text.concat());
    let said = refusals(&set);
    for expected in [
        "r.yml:1: One: it refers to itself by way of One -> Two -> One",
        "r.yml:7: Two: it refers to itself by way of Two -> One -> Two",
        "r.yml:17: On: it refers to 'Two', which is not loaded",
        "r.yml:23: Lost: it refers to 'nowhere', which is not loaded",
        "r.yml:38: Own: it refers to itself by way of Own -> Own",
    ] {
        assert!(said.contains(&expected.to_owned()), "{expected}: {said:#?}");
    }
    assert_eq!((said.len(), set.correlations.len()), (5, 2));
    assert_eq!(set.correlations[0].refs, [RuleRef::Rule(0), RuleRef::Correlation(1)]);
    assert_eq!(
        set.correlations[1].condition,
        CorrelationCondition::Threshold(vec![(Comparison::Greater, 1.5)])
    );
}

#[test]
fn aliases_fields_and_conditions_over_references_are_resolved() {
    let aliases = "aliases: {ip: {name_a: src, b: dst}}";
    let text = [
        rule("a", "low", "p"),
        rule("b", "low", "p"),
        correlation(
            "T",
            &format!("type: temporal; rules: [a, b]; group-by: [ip]; condition: a and not b; {aliases}"),
        ),
        correlation(
            "V",
            "type: value_count; rules: a; group-by: u; condition: {field: [x, y], gt: 1, lte: 5}",
        ),
        correlation("P", "type: value_percentile; rules: a; condition: {field: x, percentile: 95, gt: 1}"),
        correlation("E", "type: temporal; condition: name_a or name_b"),
    ];
    let set = loaded(&text.concat());
    assert_eq!(refusals(&set), [""; 0]);
    let temporal = &set.correlations[0];
    assert_eq!(
        [temporal.field_for("ip", 0), temporal.field_for("ip", 1), temporal.field_for("u", 0)],
        ["src", "dst", "u"]
    );
    let not_b = RefExpr::Not(Box::new(RefExpr::Matched(1)));
    assert_eq!(
        temporal.condition,
        CorrelationCondition::Refs(RefExpr::All(vec![RefExpr::Matched(0), not_b]))
    );
    assert_eq!(set.correlations[1].fields, ["x", "y"]);
    assert_eq!(
        set.correlations[1].condition,
        CorrelationCondition::Threshold(vec![(Comparison::Greater, 1.0), (Comparison::LessOrEqual, 5.0)])
    );
    assert_eq!(
        (set.correlations[2].kind, set.correlations[2].percentile),
        (CorrelationKind::ValuePercentile, 95.0)
    );
    assert_eq!(set.correlations[3].refs, [RuleRef::Rule(0), RuleRef::Rule(1)]);
}

#[test]
fn a_correlation_that_says_too_little_or_too_much_is_refused() {
    for (rest, why) in [
        ("type: event_count; rules: a", "there is no 'condition'"),
        ("type: event_count; condition: {gt: 1}", "there is no 'rules'"),
        ("rules: a; condition: {gt: 1}", "there is no 'type'"),
        ("type: event_cuont; rules: a; condition: {gt: 1}", "'event_cuont' is not known"),
        ("type: value_count; rules: a; condition: {gt: 1}", "has no 'field'"),
        ("type: value_sum; rules: a; condition: {gt: 1, field: [x, y]}", "more than one 'field'"),
        (
            "type: event_count; rules: a; condition: {gt: 1, field: x}",
            "has a 'field', of which its type makes no use",
        ),
        ("type: event_count; rules: a; condition: {gt: many}", "has a 'gt' that is no number"),
        ("type: event_count; rules: a; condition: {more: 1}", "has 'more', which Sigma does not know"),
        ("type: event_count; rules: a; condition: {}", "has none of gt, gte"),
        ("type: event_count; rules: a; condition: a and b", "must be a map such as"),
        ("type: temporal; rules: [a]; condition: a and b", "names 'b', which 'rules' does not list"),
        (
            "type: value_percentile; rules: a; condition: {gt: 1, field: x, percentile: 101}",
            "between 0 and 100",
        ),
    ] {
        let set = loaded(&[rule("a", "low", "p"), correlation("C", rest)].concat());
        let said = refusals(&set);
        assert!(said.len() == 1 && said[0].contains(why), "{rest}: {said:?}");
    }
    for span in ["5", "0s", "5 m", "x", "99999999999999y"] {
        let text = format!(
            "title: C\ncorrelation: {{type: event_count, rules: a, timespan: '{span}', condition: {{gt: 1}}}}"
        );
        let set = loaded(&[&rule("a", "low", "p"), text.as_str()].concat());
        assert!(refusals(&set)[0].contains("is no length of time"), "{span}");
    }
}

#[test]
fn a_filter_narrows_the_rules_it_names_where_its_log_source_covers_theirs() {
    let filter = |rules: &str, source: &str| {
        format!(
            "title: F\nlogsource: {source}\nfilter:\n  rules: {rules}\n  s: {{x|contains: A}}\n  condition: not s\n"
        )
    };
    let fires = |filter: &str| {
        let set = loaded(&[rule("a", "low", "p"), rule("ab", "low", "q"), filter.to_owned()].concat());
        assert_eq!(refusals(&set), [""; 0]);
        let says = |at: usize, text| plain::matches(&set.rules[at], &event("x", text));
        let partial: Vec<String> = set.report.partial.iter().map(ToString::to_string).collect();
        (says(0, "a"), says(1, "ab"), partial.concat())
    };
    assert_eq!(fires(&filter("any", "{}")), (false, false, String::new()));
    assert_eq!(fires(&filter("any", "{product: p}")), (false, true, String::new()));
    assert_eq!(fires(&filter("[name_ab]", "{product: q}")), (true, false, String::new()));
    assert_eq!(fires(&filter("[Rule a]", "{product: q}")), (true, true, String::new()));
    let (_, _, said) = fires(&filter("[a, gone]", "{product: p}"));
    assert_eq!(said, "r.yml:22: F: it refers to 'gone', which is not loaded");
}

#[test]
fn filters_that_say_too_little_are_refused() {
    for (filter, why) in [
        ("{s: {a: b}, condition: s}", "there is no 'rules'"),
        ("{rules: any, s: {a: b}}", "there is no 'condition'"),
        ("{rules: any, condition: s}", "the condition names 's'"),
        ("{rules: {a: b}, s: {a: b}, condition: s}", "'rules' must be any or a list of rules"),
        ("any", "'filter' must be a map"),
    ] {
        let said = refusals(&loaded(&format!("title: F\nfilter: {filter}\n")));
        assert!(said.len() == 1 && said[0].contains(why), "{filter}: {said:?}");
    }
}

#[test]
fn the_same_rule_twice_is_kept_once_and_different_ones_with_one_id_are_noted() {
    let a = rule("a", "low", "p");
    let other = a.replace("x: a", "x: b");
    let set = loaded(&[a.clone(), a.clone(), other].concat());
    assert_eq!(set.rules.len(), 2);
    assert_eq!(refusals(&set), ["r.yml:10: Rule a: it is the same rule as the one at r.yml:1"]);
    assert_eq!(
        set.report.notes[0].to_string(),
        "r.yml:19: Rule a: it has the id of another rule, at r.yml:1"
    );
    let counted = a.replace("condition: s", "condition: s | count() > 5");
    let set = load::load([("1.yml", counted.as_str()), ("2.yml", counted.as_str())], &LoadOptions::default());
    assert_eq!((set.rules.len(), set.correlations.len(), set.report.refused.len()), (1, 1, 1));
}

#[test]
fn pipelines_change_rules_correlations_and_filters_before_they_are_lowered() {
    let pipeline = "transformations:\n- type: field_name_mapping\n  mapping: {x: [y, z], u: user}\n- type: change_logsource\n  \
                    product: q\n- type: add_condition\n  conditions: {kind: event}\n";
    let pipelines = Pipelines::new(vec![Pipeline::parse("p.yml", pipeline).unwrap()]);
    let options = LoadOptions { pipelines, ..LoadOptions::default() };
    let filter =
        "title: F\nlogsource: {product: p}\nfilter:\n  rules: any\n  s: {u: root}\n  condition: not s\n---\n";
    let counted = rule("b", "low", "p").replace("condition: s", "condition: s | count(x) by u > 5");
    let text = [
        &rule("a", "low", "p"),
        filter,
        &counted,
        &correlation("C", "type: event_count; rules: a; group-by: [u]; condition: {gt: 1}"),
    ]
    .map(String::from)
    .concat();
    let set = load::load([("r.yml", text.as_str())], &options);
    let mut fields = Vec::new();
    set.rules[0].condition.each_field(&mut |field| fields.push(field.to_owned()));
    fields.sort();
    assert_eq!(fields, ["kind", "user", "y", "z"]);
    assert_eq!(set.rules[0].log_source.product.as_deref(), Some("q"));
    let groups: Vec<_> = set.correlations.iter().map(|c| (c.title.as_str(), c.group_by.clone())).collect();
    assert!(groups.contains(&("C", vec!["user".to_owned()])), "{groups:?} {:?}", set.report);
    // Two fields for what is counted cannot be: the correlation is refused by the pipeline, by name.
    let said = refusals(&set);
    assert!(said.iter().all(|s| s.contains("refused by pipeline p.yml")), "{said:?}");
}
