//! Who sends, and which devices are heard of.
//!
//! Two million devices that are heard of every few seconds cannot be written down each time. What is new, and
//! sources as a whole, are written at once; a device that is known is written every quarter of an hour.

use std::collections::HashMap;

use ward_core::{OrganisationId, SourceId, Timestamp};
use ward_store::heartbeats::Heartbeat as Row;

use super::eyes;

/// Most devices that are remembered between writes; above it, all are written and forgotten.
const MOST: usize = 1 << 20;
/// Most devices that are written at a time, so that findings do not wait for long; the rest is next.
const TOGETHER: usize = 10_000;
/// How long a known device waits to be written, in microseconds.
const KNOWN: i64 = 15 * 60 * 1_000_000;

/// What was heard and is not written yet.
#[derive(Debug, Default)]
pub struct Heartbeats {
    heard: HashMap<(OrganisationId, SourceId), Beats>,
    devices: usize,
}

type Beats = HashMap<Box<str>, Beat, foldhash::fast::RandomState>;

#[derive(Debug)]
struct Beat {
    events: u64,
    first: Timestamp,
    last: Timestamp,
    written: Option<Timestamp>,
}

impl Heartbeats {
    /// Takes in what a frame told.
    pub fn note(&mut self, heard: Vec<eyes::Heartbeats>) {
        for eyes::Heartbeats { organisation, source, received: at, devices } in heard {
            let beats = self.heard.entry((organisation, source)).or_default();
            for (device, events) in devices {
                let beat =
                    beats.entry(device).or_insert(Beat { events: 0, first: at, last: at, written: None });
                beat.events += events;
                beat.first = beat.first.min(at);
                beat.last = beat.last.max(at);
            }
        }
        self.devices = self.heard.values().map(HashMap::len).sum();
    }

    /// Has what is due written; `all`: everything. What could not be written stays.
    pub fn store(&mut self, all: bool, now: Timestamp, write: impl FnOnce(&[Row]) -> bool) {
        let full = self.devices >= MOST;
        let is_due = |device: &str, beat: &Beat| {
            let waited = beat.written.is_none_or(|at| now.micros() - at.micros() >= KNOWN);
            beat.events > 0 && (all || full || waited || device.is_empty())
        };
        let together = if all || full { usize::MAX } else { TOGETHER };
        let beats = self.heard.iter().flat_map(|(key, beats)| beats.iter().map(move |beat| (key, beat)));
        let due = beats.filter(|(_, (device, beat))| is_due(device, beat)).take(together);
        let rows: Vec<Row> = due
            .map(|((organisation, source), (device, beat))| Row {
                organisation: organisation.clone(),
                source: source.clone(),
                device: device.to_string(),
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
            self.devices = 0;
            return;
        }
        let written = self.heard.values_mut().flatten().filter(|(device, beat)| is_due(device, beat));
        for (_, beat) in written.take(together) {
            (beat.events, beat.first, beat.written) = (0, beat.last, Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(device: &str, at: i64) -> Vec<eyes::Heartbeats> {
        vec![eyes::Heartbeats {
            organisation: OrganisationId::new("RR8").unwrap(),
            source: SourceId::new("dc").unwrap(),
            received: Timestamp::from_micros(at),
            devices: [(device.into(), 2)].into_iter().collect(),
        }]
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
