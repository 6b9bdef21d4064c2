//! A day of sign-ins through the rules in `rules/signins`: what is found, how fast, in how much memory.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::json;
use ward_core::Timestamp;
use ward_detect::correlate::{Correlated, Correlator, Limits, Reduced, Reducer, Sighting, Stats};
use ward_detect::load::{LoadOptions, load};
use ward_detect::rule::{Expr, Rule, Test};
use ward_detect::{CorrelationKind, CorrelationRule, RuleSet};

use crate::process::{peak, processor_time, resident};
use crate::signins::{Action, Day, Field, Numbered, Planted, SignIn};

/// The rules, as files: path and text.
pub const RULES: [(&str, &str); 6] = [
    ("signin_events.yml", include_str!("../rules/signins/signin_events.yml")),
    ("credential_stuffing.yml", include_str!("../rules/signins/credential_stuffing.yml")),
    ("password_spraying.yml", include_str!("../rules/signins/password_spraying.yml")),
    ("brute_force_success.yml", include_str!("../rules/signins/brute_force_success.yml")),
    ("account_takeover.yml", include_str!("../rules/signins/account_takeover.yml")),
    ("scripted_use.yml", include_str!("../rules/signins/scripted_use.yml")),
];

/// What was measured.
#[derive(Debug, Clone)]
pub struct Report {
    /// Accounts of the login.
    pub accounts: u32,
    /// Events of the day.
    pub events: u64,
    /// What was found, by correlation.
    pub found: Vec<Found>,
    /// Processor time spent making sightings of matches.
    pub reducing: Duration,
    /// Processor time spent correlating them.
    pub correlating: Duration,
    /// What the correlator says of itself at the end of the day.
    pub stats: Stats,
    /// Resident bytes that the correlator's state added.
    pub resident: u64,
    /// Most resident bytes of the process during the day.
    pub peak: u64,
    /// One kind of correlation alone, as [`Alone::to_json`] tells it.
    pub alone: Vec<serde_json::Value>,
}

/// How a correlation did.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its title.
    pub title: String,
    /// Attacks hidden.
    pub planted: usize,
    /// Of these, found.
    pub found: usize,
    /// Keys it fired for that were not attacked.
    pub false_alarms: usize,
}

/// One kind of correlation, fed sightings of as many keys as there are accounts.
#[derive(Debug, Clone)]
pub struct Alone {
    /// The kind.
    pub kind: CorrelationKind,
    /// Keys tracked at the end.
    pub keys: usize,
    /// Sightings taken in.
    pub sightings: u64,
    /// Processor time spent correlating.
    pub correlating: Duration,
    /// Bytes of the tables, by own account.
    pub bytes: usize,
    /// Resident bytes that they added.
    pub resident: u64,
}

/// Loads the rules. What is refused is an error: they are ours.
pub fn rules() -> Result<RuleSet, String> {
    let set = load(RULES, &LoadOptions::default());
    match set.report.refused.first().or(set.report.partial.first()) {
        Some(problem) => Err(problem.to_string()),
        None => Ok(set),
    }
}

/// Correlates a day of a login with this many accounts.
pub fn day(accounts: u32, set: &RuleSet) -> Result<Report, String> {
    let mut correlator = Correlator::new(&set.correlations, &set.rules, limits(accounts))
        .map_err(|e| format!("could not set up correlations: {e}"))?;
    let mut feed = Feed::new(correlator.reducer(), set);
    let before = resident();
    let (mut reducing, mut correlating) = (Duration::ZERO, Duration::ZERO);
    let (mut batch, mut sightings, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let mut stream = Day::new(accounts);
    let planted = stream.planted.clone();
    let mut events = 0;
    loop {
        batch.extend(stream.by_ref().take(BATCH));
        if batch.is_empty() {
            break;
        }
        events += batch.len() as u64;
        let start = processor_time();
        batch.drain(..).for_each(|event| feed.reduce(&event, &mut sightings));
        let reduced = processor_time();
        sightings.drain(..).for_each(|sighting| correlator.observe_reduced(sighting, &mut found));
        reducing += reduced.saturating_sub(start);
        correlating += processor_time().saturating_sub(reduced);
    }
    let (stats, resident) = (correlator.stats(), resident().saturating_sub(before));
    Ok(Report {
        accounts,
        events,
        found: compare(set, &found, &mut feed, &planted),
        reducing,
        correlating,
        stats,
        resident,
        peak: peak(),
        alone: Vec::new(),
    })
}

/// Feeds one correlation so that it tracks every account, and one in ten of them twice.
pub fn alone(kind: &str, accounts: u32) -> Result<Alone, String> {
    let set = rules()?;
    let all = |rule: &&CorrelationRule| {
        rule.kind.as_str() == kind && rule.group_by == ["account"] && rule.timespan >= 86_400_000_000
    };
    let rule = set.correlations.iter().find(all).ok_or("no rule tracks every account for a day")?;
    let mut correlator = Correlator::new(std::slice::from_ref(rule), &set.rules, limits(accounts))
        .map_err(|e| format!("could not set up correlations: {e}"))?;
    let mut feed = Feed::new(correlator.reducer(), &set);
    let (mut sightings, mut found) = (Vec::with_capacity(BATCH * 2), Vec::new());
    let before = resident();
    let mut correlating = Duration::ZERO;
    let events = (0..accounts).flat_map(|i| {
        let account = i.wrapping_mul(0x9e37_79b1);
        let event = |account| SignIn {
            time: crate::signins::START + i64::from(i) * 1000,
            account,
            source: 0,
            action: Action::Success,
        };
        let again = (i % 10 == 0).then(|| event((i / 2).wrapping_mul(0x9e37_79b1)));
        [Some(event(account)), again].into_iter().flatten()
    });
    let mut events = events.peekable();
    while events.peek().is_some() {
        events.by_ref().take(BATCH).for_each(|event| feed.reduce(&event, &mut sightings));
        let start = processor_time();
        sightings.drain(..).for_each(|sighting| correlator.observe_reduced(sighting, &mut found));
        correlating += processor_time().saturating_sub(start);
    }
    let stats = correlator.stats();
    Ok(Alone {
        kind: rule.kind,
        keys: stats.keys,
        sightings: stats.sightings,
        correlating,
        bytes: stats.bytes,
        resident: resident().saturating_sub(before),
    })
}

const BATCH: usize = 1 << 18;

/// Room for all accounts in each of the correlations that track them, and for the sources.
fn limits(accounts: u32) -> Limits {
    Limits { keys: accounts as usize * 8, ..Limits::default() }
}

/// Matches events and reduces the matches.
struct Feed {
    reducer: Reducer,
    fields: Vec<Option<Field>>,
    /// Rules that each action matches, in the order of [`Action::ALL`].
    matches: Vec<Vec<usize>>,
    number: u64,
}

impl Feed {
    fn new(reducer: Reducer, set: &RuleSet) -> Self {
        let fields = reducer.fields().iter().map(|name| Field::named(name)).collect();
        let matching = |action: Action| {
            let rules = set.rules.iter().enumerate();
            rules.filter(|(_, rule)| matches(rule, action)).map(|(i, _)| i).collect()
        };
        Self { reducer, fields, matches: Action::ALL.map(matching).to_vec(), number: 0 }
    }

    fn reduce(&mut self, event: &SignIn, out: &mut Vec<Reduced>) {
        let fields = Numbered { event, fields: &self.fields };
        for &rule in &self.matches[event.action as usize] {
            let time = Timestamp::from_micros(event.time);
            self.reducer.reduce(&Sighting { rule, time, fields: &fields, evidence: self.number }, out);
        }
        self.number += 1;
    }
}

impl Feed {
    /// The key of an account or address in a correlation.
    fn key(&mut self, correlation: usize, account: u32, source: u32) -> Option<u64> {
        let mut sightings = Vec::new();
        for action in Action::ALL {
            self.reduce(&SignIn { time: 0, account, source, action }, &mut sightings);
        }
        sightings.iter().find(|s| s.correlation() == correlation).map(Reduced::key)
    }
}

/// Whether a rule matches all events of an action. The rules of this stream ask for nothing else.
fn matches(rule: &Rule, action: Action) -> bool {
    fn holds(expr: &Expr, action: Action) -> bool {
        match expr {
            Expr::Const(value) => *value,
            Expr::All(parts) => parts.iter().all(|part| holds(part, action)),
            Expr::Any(parts) => parts.iter().any(|part| holds(part, action)),
            Expr::Not(part) => !holds(part, action),
            Expr::Named(_, part) => holds(part, action),
            Expr::Field(test) => match (&test.test, action.constant(&test.field)) {
                (Test::Text(text), Some(value)) => text.patterns.iter().any(|p| p.to_string() == value),
                _ => false,
            },
            _ => false,
        }
    }
    holds(&rule.condition, action)
}

/// Holds what was found against what was hidden.
fn compare(set: &RuleSet, found: &[Correlated], feed: &mut Feed, planted: &Planted) -> Vec<Found> {
    let mut out = Vec::new();
    for (index, rule) in set.correlations.iter().enumerate().filter(|(_, rule)| rule.reports) {
        let of_account = |account: &u32| (*account, 0);
        let hidden: Vec<(u32, u32)> = match rule.title.as_str() {
            title if title.contains("stuffing") => planted.stuffing.iter().map(|s| (0, *s)).collect(),
            title if title.contains("spraying") => planted.spraying.iter().map(|net| (0, net << 8)).collect(),
            title if title.contains("failed") => planted.brute_force.iter().map(of_account).collect(),
            title if title.contains("recovery") => planted.takeover.iter().map(of_account).collect(),
            _ => Vec::new(),
        };
        let mut key = |(account, source)| feed.key(index, account, source);
        let hidden: BTreeSet<u64> = hidden.into_iter().filter_map(&mut key).collect();
        // The network of a stuffing source is an attacker's as well.
        let hostile: BTreeSet<u64> =
            planted.stuffing.iter().filter_map(|source| key((u32::MAX, *source))).collect();
        let told: BTreeSet<u64> = found.iter().filter(|f| f.correlation == index).map(|f| f.key).collect();
        out.push(Found {
            title: rule.title.clone(),
            planted: hidden.len(),
            found: told.intersection(&hidden).count(),
            false_alarms: told.difference(&hidden).filter(|key| !hostile.contains(key)).count(),
        });
    }
    out
}

impl Alone {
    /// The figures, for machines.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "kind": self.kind.as_str(),
            "keys": self.keys,
            "sightings_per_second": self.sightings as f64 / self.correlating.as_secs_f64(),
            "bytes_per_key": self.bytes as f64 / self.keys as f64,
            "resident_bytes_per_key": self.resident as f64 / self.keys as f64,
        })
    }
}

impl Report {
    /// The figures, for machines. Bytes, seconds, and per second.
    pub fn to_json(&self) -> serde_json::Value {
        let found = self.found.iter().map(|f| {
            json!({"correlation": f.title, "planted": f.planted, "found": f.found, "false_alarms": f.false_alarms})
        });
        json!({
            "accounts": self.accounts,
            "events": self.events,
            "found": found.collect::<Vec<_>>(),
            "sightings": self.stats.sightings,
            "sightings_per_second": self.stats.sightings as f64 / self.correlating.as_secs_f64(),
            "reduce_seconds": self.reducing.as_secs_f64(),
            "correlate_seconds": self.correlating.as_secs_f64(),
            "keys": self.stats.keys,
            "grown_keys": self.stats.grown,
            "bytes_per_key": self.stats.bytes as f64 / self.stats.keys as f64,
            "resident_bytes_per_key": self.resident as f64 / self.stats.keys as f64,
            "peak_bytes": self.peak,
            "late": self.stats.late,
            "evicted": self.stats.evicted,
            "folded": self.stats.folded,
            "alone": self.alone,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_second = |count: u64, time: Duration| count as f64 / time.as_secs_f64().max(1e-9) / 1e6;
        let per_key = |bytes: f64, keys: usize| bytes / keys.max(1) as f64;
        writeln!(f, "a day of {} accounts: {} events", self.accounts, self.events)?;
        writeln!(f, "{:<58} {:>7} {:>7} {:>12}", "correlation", "hidden", "found", "false alarms")?;
        for found in &self.found {
            writeln!(
                f,
                "{:<58} {:>7} {:>7} {:>12}",
                found.title, found.planted, found.found, found.false_alarms
            )?;
        }
        let stats = &self.stats;
        writeln!(
            f,
            "sightings: {}, correlated at {:.2} million a second; made from events at {:.2} million a second",
            stats.sightings,
            per_second(stats.sightings, self.correlating),
            per_second(self.events, self.reducing)
        )?;
        writeln!(
            f,
            "keys: {} ({} grown); {:.1} bytes each by own account, {:.1} resident; peak memory {} MB",
            stats.keys,
            stats.grown,
            per_key(stats.bytes as f64, stats.keys),
            per_key(self.resident as f64, stats.keys),
            self.peak / 1_000_000
        )?;
        writeln!(f, "late {}, evicted {}, folded {}", stats.late, stats.evicted, stats.folded)?;
        for alone in &self.alone {
            let number = |name: &str| alone.get(name).and_then(serde_json::Value::as_f64).unwrap_or(0.0);
            writeln!(
                f,
                "{} alone: {} keys; {:.1} bytes each by own account, {:.1} resident; {:.2} million a second",
                alone.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default(),
                number("keys"),
                number("bytes_per_key"),
                number("resident_bytes_per_key"),
                number("sightings_per_second") / 1e6,
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_hidden_among_a_million_accounts_is_found_and_nothing_else() {
        let report = day(1_000_000, &rules().unwrap()).unwrap();
        for found in &report.found {
            assert_eq!((found.found, found.false_alarms), (found.planted, 0), "{}", found.title);
        }
        let planted: Vec<usize> = report.found.iter().map(|f| f.planted).collect();
        assert_eq!(planted.iter().filter(|p| **p > 0).count(), 4);
        assert_eq!((report.stats.late, report.stats.evicted, report.stats.folded), (0, 0, 0));
        assert!(report.stats.bytes / report.stats.keys <= 64);
    }
}
