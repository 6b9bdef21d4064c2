//! How found events are written.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ward_lake::{Export, ExportFormat, FoundRow, LakeError, Scanned};

use super::scanned;
use crate::json::time;

/// A way of writing events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One object: `rows`, `scanned`, and `error` if it ended early.
    Json,
    /// A row a line; the last line has `scanned`, and `error` if it ended early.
    Ndjson,
    /// As the lake exports them. If it ends early, so does the connection.
    Exported(ExportFormat),
}

/// Events on their way out.
#[derive(Debug)]
pub(crate) struct Writer {
    format: Format,
    export: Option<Export>,
    written: u64,
    /// Most rows that were asked for.
    most: u64,
}

impl Format {
    /// Names of all of them.
    pub const NAMES: [&str; 4] = ["json", "ndjson", "csv", "parquet"];

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "ndjson" => Some(Self::Ndjson),
            exported => ExportFormat::named(exported).map(Self::Exported),
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson | Self::Exported(ExportFormat::Ndjson) => "application/x-ndjson",
            Self::Exported(ExportFormat::Csv) => "text/csv; charset=utf-8; header=present",
            Self::Exported(ExportFormat::Parquet) => "application/vnd.apache.parquet",
        }
    }
}

impl Writer {
    /// Nothing is written yet.
    pub fn new(format: Format, most: u64) -> Result<Self, LakeError> {
        let export = match format {
            Format::Exported(format) => Some(Export::new(format)?),
            Format::Json | Format::Ndjson => None,
        };
        Ok(Self { format, export, written: 0, most })
    }

    /// What comes before the first row.
    pub fn begin(&self, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend(b"{\"rows\":[");
        }
    }

    pub fn row(&mut self, found: &FoundRow, out: &mut Vec<u8>) -> Result<(), LakeError> {
        if let Some(export) = &mut self.export {
            out.extend(export.push(found)?);
            return Ok(());
        }
        if self.format == Format::Json && self.written > 0 {
            out.push(b',');
        }
        self.written += 1;
        // Writing to memory does not fail.
        let _ = write!(out, "{}", row(found));
        if self.format == Format::Ndjson {
            out.push(b'\n');
        }
        Ok(())
    }

    /// What comes after the last row. `false`: it ended early, and there is no way to say so.
    pub fn end(self, looked_at: &Scanned, error: Option<Value>, out: &mut Vec<u8>) -> bool {
        if let Some(export) = self.export {
            let finished = export.finish().map(|bytes| out.extend(bytes));
            return error.is_none() && finished.is_ok();
        }
        let mut last = json!({ "scanned": scanned(looked_at), "more": self.written >= self.most });
        if let Some(error) = error {
            last["error"] = error;
        }
        let last = last.to_string();
        match self.format {
            Format::Json => {
                out.extend(b"],");
                out.extend(last.trim_start_matches('{').as_bytes());
            }
            _ => {
                out.extend(last.as_bytes());
                out.push(b'\n');
            }
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

#[cfg(test)]
mod tests {
    use ward_core::{BatchId, EventId, OrganisationId, Timestamp};

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

    fn written(format: &str, rows: &[FoundRow], error: Option<Value>) -> (Vec<u8>, bool) {
        let (mut out, mut writer) = (Vec::new(), Writer::new(Format::named(format).unwrap(), 100).unwrap());
        writer.begin(&mut out);
        rows.iter().for_each(|row| writer.row(row, &mut out).unwrap());
        let told = writer.end(&Scanned { rows: 9, ..Scanned::default() }, error, &mut out);
        (out, told)
    }

    #[test]
    fn json_is_one_object_whether_there_are_rows_or_not() {
        for count in [0, 1, 3] {
            let (text, _) = written("json", &vec![found(b"a"); count], None);
            let value: Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(value["rows"].as_array().unwrap().len(), count);
            assert_eq!(value["scanned"]["rows"], 9);
        }
    }

    #[test]
    fn ndjson_ends_with_what_was_scanned_and_why_it_ended_early() {
        let error = Some(json!({ "status": 422 }));
        let (text, told) = written("ndjson", &[found(b"a"), found(b"b")], error);
        let lines: Vec<Value> = String::from_utf8(text)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            (lines.len(), &lines[1]["raw"], &lines[2]["error"]["status"]),
            (3, &json!("b"), &json!(422))
        );
        assert!(told);
    }

    #[test]
    fn no_cell_of_csv_is_a_formula() {
        let (text, told) = written("csv", &[found(b"a")], None);
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains(",=cmd") && !text.contains(",\"=cmd"), "{text}");
        assert!(told && text.lines().count() == 2);
    }

    #[test]
    fn an_export_cannot_tell_that_it_ended_early_so_the_connection_must() {
        for format in ["csv", "parquet"] {
            assert!(!written(format, &[found(b"a")], Some(json!({}))).1);
        }
        assert!(written("parquet", &[found(b"a")], None).0.starts_with(b"PAR1"));
    }

    #[test]
    fn bytes_that_are_no_text_come_as_base64() {
        let row = row(&found(&[0xff, 0]));
        assert_eq!((&row["raw_base64"], row.get("raw")), (&json!("/wA="), None));
    }
}
