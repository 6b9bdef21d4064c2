//! For how long events are kept.

use ward_core::OrganisationId;

use crate::file::Day;

/// For how many days events are kept after the day on which they happened.
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

    /// Whether the time of the organisation's events of this day is over.
    pub fn is_over(&self, organisation: &OrganisationId, day: Day, today: Day) -> bool {
        self.days_of(organisation).is_some_and(|days| day.before(today) > i64::from(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_go_when_their_organisations_time_is_over_and_not_before() {
        let id = |code: &str| OrganisationId::new(code).unwrap();
        let retention = Retention { days: Some(90), of: vec![(id("RCB"), None), (id("RAE"), Some(1))] };
        let over = |retention: &Retention, code: &str, day: &str, today: &str| {
            retention.is_over(&id(code), day.parse().unwrap(), today.parse().unwrap())
        };
        for (code, day, gone) in [
            ("RR8", "2026-08-27", true),
            ("RR8", "2026-08-28", false),
            ("RCB", "2020-01-01", false),
            ("RAE", "2026-11-24", true),
            ("RAE", "2026-11-25", false),
            ("RAE", "2026-12-24", false),
        ] {
            assert_eq!(over(&retention, code, day, "2026-11-26"), gone, "{code} {day}");
        }
        assert!(!over(&Retention::default(), "RR8", "2026-08-27", "9999-01-01"));
    }
}
