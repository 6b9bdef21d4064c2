//! One worker's eyes: a frame of the journal in; findings, sightings and rows of the lake out.
//!
//! Invariant: what is seen of a frame depends on the frame and the engine alone, so that a replay sees the
//! same again.
//! Invariant: every record of a frame becomes a row of the lake, or is told as undecodable with its reason.

mod aside;
mod seen;

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::sync::Arc;

use serde_json::{Map, Value};
use ward_core::{BatchId, Event, EventClass, EventId, FieldId, Timestamp};
use ward_detect::PlainEvent;
use ward_detect::compiled::Worker;
use ward_detect::correlate::{Reducer, Sighting};
use ward_journal::{BatchRef, Frame};
use ward_lake::{LakeRow, SegmentWriter};
use ward_store::findings::{Finding, RuleName};
use ward_store::segments::BatchName;
use ward_store::{ExceptionId, FindingId};
use ward_telemetry::input::{Decoded, Decoder, Format, Input, Options};
use ward_telemetry::taxonomy::{ObservableKind, Observables, Resolver};

use self::aside::{bad, free, letter, whole};
use super::engine::{Engine, Exceptions, LATENESS};
use super::{identity, inbox};
use crate::detect::problems::chain;
use crate::told::EventFields;

pub use self::seen::{Devices, Heartbeats, Lane, LaneKey, Seen};

/// A worker, with what it has learned.
pub struct Eyes {
    engine: Arc<Engine>,
    resolver: Resolver,
    worker: Worker,
    reducer: Reducer,
    decoder: Decoder,
    /// The day that dates without a year are read by.
    dated: i64,
    hits: Vec<u32>,
    observables: Observables,
    /// A row of a table behind its header.
    row: Vec<u8>,
    sources: HashMap<u32, String>,
    devices: Devices,
    /// What is being looked at.
    at: Option<BatchId>,
}

/// Where an event stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    batch: BatchRef<'a>,
    index: u32,
    /// The header of its table, to be kept with it.
    head: &'a [u8],
}

impl Eyes {
    /// Eyes that have seen nothing yet.
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            resolver: engine.resolver(),
            worker: Worker::new(Arc::clone(&engine.matcher)),
            reducer: engine.reducer(),
            decoder: Decoder::new(&Options::default()),
            dated: i64::MIN,
            hits: Vec::new(),
            observables: Observables::default(),
            row: Vec::new(),
            sources: HashMap::new(),
            devices: Devices::default(),
            at: None,
            engine,
        }
    }

    /// The batch that was being looked at when these eyes met a fault.
    pub fn at(&self) -> Option<BatchId> {
        self.at
    }

    /// Looks at a frame; its rows go to the lake. `detect`: whether to ask the rules, too. `faulty`: batches that are
    /// not to be looked at.
    pub fn look(
        &mut self,
        frame: &Frame,
        engine: &Arc<Engine>,
        exceptions: &Exceptions,
        lake: Option<&SegmentWriter>,
        detect: bool,
        faulty: &HashSet<BatchId>,
    ) -> Seen {
        if engine.generation != self.engine.generation {
            *self = Self::new(Arc::clone(engine));
        }
        let mut seen = Seen::default();
        for batch in frame.batches() {
            self.at = Some(batch.id);
            if faulty.contains(&batch.id) {
                let why = "a fault in Ward: please report it".to_owned();
                seen.undecodable.push(whole(&batch, 0, "fault", why));
            } else {
                #[cfg(test)]
                super::trials::fault(batch.payload);
                self.batch(batch, exceptions, lake, detect, &mut seen);
            }
            // Also of what nobody can read: who sends it is not silent.
            if detect {
                seen.heartbeats.push(Heartbeats {
                    organisation: batch.organisation.clone(),
                    source: batch.source.clone(),
                    received: batch.received,
                    devices: std::mem::take(&mut self.devices),
                });
            }
        }
        self.at = None;
        seen
    }

    fn batch(
        &mut self,
        batch: BatchRef<'_>,
        exceptions: &Exceptions,
        lake: Option<&SegmentWriter>,
        detect: bool,
        seen: &mut Seen,
    ) {
        seen.bytes += batch.payload.len() as u64;
        seen.received = seen.received.max(Some(batch.received));
        let BatchRef { id, received, .. } = batch;
        seen.names.extend(batch.key.map(|key| BatchName { key: key.0, batch: id, received }));
        if let Some(reason) = batch.format.strip_prefix(inbox::SET_ASIDE) {
            let detail = "could not be framed or decoded by the listener".to_owned();
            seen.undecodable.push(letter(&batch, 0, reason, detail, batch.payload));
            return;
        }
        let Ok(format) = batch.format.parse::<Format>() else {
            let why = format!("no format is called '{}'", batch.format);
            seen.undecodable.push(whole(&batch, 0, "unknown-format", why));
            return;
        };
        let day = batch.received.seconds().div_euclid(86_400);
        if day != self.dated {
            self.dated = day;
            self.decoder = Decoder::new(&options(&batch, None));
        }
        let mut decoder = std::mem::replace(&mut self.decoder, Decoder::new(&Options::default()));
        let names = Arc::clone(self.engine.matcher.names());
        let (first_letter, mut wrong, mut room) = (seen.undecodable.len(), 0_usize, batch.payload.len());
        let mut index = 0;
        let mut heads = batch.payload.len().saturating_mul(MOST_HEADS);
        let mut each = |decoded: Decoded<'_>| match decoded {
            Decoded::Event { event, head, .. } => {
                let head = if head.len() <= heads { head } else { &[] };
                heads -= head.len();
                let place = Place { batch, index, head };
                index += 1;
                self.event(&event, place, exceptions, lake, detect, seen);
            }
            Decoded::Bad { record, offset, length, error } => {
                wrong += 1;
                // Those that hold one another's bytes, or are many, are set aside as one; so are those of a file
                // of which no part can be read by itself.
                if format == Format::Evtx {
                    room = 0;
                }
                if wrong <= MOST_LETTERS && room > 0 {
                    let place = (free(&seen.undecodable[first_letter..], record), offset, length);
                    let letter = bad(&batch, place, record, error.code(), &chain(&error));
                    room = room.saturating_sub(letter.content.len());
                    seen.undecodable.push(letter);
                }
            }
        };
        if !decoder.decode_lines(format, batch.payload, &names, &mut each) {
            let mut failed = None;
            match Input::open(Box::new(Cursor::new(batch.payload.to_vec())), &options(&batch, Some(format))) {
                Ok(mut input) => {
                    let mut memory = Vec::new();
                    loop {
                        match input.next_block(memory) {
                            Ok(Some(mut block)) => {
                                decoder.decode(&mut block, &names, &mut each);
                                memory = block.into_memory();
                            }
                            Ok(None) => break,
                            Err(error) => {
                                failed = Some(error);
                                break;
                            }
                        }
                    }
                }
                Err(error) => failed = Some(error),
            }
            if let Some(error) = failed {
                let index = free(&seen.undecodable[first_letter..], 0);
                seen.undecodable.push(whole(&batch, index, error.code(), chain(&error)));
            }
        }
        if wrong > MOST_LETTERS || (wrong > 1 && room == 0) || (wrong > 0 && format == Format::Evtx) {
            seen.undecodable.truncate(first_letter);
            let why = format!("{wrong} records could not be decoded");
            seen.undecodable.push(whole(&batch, 0, "undecodable", why));
        }
        self.decoder = decoder;
    }

    #[inline]
    fn event(
        &mut self,
        event: &Event<'_>,
        place: Place<'_>,
        exceptions: &Exceptions,
        lake: Option<&SegmentWriter>,
        detect: bool,
        seen: &mut Seen,
    ) {
        seen.events += 1;
        let class = Arc::clone(self.resolver.resolve(event));
        let time = self.resolver.time(event);
        let (host, user) = (self.resolver.host(event), self.resolver.user(event));
        let Place { batch, index, head } = place;
        let id = EventId { batch: batch.id, index };
        if detect {
            self.hits.clear();
            self.worker.matches(&class, event, &mut self.hits);
            if !self.hits.is_empty() {
                let about = About {
                    id,
                    batch,
                    time: time.unwrap_or(batch.received),
                    host: host.as_deref(),
                    user: user.as_deref(),
                };
                self.hit(event, &class, &about, exceptions, seen);
            }
        }
        if detect {
            let device = shortened(host.as_deref().unwrap_or_default());
            match self.devices.get_mut(device) {
                Some(events) => *events += 1,
                None => drop(self.devices.insert(device.into(), 1)),
            }
        }
        self.resolver.observables(event, &mut self.observables);
        let list = |kind| self.observables.of(kind).collect::<Vec<&str>>();
        let lists = ObservableKind::ALL.map(list);
        let [addresses, hashes, domains, urls] = &lists;
        let raw = match head {
            [] => event.record,
            head => {
                self.row.clear();
                self.row.extend_from_slice(head);
                self.row.extend_from_slice(event.record);
                self.row.as_slice()
            }
        };
        let log_source = self.sources.entry(class.id.0).or_insert_with(|| log_source_text(&class));
        let row = LakeRow {
            id,
            organisation: batch.organisation,
            time: time.unwrap_or(batch.received),
            received: batch.received,
            source: batch.source.as_str(),
            format: batch.format,
            device: host.as_deref(),
            user: user.as_deref(),
            class_uid: ward_telemetry::taxonomy::ocsf_class(&class),
            log_source,
            addresses,
            hashes,
            domains,
            urls,
            raw,
        };
        if seen.lake.is_none()
            && let Some(lake) = lake
            && let Err(error) = lake.push(&row)
        {
            seen.lake = Some(error);
        }
    }

    #[cold]
    fn hit(
        &mut self,
        event: &Event<'_>,
        class: &EventClass,
        about: &About<'_>,
        exceptions: &Exceptions,
        seen: &mut Seen,
    ) {
        let engine = Arc::clone(&self.engine);
        let exceptions = exceptions.of(about.batch.organisation);
        let plain =
            (!exceptions.is_empty()).then(|| PlainEvent::new(event, engine.matcher.names(), Some(class)));
        let fields = EventFields { event, class, fields: &engine.correlated };
        let mut sightings = Vec::new();
        for &number in &self.hits {
            let Some(rule) = engine.rules().get(number as usize) else { continue };
            let muting = plain.as_ref().and_then(|plain| {
                exceptions.iter().find(|entry| entry.1.mutes(rule, plain)).map(|entry| entry.0)
            });
            if rule.reports {
                let name =
                    RuleName { id: rule.id.clone(), title: rule.title.clone(), tags: rule.tags.clone() };
                let shown = engine.shown.get(number as usize).map_or(&[][..], |shown| shown);
                seen.findings.push(about.finding(name, rule.level, matched(event, &engine, shown), muting));
            }
            if muting.is_none() && self.reducer.feeds(number as usize) {
                let sighting = Sighting {
                    rule: number as usize,
                    time: about.time,
                    fields: &fields,
                    evidence: identity::handle(about.id),
                };
                let skipped = self.reducer.reduce(&sighting, &mut sightings);
                seen.skipped.ungrouped += skipped.ungrouped;
                seen.skipped.unvalued += skipped.unvalued;
            }
        }
        if !sightings.is_empty() {
            // A clock that is ahead would make all others late, so it is by itself, too.
            let is_late =
                about.time.micros().abs_diff(about.batch.received.micros()) > LATENESS.unsigned_abs();
            let key = LaneKey {
                organisation: about.batch.organisation.clone(),
                late: is_late.then(|| about.batch.source.clone()),
            };
            seen.sightings.push(Lane {
                key,
                event: about.id,
                source: about.batch.source.clone(),
                received: about.batch.received,
                told: fields.told(about.host),
                sightings,
            });
        }
    }
}

/// What a finding tells of its event.
struct About<'a> {
    id: EventId,
    batch: BatchRef<'a>,
    time: Timestamp,
    host: Option<&'a str>,
    user: Option<&'a str>,
}

impl About<'_> {
    fn finding(
        &self,
        rule: RuleName,
        level: ward_core::Severity,
        matched: Map<String, Value>,
        exception: Option<ExceptionId>,
    ) -> Finding {
        Finding {
            id: FindingId(identity::finding(self.batch.organisation, &rule.id, self.id)),
            organisation: self.batch.organisation.clone(),
            source: self.batch.source.clone(),
            events: vec![self.id],
            rule,
            level,
            host: self.host.map(str::to_owned),
            user: self.user.map(str::to_owned),
            time: self.time,
            received: self.batch.received,
            matched,
            exception,
        }
    }
}

/// The values of the fields that a rule reads, as far as the event has them.
fn matched(event: &Event<'_>, engine: &Engine, shown: &[FieldId]) -> Map<String, Value> {
    let names = engine.matcher.names();
    let value = |field: &FieldId| Some((names.name(*field).to_owned(), Value::String(event.first(*field)?)));
    shown.iter().filter_map(value).collect()
}

fn options(batch: &BatchRef<'_>, format: Option<Format>) -> Options {
    Options { format, received: Some(batch.received), ..Options::default() }
}

/// A device's name as it is kept: the index of a database takes no longer ones.
fn shortened(name: &str) -> &str {
    name.char_indices().nth(LONGEST_NAME).map_or(name, |(end, _)| name.get(..end).unwrap_or(name))
}

/// Characters of a device's name.
const LONGEST_NAME: usize = 255;

/// How many times its own bytes the headers may take that are kept with the rows of a batch: short rows under a long
/// header would fill the lake. Further rows are kept without.
const MOST_HEADS: usize = 32;

/// Letters that one batch may become.
const MOST_LETTERS: usize = 1_000;

/// `windows/process_creation/sysmon`: product, category, service of the fullest log source.
fn log_source_text(class: &EventClass) -> String {
    let parts = |source: &ward_core::LogSource| {
        let parts = [&source.product, &source.category, &source.service];
        parts.into_iter().flatten().cloned().collect::<Vec<_>>()
    };
    let fullest = class.log_sources.iter().map(parts).max_by_key(Vec::len);
    fullest.unwrap_or_default().join("/")
}
