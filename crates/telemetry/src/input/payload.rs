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
    let text = message.trim_ascii();
    let json = text.strip_prefix("@cee:").map_or(text, str::trim_ascii_start);
    if json.starts_with('{') {
        match scanner.scan(json.as_bytes(), names, event) {
            Ok(()) => event.arena.extend_from_slice(json.as_bytes()),
            Err(_) => event.clear(),
        }
        return;
    }
    let mut fields = Fields::new(names, event);
    let decoded = if text.starts_with("CEF:") {
        cef::decode_line(text, &mut fields)
    } else if text.starts_with("LEEF:") {
        leef::decode_line(text, &mut fields)
    } else if auditd::fits(text) {
        auditd::decode_line(text, &mut fields)
    } else if logfmt::fits(text) {
        logfmt::decode_line(text, &mut fields)
    } else {
        Ok(())
    };
    if decoded.is_err() {
        event.clear();
    }
}
