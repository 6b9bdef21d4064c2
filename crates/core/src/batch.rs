//! What a source handed over in one go: the unit that is journalled, acknowledged and replayed.

use std::fmt;

use crate::{OrganisationId, SourceId, Timestamp};

/// Number of a batch in its hub's journal, from 1, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// One event of the hub: the same after each replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The batch it came in.
    pub batch: BatchId,
    /// Which of the batch's events it is, from 0.
    pub index: u32,
}

/// Whole records of one source, as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whose events they are.
    pub organisation: OrganisationId,
    /// Who sent them.
    pub source: SourceId,
    /// When the last byte of them came.
    pub received: Timestamp,
    /// Name of the format of `payload`, as `ward_telemetry::input::Format` names it.
    pub format: String,
    /// The bytes: a stream of that format, complete in itself.
    pub payload: Vec<u8>,
}

impl fmt::Display for EventId {
    /// `batch.index`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.batch.0, self.index)
    }
}

impl std::str::FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (batch, index) = text.split_once('.').ok_or(())?;
        Ok(Self { batch: BatchId(batch.parse().map_err(|_| ())?), index: index.parse().map_err(|_| ())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_again_by_what_is_shown_of_it() {
        let id = EventId { batch: BatchId(4711), index: 3 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "1", "1.", ".1", "1.2.3", "-1.2", "1.4294967296"] {
            assert_eq!(wrong.parse::<EventId>(), Err(()), "{wrong}");
        }
    }
}
