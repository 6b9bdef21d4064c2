//! For how long events are kept.
//!
//! It counts from when they came, not from when they say they happened: a file of an old day is kept as long as
//! any other, and a clock that is wrong neither loses events nor keeps them for ever.

use ward_core::{OrganisationId, Timestamp};

/// For how many days events are kept after they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// For how many days, where nothing else is said. `None`: for ever.
    pub days: Option<u32>,
    /// What is said of single organisations.
    pub of: Vec<(OrganisationId, Option<u32>)>,
}

impl Retention {
    /// For how many days events of the organisation are kept. `None`: for ever.
    pub fn days_of(&self, organisation: &OrganisationId) -> Option<u32> {
        let own = self.of.iter().find(|(of, _)| of == organisation);
        own.map_or(self.days, |(_, days)| *days)
    }

    /// The time before which events of the organisation must have come to be over. `None`: none are.
    pub fn over_before(&self, organisation: &OrganisationId, now: Timestamp) -> Option<Timestamp> {
        let days = i64::from(self.days_of(organisation)?);
        Some(Timestamp::from_micros(now.micros().saturating_sub(days.saturating_mul(86_400_000_000))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_go_when_their_organisations_time_is_over_and_not_before() {
        let id = |code: &str| OrganisationId::new(code).unwrap();
        let retention = Retention { days: Some(90), of: vec![(id("RCB"), None), (id("RAE"), Some(1))] };
        let now = Timestamp::from_micros(1_795_737_600_000_000);
        let days = |retention: &Retention, code: &str| {
            let before = retention.over_before(&id(code), now)?;
            Some((now.micros() - before.micros()) / 86_400_000_000)
        };
        assert_eq!(days(&retention, "RR8"), Some(90));
        assert_eq!(days(&retention, "RCB"), None);
        assert_eq!(days(&retention, "RAE"), Some(1));
        assert_eq!(days(&Retention::default(), "RR8"), None);
        let longest = Retention { days: Some(u32::MAX), of: Vec::new() };
        assert!(longest.over_before(&id("RR8"), now).is_some());
    }
}
