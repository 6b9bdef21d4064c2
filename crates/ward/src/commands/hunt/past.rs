//! Rules over the past: the original bytes of each event are decoded and matched again, as if they came now.
//!
//! Threads take the files of the lake in turn, each with a worker of its own.
//! Invariant: an event that cannot be decoded again is counted and told, with its format.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::json;
use ward_core::FieldNames;
use ward_detect::Rule;
use ward_detect::compiled::{Matcher, Worker};
use ward_lake::{Lake, LakeError, LakeFile, Limits, RawEvent, TimeRange};
use ward_telemetry::input::{Decoded, Decoder, Format, Options};
use ward_telemetry::taxonomy::{Resolver, Taxonomy};

use super::Found;
use super::output::Output;
use super::row;
use crate::commands::office::Office;
use crate::commands::tell;
use crate::detect::args::SigmaArgs;
use crate::detect::problems::chain;
use crate::error::Error;
use crate::rule_set;
use crate::terminal::{counted, safe};

/// A rule that fires on an event.
struct Hit {
    rule: usize,
    event: RawEvent,
    device: Option<String>,
}

/// What a thread tells.
enum Told {
    Hit(Box<Hit>),
    Damaged(LakeError),
}

/// What a thread did.
#[derive(Debug, Default)]
struct Tally {
    events: u64,
    /// By format: events that could not be decoded again.
    undecodable: BTreeMap<String, u64>,
}

/// What threads share.
struct Ask<'a> {
    office: &'a Office,
    lake: Lake,
    files: Mutex<Vec<LakeFile>>,
    range: TimeRange,
    limits: &'a Limits,
    started: Instant,
    matcher: Arc<Matcher>,
    names: Arc<FieldNames>,
}

/// Runs the rules over the files.
///
/// # Errors
/// The rules cannot be used, or hits cannot be written.
pub fn run(
    office: &Office,
    files: &[LakeFile],
    paths: &[PathBuf],
    range: TimeRange,
    limits: &Limits,
    output: &mut Output,
) -> Result<Found, Error> {
    let places = &office.config.watch;
    let sigma = SigmaArgs { pipelines: places.pipelines.clone(), placeholders: None };
    let mut set = rule_set::load(paths, &sigma, limits.threads)?;
    for refused in &set.report.refused {
        tell(&refused.to_string())?;
    }
    if set.rules.is_empty() {
        let shown: Vec<String> = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        return Err(Error::NoRules(shown.join(", ")));
    }
    if !set.correlations.is_empty() {
        tell("Correlations are not run over the past; the rules that they refer to are, one by one.")?;
        set.rules.iter_mut().for_each(|rule| rule.reports = true);
    }
    let mut taxonomy = Taxonomy::builtin()?;
    for path in &places.taxonomy {
        taxonomy.extend(&path.to_string_lossy(), &rule_set::read(path)?)?;
    }
    let mut fields = Vec::new();
    for rule in &set.rules {
        rule.condition.each_field(&mut |field| fields.push(field));
    }
    let names = Arc::new(taxonomy.field_names(fields)?);
    let resolver = taxonomy.resolver(&names)?;
    let matcher = Arc::new(Matcher::new(set.rules.into(), Arc::clone(&names)));
    let mut ordered = files.to_vec();
    ordered.sort_by_key(|file| file.max_time);
    let ask = Ask {
        office,
        lake: office.lake(),
        files: Mutex::new(ordered),
        range,
        limits,
        started: Instant::now(),
        matcher,
        names,
    };
    look(&ask, &resolver, files.len() as u64, output)
}

fn look(ask: &Ask<'_>, resolver: &Resolver, files: u64, output: &mut Output) -> Result<Found, Error> {
    let (sender, told) = sync_channel(256);
    let mut found = Found::default();
    let tally = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..ask.limits.threads.max(1))
            .map(|_| {
                let (sender, resolver) = (sender.clone(), resolver.clone());
                scope.spawn(move || Eyes::new(ask, resolver).work(&sender))
            })
            .collect();
        drop(sender);
        let mut written = Ok(());
        for told in told {
            match told {
                Told::Hit(hit) if (found.count as usize) < ask.limits.rows && written.is_ok() => {
                    found.count += 1;
                    written = write(&hit, ask.matcher.rules(), output);
                }
                // What is found beyond the limit is not wanted.
                Told::Hit(_) => ask.limits.cancel.cancel(),
                Told::Damaged(error) => {
                    found.incomplete = true;
                    written = written.and_then(|()| tell(&format!("ward could not {}", chain(&error))));
                }
            }
            if output.is_gone() || written.is_err() {
                ask.limits.cancel.cancel();
            }
        }
        let mut sum = Tally::default();
        for thread in threads {
            let (tally, ended) = thread.join().unwrap_or_default();
            sum.merge(tally);
            found.ended = found.ended.take().or(ended);
        }
        written.map(|()| sum)
    })?;
    if found.count as usize >= ask.limits.rows {
        found.ended = None;
        tell("There may be more; --limit shows more.")?;
    }
    for (format, count) in &tally.undecodable {
        let what = counted(*count, "event", "events");
        tell(&format!("{what} of format {format} could not be decoded again and were not looked at."))?;
    }
    let (hits, events) = (counted(found.count, "hit", "hits"), counted(tally.events, "event", "events"));
    let files = counted(files, "file", "files");
    tell(&format!("{hits} in {:.2} s: {events} in {files}.", ask.started.elapsed().as_secs_f64()))?;
    Ok(found)
}

fn write(hit: &Hit, rules: &[Rule], output: &mut Output) -> Result<(), Error> {
    let Some(rule) = rules.get(hit.rule) else { return Ok(()) };
    let event = &hit.event;
    let columns = row::columns(event.time, event.organisation.as_str(), hit.device.as_deref());
    let line = format!("{columns}  {:12}  {:8}  {}", event.id, rule.level.as_str(), safe(&rule.title));
    let object = json!({
        "rule": { "id": rule.id, "title": rule.title, "level": rule.level.as_str() },
        "event": event.id.to_string(),
        "organisation": event.organisation.as_str(),
        "time": event.time.to_string(),
        "device": hit.device,
        "source": event.source,
        "raw": String::from_utf8_lossy(&event.raw),
    });
    output.hit(&line, &object)
}

/// One thread's eyes.
struct Eyes<'a> {
    ask: &'a Ask<'a>,
    resolver: Resolver,
    worker: Worker,
    decoder: Decoder,
    hits: Vec<u32>,
    tally: Tally,
}

impl<'a> Eyes<'a> {
    fn new(ask: &'a Ask<'a>, resolver: Resolver) -> Self {
        let worker = Worker::new(Arc::clone(&ask.matcher));
        let decoder = Decoder::new(&Options::default());
        Self { ask, resolver, worker, decoder, hits: Vec::new(), tally: Tally::default() }
    }

    /// Looks at files until there are none, or the time is up.
    fn work(mut self, told: &SyncSender<Told>) -> (Tally, Option<LakeError>) {
        let ask = self.ask;
        loop {
            // The newest files are the last.
            let next = ask.files.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(file) = next else { return (self.tally, None) };
            for event in ask.lake.raw_events(&ask.office.scope, std::slice::from_ref(&file), ask.range) {
                if ask.limits.cancel.is_cancelled() {
                    return (self.tally, Some(LakeError::Cancelled));
                }
                if ask.started.elapsed() > ask.limits.time {
                    return (self.tally, Some(LakeError::OutOfTime(ask.limits.time)));
                }
                let sent = match event {
                    Ok(event) => self.look(event, told),
                    Err(error) => told.send(Told::Damaged(error)).is_ok(),
                };
                if !sent {
                    return (self.tally, Some(LakeError::Cancelled));
                }
            }
        }
    }

    /// Looks at an event. Says whether anybody listens.
    fn look(&mut self, event: RawEvent, told: &SyncSender<Told>) -> bool {
        self.tally.events += 1;
        let Self { resolver, worker, hits, ask, .. } = self;
        hits.clear();
        let (mut seen, mut device) = (false, None);
        if let Ok(format) = event.format.parse::<Format>() {
            self.decoder.decode_kept(format, &event.raw, &ask.names, &mut |decoded| {
                let Decoded::Event { event, .. } = decoded else { return };
                seen = true;
                let class = Arc::clone(resolver.resolve(&event));
                worker.matches(&class, &event, hits);
                if !hits.is_empty() {
                    device = resolver.host(&event);
                }
            });
        }
        if !seen {
            *self.tally.undecodable.entry(event.format).or_default() += 1;
            return true;
        }
        let rules = self.ask.matcher.rules();
        let reported = self.hits.iter().map(|number| *number as usize);
        reported.filter(|rule| rules.get(*rule).is_some_and(|rule| rule.reports)).all(|rule| {
            let hit = Hit { rule, event: event.clone(), device: device.clone() };
            told.send(Told::Hit(Box::new(hit))).is_ok()
        })
    }
}

impl Tally {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        for (format, count) in other.undecodable {
            *self.undecodable.entry(format).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The field `a` of what the lake kept.
    fn read(format: &str, raw: &[u8]) -> Option<String> {
        let mut names = FieldNames::default();
        let field = names.intern("a").unwrap();
        let format = format.parse().unwrap();
        let mut value = None;
        Decoder::new(&Options::default()).decode_kept(format, raw, &names, &mut |decoded| {
            if let Decoded::Event { event, .. } = decoded {
                value = event.first(field);
            }
        });
        value
    }

    #[test]
    fn what_the_lake_kept_is_read_as_it_stands_there() {
        for (format, raw) in [
            ("ndjson", "{\"a\":\"1\"}"),
            ("json", "{\n \"a\": \"1\"\n}"),
            ("evtx", "{\"a\":\"1\"}"),
            ("logfmt", "a=1 b=2"),
            ("csv", "b,a\n2,1"),
            ("zeek", "#separator \\x09\n#fields\tb\ta\n2\t1"),
            ("w3c", "#Fields: b a\n2 1"),
            (
                "otlp",
                "{\"resource\":{\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"1\"}}]},\
                  \"scopeLogs\":[{\"logRecords\":[{}]}]}",
            ),
        ] {
            assert_eq!(read(format, raw.as_bytes()).as_deref(), Some("1"), "{format}");
        }
        for without_header in ["csv", "zeek", "w3c"] {
            assert_eq!(read(without_header, b"2,1"), None, "{without_header}");
        }
    }
}
