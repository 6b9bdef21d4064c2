//! `ward rules explain`: which part of a rule's condition held on an event and which failed, what the
//! event was taken for, and where values were read.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use ward_core::{Event, EventClass, FieldNames, LogSource, Timestamp};
use ward_detect::plain::PlainEvent;
use ward_detect::{Rule, explain};
use ward_telemetry::input::{Decoded, Decoder, Format, Input, Source};
use ward_telemetry::taxonomy::Resolver;

use super::print;
use crate::detect::args::{SigmaArgs, TelemetryArgs};
use crate::error::Error;
use crate::terminal::{counted, safe};
use crate::{Ending, rule_set, telemetry};

/// Show which part of a rule's condition held on an event and which failed, with the values.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct ExplainArgs {
    /// A rule file; or the id or name of a rule among --rules
    #[arg(value_name = "RULE")]
    rule: String,

    /// A file with events, in any format; - is standard input
    #[arg(value_name = "EVENT")]
    event: PathBuf,

    /// Folder or file with the rule; may be repeated [default: the rules that come with Ward]
    #[arg(long, short, value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// Only the event with this record number (EVTX: EventRecordID; else line, row or element)
    #[arg(long, value_name = "NUMBER")]
    record: Option<u64>,

    #[command(flatten)]
    telemetry: TelemetryArgs,

    #[command(flatten)]
    sigma: SigmaArgs,
}

const AFTER_HELP: &str = "\
Examples:
  ward rules explain my_rule.yml event.json
  ward rules explain 8de1cbe8-d6f5-496d-8237-5f44a721c7a0 PACS01.evtx --record 4711
  ward rules explain --rules sigma/rules proc_creation_win_x security.evtx --record 4711

Without --record, each event is explained, the first 10 at most.

Exit codes:
  0  the rule fires on none of the events
  1  the rule fires on some
  2  the rule or the events could not be read";

/// Most events that are explained without being asked for one by one.
const MOST_EVENTS: u64 = 10;

/// Explains.
///
/// # Errors
/// The rule or the event is not there or cannot be read.
pub fn run(args: &ExplainArgs) -> Result<Ending, Error> {
    let file = Path::new(&args.rule);
    let (paths, wanted) =
        if file.is_file() { (vec![file.to_owned()], None) } else { (args.rules.clone(), Some(&args.rule)) };
    let set = rule_set::load(&paths, &args.sigma, 1)?;
    if set.rules.is_empty() {
        let refused = set.report.refused.iter().map(ToString::to_string).next();
        return Err(Error::NoRules(refused.unwrap_or_else(|| args.rule.clone())));
    }
    let is = |rule: &Rule| wanted.is_none_or(|id| rule.id == *id || rule.name.as_deref() == Some(id));
    let rules: Vec<Rule> = set.rules.into_iter().filter(is).collect();
    if rules.is_empty() {
        return Err(Error::UnknownRule(args.rule.clone()));
    }
    let taxonomy = telemetry::taxonomy(&args.telemetry)?;
    let (names, resolver) = telemetry::names(&taxonomy, &args.telemetry, &rules, &[])?;
    let mut report = Report { rules, names, resolver, text: String::new(), fired: false };
    let seen = each_event(args, &mut report)?;
    if let (Some(record), 0) = (args.record, seen.explained) {
        let source_name = args.event.to_string_lossy().into_owned();
        return Err(Error::NoSuchRecord { record, source_name, count: seen.events });
    }
    if seen.events > seen.explained && args.record.is_none() {
        let more = counted(seen.events - seen.explained, "more event", "more events");
        report.text.push_str(&format!("{more}; --record picks one.\n"));
    }
    print(&report.text)?;
    Ok(if seen.trouble {
        Ending::Trouble
    } else if report.fired {
        Ending::Something
    } else {
        Ending::Nothing
    })
}

/// What was met in the input.
#[derive(Debug, Default)]
struct Seen {
    events: u64,
    explained: u64,
    trouble: bool,
}

fn each_event(args: &ExplainArgs, report: &mut Report) -> Result<Seen, Error> {
    let shown = args.event.to_string_lossy().into_owned();
    let fail = |source| Error::Input { path: shown.clone(), source };
    let source: Source = if shown == "-" {
        Box::new(io::stdin())
    } else {
        let opened = File::open(&args.event);
        Box::new(opened.map_err(|source| Error::Read { path: args.event.clone(), source })?)
    };
    let options = telemetry::options(&args.telemetry, Timestamp::from_micros(0));
    let mut input = Input::open(source, &options).map_err(fail)?;
    let is_evtx = input.format() == Format::Evtx;
    let mut decoder = Decoder::new(&options);
    let names = std::sync::Arc::clone(&report.names);
    let mut seen = Seen::default();
    while let Some(mut block) = input.next_block(Vec::new()).map_err(fail)? {
        decoder.decode(&mut block, &names, &mut |decoded| match decoded {
            Decoded::Event { event, record, .. } => {
                seen.events += 1;
                let record = telemetry::record_number(&report.resolver, &event, record, is_evtx);
                let wanted = args.record.map_or(seen.explained < MOST_EVENTS, |wanted| wanted == record);
                if wanted {
                    seen.explained += 1;
                    report.event(&event, record);
                }
            }
            Decoded::Bad { record, offset, error, .. } => {
                seen.trouble = true;
                let reason = crate::detect::problems::chain(&error);
                let said = format!("Record {record} at byte {offset} could not be read: {reason}");
                report.text.push_str(&format!("{}\n\n", safe(&said)));
            }
        });
    }
    Ok(seen)
}

struct Report {
    rules: Vec<Rule>,
    names: std::sync::Arc<FieldNames>,
    resolver: Resolver,
    text: String,
    fired: bool,
}

impl Report {
    fn event(&mut self, event: &Event<'_>, record: u64) {
        let class = std::sync::Arc::clone(self.resolver.resolve(event));
        self.line(&format!("Record {record}"));
        let sources: Vec<String> = class.log_sources.iter().map(ToString::to_string).collect();
        let sources = if sources.is_empty() { "none that is known".to_owned() } else { sources.join(", ") };
        self.line(&format!("  log sources of the event: {sources}"));
        let plain = PlainEvent::new(event, &self.names, Some(&class));
        for rule in std::mem::take(&mut self.rules) {
            let fits = fits(&rule.log_source, &class);
            let explanation = explain(&rule, &plain);
            let fires = fits && explanation.held;
            self.fired |= fires;
            let verdict = match (fits, explanation.held) {
                (true, true) => "fires",
                (true, false) => "does not fire: the condition fails",
                (false, true) => "does not fire: the condition holds, but the log source does not fit",
                (false, false) => "does not fire: neither the log source nor the condition fits",
            };
            self.line(&format!("  {} ({}) {verdict}", rule.title, rule.id));
            let sign = if fits { "✓ fits  " } else { "✗ is not among them" };
            self.line(format!("  log source of the rule: {} {sign}", rule.log_source).trim_end());
            for part in &explanation.parts {
                for line in part.to_string().lines() {
                    self.line(&format!("    {line}"));
                }
            }
            for (field, from) in read_from(&rule, event, &class, &self.names) {
                self.line(&format!("  {field} was read from {from}"));
            }
            self.rules.push(rule);
        }
        self.text.push('\n');
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(&safe(text));
        self.text.push('\n');
    }
}

fn fits(rule: &LogSource, class: &EventClass) -> bool {
    *rule == LogSource::default() || class.log_sources.iter().any(|event| rule.covers(event))
}

/// Fields of the rule that the event has only under another name, or as a constant of its kind.
fn read_from(
    rule: &Rule,
    event: &Event<'_>,
    class: &EventClass,
    names: &FieldNames,
) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    rule.condition.each_field(&mut |field| {
        if !fields.contains(&field) {
            fields.push(field);
        }
    });
    let has = |field| event.fields.iter().any(|span| span.field == field);
    let from = |name: &str| {
        let field = names.get(name)?;
        if let Some((_, value)) = class.constants.iter().find(|(constant, _)| *constant == field)
            && !has(field)
        {
            return Some(format!("what all events of its kind have: {value}"));
        }
        let (_, others) = class.also_read_from.iter().find(|(own, _)| *own == field && !has(*own))?;
        others.iter().find(|other| has(**other)).map(|other| names.name(*other).to_owned())
    };
    fields.into_iter().filter_map(|field| Some((field.to_owned(), from(field)?))).collect()
}
