//! For how long events are kept.

use ward_core::OrganisationId;

use crate::file::{Day, LakeFile};

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
}

/// The files whose time is over. They are struck off the catalogue first, and deleted then.
pub fn expired<'a>(
    files: &'a [LakeFile],
    retention: &Retention,
    today: Day,
) -> impl Iterator<Item = &'a LakeFile> {
    files.iter().filter(move |file| {
        let kept = retention.days_of(&file.organisation);
        kept.is_some_and(|days| file.day.before(today) > i64::from(days))
    })
}

#[cfg(test)]
mod tests {
    use ward_core::Timestamp;

    use super::*;

    fn file(organisation: &str, day: &str) -> LakeFile {
        LakeFile {
            path: format!("{organisation} {day}"),
            organisation: OrganisationId::new(organisation).unwrap(),
            day: day.parse().unwrap(),
            rows: 1,
            bytes: 1,
            min_time: Timestamp::from_micros(0),
            max_time: Timestamp::from_micros(0),
            digest: 0,
            index: Vec::new(),
        }
    }

    #[test]
    fn events_go_when_their_organisations_time_is_over_and_not_before() {
        let files = [
            file("RR8", "2026-08-27"),
            file("RR8", "2026-08-28"),
            file("RCB", "2020-01-01"),
            file("RAE", "2026-11-24"),
            file("RAE", "2026-11-25"),
            file("RAE", "2026-12-24"),
        ];
        let id = |code: &str| OrganisationId::new(code).unwrap();
        let retention = Retention { days: Some(90), of: vec![(id("RCB"), None), (id("RAE"), Some(1))] };
        let gone: Vec<&str> = expired(&files, &retention, "2026-11-26".parse().unwrap())
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(gone, ["RR8 2026-08-27", "RAE 2026-11-24"]);
        assert_eq!(expired(&files, &Retention::default(), "9999-01-01".parse().unwrap()).count(), 0);
    }
}
