//! One thread's eyes: blocks in, findings as text out.
//!
//! Invariant: an event that no rule fires on costs no lock, no allocation and no look at the clock; its own
//! time is read only where a range of time is asked for.

use std::sync::Arc;

use ward_core::{Event, EventClass, FieldId, RecordForm, Timestamp};
use ward_detect::Rule;
use ward_detect::compiled::{Matcher, Worker};
use ward_detect::correlate::{Reducer, Sighting};
use ward_telemetry::input::{Block, Decoded, Decoder, Options};
use ward_telemetry::taxonomy::Resolver;

use super::correlating::{Seen, handle};
use super::finding::{Evidence, Finding, Place, RuleFacts};
use super::output::Output;
use super::problems::{Problem, Problems, chain};
use super::tally::Tally;
use crate::telemetry;
use crate::told::EventFields;

/// What all threads share.
pub struct Shared<'a> {
    /// The rules, compiled.
    pub matcher: Arc<Matcher>,
    /// How findings are written.
    pub output: Output,
    /// How inputs are read.
    pub options: &'a Options,
    /// Only events at or after this.
    pub from: Option<Timestamp>,
    /// Only events before this.
    pub to: Option<Timestamp>,
    /// The fields that correlations read, by their numbers there.
    pub correlated_fields: Vec<Option<FieldId>>,
}

/// Where a block is from.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
    /// Number of the input.
    pub source: u32,
    /// Its path as given.
    pub shown: &'a str,
    /// When it was written, where its times need that to be known.
    pub received: Option<Timestamp>,
    /// Its records have numbers of their own.
    pub is_evtx: bool,
}

/// What a block came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings, written.
    pub text: Vec<u8>,
    /// How many.
    pub findings: u64,
    /// Events decoded.
    pub events: u64,
    /// What could not be read.
    pub problems: Problems,
    /// What it means to the correlations.
    pub seen: Seen,
}

/// One thread's share of a scan.
pub struct Watch<'a> {
    decoder: Decoder,
    received: Option<Timestamp>,
    eyes: Eyes<'a>,
}

struct Eyes<'a> {
    shared: &'a Shared<'a>,
    resolver: Resolver,
    worker: Worker,
    reducer: Reducer,
    hits: Vec<u32>,
    /// By class number: whether some rule's log source covers it.
    covered: Vec<Option<bool>>,
    tally: Tally,
}

impl<'a> Watch<'a> {
    /// A thread's eyes, with nothing seen yet.
    pub fn new(shared: &'a Shared<'a>, resolver: Resolver, reducer: Reducer) -> Self {
        let worker = Worker::new(Arc::clone(&shared.matcher));
        let (hits, covered, tally) = (Vec::new(), Vec::new(), Tally::default());
        Self {
            decoder: Decoder::new(shared.options),
            received: None,
            eyes: Eyes { shared, resolver, worker, reducer, hits, covered, tally },
        }
    }

    /// Looks at a block.
    pub fn look(&mut self, block: &mut Block, from: &From<'_>) -> Outcome {
        if from.received != self.received {
            let options = Options { received: from.received, ..self.eyes.shared.options.clone() };
            (self.decoder, self.received) = (Decoder::new(&options), from.received);
        }
        let shown = from.shown;
        self.eyes.tally.bytes += block.len() as u64;
        let mut outcome = Outcome::default();
        let names = Arc::clone(self.eyes.shared.matcher.names());
        let eyes = &mut self.eyes;
        self.decoder.decode(block, &names, &mut |decoded| match decoded {
            Decoded::Event { event, record, .. } => {
                outcome.events += 1;
                eyes.event(&event, from, record, &mut outcome);
            }
            Decoded::Bad { record, offset, error, .. } => {
                let place = match record {
                    0 => format!("{shown}: byte {offset}"),
                    _ => format!("{shown}: record {record} at byte {offset}"),
                };
                outcome.problems.add(&Problem { place, reason: chain(&error) });
            }
        });
        self.eyes.tally.events += outcome.events;
        outcome
    }

    /// What was counted.
    pub fn into_tally(self) -> Tally {
        self.eyes.tally
    }
}

impl Eyes<'_> {
    #[inline]
    fn event(&mut self, event: &Event<'_>, from: &From<'_>, record: u64, outcome: &mut Outcome) {
        if !self.is_in_time(event) {
            return;
        }
        let class = self.resolver.resolve(event);
        let number = class.id.0 as usize;
        match self.covered.get(number) {
            Some(Some(true)) => {}
            Some(Some(false)) => self.tally.unfit += 1,
            _ => {
                let covered = self.shared.matcher.covers(class);
                self.covered.resize(self.covered.len().max(number + 1), None);
                self.covered[number] = Some(covered);
                self.tally.unfit += u64::from(!covered);
            }
        }
        self.hits.clear();
        self.worker.matches(class, event, &mut self.hits);
        if !self.hits.is_empty() {
            let class = Arc::clone(class);
            self.hit(event, &class, from, record, outcome);
        }
    }

    /// Whether the event is of the time asked for, as far as it says.
    #[inline]
    fn is_in_time(&mut self, event: &Event<'_>) -> bool {
        let (from, to) = (self.shared.from, self.shared.to);
        if from.is_none() && to.is_none() {
            return true;
        }
        let Some(time) = self.resolver.time(event) else {
            self.tally.undated += 1;
            return true;
        };
        let is_in_time = from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to);
        self.tally.outside += u64::from(!is_in_time);
        is_in_time
    }

    #[cold]
    fn hit(
        &mut self,
        event: &Event<'_>,
        class: &EventClass,
        from: &From<'_>,
        record: u64,
        outcome: &mut Outcome,
    ) {
        let shared = self.shared;
        let record = telemetry::record_number(&self.resolver, event, record, from.is_evtx);
        let place = Place { source: from.shown, record };
        let handle = handle(from.source, record);
        let time = self.resolver.time(event);
        let (host, user) = (self.resolver.host(event), self.resolver.user(event));
        let mut is_sighting = false;
        for &number in &self.hits {
            let Some(rule) = shared.matcher.rules().get(number as usize) else { continue };
            if rule.reports {
                let evidence = match event.form {
                    RecordForm::Json => Evidence::Json(event.record),
                    RecordForm::Text => Evidence::Text(event.record),
                };
                let (host, user) = (host.as_deref(), user.as_deref());
                let finding = Finding { rule: facts(rule), place, time, host, user, evidence };
                shared.output.finding(&finding, &mut outcome.text);
                outcome.findings += 1;
                self.tally.add(number, rule.level, time, host);
            }
            if !self.reducer.feeds(number as usize) {
                continue;
            }
            let Some(time) = time else {
                self.tally.uncorrelated += 1;
                continue;
            };
            let fields = EventFields { event, class, fields: &shared.correlated_fields };
            let sighting = Sighting { rule: number as usize, time, fields: &fields, evidence: handle };
            let count = outcome.seen.sightings.len();
            let skipped = self.reducer.reduce(&sighting, &mut outcome.seen.sightings);
            outcome.seen.skipped.ungrouped += skipped.ungrouped;
            outcome.seen.skipped.unvalued += skipped.unvalued;
            is_sighting |= outcome.seen.sightings.len() > count;
        }
        if is_sighting {
            let fields = EventFields { event, class, fields: &shared.correlated_fields };
            outcome.seen.told.push((handle, fields.told(host.as_deref())));
        }
    }
}

/// What a finding tells of a rule.
pub fn facts(rule: &Rule) -> RuleFacts<'_> {
    RuleFacts {
        id: &rule.id,
        title: &rule.title,
        level: rule.level,
        tags: &rule.tags,
        author: rule.author.as_deref(),
    }
}
