//! What could not be read, as it is set aside.

use ward_core::EventId;
use ward_journal::BatchRef;
use ward_store::dead_letters::DeadLetter;
use ward_telemetry::input::Format;

/// The place for a letter of this record behind those of its batch: a letter that stood where another does would be
/// taken for it. Mostly the record's number.
pub(super) fn free(letters: &[DeadLetter], record: u64) -> u32 {
    let record = u32::try_from(record).unwrap_or(u32::MAX);
    letters.last().map_or(record, |last| record.max(last.id.index.saturating_add(1)))
}

/// One record of a batch that could not be read: its place, where it starts and how long it is.
pub(super) fn bad(
    batch: &BatchRef<'_>,
    (index, offset, length): (u32, u64, usize),
    record: u64,
    reason: &'static str,
    detail: &str,
) -> DeadLetter {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(batch.payload.len());
    let (before, rest) = batch.payload.split_at(start);
    let length = match length {
        0 => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        length => length.min(rest.len()),
    };
    // A counted message keeps its count, so that it is read the same when it is replayed.
    let counted = batch.format == Format::SyslogFrames.as_str();
    let count = if counted { count(before, length) } else { None };
    let (count, length) = count.unwrap_or((0, length));
    let bytes = batch.payload.get(start - count..start + length).unwrap_or_default();
    let detail = format!("record {record} at byte {offset}: {detail}");
    letter(batch, index, reason, detail, bytes)
}

/// How many bytes of the count stand before a counted message, and how many it counts: `length`, and the line break
/// that may be at its end.
fn count(before: &[u8], length: usize) -> Option<(usize, usize)> {
    (length..=length + 2).find_map(|counted| {
        let text = format!("{counted} ");
        before.ends_with(text.as_bytes()).then_some((text.len(), counted))
    })
}

/// A batch that could not be read from somewhere on.
pub(super) fn whole(batch: &BatchRef<'_>, index: u32, reason: &'static str, detail: String) -> DeadLetter {
    letter(batch, index, reason, detail, batch.payload)
}

pub(super) fn letter(
    batch: &BatchRef<'_>,
    index: u32,
    reason: &str,
    detail: String,
    bytes: &[u8],
) -> DeadLetter {
    DeadLetter {
        id: EventId { batch: batch.id, index },
        organisation: batch.organisation.clone(),
        source: batch.source.clone(),
        received: batch.received,
        format: batch.format.to_owned(),
        reason: reason.to_owned(),
        detail,
        content: bytes.to_vec(),
    }
}
