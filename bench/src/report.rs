//! All of detection measured in one run, as a table with its floors and aims.

use std::fmt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::detect::corpus;

/// One row of a table.
pub(crate) struct Row {
    pub what: &'static str,
    pub floor: &'static str,
    pub aim: &'static str,
    pub measured: String,
}

/// Writes a Markdown table.
pub(crate) fn table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    writeln!(f, "| what | floor | aim | measured |\n|---|---|---|---|")?;
    for row in rows {
        writeln!(f, "| {} | {} | {} | **{}** |", row.what, row.floor, row.aim, row.measured)?;
    }
    Ok(())
}

/// How often one and two threads are measured.
const ROUNDS: usize = 3;

/// The figures of a run.
pub struct Report {
    rows: Vec<Row>,
    raw: Value,
}

impl Report {
    /// Measures everything. `alone` runs this program with arguments and gives what it prints; `accounts`
    /// is how many accounts the correlation stream has, 0 to leave it out.
    ///
    /// # Errors
    /// What could not be measured.
    pub fn measure(alone: impl Fn(&[&str]) -> Result<Value, String>, accounts: u32) -> Result<Self, String> {
        let sonic = alone(&["detect-alone", "sonic", "1"])?;
        // in turn, so that a noisy moment of the machine meets both; of each the best counts
        let (mut ones, mut twos) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ones.push(alone(&["detect-alone", "ward", "1"])?);
            twos.push(alone(&["detect-alone", "ward", "2"])?);
        }
        let one = best(&ones, "events_per_cpu_s");
        let two = best(&twos, "events_per_wall_s");
        let gain = number(&two, "events_per_wall_s")
            / number(&best(&ones, "events_per_wall_s"), "events_per_wall_s");
        let rsigma = alone(&["detect-alone", "rsigma", "2"])?;
        let evtx = evtx()?;
        let mut rows = vec![
            row("events per CPU-second, one thread", "250,000", "400,000", thousands(rate(&one))),
            row(
                "share of sonic-rs `Value` parsing",
                "0.33",
                "0.55",
                format!("{:.2}", rate(&one) / rate(&sonic)),
            ),
            row("times the `rsigma-eval` library", "5", "8", format!("{:.1}", rate(&one) / rate(&rsigma))),
            row("two threads against one (wall)", "1.8", "1.95", format!("{gain:.2}")),
            row("peak memory, two threads, MB", "250", "150", megabytes(number(&two, "peak_bytes"))),
            row(
                "loading 3,141 rules, two threads, s",
                "1.0",
                "0.3",
                format!("{:.2}", number(&two, "load_wall_s")),
            ),
            row("251 EVTX, 2,407 rules, whole process, wall s", "3", "1.5", evtx.wall.clone()),
            row("the same, peak memory, MB", "200", "120", evtx.peak.clone()),
        ];
        let mut correlate = Value::Null;
        if accounts > 0 {
            correlate = alone(&["correlate-alone", "event_count", &accounts.to_string()])?;
            let bytes = correlate.to_string();
            let per_key = number(&correlate, "bytes_per_key");
            let shown = if per_key > 0.0 { format!("{per_key:.1}") } else { bytes };
            rows.push(row("bytes per tracked key (event_count)", "64", "32", shown));
        }
        let raw = json!({
            "ward_one_thread": one, "ward_two_threads": two, "sonic": sonic, "rsigma": rsigma,
            "evtx": evtx.raw, "correlate": correlate,
        });
        Ok(Self { rows, raw })
    }

    /// The figures as JSON.
    pub fn to_json(&self) -> &Value {
        &self.raw
    }
}

impl fmt::Display for Report {
    /// A Markdown table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table(f, &self.rows)?;
        for (name, figures) in
            [("sonic-rs `Value`", &self.raw["sonic"]), ("rsigma-eval, routed", &self.raw["rsigma"])]
        {
            writeln!(f, "\n{name}: {} events per CPU-second", thousands(rate(figures)))?;
        }
        Ok(())
    }
}

struct Evtx {
    wall: String,
    peak: String,
    raw: Value,
}

/// Runs the `ward` beside this program over all EVTX of the corpus.
fn evtx() -> Result<Evtx, String> {
    let corpus = corpus()?;
    let program = std::env::current_exe().map_err(|e| e.to_string())?.with_file_name("ward");
    let start = std::time::Instant::now();
    let output = Command::new(&program)
        .args(["detect", "--format", "json", "--stats", "--threads", "2", "--no-progress", "--rules"])
        .arg(corpus.join("sigma/rules/windows"))
        .args([corpus.join("evtx"), corpus.join("sigma_regression")])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| {
            format!("could not run {}: {e} (build it with cargo build --release)", program.display())
        })?;
    let wall = start.elapsed();
    let text = String::from_utf8_lossy(&output.stderr);
    let figure = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or_default();
        line.trim().to_owned()
    };
    let peak = figure("peak memory");
    let raw = json!({
        "wall_s": wall.as_secs_f64(), "cpu_s": figure("CPU seconds"), "peak": peak,
        "findings": output.stdout.iter().filter(|&&b| b == b'\n').count(),
    });
    Ok(Evtx {
        wall: format!("{:.2}", wall.as_secs_f64()),
        peak: peak.trim_end_matches(" MB").to_owned(),
        raw,
    })
}

fn row(what: &'static str, floor: &'static str, aim: &'static str, measured: String) -> Row {
    Row { what, floor, aim, measured }
}

/// The figures that are highest by one of them.
fn best(all: &[Value], name: &str) -> Value {
    all.iter().max_by(|a, b| number(a, name).total_cmp(&number(b, name))).cloned().unwrap_or_default()
}

fn rate(figures: &Value) -> f64 {
    number(figures, "events_per_cpu_s")
}

fn number(figures: &Value, name: &str) -> f64 {
    figures[name].as_f64().unwrap_or(0.0)
}

fn megabytes(bytes: f64) -> String {
    format!("{:.0}", bytes / 1e6)
}

pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
