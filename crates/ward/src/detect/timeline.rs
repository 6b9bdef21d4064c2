//! When findings happened: counts per stretch of time, at a resolution that fits what is shown.
//!
//! Counting starts by the second. When there are too many seconds to hold, stretches are joined to longer
//! ones, each made of whole shorter ones, so a count is never split. What is shown is the finest
//! resolution whose rows fit the page; longer stretches without findings are one row.
//!
//! Invariant: memory is bounded by [`MAX_STRETCHES`], whatever times events claim.

use std::collections::BTreeMap;

use ward_core::{Severity, Timestamp};

use super::finding::clock_text;

/// Counts by level, least severe first.
pub type ByLevel = [u64; Severity::ALL.len()];

/// Most stretches that are held.
const MAX_STRETCHES: usize = 4096;

/// A length of stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    /// So many seconds.
    Seconds(i64),
    /// So many months of the calendar.
    Months(i64),
}

/// Lengths, each made of whole ones before it, and their names.
const LENGTHS: [(Length, &str); 12] = [
    (Length::Seconds(1), "second"),
    (Length::Seconds(10), "10 seconds"),
    (Length::Seconds(MINUTE), "minute"),
    (Length::Seconds(10 * MINUTE), "10 minutes"),
    (Length::Seconds(60 * MINUTE), "hour"),
    (Length::Seconds(6 * 60 * MINUTE), "6 hours"),
    (Length::Seconds(DAY), "day"),
    (Length::Months(1), "month"),
    (Length::Months(12), "year"),
    (Length::Months(120), "10 years"),
    (Length::Months(1200), "100 years"),
    (Length::Months(12_000_000), "1,000,000 years"),
];

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

/// When findings happened.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// Index into `LENGTHS`.
    length: usize,
    /// By start in units of the length.
    stretches: BTreeMap<i64, ByLevel>,
}

/// A timeline ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// How long the stretch of a row is, in words.
    pub length: String,
    /// The rows, earliest first.
    pub rows: Vec<Row>,
}

/// A row of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A stretch with findings.
    Stretch {
        /// When it begins, as far as its length needs it said.
        from: String,
        /// Its findings.
        counts: ByLevel,
    },
    /// Nothing happened for so many stretches.
    Gap(u64),
}

impl Timeline {
    /// Counts a finding.
    pub fn add(&mut self, time: Timestamp, level: Severity) {
        let mut start = time.seconds();
        for step in 0..self.length {
            start = coarser(start, step);
        }
        self.stretches.entry(start).or_default()[level as usize] += 1;
        self.bound();
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, mut other: Self) {
        while self.length < other.length {
            self.coarsen();
        }
        while other.length < self.length {
            other.coarsen();
        }
        for (start, counts) in other.stretches {
            let sum = self.stretches.entry(start).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        self.bound();
    }

    /// The finest rows of which there are no more than `most`.
    pub fn rows(&self, most: usize) -> Rows {
        let mut shown = self.clone();
        while shown.row_count() > most && shown.length + 1 < LENGTHS.len() {
            shown.coarsen();
        }
        let mut rows = Vec::new();
        let mut before: Option<i64> = None;
        for (&start, counts) in &shown.stretches {
            match before.map_or(0, |before| start - before - 1) {
                0 => {}
                1 => rows.push(shown.row(start - 1, ByLevel::default())),
                gap => rows.push(Row::Gap(gap.unsigned_abs())),
            }
            rows.push(shown.row(start, *counts));
            before = Some(start);
        }
        Rows { length: name(shown.length), rows }
    }

    fn row(&self, start: i64, counts: ByLevel) -> Row {
        let from = match LENGTHS.get(self.length).map(|(length, _)| *length) {
            Some(Length::Seconds(unit)) => {
                let start = Timestamp::from_micros(start.saturating_mul(unit).saturating_mul(1_000_000));
                let from = clock_text(start);
                let shown = if unit < MINUTE {
                    19
                } else if unit < DAY {
                    16
                } else {
                    10
                };
                from.get(..shown).unwrap_or(&from).to_owned()
            }
            Some(Length::Months(1)) => format!("{:04}-{:02}", start.div_euclid(12), start.rem_euclid(12) + 1),
            Some(Length::Months(unit)) => format!("{:04}", start * (unit / 12)),
            None => String::new(),
        };
        Row::Stretch { from, counts }
    }

    fn row_count(&self) -> usize {
        let starts = self.stretches.keys();
        let gaps = starts.clone().zip(starts.skip(1)).filter(|(a, b)| **b - **a > 1).count();
        self.stretches.len() + gaps
    }

    fn bound(&mut self) {
        while self.stretches.len() > MAX_STRETCHES && self.length + 1 < LENGTHS.len() {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        for (start, counts) in std::mem::take(&mut self.stretches) {
            let sum = self.stretches.entry(coarser(start, self.length)).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        self.length += 1;
    }
}

/// The number of the stretch of the length after `length` that the stretch `start` of `length` is in.
fn coarser(start: i64, length: usize) -> i64 {
    let of = |length: usize| LENGTHS.get(length).map(|(length, _)| *length);
    match (of(length), of(length + 1)) {
        (Some(Length::Seconds(unit)), Some(Length::Seconds(next))) => start.div_euclid(next / unit),
        (Some(Length::Seconds(unit)), Some(Length::Months(_))) => {
            month_of(start.saturating_mul(unit).div_euclid(DAY))
        }
        (Some(Length::Months(unit)), Some(Length::Months(next))) => start.div_euclid(next / unit),
        _ => start,
    }
}

/// The month of a day, counted from January of the year 0; days are counted from 1970-01-01 (proleptic
/// Gregorian calendar).
fn month_of(day: i64) -> i64 {
    // Years that begin in March end with the leap day, if there is one; 400 of them have the same days.
    let day = day + DAYS_TO_1970;
    let (era, day) = (day.div_euclid(DAYS_IN_400_YEARS), day.rem_euclid(DAYS_IN_400_YEARS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    (era * 400 + year) * 12 + month + 2
}

/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_IN_400_YEARS: i64 = 146_097;

fn name(length: usize) -> String {
    LENGTHS.get(length).map(|(_, name)| (*name).to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(times: &[&str]) -> Timeline {
        let mut timeline = Timeline::default();
        for time in times {
            timeline.add(Timestamp::parse(time).unwrap(), Severity::High);
        }
        timeline
    }

    fn froms(rows: &Rows) -> Vec<String> {
        let text = |row: &Row| match row {
            Row::Stretch { from, counts } => format!("{from} x{}", counts[Severity::High as usize]),
            Row::Gap(gap) => format!("gap {gap}"),
        };
        rows.rows.iter().map(text).collect()
    }

    #[test]
    fn two_bursts_years_apart_are_told_apart_to_the_second() {
        let rows = timeline(&["2019-03-01 10:00:00", "2019-03-01 10:00:02", "2021-01-01 00:00:00"]).rows(20);
        assert_eq!(rows.length, "second");
        assert_eq!(
            froms(&rows),
            [
                "2019-03-01 10:00:00 x1",
                "2019-03-01 10:00:01 x0",
                "2019-03-01 10:00:02 x1",
                "gap 58024797",
                "2021-01-01 00:00:00 x1"
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_joined_to_longer_stretches() {
        let mut timeline = Timeline::default();
        for minute in 0..600 {
            timeline.add(Timestamp::from_micros(minute * 60_000_000), Severity::High);
        }
        let rows = timeline.rows(20);
        assert_eq!(rows.length, "hour");
        assert_eq!(rows.rows.len(), 10);
        assert_eq!(froms(&rows)[0], "1970-01-01 00:00 x60");
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (date, month) in [
            ("1970-01-01", "1970-01"),
            ("2000-02-29", "2000-02"),
            ("2000-03-01", "2000-03"),
            ("2023-12-31", "2023-12"),
            ("1899-12-31", "1899-12"),
            ("0004-02-29", "0004-02"),
        ] {
            let month_number = month_of(Timestamp::parse(date).unwrap().seconds().div_euclid(DAY));
            let text = format!("{:04}-{:02}", month_number.div_euclid(12), month_number.rem_euclid(12) + 1);
            assert_eq!(text, month, "{date}");
        }
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost_whatever_the_times() {
        let mut timeline = Timeline::default();
        for step in 0..20_000_i64 {
            timeline.add(Timestamp::from_micros((step * step).wrapping_mul(987_654_321_987)), Severity::Low);
        }
        timeline.add(Timestamp::from_micros(i64::MIN), Severity::Low);
        timeline.add(Timestamp::from_micros(i64::MAX), Severity::Low);
        assert!(timeline.stretches.len() <= MAX_STRETCHES);
        let rows = timeline.rows(20);
        assert!(rows.rows.len() <= 20, "{rows:?}");
        let sum: u64 = rows
            .rows
            .iter()
            .map(|row| match row {
                Row::Stretch { counts, .. } => counts.iter().sum(),
                Row::Gap(_) => 0,
            })
            .sum();
        assert_eq!(sum, 20_002);
    }

    #[test]
    fn timelines_of_different_resolution_add_up() {
        let mut long = Timeline::default();
        for day in 0..5000 {
            long.add(Timestamp::from_micros(day * 86_400_000_000), Severity::High);
        }
        let mut short = timeline(&["1970-01-01 00:00:05"]);
        short.merge(long.clone());
        long.merge(timeline(&["1970-01-01 00:00:05"]));
        assert_eq!(short.rows(20), long.rows(20));
    }
}
