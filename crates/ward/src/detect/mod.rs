//! `ward detect`: rules and inputs in, findings and a summary out.
//!
//! Threads take blocks of the inputs in turn ([`queue`], [`sink`]), each looks at its blocks with eyes of
//! its own ([`watch`]), and what they found is written in the order of the inputs ([`collector`]).
//!
//! Invariant: the findings and their order do not depend on the number of threads.
//! Invariant: memory is bounded, whatever the inputs' size.

pub mod args;
mod collector;
mod correlating;
mod documents;
pub mod finding;
mod inputs;
pub mod output;
pub mod problems;
mod progress;
mod queue;
mod selection;
mod sink;
mod stats;
mod summary;
mod tally;
mod timeline;
mod watch;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ward_core::FieldNames;
use ward_detect::compiled::Matcher;
use ward_detect::{LoadReport, RuleSet};
use ward_telemetry::input::Options;
use ward_telemetry::taxonomy::Resolver;

use crate::Ending;
use crate::clock::now;
use crate::error::Error;
use crate::terminal::{Screen, safe, stdout_is_pipe, wrap};
use crate::{rule_set, telemetry};
use args::DetectArgs;
use collector::{Brought, Collector, What};
use correlating::Correlating;
use finding::RuleFacts;
use inputs::Inputs;
use output::Output;
use problems::Problem;
use progress::Progress;
use queue::{Queue, Task};
use sink::Sink;
use stats::{Stats, Usage};
use summary::{Loaded, Report};
use tally::Tally;
use watch::{From, Shared, Watch, facts};

/// Blocks that may be open at once, for each thread.
const AHEAD: usize = 4;

/// Scans and reports.
///
/// # Errors
/// What keeps the scan from being started, or its output from being written.
pub fn run(args: &DetectArgs) -> Result<Ending, Error> {
    let started = Instant::now();
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        return Err(Error::NoTime { from, to });
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or_else(cores, usize::from);
    let mut set = rule_set::load(&args.rules, &args.sigma, threads)?;
    let report = std::mem::take(&mut set.report);
    if set.rules.is_empty() {
        let paths: Vec<String> = args.rules.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        return Err(Error::NoRules(paths.join(", ")));
    }
    selection::select(&mut set, args.min_level, &args.only).map_err(Error::UnknownRule)?;
    let inputs = Inputs::find(&args.inputs);
    let screens = Screens::of(args);
    let output = Output::new(args.format, screens.findings, now());
    let mut scan = Scan::new(args, &set, &inputs, output)?;
    let loading = started.elapsed();
    let progress = Progress::new(screens.progress(args), inputs.total());
    let mut done = scan.run(threads, &progress)?;
    progress.end();
    if let Some(failure) = done.failure {
        let closed = failure.kind() == io::ErrorKind::BrokenPipe;
        return if closed { Ok(ending(&done.report)) } else { Err(Error::Write(failure)) };
    }
    done.report.loaded = loaded(&set, &report, args);
    let stats = Stats {
        events: done.report.tally.events,
        bytes: done.report.tally.bytes,
        elapsed: started.elapsed(),
        loading,
        usage: Usage::now(),
        threads,
        rules: done.report.loaded.rules,
        correlations: done.report.loaded.correlations,
        refused: done.report.loaded.refused,
        unfit: done.report.tally.unfit,
    };
    screens.tell(args, &done.report, &stats).map_err(Error::Write)?;
    Ok(ending(&done.report))
}

/// A scan, ready to be run.
struct Scan<'a> {
    set: &'a RuleSet,
    inputs: &'a Inputs,
    options: Options,
    output: Output,
    args: &'a DetectArgs,
    matcher: Arc<Matcher>,
    names: Arc<FieldNames>,
    resolver: Resolver,
    correlating: Option<Correlating>,
    facts: Vec<RuleFacts<'a>>,
}

/// What a scan came to.
struct Done<'a> {
    report: Report<'a>,
    failure: Option<io::Error>,
}

impl<'a> Scan<'a> {
    fn new(
        args: &'a DetectArgs,
        set: &'a RuleSet,
        inputs: &'a Inputs,
        output: Output,
    ) -> Result<Self, Error> {
        let correlating = Correlating::new(&set.correlations, &set.rules)?;
        let reducer = correlating.correlator().reducer();
        let taxonomy = telemetry::taxonomy(&args.telemetry)?;
        let (names, resolver) = telemetry::names(&taxonomy, &args.telemetry, &set.rules, reducer.fields())?;
        let rules: Arc<[_]> = set.rules.as_slice().into();
        let matcher = Arc::new(Matcher::new(rules, Arc::clone(&names)));
        let correlations = set.correlations.iter().map(|rule| RuleFacts {
            id: &rule.id,
            title: &rule.title,
            level: rule.level,
            tags: &rule.tags,
            author: rule.author.as_deref(),
        });
        let facts = set.rules.iter().map(facts).chain(correlations).collect();
        let mut options = telemetry::options(&args.telemetry, now());
        options.limits.record = args.max_record;
        let correlating = Some(correlating);
        Ok(Self { set, inputs, options, output, args, matcher, names, resolver, correlating, facts })
    }

    fn run(&mut self, threads: usize, progress: &Progress) -> Result<Done<'a>, Error> {
        let correlating = match self.correlating.take() {
            Some(correlating) => correlating,
            None => Correlating::new(&self.set.correlations, &self.set.rules)?,
        };
        let reducer = correlating.correlator().reducer();
        let correlated_fields = reducer.fields().iter().map(|name| self.names.get(name)).collect();
        let shared = Shared {
            matcher: Arc::clone(&self.matcher),
            output: self.output,
            options: &self.options,
            from: self.args.from,
            to: self.args.to,
            correlated_fields,
        };
        let inputs = &self.inputs.list;
        let queue = Mutex::new(Queue::new(inputs, self.options.clone()));
        let collector = Collector::new(
            Box::new(io::stdout()),
            self.output,
            inputs,
            (&self.set.correlations, self.set.rules.len() as tally::Firer),
            correlating,
            progress.clone(),
        );
        let sink = Sink::new(threads * AHEAD, collector);
        let order = Mutex::new(());
        let tallies = Mutex::new(Tally::default());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let mut watch = Watch::new(&shared, self.resolver.clone(), reducer.clone());
                let (queue, sink, order, tallies) = (&queue, &sink, &order, &tallies);
                scope.spawn(move || {
                    let take = || {
                        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                        queue.next().map(|work| (work, queue.read()))
                    };
                    while let Some(((work, read), turn)) = sink.turn(take, order) {
                        let source = work.source;
                        let what = match work.task {
                            Task::Broken(reason) => What::Broken(reason),
                            Task::Unrecognised => What::Unrecognised,
                            Task::Block { mut block, received, is_evtx } => {
                                let shown = inputs.get(source as usize).map_or("", |named| &named.shown);
                                let from = From { source, shown, received, is_evtx };
                                let seen = watch.look(&mut block, &from);
                                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                                queue.reuse(block.into_memory());
                                What::Seen(seen)
                            }
                        };
                        turn.bring(Brought { source, read, what });
                    }
                    tallies.lock().unwrap_or_else(PoisonError::into_inner).merge(watch.into_tally());
                });
            }
        });
        let mut collector = sink.into_receiver();
        let correlation_losses = collector.finish();
        let mut tally = tallies.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.merge(std::mem::take(&mut collector.tally));
        let opened = queue.into_inner().unwrap_or_else(PoisonError::into_inner).opened();
        Ok(self.done(collector, tally, opened, correlation_losses))
    }

    fn done(
        &mut self,
        mut collector: Collector<'_>,
        tally: Tally,
        opened: u64,
        correlation_losses: Vec<(&'static str, u64)>,
    ) -> Done<'a> {
        let mut problems = std::mem::take(&mut collector.problems);
        for (path, reason) in &self.inputs.unreadable {
            problems.add(&Problem { place: path.clone(), reason: reason.clone() });
        }
        let unrecognised = collector.unrecognised.len() as u64;
        let skipped = [
            ("are documents, scripts or pictures by their names and were skipped", self.inputs.documents),
            ("are no telemetry by their content and were skipped", unrecognised),
            ("are no regular files and were skipped", self.inputs.irregular),
        ];
        let report = Report {
            tally,
            problems,
            inputs: opened,
            empty: self.inputs.empty(&collector.unrecognised).map(str::to_owned).collect(),
            skipped: skipped.into_iter().filter(|(_, count)| *count > 0).collect(),
            rules: std::mem::take(&mut self.facts),
            loaded: Loaded::default(),
            correlation_losses,
            ranged: self.args.from.is_some() || self.args.to.is_some(),
        };
        Done { report, failure: collector.failure.take() }
    }
}

/// Who reads what.
struct Screens {
    findings: Screen,
    summary: Screen,
    /// The summary follows the findings.
    together: bool,
}

impl Screens {
    fn of(args: &DetectArgs) -> Self {
        let (stdout, stderr) = (Screen::stdout(args.color), Screen::stderr(args.color));
        // What is piped while somebody looks at the terminal is most likely in a pager, which would be
        // written over by anything else.
        let paged = !stdout.is_terminal && stderr.is_terminal && stdout_is_pipe();
        let together = args.format == output::Format::Table && (stdout.is_terminal || paged);
        Self { findings: stdout, summary: if together { stdout } else { stderr }, together }
    }

    fn progress(&self, args: &DetectArgs) -> bool {
        let paged = self.together && !self.findings.is_terminal;
        Screen::stderr(args.color).is_terminal && !args.no_progress && !paged
    }

    fn tell(&self, args: &DetectArgs, report: &Report<'_>, stats: &Stats) -> io::Result<()> {
        let mut text = String::new();
        if args.no_summary || report.inputs == 0 {
            let problems = report.problems.first().iter();
            let problems = problems.map(|problem| format!("ward could not read {}", safe(problem)));
            for told in problems.chain(summary::nothing_to_look_at(report)) {
                text.push_str(&format!("{}\n", wrap(&told, self.summary.width).join("\n")));
            }
        } else {
            text.push_str(&summary::write(report, &self.summary));
        }
        if args.stats {
            text.push('\n');
            for (name, value) in stats.lines() {
                text.push_str(&format!("{name:22} {value}\n"));
            }
        }
        let told = if self.together {
            io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush())
        } else {
            io::stderr().write_all(text.as_bytes())
        };
        told.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
    }
}

fn loaded(set: &RuleSet, report: &LoadReport, args: &DetectArgs) -> Loaded {
    let rules = set.rules.iter().filter(|rule| rule.reports).count();
    let asked = rules + set.correlations.iter().filter(|correlation| correlation.reports).count();
    Loaded {
        rules: set.rules.len(),
        asked: (args.min_level.is_some() || !args.only.is_empty()).then_some(asked),
        correlations: set.correlations.len(),
        refused: report.refused.len(),
        partial: report.partial.len(),
        list_with: rule_set::check_command(&args.rules),
    }
}

fn ending(report: &Report<'_>) -> Ending {
    if report.problems.count() > 0 || !report.empty.is_empty() {
        Ending::Trouble
    } else if report.tally.findings() > 0 {
        Ending::Something
    } else {
        Ending::Nothing
    }
}
