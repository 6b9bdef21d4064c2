//! What a responder reads at the end of a scan.
//!
//! Plain words and numbers, no line longer than the screen is wide: a screen reader and a printed page
//! tell the same as a terminal.

use std::collections::BTreeMap;

use ward_core::Severity;

use super::finding::{RuleFacts, clock_text};
use super::output::level_word;
use super::problems::Problems;
use super::tally::{Fired, Tally};
use super::timeline::{ByLevel, Row};
use crate::attack::{self, Tactic};
use crate::terminal::{Screen, counted, grouped, safe, shortened, wrap};

/// All that a scan came to.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was counted.
    pub tally: Tally,
    /// What could not be read.
    pub problems: Problems,
    /// Inputs that were read.
    pub inputs: u64,
    /// Folders that were named and hold no telemetry.
    pub empty: Vec<String>,
    /// What stands in folders and is no telemetry, by reason.
    pub skipped: Vec<(&'static str, u64)>,
    /// Rules and correlations, by the numbers the tally has for them.
    pub rules: Vec<RuleFacts<'a>>,
    /// What became of the rules.
    pub loaded: Loaded,
    /// What the correlator left out, by reason.
    pub correlation_losses: Vec<(&'static str, u64)>,
    /// Whether only a range of time was asked for.
    pub ranged: bool,
}

/// What became of the rules.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Rules in force.
    pub rules: usize,
    /// Of them, those asked for, if not all are.
    pub asked: Option<usize>,
    /// Correlations in force.
    pub correlations: usize,
    /// Documents refused.
    pub refused: usize,
    /// Documents in force only in part.
    pub partial: usize,
    /// The command that lists them.
    pub list_with: String,
}

const MOST_RULES: usize = 40;
const MOST_HOSTS: usize = 20;
const MOST_TECHNIQUES: usize = 25;
const MOST_TIMES: usize = 20;
const MOST_KINDS: usize = 5;
const BAR: usize = 20;

/// Writes the summary.
pub fn write(report: &Report<'_>, screen: &Screen) -> String {
    let mut page = Page { screen: *screen, text: String::new() };
    page.totals(report);
    if report.tally.findings() > 0 {
        page.by_rule(report);
        page.by_host(report);
        page.by_technique(report);
        page.timeline(report);
    }
    page.rules(report);
    page.set_aside(report);
    page.text
}

/// Which folders hold nothing to look at, and what they hold instead: sentences.
pub fn nothing_to_look_at(report: &Report<'_>) -> Vec<String> {
    let mut told: Vec<String> = report
        .empty
        .iter()
        .map(|folder| format!("Nothing to scan: no telemetry found in {}.", safe(folder)))
        .collect();
    if !told.is_empty() || report.inputs == 0 {
        told.extend(skipped(report));
    }
    told
}

fn skipped(report: &Report<'_>) -> impl Iterator<Item = String> {
    let told =
        |(reason, count): &(&str, u64)| format!("{} in folders {reason}.", counted(*count, "file", "files"));
    report.skipped.iter().map(told)
}

struct Page {
    screen: Screen,
    text: String,
}

impl Page {
    fn totals(&mut self, report: &Report<'_>) {
        let tally = &report.tally;
        self.heading("Summary");
        let findings = match tally.findings() {
            0 => "Nothing found".to_owned(),
            count => counted(count, "finding", "findings"),
        };
        let events = counted(tally.events, "event", "events");
        self.paragraph(&format!("{findings} in {events} of {}.", counted(report.inputs, "input", "inputs")));
        if tally.events == 0 {
            self.paragraph("There is no event in what was read.");
        }
        let levels = levels(report);
        let told: Vec<_> = Severity::ALL
            .into_iter()
            .rev()
            .filter(|level| levels[*level as usize] > 0)
            .map(|level| format!("{} {level}", grouped(levels[level as usize])))
            .collect();
        if !told.is_empty() {
            self.paragraph(&format!("{}.", told.join(", ")));
        }
    }

    fn by_rule(&mut self, report: &Report<'_>) {
        let mut fired: Vec<(RuleFacts<'_>, Fired)> = report
            .tally
            .fired
            .iter()
            .filter_map(|(firer, fired)| Some((*report.rules.get(*firer as usize)?, *fired)))
            .collect();
        fired.sort_by(|(a, x), (b, y)| {
            b.level.cmp(&a.level).then(y.count.cmp(&x.count)).then(a.title.cmp(b.title)).then(a.id.cmp(b.id))
        });
        self.heading("By rule, most severe first");
        self.line(&self.screen.heading("level      count when (UTC)          rule"));
        const BEFORE: usize = 8 + 1 + 7 + 1 + 19 + 1;
        for (rule, fired) in fired.iter().take(MOST_RULES) {
            let when = when(fired);
            let titles = wrap(&safe(rule.title), self.screen.width.saturating_sub(BEFORE));
            let word = level_word(rule.level);
            for at in 0..titles.len().max(when.len()) {
                let title = titles.get(at).map_or("", String::as_str);
                let when = when.get(at).map_or("", String::as_str);
                let line = match at {
                    0 => {
                        let pad = " ".repeat(9 - word.len());
                        let count = grouped(fired.count);
                        format!("{}{pad}{count:>7} {when:19} {title}", self.screen.paint(rule.level, word))
                    }
                    _ => format!("{:17}{when:19} {title}", ""),
                };
                self.line(line.trim_end());
            }
        }
        let rest = fired.get(MOST_RULES..).unwrap_or_default();
        if !rest.is_empty() {
            let count = rest.iter().map(|(_, fired)| fired.count).sum();
            let rules = counted(rest.len() as u64, "more rule", "more rules");
            self.paragraph(&format!("... and {rules} with {}.", counted(count, "finding", "findings")));
        }
    }

    fn by_host(&mut self, report: &Report<'_>) {
        let mut hosts: Vec<(&str, &ByLevel)> =
            report.tally.hosts.iter().map(|(host, counts)| (host.as_str(), counts)).collect();
        // Reversed arrays compare critical first.
        let worst_first = |counts: &ByLevel| counts.iter().rev().copied().collect::<Vec<_>>();
        hosts.sort_by_cached_key(|(host, counts)| (std::cmp::Reverse(worst_first(counts)), *host));
        self.heading("By host, most severe first");
        self.line(&self.screen.heading(&format!("{COUNT_COLUMNS} host")));
        for (host, counts) in hosts.iter().take(MOST_HOSTS) {
            let host = shortened(&safe(host), self.screen.width.saturating_sub(COUNT_COLUMNS.len() + 1));
            self.line(&format!("{} {host}", count_columns(counts)));
        }
        let more = hosts.len().saturating_sub(MOST_HOSTS) as u64;
        if more > 0 {
            self.paragraph(&format!("... and {}.", counted(more, "more host", "more hosts")));
        }
        if report.tally.other_hosts.iter().sum::<u64>() > 0 {
            self.line(&format!("{} (no host named)", count_columns(&report.tally.other_hosts)));
        }
    }

    fn by_technique(&mut self, report: &Report<'_>) {
        let mut seen: BTreeMap<String, (ByLevel, Vec<Tactic>)> = BTreeMap::new();
        for (firer, fired) in &report.tally.fired {
            let Some(rule) = report.rules.get(*firer as usize) else { continue };
            for technique in attack::techniques(rule.tags) {
                let theirs = attack::tactics(rule.tags);
                let (counts, tactics) =
                    seen.entry(technique).or_insert_with(|| (ByLevel::default(), theirs.clone()));
                counts[rule.level as usize] += fired.count;
                // Tags do not say which tactic goes with which technique; what all rules of the technique
                // have in common is most likely its own.
                let common: Vec<Tactic> =
                    tactics.iter().filter(|tactic| theirs.contains(tactic)).copied().collect();
                *tactics = if !common.is_empty() { common } else { shorter(tactics, theirs) };
            }
        }
        if seen.is_empty() {
            return;
        }
        let mut seen: Vec<_> = seen.into_iter().collect();
        seen.sort_by_cached_key(|(id, (counts, _))| {
            (std::cmp::Reverse(counts.iter().rev().copied().collect::<Vec<_>>()), id.clone())
        });
        self.heading("By ATT&CK technique, most severe first");
        self.line(&self.screen.heading(&format!("{COUNT_COLUMNS} technique tactics")));
        let before = COUNT_COLUMNS.len() + 1 + 10;
        for (id, (counts, tactics)) in seen.iter().take(MOST_TECHNIQUES) {
            let names: Vec<&str> = tactics.iter().map(|tactic| tactic.name).collect();
            let lines = wrap(&names.join(", "), self.screen.width.saturating_sub(before));
            for (at, line) in lines.iter().enumerate() {
                let start = if at == 0 { format!("{} {id:9}", count_columns(counts)) } else { String::new() };
                self.line(format!("{start:width$} {line}", width = before - 1).trim_end());
            }
        }
        let more = seen.len().saturating_sub(MOST_TECHNIQUES) as u64;
        if more > 0 {
            self.paragraph(&format!("... and {}.", counted(more, "more technique", "more techniques")));
        }
    }

    fn timeline(&mut self, report: &Report<'_>) {
        let timeline = report.tally.timeline.rows(MOST_TIMES);
        if !timeline.rows.is_empty() {
            let sum = |counts: &ByLevel| counts.iter().sum::<u64>();
            let count = |row: &Row| if let Row::Stretch { counts, .. } = row { sum(counts) } else { 0 };
            let most = timeline.rows.iter().map(count).max().unwrap_or(0).max(1);
            self.heading(&format!("Timeline, findings per {} (UTC)", timeline.length));
            let width = timeline.rows.iter().map(from_width).max().unwrap_or(4);
            self.line(&self.screen.heading(&format!("{:width$} {COUNT_COLUMNS}", "from")));
            let bar = BAR.min(self.screen.width.saturating_sub(width + COUNT_COLUMNS.len() + 2));
            for row in &timeline.rows {
                match row {
                    Row::Gap(gap) => {
                        self.line(&format!("  nothing for {} times that long", grouped(*gap)));
                    }
                    Row::Stretch { from, counts } => {
                        let length = (sum(counts) * bar as u64).div_ceil(most) as usize;
                        let line = format!("{from:width$} {} {}", count_columns(counts), "#".repeat(length));
                        self.line(line.trim_end());
                    }
                }
            }
        }
        if report.tally.untimed > 0 {
            let untimed = counted(report.tally.untimed, "finding has", "findings have");
            let kept = if report.ranged { "; they are shown all the same" } else { "" };
            self.paragraph(&format!("{untimed} no time that could be read{kept}."));
        }
    }

    fn rules(&mut self, report: &Report<'_>) {
        let loaded = &report.loaded;
        self.heading("Rules");
        let mut text = format!("{} in force", counted(loaded.rules as u64, "rule", "rules"));
        if loaded.correlations > 0 {
            let correlations = counted(loaded.correlations as u64, "correlation", "correlations");
            text.push_str(&format!(", {correlations}"));
        }
        if let Some(asked) = loaded.asked {
            text.push_str(&format!(", of which {} asked for", grouped(asked as u64)));
        }
        text.push_str(&format!("; {} refused", grouped(loaded.refused as u64)));
        if loaded.partial > 0 {
            text.push_str(&format!(", {} in force only in part", grouped(loaded.partial as u64)));
        }
        text.push('.');
        self.paragraph(&text);
        if loaded.refused + loaded.partial > 0 {
            self.paragraph(&format!("To list them with reasons: {}", loaded.list_with));
        }
        for (reason, count) in &report.correlation_losses {
            self.paragraph(&format!("Correlations: {} {reason}.", counted(*count, "match", "matches")));
        }
    }

    fn set_aside(&mut self, report: &Report<'_>) {
        let tally = &report.tally;
        let problems = &report.problems;
        let is_whole = report.skipped.is_empty() && report.empty.is_empty();
        if problems.count() + tally.unfit + tally.outside + tally.undated == 0 && is_whole {
            return;
        }
        self.heading("Set aside");
        if tally.unfit > 0 {
            let events = counted(tally.unfit, "event fits", "events fit");
            self.paragraph(&format!("{events} the log source of no rule (--logsource can name it)."));
        }
        if tally.outside > 0 {
            let events = counted(tally.outside, "event is", "events are");
            self.paragraph(&format!("{events} outside --from and --to, and left out."));
        }
        if tally.undated > 0 {
            let events = counted(tally.undated, "event has", "events have");
            self.paragraph(&format!("{events} no time that could be read; --from and --to do not apply."));
        }
        if report.empty.is_empty() {
            skipped(report).for_each(|told| self.paragraph(&told));
        } else {
            nothing_to_look_at(report).iter().for_each(|told| self.paragraph(told));
        }
        if problems.count() == 0 {
            return;
        }
        let count = problems.count();
        self.paragraph(&format!(
            "{} could not be read as written:",
            counted(count, "record or part", "records or parts")
        ));
        for problem in problems.first() {
            self.item(&safe(problem));
        }
        if count > problems.first().len() as u64 {
            self.paragraph("All of them by kind:");
            let kinds = problems.kinds();
            for (kind, count) in kinds.iter().take(MOST_KINDS) {
                self.item(&format!("{}: {}", grouped(*count), safe(kind)));
            }
            let more = kinds.iter().skip(MOST_KINDS).map(|(_, count)| count).sum::<u64>();
            if more > 0 {
                self.item(&format!("{}: other reasons", grouped(more)));
            }
        }
    }

    fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.line(&self.screen.heading(text));
        self.line(&"-".repeat(text.chars().count()));
    }

    fn paragraph(&mut self, text: &str) {
        for line in wrap(text, self.screen.width) {
            self.line(&line);
        }
    }

    fn item(&mut self, text: &str) {
        for (at, line) in wrap(text, self.screen.width.saturating_sub(4)).iter().enumerate() {
            self.line(&format!("{}{line}", if at == 0 { "  - " } else { "    " }));
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// Heads of the columns that [`count_columns`] fills.
const COUNT_COLUMNS: &str = "  total  crit   high    med    low   info";

fn count_columns(counts: &ByLevel) -> String {
    let total: u64 = counts.iter().sum();
    let [info, low, medium, high, critical] = *counts;
    format!("{total:>7} {critical:>5} {high:>6} {medium:>6} {low:>6} {info:>6}")
}

fn shorter(one: &[Tactic], other: Vec<Tactic>) -> Vec<Tactic> {
    if other.is_empty() || (!one.is_empty() && one.len() <= other.len()) { one.to_vec() } else { other }
}

/// Findings by level.
fn levels(report: &Report<'_>) -> ByLevel {
    let mut levels = ByLevel::default();
    for (firer, fired) in &report.tally.fired {
        if let Some(rule) = report.rules.get(*firer as usize) {
            levels[rule.level as usize] += fired.count;
        }
    }
    levels
}

/// First and last time, in one line if they are the same to the minute.
fn when(fired: &Fired) -> Vec<String> {
    let minute = |time| shortened_time(clock_text(time));
    match (fired.first.map(minute), fired.last.map(minute)) {
        (Some(first), Some(last)) if first == last => vec![first],
        (Some(first), Some(last)) => vec![format!("{first} to"), last],
        _ => vec!["no time".to_owned()],
    }
}

/// To the minute.
fn shortened_time(clock: String) -> String {
    clock.get(..16).map(str::to_owned).unwrap_or(clock)
}

fn from_width(row: &Row) -> usize {
    if let Row::Stretch { from, .. } = row { from.chars().count() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::problems::Problem;
    use super::*;
    use ward_core::Timestamp;

    fn report(rules: Vec<RuleFacts<'_>>) -> Report<'_> {
        let mut tally = Tally { events: 1000, unfit: 7, ..Tally::default() };
        for n in 0..500_u32 {
            let firer = n % rules.len() as u32;
            let time = Timestamp::from_micros(i64::from(n) * 1_800_000_000);
            let host = format!("a-host-with-a-rather-long-name-{}\x1b[2J.example", n % 30);
            tally.add(firer, rules[firer as usize].level, Some(time), Some(&host));
        }
        let mut problems = Problems::default();
        for n in 0..30 {
            problems.add(&Problem { place: format!("logs/{n}.json: byte 7"), reason: "it is cut".into() });
        }
        let loaded =
            Loaded { rules: 60, refused: 2, list_with: "ward rules check x".into(), ..Loaded::default() };
        let losses = vec![("came later than allowed and did not count", 3)];
        Report {
            tally,
            problems,
            inputs: 2,
            empty: vec!["no\x1bthing".into()],
            skipped: vec![("are no telemetry by their content and were skipped", 1)],
            rules,
            loaded,
            correlation_losses: losses,
            ranged: false,
        }
    }

    #[test]
    fn it_fits_the_screen_tells_all_and_shows_no_escape_sequence() {
        let tags: Vec<String> = ["attack.t1490", "attack.impact", "attack.execution", "attack.persistence"]
            .map(Into::into)
            .to_vec();
        let facts = |n: usize| RuleFacts {
            id: "id",
            title: "A rule with a title that is rather long, as titles of rules tend to be",
            level: Severity::ALL[n % 5],
            tags: &tags,
            author: None,
        };
        let report = report((0..60).map(facts).collect());
        for width in [60, 80, 120, 200] {
            let text = write(&report, &Screen { width, color: false, is_terminal: false });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}\n{text}");
            assert!(!text.contains('\x1b'));
            for told in [
                "500 findings in 1,000 events of 2 inputs.",
                "100 critical, 100 high,",
                "... and 20 more rules with",
                "... and 10 more hosts.",
                "T1490     Impact",
                "findings per day (UTC)",
                "60 rules in force; 2 refused.",
                "ward rules check x",
                "Correlations: 3 matches came later",
                "7 events fit the log source of no rule",
                "Nothing to scan: no telemetry found in no\u{fffd}thing.",
                "1 file in folders are no telemetry by their content",
                "30 records or parts could not be read",
                "  - logs/0.json: byte 7: it is cut",
                "  - 30: it is cut",
            ] {
                assert!(text.contains(told), "{told}\n{text}");
            }
        }
    }

    #[test]
    fn nothing_found_is_said_in_few_lines() {
        let rules = Vec::new();
        let report = Report {
            tally: Tally { events: 5, ..Tally::default() },
            problems: Problems::default(),
            inputs: 1,
            empty: Vec::new(),
            skipped: Vec::new(),
            rules,
            loaded: Loaded { rules: 1, ..Loaded::default() },
            correlation_losses: Vec::new(),
            ranged: false,
        };
        let text = write(&report, &Screen { width: 80, color: false, is_terminal: false });
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines[2], "Nothing found in 5 events of 1 input.");
        assert_eq!(lines.len(), 6, "{text}");
    }
}
