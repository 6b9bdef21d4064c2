//! When findings happened: counts per stretch of time, at a resolution that fits what is shown.
//!
//! Counting starts by the second. When there are too many seconds to hold, stretches are joined to longer
//! ones, each a multiple of the one before, so a count is never split. What is shown is the finest
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

/// Lengths of stretches in seconds, and their names.
const LENGTHS: [(i64, &str); 8] = [
    (1, "second"),
    (10, "10 seconds"),
    (60, "minute"),
    (600, "10 minutes"),
    (3600, "hour"),
    (6 * 3600, "6 hours"),
    (86_400, "day"),
    (10 * 86_400, "10 days"),
];

/// When findings happened.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// Index into `LENGTHS`; beyond its end, each step is ten times as long.
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
        let start = time.seconds().div_euclid(seconds(self.length));
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
        while shown.row_count() > most && shown.stretches.len() > 1 {
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
        let unit = seconds(self.length);
        let from = clock_text(Timestamp::from_micros(start.saturating_mul(unit).saturating_mul(1_000_000)));
        let shown = match unit {
            0..60 => 19,
            60..86_400 => 16,
            _ => 10,
        };
        Row::Stretch { from: from.get(..shown).unwrap_or(&from).to_owned(), counts }
    }

    fn row_count(&self) -> usize {
        let starts = self.stretches.keys();
        let gaps = starts.clone().zip(starts.skip(1)).filter(|(a, b)| **b - **a > 1).count();
        self.stretches.len() + gaps
    }

    fn bound(&mut self) {
        while self.stretches.len() > MAX_STRETCHES {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        let factor = seconds(self.length + 1) / seconds(self.length);
        self.length += 1;
        for (start, counts) in std::mem::take(&mut self.stretches) {
            let sum = self.stretches.entry(start.div_euclid(factor)).or_default();
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
}

fn seconds(length: usize) -> i64 {
    match LENGTHS.get(length) {
        Some((seconds, _)) => *seconds,
        None => {
            let steps = u32::try_from(length + 1 - LENGTHS.len()).unwrap_or(u32::MAX);
            10_i64.saturating_pow(steps).saturating_mul(10 * 86_400)
        }
    }
}

fn name(length: usize) -> String {
    match LENGTHS.get(length) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("{} days", seconds(length) / 86_400),
    }
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
