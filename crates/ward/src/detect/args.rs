//! The command line of `ward detect`, and its help.

use std::path::PathBuf;

use clap::Args;
use ward_core::{LogSource, Severity, Timestamp};
use ward_telemetry::input::Format as InputFormat;

use super::output::Format;
use crate::terminal::ColorChoice;

/// Find attacks in logs with Sigma rules.
#[derive(Debug, Args)]
#[command(
    long_about = "Find attacks in logs with Sigma rules.\n\n\
        Reads files, folders (all that is in them, in sorted order) and standard input (-). The format is \
        recognised by content: EVTX; JSON lines, arrays and documents; OTLP; syslog; CEF; LEEF; logfmt; \
        auditd; CSV; Zeek; W3C; access logs; each also as gzip or zstd. Raw Windows logs work with \
        unmodified Sigma rules.",
    after_long_help = AFTER_HELP
)]
pub struct DetectArgs {
    /// Files and folders to scan; - is standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// Folder or file with Sigma rules; may be repeated [default: the rules that come with Ward]
    #[arg(long, short, value_name = "PATH")]
    pub rules: Vec<PathBuf>,

    /// How findings are written
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Only rules of this level or worse: informational, low, medium, high, critical
    #[arg(long, value_name = "LEVEL")]
    pub min_level: Option<Severity>,

    /// Only events at or after this time, such as 2026-11-23T08:00:00Z (UTC if it names no zone)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<Timestamp>,

    /// Only events before this time; it must be later than --from
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<Timestamp>,

    /// Only the rule with this id or name; may be repeated
    #[arg(long = "rule", value_name = "ID")]
    pub only: Vec<String>,

    /// Threads that match [default: one for each core]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Tell what the scan cost: events, seconds, memory
    #[arg(long)]
    pub stats: bool,

    #[command(flatten)]
    pub telemetry: TelemetryArgs,

    #[command(flatten)]
    pub sigma: SigmaArgs,

    /// Longest record, in bytes; K, M and G may follow. Longer ones are skipped and told
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "16M")]
    pub max_record: usize,

    /// No summary at the end
    #[arg(long)]
    pub no_summary: bool,

    /// No progress bar
    #[arg(long)]
    pub no_progress: bool,

    /// Whether to colour levels; NO_COLOR is respected
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
}

/// What else there is to say about the rules.
#[derive(Debug, Clone, Default, Args)]
pub struct SigmaArgs {
    /// Processing pipeline (pySigma YAML) to apply to the rules; may be repeated
    #[arg(long = "pipeline", value_name = "FILE")]
    pub pipelines: Vec<PathBuf>,

    /// Values of placeholders: a YAML or TOML file, name to value or list of values
    #[arg(long, value_name = "FILE")]
    pub placeholders: Option<PathBuf>,
}

/// What else there is to say about the telemetry.
#[derive(Debug, Clone, Default, Args)]
pub struct TelemetryArgs {
    /// Table of log sources and field names to lay over those of Ward; may be repeated
    #[arg(long, value_name = "FILE.toml")]
    pub taxonomy: Vec<PathBuf>,

    /// The log source of all inputs, such as product=linux,service=sshd
    #[arg(long, value_name = "PARTS", value_parser = log_source)]
    pub logsource: Option<LogSource>,

    /// Read inputs as this format instead of recognising it, such as evtx, ndjson, syslog, lines
    #[arg(long, value_name = "FORMAT", value_parser = input_format)]
    pub input_format: Option<InputFormat>,
}

const AFTER_HELP: &str = "\
Examples:
  Scan a folder of Windows logs with the rules that come with Ward:
    ward detect C:\\Windows\\System32\\winevt\\Logs
  Scan with your own copy of the Sigma rules, only what is urgent:
    ward detect --rules sigma/rules --min-level high evidence/
  Findings for another program, summary on standard error:
    ward detect --format json logs.ndjson.gz | jq -r .rule.title
  One night of a syslog server, read from a pipe:
    zcat messages.gz | ward detect --logsource product=linux \\
      --from 2026-11-22T18:00:00Z --to 2026-11-23T06:00:00Z -

JSON output, one object a line:
  time, rule.id, rule.title, rule.level, rule.tags, rule.author, source (the path
  as given), record (EVTX: the EventRecordID; else the number of the line, row or
  element), host, user, event (the record as it was)

Where the summary goes:
  After the findings, if these are a table on a terminal (or in a pager);
  else to standard error, so that findings can go to a file or a program.

Exit codes:
  0  nothing was found
  1  something was found
  2  something could not be read or done, or a folder holds no telemetry at all;
     what could be read is reported all the same";

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "not a date or time such as 2026-11-23T08:00:00Z".to_owned())
}

fn input_format(text: &str) -> Result<InputFormat, String> {
    text.parse().map_err(|error: ward_telemetry::Error| error.to_string())
}

fn size(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let (digits, factor) = match text.bytes().last().map(|b| b.to_ascii_uppercase()) {
        Some(b'K') => (text.get(..text.len() - 1), 1 << 10),
        Some(b'M') => (text.get(..text.len() - 1), 1 << 20),
        Some(b'G') => (text.get(..text.len() - 1), 1 << 30),
        _ => (Some(text), 1),
    };
    let number: usize =
        digits.unwrap_or_default().parse().map_err(|_| "not a size such as 16M".to_owned())?;
    match number.checked_mul(factor) {
        Some(bytes @ 1..=MOST_RECORD) => Ok(bytes),
        _ => Err("must be between 1 byte and 1G".to_owned()),
    }
}

/// Largest value of `--max-record`, in bytes.
const MOST_RECORD: usize = 1 << 30;

fn log_source(text: &str) -> Result<LogSource, String> {
    let mut source = LogSource::default();
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, value) = part.split_once('=').ok_or("not of the form product=windows,service=security")?;
        let place = match key.trim() {
            "product" => &mut source.product,
            "category" => &mut source.category,
            "service" => &mut source.service,
            other => return Err(format!("'{other}' is not one of product, category, service")),
        };
        *place = Some(value.trim().to_ascii_lowercase()).filter(|value| !value.is_empty());
    }
    if source == LogSource::default() { Err("it names nothing".to_owned()) } else { Ok(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_source_is_named_by_its_parts() {
        let source = log_source("product=Linux, service=sshd").unwrap();
        assert_eq!(source.to_string(), "linux/*/sshd");
        for wrong in ["", "linux", "vendor=x", "product="] {
            assert!(log_source(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_units_and_bounds() {
        assert_eq!(size("64K"), Ok(65_536));
        assert_eq!(size("16m"), Ok(16 << 20));
        assert_eq!(size("100"), Ok(100));
        for wrong in ["", "0", "2G", "M", "-1", "99999999999999999999G", "1é"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_may_leave_out_what_is_clear() {
        assert_eq!(time("2026-11-23").unwrap().to_string(), "2026-11-23T00:00:00Z");
        assert!(time("yesterday").is_err());
    }
}
