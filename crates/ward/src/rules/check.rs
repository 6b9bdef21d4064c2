//! `ward rules check`: loads every rule and tells what is wrong with it, with file, line and reason.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;
use ward_core::LogSource;
use ward_detect::{Problem, RuleSet};
use ward_telemetry::taxonomy::Taxonomy;

use super::print;
use crate::detect::args::{SigmaArgs, TelemetryArgs};
use crate::error::Error;
use crate::hidden::escaped_json;
use crate::terminal::{ColorChoice, Screen, counted, safe, wrap};
use crate::{Ending, rule_set, telemetry};

/// Load every rule and list what is refused or in force only in part, with file, line and reason.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct CheckArgs {
    /// Folders or files with Sigma rules [default: the rules that come with Ward]
    #[arg(value_name = "PATH")]
    rules: Vec<PathBuf>,

    /// How it is written
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Table of log sources and field names to lay over those of Ward; may be repeated
    #[arg(long, value_name = "FILE.toml")]
    taxonomy: Vec<PathBuf>,

    #[command(flatten)]
    sigma: SigmaArgs,

    /// Whether to colour headings; NO_COLOR is respected
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    color: ColorChoice,
}

const AFTER_HELP: &str = "\
Told are, in this order:
  refused      the rule is not in force
  partial      the rule is in force, but part of it can never match
  unreachable  no telemetry that Ward knows has the rule's log source
  note         the rule is in force; its author should have a look

Exit codes:
  0  every rule is in force as it is written
  1  some are refused, in force only in part, or unreachable
  2  the rules could not be read";

/// How the list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text to read.
    Text,
    /// One JSON object a line: kind, path, line, id, title, reason; the last has the counts.
    Json,
}

/// Checks and lists.
///
/// # Errors
/// A file that cannot be read.
pub fn run(args: &CheckArgs) -> Result<Ending, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let set = rule_set::load(&args.rules, &args.sigma, threads)?;
    let taxonomy =
        telemetry::taxonomy(&TelemetryArgs { taxonomy: args.taxonomy.clone(), ..TelemetryArgs::default() })?;
    let remarks = remarks(&set, &taxonomy);
    print(&match args.format {
        Format::Text => text(&remarks, &set, &Screen::stdout(args.color)),
        Format::Json => lines(&remarks, &set),
    })?;
    let fine = remarks.iter().all(|remark| remark.kind == Kind::Note);
    Ok(if fine { Ending::Nothing } else { Ending::Something })
}

/// What kind of thing there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Refused,
    Partial,
    Unreachable,
    Note,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Refused, Self::Partial, Self::Unreachable, Self::Note];

    const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Partial => "partial",
            Self::Unreachable => "unreachable",
            Self::Note => "note",
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Refused => "Refused: not in force",
            Self::Partial => "Partial: in force, but part of it can never match",
            Self::Unreachable => "Unreachable: no known telemetry has the log source",
            Self::Note => "Notes: in force; worth a look",
        }
    }
}

/// Something to say about a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remark {
    kind: Kind,
    path: String,
    line: u32,
    id: Option<String>,
    title: Option<String>,
    reason: String,
}

fn remarks(set: &RuleSet, taxonomy: &Taxonomy) -> Vec<Remark> {
    let of = |kind, problems: &[Problem]| -> Vec<Remark> {
        let remark = |problem: &Problem| Remark {
            kind,
            path: problem.path.to_string(),
            line: problem.line,
            id: problem.id.clone(),
            title: problem.title.clone(),
            reason: problem.reason.to_string(),
        };
        problems.iter().map(remark).collect()
    };
    let mut remarks = of(Kind::Refused, &set.report.refused);
    remarks.extend(of(Kind::Partial, &set.report.partial));
    let mut reachable: BTreeMap<&LogSource, bool> = BTreeMap::new();
    for rule in &set.rules {
        let source = &rule.log_source;
        let any = *source == LogSource::default();
        if any || *reachable.entry(source).or_insert_with(|| taxonomy.can_reach(source)) {
            continue;
        }
        remarks.push(Remark {
            kind: Kind::Unreachable,
            path: rule.origin.path.to_string(),
            line: rule.origin.line,
            id: Some(rule.id.clone()),
            title: Some(rule.title.clone()),
            reason: format!("no table has the log source {source} (product/category/service)"),
        });
    }
    remarks.extend(of(Kind::Note, &set.report.notes));
    remarks
}

fn text(remarks: &[Remark], set: &RuleSet, screen: &Screen) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let list: Vec<&Remark> = remarks.iter().filter(|remark| remark.kind == kind).collect();
        if list.is_empty() {
            continue;
        }
        text.push_str(&format!("{}\n{}\n", screen.heading(kind.heading()), "-".repeat(kind.heading().len())));
        for remark in list {
            // The place stays in one piece, so that it can be copied.
            text.push_str(&format!("{}:{}\n", safe(&remark.path), remark.line));
            let title = remark.title.as_deref().or(remark.id.as_deref()).map(|title| format!("{title}: "));
            let said = safe(&format!("{}{}", title.unwrap_or_default(), remark.reason));
            for line in wrap(&said, screen.width.saturating_sub(4)) {
                text.push_str(&format!("    {line}\n"));
            }
        }
        text.push('\n');
    }
    let counts: Vec<String> = Kind::ALL
        .into_iter()
        .map(|kind| (kind, remarks.iter().filter(|remark| remark.kind == kind).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| match kind {
            Kind::Note => counted(count as u64, "note", "notes"),
            kind => format!("{count} {}", kind.word()),
        })
        .collect();
    let rules = counted(set.rules.len() as u64, "rule", "rules");
    let correlations = counted(set.correlations.len() as u64, "correlation", "correlations");
    let filters = counted(set.filters as u64, "filter", "filters");
    let faults = if counts.is_empty() { "nothing to remark".to_owned() } else { counts.join(", ") };
    let total = format!("{rules}, {correlations} and {filters} in force; {faults}.");
    for line in wrap(&total, screen.width) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn lines(remarks: &[Remark], set: &RuleSet) -> String {
    let mut text = String::new();
    for remark in remarks {
        let line = json!({
            "kind": remark.kind.word(),
            "path": remark.path,
            "line": remark.line,
            "id": remark.id,
            "title": remark.title,
            "reason": remark.reason,
        });
        text.push_str(&format!("{}\n", escaped_json(&line.to_string())));
    }
    let count = |kind| remarks.iter().filter(|remark| remark.kind == kind).count();
    let total = json!({
        "kind": "total",
        "rules": set.rules.len(),
        "correlations": set.correlations.len(),
        "filters": set.filters,
        "refused": count(Kind::Refused),
        "partial": count(Kind::Partial),
        "unreachable": count(Kind::Unreachable),
        "notes": count(Kind::Note),
    });
    text.push_str(&format!("{total}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ward_detect::load::{self, LoadOptions};

    const PLAIN: Screen = Screen { width: 80, color: false, is_terminal: false };

    fn set(text: &str) -> RuleSet {
        load::load([("rules/a.yml", text)], &LoadOptions::default())
    }

    #[test]
    fn a_refused_rule_is_listed_with_place_and_reason() {
        let set =
            set("title: Broken\nlogsource: {product: windows}\ndetection: {a: {B: c}, condition: nobody}\n");
        let remarks = remarks(&set, &Taxonomy::builtin().unwrap());
        assert_eq!(remarks[0].kind, Kind::Refused);
        let text = text(&remarks, &set, &PLAIN);
        assert!(
            text.starts_with("Refused: not in force\n---------------------\nrules/a.yml:3\n    Broken: "),
            "{text}"
        );
        assert!(text.ends_with("0 rules, 0 correlations and 0 filters in force; 1 refused.\n"), "{text}");
        for line in lines(&remarks, &set).lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }

    #[test]
    fn a_log_source_that_nothing_can_have_is_told() {
        let set = set("title: Far\nlogsource: {product: abacus}\ndetection: {a: {B: c}, condition: a}\n");
        let remarks = remarks(&set, &Taxonomy::builtin().unwrap());
        let unreachable: Vec<_> = remarks.iter().filter(|r| r.kind == Kind::Unreachable).collect();
        assert_eq!(unreachable.len(), 1);
        assert!(unreachable[0].reason.contains("abacus/*/*"));
    }
}
