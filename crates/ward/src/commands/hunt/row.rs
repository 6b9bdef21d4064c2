//! An event of the lake, as commands show it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ward_core::Timestamp;
use ward_lake::FoundRow;
use ward_telemetry::input::without_head;

use crate::detect::finding::clock_text;
use crate::terminal::{Screen, safe, shortened};

/// As an object, with the keys that the interface has. Its bytes are `raw` if they are text, else
/// `raw_base64`.
pub fn object(found: &FoundRow) -> Value {
    let mut row = json!({
        "id": found.id.to_string(),
        "organisation": found.organisation.as_str(),
        "time": found.time.to_string(),
        "received": found.received.to_string(),
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

/// The names of the columns.
pub fn head(screen: &Screen) -> String {
    screen.heading(&format!("{:19}  {:10}  {:15}  event", "time (UTC)", "org", "device"))
}

/// As a line that fits the screen; a file or pipe gets all of the event.
pub fn line(found: &FoundRow, screen: &Screen) -> String {
    let raw = safe(String::from_utf8_lossy(own(found)).trim_end());
    let room = screen.width.saturating_sub(BEFORE).max(20);
    let raw = if screen.is_terminal { shortened(&raw, room) } else { raw };
    format!("{}  {raw}", columns(found.time, found.organisation.as_str(), found.device.as_deref()))
}

/// Time, organisation and device as columns.
pub fn columns(time: Timestamp, organisation: &str, device: Option<&str>) -> String {
    let device = shortened(&safe(device.unwrap_or("-")), 15);
    format!("{:19}  {:10}  {device:15}", clock_text(time), shortened(organisation, 10))
}

/// The bytes of the event, without the header that a row of a table is kept with.
pub fn own(found: &FoundRow) -> &[u8] {
    found.format.parse().map_or(found.raw.as_slice(), |format| without_head(format, &found.raw))
}

/// Columns before the event.
const BEFORE: usize = 19 + 10 + 15 + 6;

#[cfg(test)]
mod tests {
    use ward_core::{BatchId, EventId, OrganisationId};

    use super::*;

    fn found(raw: &[u8]) -> FoundRow {
        let time = Timestamp::parse("2026-11-23T08:00:01.5Z").unwrap();
        FoundRow {
            id: EventId { batch: BatchId(7), index: 1 },
            organisation: OrganisationId::new("RR8").unwrap(),
            time,
            received: time,
            source: "s".into(),
            format: "ndjson".into(),
            device: Some("pacs\u{1b}01".into()),
            user: None,
            class_uid: 1007,
            log_source: "windows".into(),
            addresses: vec![],
            hashes: vec![],
            domains: vec![],
            urls: vec![],
            raw: raw.to_vec(),
        }
    }

    #[test]
    fn a_line_fits_the_terminal_and_hides_no_control_character() {
        let screen = Screen { width: 80, color: false, is_terminal: true };
        let line = line(&found("x\u{1b}[2J".repeat(50).as_bytes()), &screen);
        assert!(line.chars().count() <= 80 && !line.contains('\u{1b}'), "{line}");
        assert!(line.starts_with("2026-11-23 08:00:01  RR8         pacs\u{fffd}01"), "{line}");
    }

    #[test]
    fn a_row_is_shown_without_the_header_that_it_is_kept_with() {
        let screen = Screen { width: 80, color: false, is_terminal: false };
        let row = FoundRow { format: "csv".into(), ..found(b"when,what\n1,door") };
        assert!(line(&row, &screen).ends_with("  1,door"), "{}", line(&row, &screen));
        assert_eq!(object(&row)["raw"], "when,what\n1,door");
        assert_eq!(own(&FoundRow { format: "of another".into(), ..row.clone() }), row.raw);
    }

    #[test]
    fn bytes_that_are_no_text_are_not_changed() {
        assert_eq!(object(&found(b"\xff\0"))["raw_base64"], "/wA=");
        assert_eq!(object(&found(b"{}"))["raw"], "{}");
    }
}
