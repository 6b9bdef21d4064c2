//! `ward hunt`: searching what the lake keeps: by words and fields, by SQL, or with a rule.
//!
//! Invariant: what was looked at, and what could not be, is told at the end, on standard error.

mod output;
mod past;
pub mod row;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ward_core::{OrganisationId, Timestamp};
use ward_lake::{Cancel, ExportFormat, LakeError, LakeFile, Limits, Query, Scanned, TimeRange};
use ward_store::lake_files::FileFilter;

use super::duration::{Span, time};
use super::office::{Office, Place, organisation};
use super::{print, tell};
use crate::Ending;
use crate::clock::now;
use crate::error::Error;
use crate::terminal::{bytes, counted};
use output::Output;

/// Search the events that the hub keeps.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct HuntArgs {
    /// What is searched for: words, field:value, ranges, wildcards, AND, OR, NOT; SQL with --sql
    #[arg(required_unless_present = "rule", conflicts_with = "rule")]
    query: Option<String>,
    /// Run the Sigma rules of this file or folder over the past instead; may be repeated
    #[arg(long, value_name = "RULE.yml", conflicts_with_all = ["sql", "estimate"])]
    rule: Vec<PathBuf>,
    /// Only the time from so long ago until now, such as 30d
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    last: Option<Span>,
    /// Only at or after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Only of this organisation and those below it; may be repeated
    #[arg(long, value_name = "CODE", value_parser = organisation)]
    organisation: Vec<OrganisationId>,
    /// Most rows [default: 1000 of what is found; everything in a format for programs, and of SQL]
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Seconds that it may take [default: as the configuration says]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// How rows are written
    #[arg(long, short, value_enum, default_value_t = HuntFormat::Table)]
    format: HuntFormat,
    /// Write them to this new file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// QUERY is one SELECT over the table `events`
    #[arg(long, conflicts_with_all = ["last", "from", "to"])]
    sql: bool,
    /// Tell what would be looked at, and look at nothing
    #[arg(long, conflicts_with = "sql")]
    estimate: bool,
    #[command(flatten)]
    place: Place,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HuntFormat {
    /// Columns
    Table,
    /// One JSON object a line
    Json,
    /// Comma-separated values; no cell is a formula
    Csv,
    /// A Parquet file
    Parquet,
}

/// Events that a person is shown unless another number is asked for.
const SHOWN: usize = 1_000;

const AFTER_HELP: &str = "\
Examples:
  ward hunt 'hash:4a2e... OR domain:*.evil.example' --last 90d
  ward hunt 'ip:10.20.0.0/16 user:svc_* NOT device:pacs01' --organisation RR8 --format csv --output found.csv
  ward hunt powershell --from 2026-11-22 --to 2026-11-23 --estimate
  ward hunt --sql 'SELECT device, count(*) AS n FROM events GROUP BY device ORDER BY n DESC LIMIT 20'
  ward hunt --rule new_rule.yml --last 30d

Rows come newest first, as they are found; Ctrl-C ends the search and keeps what was found. --rule tells its hits
in the order in which they are found: rule, event, time, device. With --sql, name times in the statement.

Exit codes:
  0  nothing was found
  1  something was found
  2  it could not be finished, or a file could not be read; what was found is written all the same";

/// What a search came to.
#[derive(Debug, Default)]
pub struct Found {
    /// Rows or hits.
    pub count: u64,
    /// Why it ended early.
    pub ended: Option<LakeError>,
    /// Whether something could not be looked at.
    pub incomplete: bool,
}

/// Carries out the command.
///
/// # Errors
/// It cannot be begun, or its output cannot be written.
pub fn run(args: &HuntArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    let range = args.range(now())?;
    let query = args.query.clone().unwrap_or_default();
    let filter =
        FileFilter { from: range.from, until: range.to, organisations: office.below(&args.organisation)? };
    let files = office.files(&filter)?;
    let limits = args.limits(&office);
    office.on_interrupt(limits.cancel.clone());
    let found = if !args.rule.is_empty() {
        past::run(
            &office,
            &files,
            &args.rule,
            range,
            &limits,
            &mut Output::open(args.format, args.output.as_deref())?,
        )?
    } else if args.sql {
        sql(&office, &files, &query, limits, args)?
    } else {
        let query = Query::parse(&query).map_err(Error::Query)?;
        if args.estimate {
            return estimate(&office, &files, &query, range);
        }
        search(&office, &files, &query, range, limits, args)?
    };
    if let Some(error) = &found.ended {
        tell(&format!("Ended early: ward could not {}", crate::detect::problems::chain(error)))?;
    }
    Ok(if found.ended.is_some() || found.incomplete {
        Ending::Trouble
    } else if found.count > 0 {
        Ending::Something
    } else {
        Ending::Nothing
    })
}

fn search(
    office: &Office,
    files: &[LakeFile],
    query: &Query,
    range: TimeRange,
    limits: Limits,
    args: &HuntArgs,
) -> Result<Found, Error> {
    let mut output = Output::open(args.format, args.output.as_deref())?;
    let mut search = office.lake().search(&office.scope, files, query, range, limits)?;
    let mut found = Found::default();
    while let Some(row) = search.blocking_next() {
        match row {
            Ok(row) => output.row(&row)?,
            Err(error) => found.ended = Some(error),
        }
        found.count += u64::from(found.ended.is_none());
        if output.is_gone() {
            return Ok(found);
        }
    }
    output.finish()?;
    let scanned = search.scanned();
    for (path, reason) in &scanned.damaged {
        found.incomplete = true;
        tell(&format!("{path} could not be read: {reason}"))?;
    }
    tell(&told(&scanned))?;
    if found.count as usize >= args.most() {
        tell("There may be more; --limit shows more.")?;
    }
    Ok(found)
}

fn sql(
    office: &Office,
    files: &[LakeFile],
    text: &str,
    limits: Limits,
    args: &HuntArgs,
) -> Result<Found, Error> {
    let started = std::time::Instant::now();
    let mut output = Output::open(args.format, args.output.as_deref())?;
    let mut answer = office.lake().sql(&office.scope, files, text, output.sql_format(), limits)?;
    let mut found = Found::default();
    while let Some(piece) = answer.blocking_next() {
        match piece {
            Ok(piece) => output.piece(&piece)?,
            Err(error) => found.ended = Some(error),
        }
        found.count += 1;
        if output.is_gone() {
            return Ok(found);
        }
    }
    output.finish()?;
    let over = counted(files.len() as u64, "file", "files");
    tell(&format!("{:.2} s over {over}.", started.elapsed().as_secs_f64()))?;
    if let Some(limit) = args.limit {
        tell(&format!(
            "At most {} were asked for; --limit shows more.",
            counted(limit as u64, "row", "rows")
        ))?;
    }
    Ok(found)
}

fn estimate(office: &Office, files: &[LakeFile], query: &Query, range: TimeRange) -> Result<Ending, Error> {
    let estimate = office.lake().estimate(&office.scope, files, query, range);
    let how = if estimate.reads_original {
        "the original bytes of each event must be read"
    } else {
        "columns and filters answer it"
    };
    let (many, rows) = (counted(estimate.files, "file", "files"), counted(estimate.rows, "event", "events"));
    print(&format!("{many}, {rows}, {} on disk; {how}.\n", bytes(estimate.bytes)))?;
    Ok(Ending::Nothing)
}

fn told(scanned: &Scanned) -> String {
    format!(
        "{} in {:.2} s: {} of {} and {} read, {} in {}.",
        counted(scanned.found, "event", "events"),
        scanned.milliseconds as f64 / 1000.0,
        scanned.files.saturating_sub(scanned.files_pruned),
        counted(scanned.files, "file", "files"),
        counted(scanned.groups_read, "row group", "row groups"),
        counted(scanned.rows, "row", "rows"),
        bytes(scanned.bytes),
    )
}

impl HuntArgs {
    fn range(&self, now: Timestamp) -> Result<TimeRange, Error> {
        let from = self.from.or(self.last.map(|span| span.before(now)));
        match (from, self.to) {
            (Some(from), Some(to)) if from >= to => Err(Error::NoTime { from, to }),
            _ => Ok(TimeRange { from, to: self.to }),
        }
    }

    /// Most rows. What is shown to a person has an end unless another is asked for; what goes on to a program has none.
    fn most(&self) -> usize {
        let is_shown = self.format == HuntFormat::Table && self.output.is_none() && !self.sql;
        self.limit.unwrap_or(if is_shown { SHOWN } else { usize::MAX >> 1 })
    }

    fn limits(&self, office: &Office) -> Limits {
        let hunt = &office.config.hunt;
        Limits {
            memory: hunt.memory_megabytes << 20,
            time: std::time::Duration::from_secs(self.seconds.unwrap_or(hunt.seconds)),
            rows: self.most(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            cancel: Cancel::default(),
        }
    }
}

impl HuntFormat {
    /// The format of an export. `None`: it is for people.
    pub fn export(self) -> Option<ExportFormat> {
        match self {
            Self::Table => None,
            Self::Json => Some(ExportFormat::Ndjson),
            Self::Csv => Some(ExportFormat::Csv),
            Self::Parquet => Some(ExportFormat::Parquet),
        }
    }
}
