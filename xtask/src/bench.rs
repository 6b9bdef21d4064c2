//! `cargo xtask bench`: the measurements.

use crate::cargo::{cargo, program, shown};
use crate::workspace::target_directory;
use crate::{Command, TaskError, corpus};

/// The subcommand.
pub const COMMAND: Command =
    Command { name: "bench", summary: "measure, print a table and write JSON", help: HELP, run };

const HELP: &str = "\
Runs a measurement of the bench crate (release) with the corpus laid out; see docs/benchmarks.md.
Usage: cargo xtask bench NAME [ARGUMENTS]

  cargo xtask bench detect               everything about detection: rate, memory, loading, correlation
  cargo xtask bench stream               the hub: from the socket to the alert, the lake and a search
  cargo xtask bench soak --minutes 30    the hub under load: memory and open files must not grow
  cargo xtask bench detect --help        what can be chosen

Measure on a quiet machine: the rates are per CPU-second, but caches are shared.";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    if arguments.is_empty() {
        return Err(TaskError::argument("NAME", "say which measurement, such as `detect`"));
    }
    // the whole process is measured too
    if !shown(&mut cargo(&["build", "--release", "--package", "ward", "--package", "ward-bench"]))? {
        return Ok(false);
    }
    let mut bench = program(&target_directory()?.join("release/ward-bench"));
    bench.args(arguments);
    if let Some(corpus) = corpus::lay_out()? {
        bench.env(corpus::VARIABLE, corpus);
    }
    shown(&mut bench)
}
