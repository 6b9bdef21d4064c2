//! The compiled matcher against the plain one: any rules, any events, the same answers.

use std::sync::Arc;

use ward_core::{ClassId, Event, EventBuf, EventClass, FieldNames, LogSource};
use ward_detect::compiled::{Matcher, Worker};
use ward_detect::explain::explain;
use ward_detect::load::{LoadOptions, load};
use ward_detect::plain::{PlainEvent, matches};
use ward_detect::rule::Rule;
use ward_telemetry::json::Scanner;

/// Rules in YAML, then a line `-----`, then events: JSON objects, one a line; other lines are text.
pub fn compiled_equals_plain(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some((rules, events)) = text.split_once("\n-----\n") else { return };
    let rules = load([("rule.yml", rules)], &LoadOptions::default()).rules;
    let mut names = FieldNames::default();
    for rule in &rules {
        rule.condition.each_field(&mut |field| {
            names.intern(field);
        });
    }
    names.intern("EventID");
    let names = Arc::new(names);
    let rules: Arc<[Rule]> = rules.into();
    let matcher = Arc::new(Matcher::new(Arc::clone(&rules), Arc::clone(&names)));
    let mut workers = Worker::new(matcher);
    let class = class(&rules);
    let mut buf = EventBuf::default();
    let mut classes = 1;
    for line in events.lines() {
        let json = Scanner::default().scan(line.as_bytes(), &names, &mut buf).is_ok();
        if !json {
            buf.clear();
        }
        let event = if json { buf.json_event(line.as_bytes()) } else { buf.text_event(line.as_bytes()) };
        compare(&mut workers, &rules, &class, &event, &names);
        if let Some(known) = with_constant(&class, &event, &names, classes) {
            compare(&mut workers, &rules, &known, &event, &names);
            classes += 1;
        }
    }
}

fn compare(worker: &mut Worker, rules: &[Rule], class: &EventClass, event: &Event<'_>, names: &FieldNames) {
    let mut hits = Vec::new();
    worker.matches(class, event, &mut hits);
    let plain = PlainEvent::new(event, names, Some(class));
    let expected: Vec<u32> =
        (0u32..).zip(rules).filter(|(_, rule)| matches(rule, &plain)).map(|(number, _)| number).collect();
    assert_eq!(hits, expected, "compiled (left) and plain (right) disagree");
    for (number, rule) in (0u32..).zip(rules) {
        let explanation = explain(rule, &plain);
        assert_eq!(explanation.held, expected.contains(&number), "{explanation}");
    }
}

/// A class to which every rule applies.
fn class(rules: &[Rule]) -> EventClass {
    let log_sources: Vec<LogSource> = rules.iter().map(|rule| rule.log_source.clone()).collect();
    EventClass { id: ClassId(0), log_sources, constants: Vec::new(), also_read_from: Vec::new() }
}

/// The same class, narrowed to events with this event's `EventID`.
fn with_constant(class: &EventClass, event: &Event<'_>, names: &FieldNames, id: u32) -> Option<EventClass> {
    let field = names.get("EventID")?;
    let [span] = event.fields.iter().filter(|span| span.field == field).collect::<Vec<_>>()[..] else {
        return None;
    };
    let value = event.first(span.field)?;
    Some(EventClass { id: ClassId(id), constants: vec![(field, value)], ..class.clone() })
}
