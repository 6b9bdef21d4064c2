//! How found events are written.
//!
//! Invariant: a cell that a spreadsheet could take for a formula has an apostrophe before it.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ward_lake::{FoundRow, Scanned};

use super::scanned;
use crate::json::time;

/// A way of writing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One object: `rows`, `scanned`, and `error` if it ended early.
    Json,
    /// A row a line; the last line has `scanned`, and `error` if it ended early.
    Ndjson,
    /// RFC 4180. If it ends early, so does the connection.
    Csv,
}

/// The columns of CSV.
const COLUMNS: [&str; 15] = [
    "id",
    "organisation",
    "time",
    "received",
    "source",
    "format",
    "device",
    "user",
    "class_uid",
    "log_source",
    "addresses",
    "hashes",
    "domains",
    "urls",
    "raw",
];

impl Format {
    /// Names of all of them.
    pub const NAMES: [&str; 3] = ["json", "ndjson", "csv"];

    pub fn named(name: &str) -> Option<Self> {
        [Self::Json, Self::Ndjson, Self::Csv]
            .into_iter()
            .zip(Self::NAMES)
            .find(|(_, its)| *its == name)
            .map(|it| it.0)
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    /// What comes before the first row.
    pub fn begin(self, out: &mut Vec<u8>) {
        match self {
            Self::Json => out.extend(b"{\"rows\":["),
            Self::Ndjson => {}
            Self::Csv => {
                out.extend(COLUMNS.join(",").as_bytes());
                out.extend(b"\r\n");
            }
        }
    }

    /// The row that comes after `before` others.
    pub fn row(self, found: &FoundRow, before: u64, out: &mut Vec<u8>) {
        match self {
            Self::Json | Self::Ndjson => {
                if self == Self::Json && before > 0 {
                    out.push(b',');
                }
                // Writing to memory does not fail.
                let _ = write!(out, "{}", row(found));
                if self == Self::Ndjson {
                    out.push(b'\n');
                }
            }
            Self::Csv => cells(found, out),
        }
    }

    /// What comes after the last row. `false`: there is no way to say that it ended early.
    pub fn end(self, looked_at: &Scanned, error: Option<Value>, out: &mut Vec<u8>) -> bool {
        let early = error.is_some();
        let mut last = json!({ "scanned": scanned(looked_at) });
        if let Some(error) = error {
            last["error"] = error;
        }
        let last = last.to_string();
        match self {
            Self::Json => {
                out.extend(b"],");
                out.extend(last.trim_start_matches('{').as_bytes());
            }
            Self::Ndjson => {
                out.extend(last.as_bytes());
                out.push(b'\n');
            }
            Self::Csv => return !early,
        }
        true
    }
}

/// An event. Its bytes are `raw` when they are text, and `raw_base64` when not.
pub(crate) fn row(found: &FoundRow) -> Value {
    let mut row = json!({
        "id": found.id.to_string(),
        "organisation": found.organisation.as_str(),
        "time": time(found.time),
        "received": time(found.received),
        "source": found.source,
        "format": found.format,
        "device": found.device,
        "user": found.user,
        "class_uid": found.class_uid,
        "log_source": found.log_source,
        "addresses": found.addresses,
        "hashes": found.hashes,
        "domains": found.domains,
        "urls": found.urls,
    });
    match std::str::from_utf8(&found.raw) {
        Ok(text) => row["raw"] = text.into(),
        Err(_) => row["raw_base64"] = STANDARD.encode(&found.raw).into(),
    }
    row
}

fn cells(found: &FoundRow, out: &mut Vec<u8>) {
    let Value::Object(row) = row(found) else { return };
    for (nth, column) in COLUMNS.into_iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        let value = row.get(column).or_else(|| row.get("raw_base64"));
        match value {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => cell(text, out),
            Some(Value::Array(texts)) => {
                let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
                cell(&texts.join(" "), out);
            }
            Some(other) => cell(&other.to_string(), out),
        }
    }
    out.extend(b"\r\n");
}

fn cell(text: &str, out: &mut Vec<u8>) {
    let formula = is_formula(text);
    if !formula && !text.contains(['"', ',', '\r', '\n']) {
        out.extend(text.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    out.extend(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// Whether a spreadsheet may run it: it looks behind white space and control characters, and takes full-width
/// signs for the plain ones.
fn is_formula(text: &str) -> bool {
    let skipped = |letter: char| letter.is_whitespace() || letter.is_control();
    let first = text.trim_start_matches(skipped).chars().next();
    let signs = "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}";
    first.is_some_and(|first| signs.contains(first)) || text.starts_with(['\t', '\r'])
}

#[cfg(test)]
mod tests {
    use ward_core::{BatchId, OrganisationId, Timestamp};

    use super::*;

    fn found(raw: &[u8]) -> FoundRow {
        FoundRow {
            id: EventId { batch: BatchId(7), index: 1 },
            organisation: OrganisationId::new("RR8").unwrap(),
            time: Timestamp::from_micros(0),
            received: Timestamp::from_micros(0),
            source: "leeds-dc".to_owned(),
            format: "ndjson".to_owned(),
            device: Some("=cmd|' /C calc'!A0".to_owned()),
            user: None,
            class_uid: 1007,
            log_source: "windows//".to_owned(),
            addresses: vec!["10.0.0.1".to_owned(), "10.0.0.2".to_owned()],
            hashes: vec![],
            domains: vec![],
            urls: vec![],
            raw: raw.to_vec(),
        }
    }

    use ward_core::EventId;

    fn written(format: Format, rows: &[FoundRow], error: Option<Value>) -> (String, bool) {
        let mut out = Vec::new();
        format.begin(&mut out);
        rows.iter().zip(0..).for_each(|(row, before)| format.row(row, before, &mut out));
        let told = format.end(&Scanned { rows: 9, ..Scanned::default() }, error, &mut out);
        (String::from_utf8(out).unwrap(), told)
    }

    #[test]
    fn json_is_one_object_whether_there_are_rows_or_not() {
        for count in [0, 1, 3] {
            let (text, _) = written(Format::Json, &vec![found(b"a"); count], None);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["rows"].as_array().unwrap().len(), count);
            assert_eq!(value["scanned"]["rows"], 9);
        }
    }

    #[test]
    fn ndjson_ends_with_what_was_scanned_and_why_it_ended_early() {
        let (text, told) =
            written(Format::Ndjson, &[found(b"a"), found(b"b")], Some(json!({ "status": 422 })));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (lines.len(), &lines[1]["raw"], &lines[2]["error"]["status"]),
            (3, &json!("b"), &json!(422))
        );
        assert!(told);
    }

    #[test]
    fn csv_has_a_cell_for_each_column_and_none_that_is_a_formula() {
        let (text, told) = written(Format::Csv, &[found(b"a,\"b\"\n")], None);
        let row = text.split_once("\r\n").unwrap().1;
        assert_eq!(
            row,
            "7.1,RR8,1970-01-01T00:00:00Z,1970-01-01T00:00:00Z,leeds-dc,ndjson,\"'=cmd|' /C calc'!A0\",,1007,\
             windows//,10.0.0.1 10.0.0.2,,,,\"a,\"\"b\"\"\n\"\r\n"
        );
        assert!(told);
        for formula in ["=1", "+1", "-1", "@a", " =1", "\u{ff1d}1", "\t1"] {
            assert!(is_formula(formula), "{formula:?}");
        }
        assert!(!is_formula("a=1"));
    }

    #[test]
    fn csv_cannot_tell_that_it_ended_early_so_the_connection_must() {
        assert!(!written(Format::Csv, &[], Some(json!({}))).1);
    }

    #[test]
    fn bytes_that_are_no_text_come_as_base64() {
        let row = row(&found(&[0xff, 0]));
        assert_eq!((&row["raw_base64"], row.get("raw")), (&json!("/wA="), None));
    }
}
