//! Devices, and when each was last heard of.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ward_core::{OrganisationId, SourceId, Timestamp};
use ward_store::heartbeats::{self, DEVICE_EVERY, Heartbeat, WHOLE_SOURCE};
use ward_store::sources;

use crate::ask::{Answer, Ask, shown};
use crate::{cursor, json};

pub(crate) const LIST: &str = "devices";

/// `GET /api/v1/devices`
pub(crate) async fn list(ask: Ask) -> Answer {
    let after = cursor::read(LIST, ask.parameters.text("cursor"), place)?;
    let scope = ask.narrowed().await?;
    let beats = heartbeats::list(ask.store(), &scope, after.as_ref(), ask.limit()).await?;
    let sources = sources::list(ask.store(), &scope).await?;
    let pauses: BTreeMap<&SourceId, i64> = sources
        .iter()
        .filter_map(|entered| Some((&entered.source.id, entered.source.silent_after?)))
        .collect();
    let silent = |beat: &Heartbeat| {
        let pause = ask.now.micros().saturating_sub(beat.last_seen.micros());
        let unrecorded = if beat.device == WHOLE_SOURCE { 0 } else { DEVICE_EVERY };
        pauses.get(&beat.source).is_some_and(|longest| pause.saturating_sub(unrecorded) > *longest)
    };
    let last = beats.last().filter(|_| beats.len() >= ask.limit() as usize);
    shown(&json!({
        "devices": beats.iter().map(|beat| json::device(beat, silent(beat))).collect::<Vec<Value>>(),
        "next": last.map(|last| {
            let Heartbeat { organisation, source, device, .. } = last;
            cursor::shown(LIST, &format!("{organisation}\n{source}\n{device}"))
        }),
    }))
}

/// The device that a page ended with; only its names count.
pub(crate) fn place(text: &str) -> Option<Heartbeat> {
    let mut parts = text.splitn(3, '\n');
    Some(Heartbeat {
        organisation: OrganisationId::new(parts.next()?).ok()?,
        source: SourceId::new(parts.next()?).ok()?,
        device: parts.next()?.to_owned(),
        first_seen: Timestamp::from_micros(0),
        last_seen: Timestamp::from_micros(0),
        events: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_with_a_device_whatever_it_is_called() {
        let beat = place("RR8\nleeds-dc\npc 1\nodd").unwrap();
        assert_eq!((beat.organisation.as_str(), beat.device.as_str()), ("RR8", "pc 1\nodd"));
        for wrong in ["", "RR8\nleeds-dc", "../x\na\nb"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
