//! `cargo xtask demo`: what a newcomer runs first.

use crate::cargo::{cargo, shown};
use crate::{Command, TaskError};

/// The subcommand.
pub const COMMAND: Command = Command {
    name: "demo",
    summary: "build ward and let it scan the sample telemetry beside our rules",
    help: HELP,
    run,
};

const HELP: &str = "\
Builds `ward` (release) and runs it with the rules it carries on the sample telemetry in rules/samples.
Usage: cargo xtask demo [ARGUMENTS FOR ward detect]

  cargo xtask demo                       a table of findings and a summary
  cargo xtask demo --min-level high      only what is high or critical
  cargo xtask demo --format json         one finding a line

The exit code is 0 when the attacks in the samples were found, 1 when nothing was, 2 on an error.";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    if !shown(&mut cargo(&["build", "--release", "--package", "ward"]))? {
        return Err(TaskError::Failed("building ward".into()));
    }
    let mut ward = ward_detect(arguments);
    println!("$ ward detect {SAMPLES}");
    let status = ward.status().map_err(|source| crate::cargo::unstarted(&ward, source))?;
    match status.code() {
        Some(1) => Ok(true),
        Some(0) => Ok(false),
        _ => Err(TaskError::Failed("ward detect".into())),
    }
}

/// `ward detect` on the samples, built already.
pub fn ward_detect(arguments: &[String]) -> std::process::Command {
    let mut ward = cargo(&["run", "--release", "--quiet", "--package", "ward", "--", "detect", SAMPLES]);
    ward.args(arguments);
    ward
}

/// The sample telemetry.
pub const SAMPLES: &str = "rules/samples";
