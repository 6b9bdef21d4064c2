//! Names that are the same after each replay.

use ring::digest::{Context, SHA256};
use ward_core::{BatchId, EventId, OrganisationId};

/// The id of what a rule found in an event: the same whenever the event is looked at.
pub fn finding(organisation: &OrganisationId, rule: &str, event: EventId) -> [u8; 16] {
    named(&[b"finding", organisation.as_str().as_bytes(), rule.as_bytes(), event.to_string().as_bytes()])
}

/// The id of what a correlation found: the group, and the event that completed it, tell it apart.
pub fn correlation(organisation: &OrganisationId, rule: &str, group: u64, last: EventId) -> [u8; 16] {
    let (group, last) = (group.to_le_bytes(), last.to_string());
    named(&[b"correlation", organisation.as_str().as_bytes(), rule.as_bytes(), &group, last.as_bytes()])
}

/// The id of something that is found by the passing of time, such as a silent source.
pub fn silence(organisation: &OrganisationId, source: &str, last_seen: i64) -> [u8; 16] {
    named(&[b"silence", organisation.as_str().as_bytes(), source.as_bytes(), &last_seen.to_le_bytes()])
}

/// The number by which correlations know an event. Leaves room for 2^22 events in a batch and 2^42 batches.
pub fn handle(event: EventId) -> u64 {
    event.batch.0 << INDEX_BITS | u64::from(event.index).min(INDEX_MASK)
}

/// The event with this number.
pub fn event(handle: u64) -> EventId {
    EventId { batch: BatchId(handle >> INDEX_BITS), index: (handle & INDEX_MASK) as u32 }
}

const INDEX_BITS: u32 = 22;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

fn named(parts: &[&[u8]]) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let mut id = [0; 16];
    id.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_again_by_its_number() {
        let id = EventId { batch: BatchId(1 << 40), index: 4_000_000 };
        assert_eq!(event(handle(id)), id);
    }

    #[test]
    fn ids_depend_on_each_part_and_nothing_else() {
        let leeds = OrganisationId::new("RR8").unwrap();
        let at = |batch, index| EventId { batch: BatchId(batch), index };
        assert_eq!(finding(&leeds, "r", at(1, 2)), finding(&leeds, "r", at(1, 2)));
        let york = OrganisationId::new("RCB").unwrap();
        let all = [
            finding(&leeds, "r", at(1, 2)),
            finding(&york, "r", at(1, 2)),
            finding(&leeds, "r1", at(1, 2)),
            finding(&leeds, "r", at(1, 3)),
            correlation(&leeds, "r", 1, at(1, 2)),
            correlation(&leeds, "r", 2, at(1, 2)),
        ];
        for (n, id) in all.iter().enumerate() {
            assert!(!all[..n].contains(id));
        }
    }
}
