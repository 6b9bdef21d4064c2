//! `cargo xtask bench`: the measurements.

use crate::cargo::{cargo, program, shown};
use crate::workspace::target_directory;
use crate::{Command, TaskError, assets, corpus};

/// The subcommand.
pub const COMMAND: Command =
    Command { name: "bench", summary: "measure, print a table and write JSON", help: HELP, run };

const HELP: &str = "\
Runs a measurement of the bench crate (release) with the corpus laid out; see docs/benchmarks.md.
Usage: cargo xtask bench NAME [ARGUMENTS]

  cargo xtask bench detect               everything about detection: rate, memory, loading, correlation
  cargo xtask bench stream               the hub: from the socket to the alert, the lake and a search
  cargo xtask bench detect --help        what can be chosen

Measure on a quiet machine: the rates are per CPU-second, but caches are shared.";

/// The subcommand that keeps the hub under load.
pub const SOAK: Command = Command {
    name: "soak",
    summary: "the hub under load for half an hour: nothing may grow",
    help: SOAK_HELP,
    run: soak,
};

const SOAK_HELP: &str = "\
Keeps `ward serve` under load (release) and changes its rules each minute. Fails when memory or the number
of open files grows after the first ten minutes.
Usage: cargo xtask soak [--minutes N] [--rate EVENTS_A_SECOND]

  cargo xtask soak                       30 minutes at 80,000 events a second
  cargo xtask soak --rate 160000         at four fifths of what `cargo xtask bench stream` reached
  cargo xtask soak --help                this

The figures of each five seconds go to target/bench/soak.json.";

fn soak(arguments: &[String]) -> Result<bool, TaskError> {
    run(&[&["soak".to_owned()], arguments].concat())
}

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    if arguments.is_empty() {
        return Err(TaskError::argument("NAME", "say which measurement, such as `detect`"));
    }
    assets::lay_out()?;
    // the whole process is measured too
    if !shown(&mut cargo(&["build", "--release", "--package", "ward", "--package", "ward-bench"]))? {
        return Ok(false);
    }
    let mut bench = program(target_directory()?.join("release/ward-bench"));
    bench.args(arguments);
    if let Some(corpus) = corpus::lay_out()? {
        bench.env(corpus::VARIABLE, corpus);
    }
    shown(&mut bench)
}
