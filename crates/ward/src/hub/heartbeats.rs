//! Who sends, and which devices are heard of.
//!
//! Two million devices that are heard of every few seconds cannot be written down each time. What is new, and
//! sources as a whole, are written at once; a device that is known is written every quarter of an hour.

use std::collections::HashMap;

use ward_core::Timestamp;
use ward_store::heartbeats::Heartbeat as Row;

use super::eyes::Heartbeat;

/// Most devices that are remembered between writes; above it, all are written and forgotten.
const MOST: usize = 1 << 20;
/// How long a known device waits to be written, in microseconds.
const KNOWN: i64 = 15 * 60 * 1_000_000;

/// What was heard and is not written yet.
#[derive(Debug, Default)]
pub struct Heartbeats {
    heard: HashMap<Heartbeat, Beat>,
}

#[derive(Debug)]
struct Beat {
    events: u64,
    first: Timestamp,
    last: Timestamp,
    written: Option<Timestamp>,
}

impl Heartbeats {
    /// Takes in what a frame told.
    pub fn note(&mut self, heard: HashMap<Heartbeat, (u64, Timestamp)>) {
        for (key, (events, at)) in heard {
            let beat =
                self.heard.entry(key).or_insert(Beat { events: 0, first: at, last: at, written: None });
            beat.events += events;
            beat.first = beat.first.min(at);
            beat.last = beat.last.max(at);
        }
    }

    /// Has what is due written; `all`: everything. What could not be written stays.
    pub fn store(&mut self, all: bool, now: Timestamp, write: impl FnOnce(&[Row]) -> bool) {
        let full = self.heard.len() >= MOST;
        let is_due = |key: &Heartbeat, beat: &Beat| {
            let waited = beat.written.is_none_or(|at| now.micros() - at.micros() >= KNOWN);
            beat.events > 0 && (all || full || waited || key.device.is_empty())
        };
        let rows: Vec<Row> = self
            .heard
            .iter()
            .filter(|(key, beat)| is_due(key, beat))
            .map(|(key, beat)| Row {
                organisation: key.organisation.clone(),
                source: key.source.clone(),
                device: key.device.to_string(),
                first_seen: beat.first,
                last_seen: beat.last,
                events: beat.events,
            })
            .collect();
        if rows.is_empty() || !write(&rows) {
            return;
        }
        if full {
            self.heard.clear();
            return;
        }
        for (key, beat) in &mut self.heard {
            if is_due(key, beat) {
                (beat.events, beat.first, beat.written) = (0, beat.last, Some(now));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ward_core::{OrganisationId, SourceId};

    use super::*;

    fn heard(device: &str, at: i64) -> HashMap<Heartbeat, (u64, Timestamp)> {
        let key = Heartbeat {
            organisation: OrganisationId::new("RR8").unwrap(),
            source: SourceId::new("dc").unwrap(),
            device: device.into(),
        };
        HashMap::from([(key, (2, Timestamp::from_micros(at)))])
    }

    fn written(beats: &mut Heartbeats, now: i64) -> Vec<(String, u64)> {
        let mut rows = Vec::new();
        beats.store(false, Timestamp::from_micros(now), |due| {
            rows = due.iter().map(|row| (row.device.clone(), row.events)).collect();
            true
        });
        rows.sort();
        rows
    }

    #[test]
    fn new_devices_are_written_at_once_and_known_ones_now_and_then() {
        let mut beats = Heartbeats::default();
        beats.note(heard("pc1", 1));
        assert_eq!(written(&mut beats, 1), [("pc1".to_owned(), 2)]);
        beats.note(heard("pc1", 2));
        beats.note(heard("", 2));
        assert_eq!(written(&mut beats, 2), [(String::new(), 2)], "a source as a whole is always due");
        beats.note(heard("pc1", 3));
        assert_eq!(written(&mut beats, 1 + KNOWN), [("pc1".to_owned(), 4)]);
        assert_eq!(written(&mut beats, 1 + 3 * KNOWN), [], "who sends nothing is not written");
    }

    #[test]
    fn what_could_not_be_written_stays_due() {
        let mut beats = Heartbeats::default();
        beats.note(heard("pc1", 1));
        beats.store(false, Timestamp::from_micros(1), |_| false);
        assert_eq!(written(&mut beats, 2), [("pc1".to_owned(), 2)]);
    }
}
