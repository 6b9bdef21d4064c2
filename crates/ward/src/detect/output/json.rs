//! Findings as JSON, one object a line.
//!
//! ```json
//! {"time": "2020-10-26T11:58:27.997Z",      RFC 3339 in UTC; null if the event has none
//!  "rule": {"id": "...", "title": "...", "level": "high", "tags": [...], "author": "..."},
//!  "source": "logs/pacs01.evtx",            the input's path as given
//!  "record": 4711,                          EVTX: the EventRecordID; else the number of the line
//!  "host": "...", "user": "...",            null if the event has none
//!  "event": {...}}                          the record: the object it was, or its text
//! ```
//! A correlation's finding has the place of the event that completed it, and as `event` its `group`,
//! `count`, `value`, `first`, `last` and `events` (the places of the latest events).
//!
//! [Hidden characters](crate::hidden) are written as `\\uXXXX` everywhere, in `event` too: to a reader of
//! JSON it is the same value, and a terminal shows the line as it is. White space between the tokens of an
//! event and the way its other characters are written are left as they came.

use serde_json::{Value, json};

use super::super::finding::{Evidence, Finding, Together};
use crate::hidden::escaped_json;

/// Writes one finding.
pub fn finding(finding: &Finding<'_>, out: &mut Vec<u8>) {
    let rule = &finding.rule;
    out.extend_from_slice(b"{\"time\":");
    value(&json!(finding.time.map(|time| time.to_string())), out);
    out.extend_from_slice(b",\"rule\":");
    value(
        &json!({
            "id": rule.id,
            "title": rule.title,
            "level": rule.level.as_str(),
            "tags": rule.tags,
            "author": rule.author,
        }),
        out,
    );
    out.extend_from_slice(b",\"source\":");
    value(&json!(finding.place.source), out);
    out.extend_from_slice(b",\"record\":");
    value(&json!(finding.place.record), out);
    out.extend_from_slice(b",\"host\":");
    value(&json!(finding.host), out);
    out.extend_from_slice(b",\"user\":");
    value(&json!(finding.user), out);
    out.extend_from_slice(b",\"event\":");
    event(&finding.evidence, out);
    out.extend_from_slice(b"}\n");
}

/// Writes what was seen, as one JSON value on one line.
pub fn event(evidence: &Evidence<'_>, out: &mut Vec<u8>) {
    match evidence {
        Evidence::Json(record) => object(record, out),
        Evidence::Text(record) => value(&json!(String::from_utf8_lossy(record)), out),
        Evidence::Correlated(together) => value(&correlated(together), out),
    }
}

/// Writes a value as JSON.
pub fn value(value: &Value, out: &mut Vec<u8>) {
    // A `Value` always has a text: its keys are strings.
    if let Ok(text) = serde_json::to_string(value) {
        out.extend_from_slice(escaped_json(&text).as_bytes());
    }
}

/// A record that claims to be a JSON object: on one line, else as it is; a string if it is not valid JSON.
fn object(record: &[u8], out: &mut Vec<u8>) {
    let text = std::str::from_utf8(record).map(str::trim);
    match text.ok().filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()) {
        // Line ends can only stand between tokens.
        Some(text) => {
            out.extend(escaped_json(text).bytes().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }))
        }
        None => value(&json!(String::from_utf8_lossy(record)), out),
    }
}

fn correlated(together: &Together<'_>) -> Value {
    let group: serde_json::Map<String, Value> =
        together.group.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let events: Vec<Value> =
        together.places.iter().map(|place| json!({"source": place.source, "record": place.record})).collect();
    json!({
        "type": together.kind,
        "group": group,
        "count": together.count,
        "value": together.value,
        "first": together.first.to_string(),
        "last": together.last.to_string(),
        "events": events,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Place;
    use super::super::sample;
    use super::*;
    use ward_core::Timestamp;

    fn shown(found: &Finding<'_>) -> Value {
        let mut out = Vec::new();
        finding(found, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_finding_has_its_rule_its_place_and_the_event_as_it_was() {
        let tags = sample::tags();
        let shown =
            shown(&sample::finding(Evidence::Json(b"{\n \"EventID\": 1,\r\n \"x\": \"\\u00e9\"}"), &tags));
        assert_eq!(shown["rule"]["id"], "8de1cbe8-d6f5-496d-8237-5f44a721c7a0");
        assert_eq!(shown["rule"]["level"], "high");
        assert_eq!(shown["rule"]["author"], "A. Nurse");
        assert_eq!(shown["source"], "logs/pacs01.evtx");
        assert_eq!(shown["record"], 4711);
        assert_eq!(shown["time"], "2020-10-26T11:58:27.997Z");
        assert_eq!(shown["event"], json!({"EventID": 1, "x": "é"}));
    }

    #[test]
    fn a_text_record_is_a_string_and_so_is_what_only_looks_like_json() {
        for bytes in [&b"<134>1 2020 host app"[..], b"{\"a\": \"\\q\"}", b"{\"a\": \"raw \x01\"}", b"\xff{"] {
            let evidence = if bytes[0] == b'<' { Evidence::Text(bytes) } else { Evidence::Json(bytes) };
            let shown = shown(&sample::finding(evidence, &[]));
            assert_eq!(shown["event"], json!(String::from_utf8_lossy(bytes)));
        }
    }

    #[test]
    fn no_hidden_character_is_written_and_none_is_lost() {
        let hidden = "\u{9b}2J \u{202e}cod.exe \u{200b}\u{feff}\u{7f}";
        let record = format!("{{\"a\": \"{hidden}\"}}");
        let text = format!("text {hidden}");
        for (evidence, told) in [
            (Evidence::Json(record.as_bytes()), json!({"a": hidden})),
            (Evidence::Text(text.as_bytes()), json!(text)),
        ] {
            let mut found = sample::finding(evidence, &[]);
            (found.host, found.user) = (Some(hidden), Some(hidden));
            found.place.source = hidden;
            let mut out = Vec::new();
            finding(&found, &mut out);
            let line = String::from_utf8(out).unwrap();
            assert!(!line.trim_end().contains(crate::hidden::is_hidden), "{line:?}");
            let shown = shown(&found);
            assert_eq!([&shown["host"], &shown["user"], &shown["source"]], [hidden; 3]);
            assert_eq!(shown["event"], told);
        }
    }

    #[test]
    fn a_correlation_names_its_group_and_its_events() {
        let time = Timestamp::parse("2020-10-26T11:58:27Z").unwrap();
        let group = [("user".to_owned(), "joanna".to_owned())];
        let together = Together {
            kind: "value_count",
            group: &group,
            count: 12,
            value: 3.0,
            first: time,
            last: time,
            places: vec![Place { source: "a.json", record: 7 }],
        };
        let event = shown(&sample::finding(Evidence::Correlated(&together), &[]))["event"].clone();
        assert_eq!(event["group"]["user"], "joanna");
        assert_eq!(event["count"], 12);
        assert_eq!(event["events"], json!([{"source": "a.json", "record": 7}]));
    }
}
