//! `ward-bench`: runs one measurement and prints what it found.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::{Parser, Subcommand};
use ward_bench::report::Report;
use ward_bench::stream::{self, Plan, soak};
use ward_bench::{correlate, detect, peers};

/// Measures Ward.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// Everything about detection, in one table: rate, memory, loading, peers, correlation state.
    Detect {
        /// How many accounts the correlation stream has; 0 leaves it out.
        #[arg(long, default_value_t = 40_000_000)]
        accounts: u32,
        /// Where the figures go, as JSON.
        #[arg(long, default_value = "target/bench/detect.json")]
        json: PathBuf,
    },
    /// One measurement of detection, in a process of its own. Prints JSON.
    #[command(hide = true)]
    DetectAlone {
        /// `ward`, `sonic` or `rsigma`.
        what: String,
        /// Threads (ward) or rounds over the distinct events (rsigma).
        times: usize,
    },
    /// The whole path through `ward serve`, from the socket to the alert and the lake: rate, delays, memory,
    /// disk, search.
    Stream {
        /// Seconds at full load.
        #[arg(long, default_value_t = 300)]
        seconds: u64,
        /// Seconds at half of the rate that was reached.
        #[arg(long, default_value_t = 60)]
        half_seconds: u64,
        /// Megabytes of distinct events, which are sent over and over.
        #[arg(long, default_value_t = 512)]
        megabytes: usize,
        /// Organisations that send.
        #[arg(long, default_value_t = 50)]
        organisations: usize,
        /// Connections that they send over.
        #[arg(long, default_value_t = 16)]
        connections: usize,
        /// Where the figures go, as JSON.
        #[arg(long, default_value = "target/bench/stream.json")]
        json: PathBuf,
    },
    /// Keeps `ward serve` under load and changes its rules each minute: memory and open files must not grow.
    Soak {
        /// For how long.
        #[arg(long, default_value_t = 30)]
        minutes: u64,
        /// Events a second.
        #[arg(long, default_value_t = 80_000.0)]
        rate: f64,
        /// Megabytes of distinct events, which are sent over and over.
        #[arg(long, default_value_t = 512)]
        megabytes: usize,
        /// Where the figures go, as JSON.
        #[arg(long, default_value = "target/bench/soak.json")]
        json: PathBuf,
    },
    /// Correlates a day of sign-ins of a national login, with attacks hidden in it.
    Correlate {
        /// How many accounts there are; each signs in at least once.
        #[arg(long, default_value_t = 40_000_000)]
        accounts: u32,
        /// Also write the figures to this file, as JSON.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// One correlation alone, in a process of its own so that its memory can be told. Prints JSON.
    #[command(hide = true)]
    CorrelateAlone {
        /// Kind of correlation.
        kind: String,
        /// How many accounts there are.
        accounts: u32,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().measurement {
        Measurement::Detect { accounts, json } => detect_all(accounts, &json),
        Measurement::DetectAlone { what, times } => match what.as_str() {
            "ward" => detect::ward(times),
            "sonic" => peers::sonic(),
            "rsigma" => peers::rsigma(times),
            other => Err(format!("'{other}' is not one of ward, sonic, rsigma")),
        }
        .and_then(|figures| print(&figures)),
        Measurement::Stream { seconds, half_seconds, megabytes, organisations, connections, json } => {
            stream_all(Plan { seconds, half_seconds, megabytes, organisations, connections }, &json)
        }
        Measurement::Soak { minutes, rate, megabytes, json } => {
            let plan = soak::Plan { minutes, rate, megabytes, organisations: 50, connections: 16 };
            soak_it(plan, &json)
        }
        Measurement::Correlate { accounts, json } => correlate_day(accounts, json),
        Measurement::CorrelateAlone { kind, accounts } => {
            correlate::alone(&kind, accounts).and_then(|report| print(&report.to_json()))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "error: {reason}");
            ExitCode::from(2)
        }
    }
}

fn detect_all(accounts: u32, json: &Path) -> Result<(), String> {
    let report = Report::measure(in_own_process, accounts)?;
    print(&report)?;
    write_json(report.to_json(), json)
}

fn stream_all(plan: Plan, json: &Path) -> Result<(), String> {
    let report = stream::Report::measure(plan, now()?, tell)?;
    print(&report)?;
    write_json(report.to_json(), json)
}

fn soak_it(plan: soak::Plan, json: &Path) -> Result<(), String> {
    let (figures, is_flat) = soak::soak(plan, now()?, &tell)?;
    print(&format!("{figures:#}"))?;
    write_json(&figures, json)?;
    if is_flat { Ok(()) } else { Err("memory or open files grew, or it was too short to tell".to_owned()) }
}

fn tell(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Microseconds since 1970.
fn now() -> Result<i64, String> {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(|e| e.to_string())?;
    i64::try_from(now.as_micros()).map_err(|e| e.to_string())
}

fn write_json(figures: &serde_json::Value, path: &Path) -> Result<(), String> {
    std::fs::write(path, format!("{figures:#}\n"))
        .map_err(|e| format!("could not write {}: {e}", path.display()))
}

fn correlate_day(accounts: u32, json: Option<PathBuf>) -> Result<(), String> {
    let set = correlate::rules()?;
    let mut report = correlate::day(accounts, &set)?;
    for kind in ["event_count", "temporal_ordered"] {
        report.alone.push(in_own_process(&["correlate-alone", kind, &accounts.to_string()])?);
    }
    print(&report)?;
    match json {
        Some(path) => write_json(&report.to_json(), &path),
        None => Ok(()),
    }
}

/// What this program prints when run with these arguments.
fn in_own_process(arguments: &[&str]) -> Result<serde_json::Value, String> {
    let program = std::env::current_exe().map_err(|e| format!("could not find this program: {e}"))?;
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("could not start this program again: {e}"))?;
    serde_json::from_slice(&output.stdout).map_err(|e| format!("could not read its figures: {e}"))
}

fn print(text: &impl Display) -> Result<(), String> {
    writeln!(std::io::stdout(), "{text}").map_err(|e| format!("could not write to standard output: {e}"))
}
