//! `ward-bench`: runs one measurement and prints what it found.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ward_bench::correlate;

/// Measures Ward.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// Correlates a day of sign-ins of a national login, with attacks hidden in it.
    Correlate {
        /// How many accounts there are; each signs in at least once.
        #[arg(long, default_value_t = 40_000_000)]
        accounts: u32,
        /// Also write the figures to this file, as JSON.
        #[arg(long)]
        json: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let Measurement::Correlate { accounts, json } = Arguments::parse().measurement;
    let mut out = std::io::stdout().lock();
    let done = correlate::run(accounts).map_err(|e| e.to_string()).and_then(|report| {
        write!(out, "{report}").map_err(|e| e.to_string())?;
        if let Some(path) = json {
            std::fs::write(&path, format!("{:#}\n", report.to_json()))
                .map_err(|e| format!("could not write {}: {e}", path.display()))?;
        }
        Ok(())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "error: {reason}");
            ExitCode::from(2)
        }
    }
}
