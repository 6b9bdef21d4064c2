//! What the blocks came to, in the order of the inputs: written out, correlated and counted.

use std::io::{self, Write};

use ward_detect::CorrelationRule;

use super::correlating::{Correlating, Fired, place};
use super::finding::{Evidence, Finding, RuleFacts, Together};
use super::inputs::Named;
use super::output::Output;
use super::problems::{Problem, Problems};
use super::progress::Progress;
use super::sink::Receiver;
use super::tally::{Firer, Tally};
use super::watch::Outcome;

/// What the next turn brings.
#[derive(Debug)]
pub struct Brought {
    /// Number of the input.
    pub source: u32,
    /// Bytes of the inputs read when it was handed out.
    pub read: u64,
    /// What it is.
    pub what: What,
}

/// What a turn can bring.
#[derive(Debug)]
pub enum What {
    /// What a block came to.
    Seen(Outcome),
    /// The input, or the rest of it, could not be read.
    Broken(String),
    /// The input is in a folder and no telemetry.
    Unrecognised,
}

/// Takes what turns bring.
pub struct Collector<'a> {
    out: Box<dyn Write + Send + 'a>,
    output: Output,
    inputs: &'a [Named],
    correlations: &'a [CorrelationRule],
    /// Number of the first correlation in the tally.
    first_correlation: Firer,
    correlating: Correlating,
    progress: Progress,
    shown_source: Option<String>,
    has_head: bool,
    events: u64,
    findings: u64,
    /// What could not be read.
    pub problems: Problems,
    /// Numbers of the inputs in folders that are no telemetry, in order.
    pub unrecognised: Vec<u32>,
    /// What the correlations found.
    pub tally: Tally,
    /// Why nothing more can be written.
    pub failure: Option<io::Error>,
}

impl<'a> Collector<'a> {
    /// A collector that writes to `out`.
    pub fn new(
        out: Box<dyn Write + Send + 'a>,
        output: Output,
        inputs: &'a [Named],
        correlations: (&'a [CorrelationRule], Firer),
        correlating: Correlating,
        progress: Progress,
    ) -> Self {
        Self {
            out,
            output,
            inputs,
            correlations: correlations.0,
            first_correlation: correlations.1,
            correlating,
            progress,
            shown_source: None,
            has_head: false,
            events: 0,
            findings: 0,
            problems: Problems::default(),
            unrecognised: Vec::new(),
            tally: Tally::default(),
            failure: None,
        }
    }

    /// Decides what is still open. What the correlations left out and why is given back.
    pub fn finish(&mut self) -> Vec<(&'static str, u64)> {
        let mut fired = Vec::new();
        self.correlating.finish(&mut fired);
        self.fired(fired);
        if !self.output.is_for_people() {
            self.head();
        }
        if self.failure.is_none() {
            self.failure = self.out.flush().err();
        }
        self.correlating.losses()
    }

    fn fired(&mut self, fired: Vec<Fired>) {
        for Fired { found, host } in fired {
            let Some(rule) = self.correlations.get(found.correlation) else { continue };
            let together = Together {
                kind: rule.kind.as_str(),
                group: &found.group,
                count: found.count,
                value: found.value,
                first: found.first,
                last: found.last,
                places: found.evidence.iter().map(|handle| place(*handle, self.inputs)).collect(),
            };
            let finding = Finding {
                rule: RuleFacts {
                    id: &rule.id,
                    title: &rule.title,
                    level: rule.level,
                    tags: &rule.tags,
                    author: rule.author.as_deref(),
                },
                place: place(found.evidence.last().copied().unwrap_or(0), self.inputs),
                time: Some(found.time),
                host: host.as_deref(),
                user: None,
                evidence: Evidence::Correlated(&together),
            };
            let mut text = Vec::new();
            self.output.finding(&finding, &mut text);
            let firer = self.first_correlation + found.correlation as Firer;
            self.tally.add(firer, rule.level, finding.time, finding.host);
            self.findings += 1;
            let source = finding.place.source.to_owned();
            self.write(&source, &text);
        }
    }

    fn head(&mut self) {
        if !std::mem::replace(&mut self.has_head, true) {
            let mut head = Vec::new();
            self.output.head(&mut head);
            self.write_all(&head);
        }
    }

    fn write(&mut self, source: &str, text: &[u8]) {
        if text.is_empty() || self.failure.is_some() {
            return;
        }
        self.head();
        if self.output.is_for_people() && self.shown_source.as_deref() != Some(source) {
            self.shown_source = Some(source.to_owned());
            let mut line = Vec::new();
            self.output.source(source, &mut line);
            self.write_all(&line);
        }
        self.write_all(text);
    }

    fn write_all(&mut self, text: &[u8]) {
        if !text.is_empty() && self.failure.is_none() {
            let out = &mut self.out;
            self.failure = self.progress.aside(|| out.write_all(text).and_then(|()| out.flush())).err();
        }
    }
}

impl Receiver<Brought> for Collector<'_> {
    fn receive(&mut self, brought: Brought) -> bool {
        let shown = self.inputs.get(brought.source as usize).map_or("", |named| &named.shown);
        match brought.what {
            What::Unrecognised => self.unrecognised.push(brought.source),
            What::Broken(reason) => self.problems.add(&Problem { place: shown.to_owned(), reason }),
            What::Seen(outcome) => {
                self.events += outcome.events;
                self.findings += outcome.findings;
                self.problems.merge(outcome.problems);
                self.write(shown, &outcome.text);
                let mut fired = Vec::new();
                self.correlating.take(outcome.seen, &mut fired);
                self.fired(fired);
            }
        }
        self.progress.show(brought.read, self.events, self.findings);
        self.failure.is_none()
    }
}
