//! One finding, as every output format gets it: borrowed from the event it was found in.

use std::fmt;

use ward_core::{Severity, Timestamp};

/// What was found, where and when.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// The rule or correlation that fired.
    pub rule: RuleFacts<'a>,
    /// The event; for a correlation the one that completed it.
    pub place: Place<'a>,
    /// When the event happened, if it says so.
    pub time: Option<Timestamp>,
    /// Where it happened.
    pub host: Option<&'a str>,
    /// Who did it.
    pub user: Option<&'a str>,
    /// What was seen.
    pub evidence: Evidence<'a>,
}

/// What a finding tells of its rule.
#[derive(Debug, Clone, Copy)]
pub struct RuleFacts<'a> {
    /// The rule's id.
    pub id: &'a str,
    /// What it detects.
    pub title: &'a str,
    /// How bad that is.
    pub level: Severity,
    /// Its tags.
    pub tags: &'a [String],
    /// Who wrote it.
    pub author: Option<&'a str>,
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The input's path as given; `-` for standard input.
    pub source: &'a str,
    /// EVTX: the EventRecordID. Else the number of the line, element or row, from 1.
    pub record: u64,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.record)
    }
}

/// What a finding rests on.
#[derive(Debug, Clone, Copy)]
pub enum Evidence<'a> {
    /// The event's record: one JSON object.
    Json(&'a [u8]),
    /// The event's record: a text.
    Text(&'a [u8]),
    /// Several events.
    Correlated(&'a Together<'a>),
}

/// What a correlation saw.
#[derive(Debug, Clone)]
pub struct Together<'a> {
    /// The word Sigma has for the correlation's type.
    pub kind: &'static str,
    /// Names and values of the group.
    pub group: &'a [(String, String)],
    /// Events in the window.
    pub count: u64,
    /// What the condition was asked of.
    pub value: f64,
    /// Time of the first of them.
    pub first: Timestamp,
    /// Time of the last of them.
    pub last: Timestamp,
    /// The latest of them, oldest first.
    pub places: Vec<Place<'a>>,
}

/// Date and time to the second, without zone: `2020-10-26 11:58:27`. Always in UTC.
pub fn clock_text(time: Timestamp) -> String {
    let text = Timestamp::from_micros(time.seconds().saturating_mul(1_000_000)).to_string();
    text.trim_end_matches('Z').replacen('T', " ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_to_the_second() {
        let time = Timestamp::parse("2020-10-26T11:58:27.997Z").unwrap();
        assert_eq!(clock_text(time), "2020-10-26 11:58:27");
        clock_text(Timestamp::from_micros(i64::MIN));
    }
}
