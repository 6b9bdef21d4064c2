//! Who sends, and which devices are heard of.
//!
//! Two million devices that are heard of every few seconds cannot be written down each time, nor can all their
//! names be kept. What is new is written soon; a device that is known is written again when it is heard of a quarter
//! of an hour later. In between it is a number and a count. A source as a whole, the device without a name, is heard
//! with each of its batches and written with the next [`Heartbeats::store_sources`].
//!
//! Invariant: what is not written yet is in a count, whatever becomes of a write.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;

use ward_core::{OrganisationId, SourceId, Timestamp};
use ward_store::heartbeats::{DEVICE_EVERY, Heartbeat as Row, WHOLE_SOURCE};

use super::eyes;

/// Most devices of which something is remembered; above it, all are forgotten and begin anew.
const MOST: usize = 1 << 22;
/// Most names that wait to be written; whoever finds no room is heard of again.
const WAITING: usize = 1 << 17;
/// Most devices that are written at a time, so that findings do not wait for long; the rest is next.
const TOGETHER: usize = 10_000;
/// How long a known device waits to be written, in microseconds.
const KNOWN: i64 = DEVICE_EVERY;

/// What was heard and is not written yet.
#[derive(Debug, Default)]
pub struct Heartbeats {
    numbers: HashMap<(OrganisationId, SourceId), u32>,
    senders: Vec<(OrganisationId, SourceId)>,
    /// By sender and fingerprint of the name: 40 bytes each.
    beats: HashMap<u64, Beat>,
    due: VecDeque<Due>,
    /// Sources as a whole, of which there are few: none of them waits for devices.
    due_sources: Vec<Due>,
    hasher: foldhash::fast::RandomState,
}

#[derive(Debug)]
struct Beat {
    first: i64,
    last: i64,
    /// `NEVER`: it is new.
    written: i64,
    events: u32,
    is_due: bool,
}

const NEVER: i64 = i64::MIN;

/// A device that is to be written.
#[derive(Debug)]
struct Due {
    sender: u32,
    print: u64,
    device: Box<str>,
}

impl Heartbeats {
    /// Takes in what a frame told.
    pub fn note(&mut self, heard: Vec<eyes::Heartbeats>) {
        for eyes::Heartbeats { organisation, source, received, devices } in heard {
            let sender = self.sender(organisation, source);
            self.hear(sender, WHOLE_SOURCE.into(), 0, received.micros());
            for (device, events) in devices {
                self.hear(sender, device, events, received.micros());
            }
        }
    }

    /// Has all sources that were heard written. `false`: they could not be, and stay.
    pub fn store_sources(&mut self, now: Timestamp, write: impl FnOnce(&[Row]) -> bool) -> bool {
        let rows: Vec<Row> = self.due_sources.iter().filter_map(|due| self.row(due)).collect();
        if rows.is_empty() {
            return true;
        }
        if !write(&rows) {
            return false;
        }
        for due in std::mem::take(&mut self.due_sources) {
            self.written(&due, now);
        }
        true
    }

    /// Has the next devices that are due written. What could not be written stays.
    pub fn store(&mut self, now: Timestamp, write: impl FnOnce(&[Row]) -> bool) {
        let rows: Vec<Row> = self.due.iter().take(TOGETHER).filter_map(|due| self.row(due)).collect();
        if rows.is_empty() || !write(&rows) {
            return;
        }
        let others = self.due.split_off(TOGETHER.min(self.due.len()));
        for due in std::mem::replace(&mut self.due, others) {
            self.written(&due, now);
        }
        if self.beats.len() >= MOST {
            self.beats.retain(|_, beat| beat.is_due);
        }
    }

    fn written(&mut self, due: &Due, now: Timestamp) {
        if let Some(beat) = self.beats.get_mut(&due.print) {
            (beat.events, beat.first, beat.written, beat.is_due) = (0, beat.last, now.micros(), false);
        }
    }

    fn sender(&mut self, organisation: OrganisationId, source: SourceId) -> u32 {
        let key = (organisation, source);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = u32::try_from(self.senders.len()).unwrap_or(u32::MAX);
        self.senders.push(key.clone());
        self.numbers.insert(key, number);
        number
    }

    fn hear(&mut self, sender: u32, device: Box<str>, events: u64, at: i64) {
        let print = self.hasher.hash_one((sender, &*device));
        let beat = self.beats.entry(print).or_insert(Beat {
            first: at,
            last: at,
            written: NEVER,
            events: 0,
            is_due: false,
        });
        beat.events = beat.events.saturating_add(u32::try_from(events).unwrap_or(u32::MAX));
        beat.first = beat.first.min(at);
        beat.last = beat.last.max(at);
        if beat.is_due {
            return;
        }
        let waited = beat.written == NEVER || at.saturating_sub(beat.written) >= KNOWN;
        if *device == *WHOLE_SOURCE {
            beat.is_due = true;
            self.due_sources.push(Due { sender, print, device });
        } else if waited && self.due.len() < WAITING {
            beat.is_due = true;
            self.due.push_back(Due { sender, print, device });
        }
    }

    fn row(&self, due: &Due) -> Option<Row> {
        let (organisation, source) = self.senders.get(due.sender as usize)?;
        let beat = self.beats.get(&due.print)?;
        Some(Row {
            organisation: organisation.clone(),
            source: source.clone(),
            device: due.device.to_string(),
            first_seen: Timestamp::from_micros(beat.first),
            last_seen: Timestamp::from_micros(beat.last),
            events: u64::from(beat.events),
        })
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

    fn sources(beats: &mut Heartbeats, now: i64) -> Vec<(String, u64, i64)> {
        let mut rows = Vec::new();
        beats.store_sources(Timestamp::from_micros(now), |due| {
            rows = due.iter().map(|row| (row.device.clone(), row.events, row.last_seen.micros())).collect();
            true
        });
        rows
    }

    fn written(beats: &mut Heartbeats, now: i64) -> Vec<(String, u64)> {
        let mut rows = Vec::new();
        beats.store(Timestamp::from_micros(now), |due| {
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
        assert_eq!(written(&mut beats, 2), []);
        beats.note(heard("pc1", 1 + KNOWN));
        assert_eq!(written(&mut beats, 1 + KNOWN), [("pc1".to_owned(), 4)], "with what was heard in between");
        assert_eq!(written(&mut beats, 1 + 3 * KNOWN), [], "who sends nothing is not written");
    }

    #[test]
    fn a_source_as_a_whole_is_due_with_each_batch_whatever_devices_it_names() {
        let mut beats = Heartbeats::default();
        beats.note(heard("pc1", 1));
        assert_eq!(sources(&mut beats, 1), [(String::new(), 0, 1)]);
        assert_eq!(sources(&mut beats, 1), []);
        beats.note(heard("pc1", 2));
        assert!(!beats.store_sources(Timestamp::from_micros(2), |_| false));
        beats.note(heard("", 3));
        assert_eq!(sources(&mut beats, 3), [(String::new(), 2, 3)], "with the events that name no device");
        assert_eq!(written(&mut beats, 3), [("pc1".to_owned(), 4)]);
    }

    #[test]
    fn what_could_not_be_written_stays_due() {
        let mut beats = Heartbeats::default();
        beats.note(heard("pc1", 1));
        beats.store(Timestamp::from_micros(1), |_| false);
        beats.note(heard("pc1", 2));
        assert_eq!(written(&mut beats, 2), [("pc1".to_owned(), 4)]);
    }

    #[test]
    fn many_new_devices_are_written_by_and_by() {
        let mut beats = Heartbeats::default();
        (0..TOGETHER + 5).for_each(|n| beats.note(heard(&format!("pc{n}"), 1)));
        assert_eq!(written(&mut beats, 1).len(), TOGETHER);
        assert_eq!(written(&mut beats, 1).len(), 5);
    }
}
