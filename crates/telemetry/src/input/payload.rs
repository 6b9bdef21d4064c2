//! A message that is itself a record of another format: JSON (also after `@cee:`), CEF, LEEF, audit
//! records, logfmt.

use super::fields::Fields;
use super::{auditd, cef, leef, logfmt};
use crate::json::Scanner;
use ward_core::{EventBuf, FieldNames};

/// Lays out in `event` (cleared first) what `message` holds, if it is of a known format. All values are in
/// the arena then, so that more can be added.
pub(super) fn decode(message: &str, scanner: &mut Scanner, names: &FieldNames, event: &mut EventBuf) {
    event.clear();
    if let Some(json) = json_in(message) {
        match scanner.scan(json.as_bytes(), names, event) {
            Ok(()) => event.arena.extend_from_slice(json.as_bytes()),
            Err(_) => event.clear(),
        }
    } else if line(message, &mut Fields::new(names, event)).is_err() {
        event.clear();
    }
}

/// The JSON object that a message is.
pub(super) fn json_in(message: &str) -> Option<&str> {
    let text = message.trim_ascii();
    let json = text.strip_prefix("@cee:").map_or(text, str::trim_ascii_start);
    json.starts_with('{').then_some(json)
}

/// Lays out a message that is a line of another format. One that is none has no fields.
pub(super) fn line(message: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
    let text = message.trim_ascii();
    if text.starts_with("CEF:") {
        cef::decode_line(text, fields)
    } else if text.starts_with("LEEF:") {
        leef::decode_line(text, fields)
    } else if auditd::fits(text) {
        auditd::decode_line(text, fields)
    } else if logfmt::fits(text) {
        logfmt::decode_line(text, fields)
    } else {
        Ok(())
    }
}
