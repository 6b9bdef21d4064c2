//! What a document becomes, and what is said of one that is not as it should be.

use proptest::prelude::*;
use ward_core::Severity;
use ward_detect::load::{self, LoadOptions, RuleSet};
use ward_detect::{CorrelationCondition, CorrelationKind, Expr, RuleRef, rule::Comparison};

pub fn loaded(text: &str) -> RuleSet {
    load::load([("r.yml", text)], &LoadOptions::default())
}

/// A rule with this detection, in YAML on one line.
fn rule(detection: &str) -> String {
    format!("title: T\nid: i\nlogsource: {{product: windows}}\ndetection: {detection}\n")
}

/// The single thing that is said of a text.
fn refusal(text: &str) -> String {
    let report = loaded(text).report;
    assert_eq!(report.refused.len(), 1, "{text}: {report:?}");
    report.refused[0].to_string()
}

#[test]
fn a_rule_says_of_itself_what_its_document_says() {
    let set = loaded(
        "title: Whoami\nid: 1-2\nname: who\nauthor: A\nlevel: high\ntags: [attack.t1033]\nlogsource:\n  \
         product: Windows\n  category: process_creation\ndetection:\n  s: {Image: x}\n  condition: s\n",
    );
    let rule = &set.rules[0];
    assert_eq!((rule.id.as_str(), rule.name.as_deref(), rule.title.as_str()), ("1-2", Some("who"), "Whoami"));
    assert_eq!((rule.level, rule.author.as_deref()), (Severity::High, Some("A")));
    assert_eq!(rule.tags, ["attack.t1033"]);
    assert_eq!(rule.log_source.to_string(), "Windows/process_creation/*");
    assert_eq!(rule.origin.to_string(), "r.yml:1");
    assert!(rule.reports && set.report == load::LoadReport::default());
}

#[test]
fn what_is_wrong_is_told_with_line_and_reason() {
    for (text, said) in [
        ("title: T\ndetection: {s: {a: b}}", "r.yml:1: T: there is no 'condition'"),
        ("title: T\nlogsource: {product: a}", "r.yml:1: T: there is no 'detection'"),
        ("detection: {}", "r.yml:1: there is no 'title'"),
        (
            "title: T\n bad: x",
            "r.yml:2: could not read the YAML: mapping values are not allowed in this context",
        ),
        (
            "title: T\nlogsource: {product: a}\ndetection:\n  s:\n    a|contians: x\n  condition: s",
            "r.yml:5: T: unknown modifier 'contians' in 'a|contians'",
        ),
        (
            "title: T\nlogsource: {product: a}\ndetection:\n  s:\n    a|re: 'x(?=y)'\n  condition: s",
            "r.yml:5: T: the regular expression 'x(?=y)' of 'a|re' looks ahead, which is not supported",
        ),
        (
            "title: T\nlogsource: {product: a}\ndetection:\n  s:\n    a: b\n  condition: s and t",
            "r.yml:6: T: the condition names 't', which the rule does not define",
        ),
    ] {
        assert_eq!(refusal(text), said);
    }
}

#[test]
fn values_that_their_modifiers_cannot_use_are_refused() {
    for (detection, said) in [
        ("{s: {a|cidr: 10.0.0.0/40}, condition: s}", "the value '10.0.0.0/40' of 'a|cidr' is no IP network"),
        ("{s: {a|gt: many}, condition: s}", "the value 'many' of 'a|gt' is no number"),
        ("{s: {a|exists: maybe}, condition: s}", "must be true or false"),
        ("{s: {a|hour: 24}, condition: s}", "is outside that part of the time"),
        ("{s: {a|base64: 'x*'}, condition: s}", "has a wildcard, which cannot be encoded as Base64"),
        ("{s: {a|contains: null}, condition: s}", "the value 'null' of 'a|contains' cannot be compared with"),
        ("{s: {a: {b: c}}, condition: s}", "the value 'a map' of 'a' cannot be compared with"),
        ("{s: {a|wide: 'é'}, condition: s}", "is not UTF-8 when encoded"),
        ("{s: {a|fieldref: 'b*'}, condition: s}", "is no field name"),
        ("{s: {}, condition: s}", "'s' must be a map or a list that is not empty"),
        ("{s: null, condition: s}", "'s' must be a map or a list that is not empty"),
        ("{s: {a: b}, condition: []}", "'condition' must be text or a list of texts"),
        ("[x]", "'detection' must be a map"),
    ] {
        let refusal = refusal(&rule(detection));
        assert!(refusal.contains(said), "{detection}: {refusal}");
    }
}

#[test]
fn what_an_author_should_look_at_is_noted_but_the_rule_is_in_force() {
    let set = loaded(
        "title: T\nlevel: hihg\nstatus: done\ntaxonomy: ecs\ndetection:\n  s: {a: b}\n  t: {a: c}\n  _u: {a: d}\n  \
         timeframe: 5m\n  condition: s\n",
    );
    assert_eq!(set.rules[0].level, Severity::Medium);
    let notes: Vec<String> = set.report.notes.iter().map(ToString::to_string).collect();
    for (line, said) in [
        (2, "'level' is left out of account: 'hihg' is not one of"),
        (3, "'status' is left out of account"),
        (4, "'taxonomy' is left out of account"),
        (9, "'timeframe' is left out of account"),
        (7, "the search identifier 't' is not used"),
        (1, "there is no log source"),
    ] {
        let start = format!("r.yml:{line}: T: {said}");
        assert!(notes.iter().any(|note| note.starts_with(&start)), "{start}: {notes:#?}");
    }
    assert_eq!(notes.len(), 6);
}

#[test]
fn aggregations_of_sigma_1_become_correlations() {
    let text =
        rule("{s: {a: b}, f: {a: c}, timeframe: 5m, condition: 's and not f | count(u) by h, ip >= 3'}");
    let set = loaded(&text);
    let (part, correlation) = (&set.rules[0], &set.correlations[0]);
    assert_eq!((part.id.as_str(), part.reports, correlation.id.as_str()), ("i/1", false, "i"));
    assert_eq!(correlation.kind, CorrelationKind::ValueCount);
    assert_eq!(
        (&correlation.fields[..], &correlation.group_by[..]),
        (&["u".to_owned()][..], &["h".to_owned(), "ip".to_owned()][..])
    );
    assert_eq!(correlation.timespan, 300_000_000);
    assert_eq!(
        correlation.condition,
        CorrelationCondition::Threshold(vec![(Comparison::GreaterOrEqual, 3.0)])
    );
    assert_eq!((&correlation.refs[..], correlation.reports), (&[RuleRef::Rule(0)][..], true));

    let set = loaded(&rule("{a1: {a: 1}, a2: {a: 2}, a3: {a: 3}, condition: 'a1 | near a2 and a3'}"));
    assert_eq!(set.rules.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["i/1", "i/2", "i/3"]);
    assert_eq!(set.correlations[0].kind, CorrelationKind::Temporal);
    assert_eq!(set.correlations[0].timespan, 3_600_000_000);
    assert!(
        set.report.notes[0].to_string().ends_with("the aggregation has no 'timeframe'; one hour is used")
    );

    for (condition, why) in [
        ("s | max(x) by h > 5", "Sigma has no correlation of a smallest or largest value"),
        ("s | near f and not s", "cannot be told while it still may"),
        ("s | near f or s", "joined by 'and'"),
        ("s | count() by h", "not of the form"),
        ("s | count() per h > 5", "not of the form"),
        ("s | count() by h > many", "not of the form"),
        ("s | median(x) > 5", "none of count, sum, avg and near"),
        ("count(x) per y > 5 and not s", "nothing is before it"),
    ] {
        let refusal = refusal(&rule(&format!("{{s: {{a: b}}, f: {{a: c}}, condition: '{condition}'}}")));
        assert!(refusal.contains(why), "{condition}: {refusal}");
    }
}

#[test]
fn a_broken_rule_does_not_take_its_file_with_it() {
    let text = format!(
        "{}---\ntitle: broken\ndetection: 5\n---\n{}",
        rule("{s: {a: b}, condition: s}"),
        rule("{s: {a: c}, condition: s}")
    );
    let set = loaded(&text);
    assert_eq!(set.rules.len(), 2);
    assert!(
        set.report.refused[0].to_string().starts_with("r.yml:7: broken: 'detection' must be a map"),
        "{}",
        set.report.refused[0]
    );
}

proptest! {
    #[test]
    fn no_text_makes_loading_fail_other_than_by_name(text in "(title: a\n|detection:\n|  s:\n|  - a\\|(re|cidr|all|x): |'[*(]'|condition: |s and |1 of |\\||count\\(\\)|correlation:\n|filter:\n|---\n|action: (global|repeat)\n|\\PC{0,5}|\n| ){0,30}") {
        let set = loaded(&text);
        for problem in &set.report.refused {
            prop_assert!(problem.line as usize <= text.lines().count().max(1));
            prop_assert!(!problem.to_string().is_empty());
        }
    }

    /// `all` of a list, its parts one by one, and its parts with `not` around them are the same question.
    #[test]
    fn lowering_keeps_the_laws_of_logic(values in proptest::collection::vec("[ab*]{1,3}", 1..4)) {
        let list = values.iter().map(|v| format!("'{v}'")).collect::<Vec<_>>().join(", ");
        let single: String = values.iter().enumerate().map(|(i, v)| format!("s{i}: {{x: '{v}'}}, ")).collect();
        let any = loaded(&rule(&format!("{{s: {{x: [{list}]}}, condition: s}}")));
        let one_of = loaded(&rule(&format!("{{{single}condition: 1 of s*}}")));
        let all = loaded(&rule(&format!("{{s: {{x|all: [{list}]}}, condition: s}}")));
        let all_of = loaded(&rule(&format!("{{{single}condition: all of s*}}")));
        let not_any = loaded(&rule(&format!("{{s: {{x|neq: [{list}]}}, condition: s}}")));
        for text in ["", "a", "b", "ab", "aab", "ba"] {
            let event = event("x", text);
            let says = |set: &RuleSet| ward_detect::plain::matches(&set.rules[0], &event);
            prop_assert_eq!(says(&any), says(&one_of));
            prop_assert_eq!(says(&all), says(&all_of));
            prop_assert_eq!(says(&not_any), !says(&any));
        }
    }
}

/// An event with one field.
pub fn event(field: &str, text: &str) -> ward_detect::PlainEvent {
    let mut names = ward_core::FieldNames::default();
    let mut buf = ward_core::EventBuf::default();
    buf.push(names.intern(field).unwrap(), ward_core::ValueKind::Text, text.as_bytes());
    ward_detect::PlainEvent::new(&buf.text_event(b""), &names, None)
}

#[test]
fn several_conditions_are_alternatives() {
    let set = loaded(&rule("{s: {a: b}, t: {a: c}, condition: [s, t]}"));
    assert!(matches!(&set.rules[0].condition, Expr::Any(parts) if parts.len() == 2));
}
