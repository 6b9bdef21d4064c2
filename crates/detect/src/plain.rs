//! The obvious matcher: a walk over the condition's tree with the event as a map of names to values. It
//! is the judge of every faster one, and what explanations are made with.
//!
//! What a condition means:
//!
//! | part | holds |
//! |---|---|
//! | a field with many values (JSON array) | when one of its values satisfies the test; for `all`, each pattern may be met by a different value |
//! | a field that the event does not have | not, but for [`Test::Null`] and [`Test::Exists`]`(false)`; so a negated test holds |
//! | which values a field has | the class's constant; else, of its own name and those that the class lets it be read from, in this order, the first that has text, or the first that the event names if none has |
//! | text | a pattern covers the whole text; `*` is any run of characters, `?` one character; case is ignored by simple lower case unless `cased` |
//! | numbers and booleans | as text, as written: `5` is not `5.0`, `true` is `True` |
//! | regular expression | when it matches somewhere; case counts unless the rule says otherwise |
//! | networks | when the text is an address in one; IPv4 in IPv6 counts as IPv4 |
//! | `<`, `<=`, `>`, `>=` | when the text is a number and compares so; any other text does not |
//! | a part of the time | when the text is ISO 8601 (taken in the zone it is written in) or a number since the epoch (in UTC) and compares so |
//! | [`Test::Null`] | when the event does not have the field, or a value is null; the empty text is not null |
//! | [`Test::Exists`] | when the event has the field, be its value null, empty, a list or a map |
//! | a reference to another field | when a value of the field compares so with a value of the other; null, lists and maps do not |
//! | a keyword | when a pattern covers a text, number or boolean anywhere in a JSON record (but no key), or the text of any other record |
//!
//! Null, lists and maps have no text: patterns, expressions, networks and numbers do not hold for them.
//! Where pySigma and rsigma differ, pySigma is followed (a negated item holds without the field). Both
//! compare numbers by value where this compares text, and rsigma takes `1` and `yes` for true.

use std::collections::HashMap;

use ward_core::{Event, EventClass, FieldId, FieldNames, RecordForm, ValueKind};

use crate::leaf;
use crate::rule::{Expr, FieldTest, Rule, Test};

/// Whether the rule's condition holds. Its log source is not asked.
pub fn matches(rule: &Rule, event: &PlainEvent) -> bool {
    holds(&rule.condition, event)
}

/// Whether a condition holds.
pub fn holds(expr: &Expr, event: &PlainEvent) -> bool {
    match expr {
        Expr::Const(value) => *value,
        Expr::All(parts) => parts.iter().all(|part| holds(part, event)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, event)),
        Expr::Not(part) => !holds(part, event),
        Expr::Named(_, part) => holds(part, event),
        Expr::Field(test) => field_holds(test, event),
        Expr::Keyword(test) => event.texts().any(|text| leaf::text_matches(test, text)),
        Expr::KeywordRegex(test) => event.texts().any(|text| test.regex.is_match(text)),
    }
}

/// Whether a question to a field holds.
pub fn field_holds(test: &FieldTest, event: &PlainEvent) -> bool {
    let values = event.values(&test.field);
    match &test.test {
        Test::Exists(expected) => values.is_empty() != *expected,
        Test::Null => values.is_empty() || values.iter().any(|value| value.kind == ValueKind::Null),
        Test::FieldRef(reference) => {
            let others = || event.values(&reference.other).iter().filter_map(Value::text);
            let mut texts = values.iter().filter_map(Value::text);
            texts.any(|text| others().any(|other| leaf::ref_matches(reference, text, other)))
        }
        test => {
            values.iter().filter_map(Value::text).any(|text| leaf::value_matches(test, text).unwrap_or(false))
        }
    }
}

/// An event as a map of names to values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlainEvent {
    fields: HashMap<String, Vec<Value>>,
    texts: Vec<Vec<u8>>,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What it is in the source.
    pub kind: ValueKind,
    /// Its text, escapes undone; of a list or map as it came.
    pub bytes: Vec<u8>,
}

impl Value {
    /// Its text, if it is text, a number or a boolean.
    pub fn text(&self) -> Option<&[u8]> {
        match self.kind {
            ValueKind::Text | ValueKind::Number | ValueKind::Bool => Some(&self.bytes),
            ValueKind::Null | ValueKind::Container => None,
        }
    }
}

impl PlainEvent {
    /// Lays out an event. With a class, its constants and other names of fields count.
    pub fn new(event: &Event<'_>, names: &FieldNames, class: Option<&EventClass>) -> Self {
        let mut by_field: HashMap<FieldId, Vec<Value>> = HashMap::new();
        for span in event.fields {
            let mut scratch = Vec::new();
            let bytes = event.text_of(span, &mut scratch).to_vec();
            by_field.entry(span.field).or_default().push(Value { kind: span.kind, bytes });
        }
        if let Some(class) = class {
            let mut also = Vec::new();
            for (field, others) in &class.also_read_from {
                let has_text = |field: &&FieldId| {
                    by_field.get(field).is_some_and(|v| v.iter().any(|v| v.text().is_some()))
                };
                let names = || std::iter::once(field).chain(others);
                let best =
                    names().find(has_text).or_else(|| names().find(|name| by_field.contains_key(name)));
                also.extend(best.and_then(|best| by_field.get(best)).map(|values| (*field, values.clone())));
            }
            for (field, text) in &class.constants {
                also.push((*field, vec![Value { kind: ValueKind::Text, bytes: text.clone().into_bytes() }]));
            }
            by_field.extend(also);
        }
        let fields = by_field.into_iter().map(|(field, values)| (names.name(field).to_owned(), values));
        let texts = match event.form {
            RecordForm::Json => json_texts(event.record),
            RecordForm::Text => vec![event.record.to_vec()],
        };
        Self { fields: fields.collect(), texts }
    }

    /// The values of a field; none if the event does not have it.
    pub fn values(&self, field: &str) -> &[Value] {
        self.fields.get(field).map_or(&[], |values| values)
    }

    /// What keywords are looked for in.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(Vec::as_slice)
    }
}

/// Every text, number and boolean of a JSON record that is no key.
fn json_texts(record: &[u8]) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    ward_core::json::each_text(record, &mut |text| {
        texts.push(text.to_vec());
        true
    });
    texts
}

#[cfg(test)]
mod tests {
    use ward_core::{ClassId, EventBuf};

    use super::*;
    use crate::load;

    /// An event with these fields in a text record.
    fn event(fields: &[(&str, ValueKind, &str)], record: &str) -> PlainEvent {
        let mut names = FieldNames::default();
        let mut buf = EventBuf::default();
        for (name, kind, text) in fields {
            buf.push(names.intern(name).unwrap(), *kind, text.as_bytes());
        }
        PlainEvent::new(&buf.text_event(record.as_bytes()), &names, None)
    }

    /// Whether a detection (YAML below `detection:`, one line) matches.
    fn fires(detection: &str, event: &PlainEvent) -> bool {
        let text = format!("title: t\nlogsource: {{product: p}}\ndetection: {detection}\n");
        let set = load::load([("t.yml", text.as_str())], &load::LoadOptions::default());
        assert!(set.report.refused.is_empty(), "{detection}: {:?}", set.report.refused);
        matches(&set.rules[0], event)
    }

    fn selects(selection: &str, event: &PlainEvent) -> bool {
        fires(&format!("{{s: {selection}, condition: s}}"), event)
    }

    #[test]
    fn the_table_of_meanings_is_what_happens() {
        use ValueKind::{Bool, Container, Null, Number, Text};
        let event = event(
            &[
                ("a", Text, "Whoami.EXE"),
                ("many", Text, "one"),
                ("many", Number, "22"),
                ("n", Number, "5"),
                ("yes", Bool, "true"),
                ("empty", Text, ""),
                ("nil", Null, ""),
                ("map", Container, "{}"),
                ("ip", Text, "::ffff:10.1.2.3"),
                ("time", Text, "2026-11-23T23:30:00+01:00"),
                ("b", Text, "exe"),
            ],
            "record text",
        );
        for (selection, expected) in [
            ("{a: whoami.exe}", true),
            ("{a|cased: whoami.exe}", false),
            ("{a: 'WHO*.ex?'}", true),
            ("{a: who}", false),
            ("{a|contains: AMI}", true),
            ("{a|contains|all: [who, exe]}", true),
            ("{a|contains|all: [who, com]}", false),
            ("{many: one}", true),
            ("{many|contains|all: [one, '22']}", true),
            ("{many|neq: one}", false),
            ("{many|neq: two}", true),
            ("{absent|neq: x}", true),
            ("{absent: x}", false),
            ("{n: 5}", true),
            ("{n: 5.0}", true), // the YAML reader says 5
            ("{n: '5.0'}", false),
            ("{n|gte: 5}", true),
            ("{n|lt: 5}", false),
            ("{a|gt: 1}", false),
            ("{many|gt: 21}", true),
            ("{yes: true}", true),
            ("{yes: 'TRUE'}", true),
            ("{yes: 1}", false),
            ("{empty: ''}", true),
            ("{empty: null}", false),
            ("{absent: null}", true),
            ("{nil: null}", true),
            ("{nil: ''}", false),
            ("{nil: '*'}", false),
            ("{a: '*'}", true),
            ("{empty: '*'}", true),
            ("{map: '*'}", false),
            ("{map|exists: true}", true),
            ("{nil|exists: true}", true),
            ("{absent|exists: true}", false),
            ("{absent|exists: false}", true),
            ("{a: [null, 'whoami.exe']}", true),
            ("{a: []}", false),
            ("{ip|cidr: 10.0.0.0/8}", true),
            ("{ip|cidr: [192.168.0.0/16, '::ffff:10.1.2.3']}", true),
            ("{ip|cidr: 192.168.0.0/16}", false),
            ("{a|re: '^Who'}", true),
            ("{a|re: '^who'}", false),
            ("{a|re|i: '^who'}", true),
            ("{time|hour: 23}", true),
            ("{time|hour|lt: 23}", false),
            ("{time|month: 11}", true),
            ("{a|fieldref|endswith: b}", true),
            ("{a|fieldref: b}", false),
            ("{a|fieldref|neq: b}", true),
            ("{a|fieldref: absent}", false),
            ("['cord TE']", true),
            ("['whoami']", false),
            ("{'|all': [record, text]}", true),
            ("{'|all': [record, none]}", false),
            ("{'|startswith': record}", true),
            ("{'|startswith': text}", false),
            ("{'|re': 'rec.*text$'}", true),
            ("[{a: x}, {n: 5}]", true),
            ("[{a: x}, [record]]", true),
            ("{a: x, n: 5}", false),
        ] {
            assert_eq!(selects(selection, &event), expected, "{selection}");
        }
    }

    #[test]
    fn conditions_join_search_identifiers() {
        let event = event(&[("a", ValueKind::Text, "x")], "");
        for (detection, expected) in [
            ("{s1: {a: x}, s2: {a: y}, condition: 1 of s*}", true),
            ("{s1: {a: x}, s2: {a: y}, condition: all of s*}", false),
            ("{s1: {a: x}, s2: {a: y}, condition: s1 and not s2}", true),
            ("{s1: {a: x}, s2: {a: y}, condition: [s2, s1]}", true),
            ("{s1: {a: y}, _s2: {a: x}, condition: 1 of them}", false),
            ("{s1: {a: x}, s2: {a: x}, s3: {a: y}, condition: 2 of them}", true),
            ("{s1: {a: x}, s2: {a: x}, s3: {a: y}, condition: 3 of them}", false),
        ] {
            assert_eq!(fires(detection, &event), expected, "{detection}");
        }
    }

    #[test]
    fn a_class_adds_constants_and_other_names() {
        let mut names = FieldNames::default();
        let [id, image, process, path] =
            ["EventID", "Image", "NewProcessName", "Path"].map(|name| names.intern(name).unwrap());
        let mut buf = EventBuf::default();
        buf.push(process, ValueKind::Text, b"a.exe");
        buf.push(path, ValueKind::Text, b"b.exe");
        let class = EventClass {
            id: ClassId(0),
            log_sources: Vec::new(),
            constants: vec![(id, "1".to_owned())],
            also_read_from: vec![(image, vec![process, path]), (path, vec![process])],
        };
        let event = PlainEvent::new(&buf.text_event(b""), &names, Some(&class));
        assert!(selects("{EventID: 1, Image: a.exe, Path: b.exe}", &event));
        assert!(!selects("{Image: b.exe}", &event));
    }

    #[test]
    fn keywords_are_found_in_json_values_but_not_in_keys() {
        let record = br#"{"key":"va\"l\u0075e","list":["in", {"deep" : "er"}], "number": 4625}"#;
        let event = PlainEvent::new(&EventBuf::default().json_event(record), &FieldNames::default(), None);
        for (keyword, found) in
            [("va\"lue", true), ("er", true), ("key", false), ("4625", true), ("deep", false)]
        {
            assert_eq!(selects(&format!("['{keyword}']"), &event), found, "{keyword}");
        }
    }
}
