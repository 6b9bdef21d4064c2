//! A finding to test with.

use ward_core::{BatchId, EventId, OrganisationId, Severity, SourceId, Timestamp};

use crate::FindingId;
use crate::findings::{Finding, RuleName};

pub(crate) fn finding(number: u8) -> Finding {
    Finding {
        id: FindingId([number; 16]),
        organisation: OrganisationId::new("RR8").unwrap(),
        source: SourceId::new("leeds-dc").unwrap(),
        events: vec![EventId { batch: BatchId(1), index: number.into() }],
        rule: RuleName { id: "r1".to_owned(), title: "Bad".to_owned(), tags: vec![] },
        level: Severity::High,
        host: Some("pc1".to_owned()),
        user: None,
        time: Timestamp::from_micros(0),
        received: Timestamp::from_micros(0),
        matched: serde_json::Map::new(),
        exception: None,
    }
}
