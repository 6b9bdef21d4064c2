//! OpenTelemetry log records in OTLP's JSON encoding (OTLP specification 1.x, "JSON Protobuf Encoding";
//! `opentelemetry/proto/logs/v1/logs.proto`), from `ExportLogsServiceRequest` documents.
//!
//! Names: the attributes of the record, its scope and its resource by their keys; `timestamp`
//! (`timeUnixNano`, else `observedTimeUnixNano`, in nanoseconds), `severityText`, `severityNumber`,
//! `traceId`, `spanId`, `eventName`, `scope.name`. A text body is `body` and `message`, and if it is
//! itself JSON, CEF, LEEF, an audit record or logfmt, its fields too; a map body gives the fields of the
//! map. Maps in maps are dotted paths, arrays are many values.
//!
//! What is kept of a record is an element of `resourceLogs` with this record alone: without its resource nobody
//! could say later whose it was.

use super::fields::{Fields, Pairs, Place};
use super::payload;
use crate::Error;
use crate::json::Scanner;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use ward_core::{Event, EventBuf, FieldNames, RecordForm, ValueKind};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow, default)]
    resource_logs: Vec<ResourceLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "instrumentationLibraryLogs")]
    scope_logs: Vec<ScopeLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow, default)]
    scope: Option<&'a RawValue>,
    #[serde(borrow, default)]
    log_records: Vec<&'a RawValue>,
}

/// Gives `each` the log records of `document`, a whole request or one element of its `resourceLogs`.
///
/// # Errors
/// The document is not OTLP.
pub fn decode(
    document: &str,
    names: &FieldNames,
    scanner: &mut Scanner,
    event: &mut EventBuf,
    each: &mut dyn FnMut(Event<'_>),
) -> Result<(), Error> {
    let resources =
        if document.trim_ascii_start().trim_start_matches('{').trim_ascii_start().starts_with(REQUEST) {
            serde_json::from_str::<Request<'_>>(document).map_err(Error::Otlp)?.resource_logs
        } else {
            vec![serde_json::from_str(document).map_err(Error::Otlp)?]
        };
    let mut whole = String::new();
    for of_resource in &resources {
        let resource = parsed(of_resource.resource)?;
        for of_scope in &of_resource.scope_logs {
            let scope = parsed(of_scope.scope)?;
            let before = before_record(of_resource.resource, of_scope.scope);
            for raw in &of_scope.log_records {
                let record = parsed(Some(raw))?;
                payload::decode(text_of(&record).unwrap_or_default(), scanner, names, event);
                log_record(&record, &scope, &resource, &mut Fields::new(names, event));
                whole.clear();
                whole.extend([&before, raw.get(), AFTER_RECORD]);
                each(Event {
                    text: &event.arena,
                    fields: &event.fields,
                    record: whole.as_bytes(),
                    form: RecordForm::Json,
                    unicode_escapes: memchr::memmem::find(whole.as_bytes(), b"\\u").is_some(),
                });
            }
        }
    }
    Ok(())
}

fn parsed(raw: Option<&RawValue>) -> Result<Value, Error> {
    raw.map_or(Ok(Value::Null), |raw| serde_json::from_str(raw.get()).map_err(Error::Otlp))
}

/// What stands before a record in an element of `resourceLogs` that holds it alone.
fn before_record(resource: Option<&RawValue>, scope: Option<&RawValue>) -> String {
    let member = |name: &str, value: Option<&RawValue>| {
        value.map(|value| format!("\"{name}\":{},", value.get())).unwrap_or_default()
    };
    let (resource, scope) = (member("resource", resource), member("scope", scope));
    format!("{{{resource}\"scopeLogs\":[{{{scope}\"logRecords\":[")
}

const AFTER_RECORD: &str = "]}]}";

const REQUEST: &str = "\"resourceLogs\"";

/// All fields of what was kept of a log record. Gives back the JSON object that its text is, if it is one.
pub fn pairs(kept: &str, pairs: &mut Pairs) -> Option<String> {
    let ResourceLogs { resource, scope_logs } = serde_json::from_str(kept).ok()?;
    let of_scope = scope_logs.first()?;
    let record = parsed(of_scope.log_records.first().copied()).ok()?;
    let (scope, resource) = (parsed(of_scope.scope).ok()?, parsed(resource).ok()?);
    let text = text_of(&record).unwrap_or_default();
    let json = payload::json_in(text);
    if json.is_none() && payload::line(text, &mut Fields::all(pairs)).is_err() {
        pairs.clear();
    }
    log_record(&record, &scope, &resource, &mut Fields::all(pairs));
    json.map(str::to_owned)
}

fn text_of(record: &Value) -> Option<&str> {
    record.get("body")?.get("stringValue")?.as_str()
}

/// Lays out all but what the text of the record holds.
fn log_record(record: &Value, scope: &Value, resource: &Value, fields: &mut Fields<'_>) {
    let body = record.get("body").unwrap_or(&Value::Null);
    let top = fields.top();
    if let Some(text) = text_of(record) {
        fields.put("body", text);
        fields.put_absent("message", ValueKind::Text, text);
    } else if let Some(place) = fields.place(&top, "body") {
        put_value(body, &place, fields);
    }
    put_pairs(body.get("kvlistValue").and_then(|list| list.get("values")), &top, fields);
    for owner in [record, scope, resource] {
        put_pairs(owner.get("attributes"), &top, fields);
    }
    let time = ["timeUnixNano", "observedTimeUnixNano"].iter().find_map(|key| {
        let time = scalar(record.get(*key)?)?;
        (time != "0").then_some(time)
    });
    if let Some(time) = time {
        fields.put_absent("timestamp", ValueKind::Number, &time);
    }
    for key in ["severityText", "severityNumber", "traceId", "spanId", "eventName"] {
        if let Some(text) = record.get(key).and_then(scalar) {
            fields.put_absent(key, ValueKind::Text, &text);
        }
    }
    if let Some(name) = scope.get("name").and_then(Value::as_str) {
        fields.put("scope.name", name);
    }
}

/// Adds a list of `{"key":..., "value":...}`.
fn put_pairs(pairs: Option<&Value>, from: &Place, fields: &mut Fields<'_>) {
    for pair in pairs.and_then(Value::as_array).into_iter().flatten() {
        let (Some(key), Some(value)) = (pair.get("key").and_then(Value::as_str), pair.get("value")) else {
            continue;
        };
        if let Some(place) = fields.place(from, key) {
            put_value(value, &place, fields);
        }
    }
}

/// Adds an `AnyValue`. Depth is bounded by what serde_json reads, 128 levels.
fn put_value(value: &Value, place: &Place, fields: &mut Fields<'_>) {
    let Some((kind, inner)) = value.as_object().and_then(|any| any.iter().next()) else { return };
    match kind.as_str() {
        "arrayValue" => {
            for part in inner.get("values").and_then(Value::as_array).into_iter().flatten() {
                put_value(part, place, fields);
            }
        }
        "kvlistValue" => put_pairs(inner.get("values"), place, fields),
        kind => {
            let kind = match kind {
                "intValue" | "doubleValue" => ValueKind::Number,
                "boolValue" => ValueKind::Bool,
                _ => ValueKind::Text,
            };
            if let Some(text) = scalar(inner) {
                fields.put_at(place, kind, &text);
            }
        }
    }
}

/// 64-bit integers are strings in OTLP's JSON, but not every writer knows.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
