//! A file of the lake: one organisation's events of one day, from one segment.
//!
//! Invariant: whose events a file holds is in its path and nowhere else decided, so that a scope can be
//! enforced by names alone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, date};
use ward_core::{OrganisationId, Timestamp};

use crate::LakeError;

/// A day in UTC, from year 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// A file of the lake, as the catalogue keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFile {
    /// From the root of the lake: `organisation=RXX/day=2026-11-26/<segment>.parquet`.
    pub path: String,
    /// Whose events.
    pub organisation: OrganisationId,
    /// The day, in UTC, on which they happened.
    pub day: Day,
    /// How many events.
    pub rows: u64,
    /// How long the file is.
    pub bytes: u64,
    /// When the first of them happened.
    pub min_time: Timestamp,
    /// When the last of them happened.
    pub max_time: Timestamp,
    /// CRC-32 (IEEE) of the file.
    pub digest: u32,
    /// Where in the file the times and filters of its row groups are, so that a search need not open it.
    /// About 110 bytes for each 32,768 rows. Empty: it must be looked up in the file.
    pub index: Vec<u8>,
}

impl Day {
    /// The day of a point in time.
    pub fn of(time: Timestamp) -> Self {
        let micros = time.micros().clamp(FIRST, LAST);
        let zoned = jiff::Timestamp::from_microsecond(micros).map(|at| at.to_zoned(jiff::tz::TimeZone::UTC));
        Self(zoned.map_or(date(1, 1, 1), |zoned| zoned.date()))
    }

    /// Its first microsecond.
    pub fn start(self) -> Timestamp {
        let days = (self.0 - date(1970, 1, 1)).get_days();
        Timestamp::from_micros(i64::from(days) * 86_400_000_000)
    }

    /// The first microsecond after it.
    pub fn end(self) -> Timestamp {
        Timestamp::from_micros(self.start().micros() + 86_400_000_000)
    }
}

impl fmt::Display for Day {
    /// `2026-11-26`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let day: Date = text.parse().map_err(|_| ())?;
        (day.year() >= 1 && day.to_string() == text).then_some(Self(day)).ok_or(())
    }
}

/// Where the events of an organisation, day and segment are kept.
///
/// # Errors
/// The segment's name is no safe file name.
pub fn path_of(organisation: &OrganisationId, day: Day, segment: &str) -> Result<String, LakeError> {
    // the same rule as for codes: no separator, no dot in front
    match OrganisationId::new(segment) {
        Ok(_) => Ok(format!("organisation={organisation}/day={day}/{segment}.parquet")),
        Err(_) => Err(LakeError::BadSegment(segment.chars().take(80).collect())),
    }
}

/// Whose events of which day are kept at this path, and from which segment.
///
/// # Errors
/// The lake keeps nothing there.
pub fn place_of(path: &str) -> Result<(OrganisationId, Day, &str), LakeError> {
    let place = || {
        let mut parts = path.split('/');
        let organisation = parts.next()?.strip_prefix("organisation=")?;
        let day = parts.next()?.strip_prefix("day=")?;
        let segment = parts.next()?.strip_suffix(".parquet")?;
        let segment_is_safe = OrganisationId::new(segment).is_ok() && parts.next().is_none();
        let organisation = OrganisationId::new(organisation).ok()?;
        segment_is_safe.then_some((organisation, day.parse().ok()?, segment))
    };
    place().ok_or_else(|| LakeError::BadPath(path.chars().take(200).collect()))
}

impl LakeFile {
    /// Whether its path says what the entry says of it.
    pub(crate) fn is_where_it_says(&self) -> bool {
        place_of(&self.path)
            .is_ok_and(|(organisation, day, _)| organisation == self.organisation && day == self.day)
    }
}

// 0001-01-01 and 9999-12-30T21:59:59.999999: what jiff takes, whatever the zone
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_207_199_999_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_has_a_day_and_each_day_its_moments() {
        for (time, day) in [
            ("2026-11-26T23:59:59.999999Z", "2026-11-26"),
            ("1969-12-31T23:59:59Z", "1969-12-31"),
            ("2024-02-29T00:00:00Z", "2024-02-29"),
        ] {
            let time = Timestamp::parse(time).unwrap();
            let found = Day::of(time);
            assert_eq!(found.to_string(), day);
            assert!(found.start() <= time && time < found.end());
        }
        assert_eq!(Day::of(Timestamp::from_micros(i64::MIN)).to_string(), "0001-01-01");
        assert_eq!(Day::of(Timestamp::from_micros(i64::MAX)).to_string(), "9999-12-30");
    }

    #[test]
    fn a_path_says_whose_events_it_holds() {
        let leeds = OrganisationId::new("RR8").unwrap();
        let day = "2026-11-26".parse().unwrap();
        let path = path_of(&leeds, day, "17-18").unwrap();
        assert_eq!(place_of(&path).unwrap(), (leeds.clone(), day, "17-18"));
        assert!(path_of(&leeds, day, "../17").is_err());
    }

    #[test]
    fn no_other_path_is_taken() {
        for path in [
            "",
            "/etc/passwd",
            "organisation=RR8/day=2026-11-26/../../organisation=RCB/day=2026-11-26/1.parquet",
            "organisation=RR8/day=2026-11-26/..parquet",
            "organisation=../day=2026-11-26/1.parquet",
            "organisation=RR8/day=2026-13-26/1.parquet",
            "organisation=RR8/day=2026-11-26T00:00/1.parquet",
            "organisation=RR8/1.parquet",
            "./organisation=RR8/day=2026-11-26/1.parquet",
            "organisation=RR8//day=2026-11-26/1.parquet",
            "organisation=RR8/day=2026-11-26/1.parquet/",
        ] {
            assert!(place_of(path).is_err(), "{path}");
        }
    }
}
