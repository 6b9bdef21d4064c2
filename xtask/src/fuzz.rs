//! `cargo xtask fuzz`: coverage-guided fuzzing on the stable toolchain.
//!
//! One program holds all targets, instrumented by compiler flags in a target folder of its own so that
//! ordinary builds are left alone; an environment variable picks the target. A target's seeds lie in
//! `fuzz/seeds/TARGET`; the folders' names are the list of targets.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::cargo::{answers, cargo, program, shown, unstarted};
use crate::tally::Tally;
use crate::workspace::{host, root, target_directory};
use crate::{Command, TaskError, assets};

/// The subcommand.
pub const COMMAND: Command =
    Command { name: "fuzz", summary: "look for inputs that make a parser misbehave", help: HELP, run };

const HELP: &str = "\
Feeds a parser with ever new inputs (libFuzzer, stable toolchain; needs a C++ compiler).
Usage: cargo xtask fuzz [TARGET] [--seconds N]

Without TARGET, each target in turn; without --seconds, 60 for each. New inputs are kept in
target/fuzz/corpus/TARGET, an input that fails in target/fuzz/failed/TARGET. When one fails: copy it
to fuzz/seeds/TARGET under a name that says what is wrong, mend the parser, run `cargo test -p ward-fuzz`,
which replays all seeds.

  cargo xtask fuzz json --seconds 600    ten minutes on the JSON scanner
  ls fuzz/seeds                          the targets";

/// The environment variable by which the program picks its target.
const VARIABLE: &str = "WARD_FUZZ_TARGET";

/// Instruments the code as libFuzzer wants it. These replace the flags of `.cargo/config.toml`, so the
/// processor is named again: what is fuzzed is what ships.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    let mut chosen = None;
    let mut seconds = 60;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let value = rest.next().and_then(|value| value.parse().ok());
            seconds = value.ok_or_else(|| TaskError::argument(argument, "expects a number"))?;
        } else {
            chosen = Some(argument.as_str());
        }
    }
    let known = targets()?;
    if let Some(target) = chosen.filter(|target| !known.iter().any(|name| name == target)) {
        return Err(TaskError::argument(target, format!("no such target; there are {}", known.join(", "))));
    }
    let fuzzer = Fuzzer::build()?;
    let mut all_well = true;
    for target in known.iter().filter(|target| chosen.is_none_or(|chosen| chosen == *target)) {
        all_well &= shown(&mut fuzzer.command(target, seconds)?)?;
    }
    Ok(all_well)
}

/// Each target for some seconds, as many at a time as there are processors; one check a target.
///
/// # Errors
/// The fuzzers cannot be built or started.
pub fn smoke(seconds: u32) -> Result<Tally, TaskError> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    if !answers(&compiler, &["--version"]) {
        println!(
            "no C++ compiler ({compiler}), so libFuzzer cannot be built: seeds are replayed by the tests"
        );
        return Ok(Tally::skip());
    }
    let fuzzer = Fuzzer::build()?;
    let waiting = Mutex::new(VecDeque::from(targets()?));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let worker = || {
        let mut tally = Tally::default();
        while let Some(target) = next() {
            tally += Tally::named(&format!("fuzz target {target}"), fuzzer.smoke(&target, seconds)?);
        }
        Ok(tally)
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut total = Tally::default();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        for worker in running {
            total += worker.join().unwrap_or_else(|_| Err(TaskError::Failed("a fuzz worker".into())))?;
        }
        Ok(total)
    })
}

/// The names of all targets: the folders of seeds.
fn targets() -> Result<Vec<String>, TaskError> {
    let folder = root().join("fuzz/seeds");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(TaskError::file(&folder))? {
        let entry = entry.map_err(TaskError::file(&folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The program that holds all targets, built.
#[derive(Debug)]
struct Fuzzer {
    program: PathBuf,
    folder: PathBuf,
}

impl Fuzzer {
    /// Builds it. Naming the platform keeps the flags from build scripts and procedural macros.
    fn build() -> Result<Self, TaskError> {
        assets::lay_out()?;
        let host = host()?;
        let folder = target_directory()?.join("fuzz");
        let mut build =
            cargo(&["build", "--profile", "fuzz", "--package", "ward-fuzz", "--bin", "ward-fuzz"]);
        build.args(["--features", "libfuzzer", "--target", &host]).arg("--target-dir").arg(&folder);
        let processor = if host.starts_with("x86_64") { "-Ctarget-cpu=x86-64-v3 " } else { "" };
        build.env("RUSTFLAGS", format!("{processor}{FLAGS}"));
        if !shown(&mut build)? {
            return Err(TaskError::Failed("building the fuzz targets".into()));
        }
        Ok(Self { program: folder.join(&host).join("fuzz/ward-fuzz"), folder })
    }

    /// The command that fuzzes one target. A single input may take 10 seconds and 2 GiB.
    fn command(&self, target: &str, seconds: u32) -> Result<Program, TaskError> {
        let corpus = self.folder.join("corpus").join(target);
        let failed = self.folder.join("failed").join(target);
        for folder in [&corpus, &failed] {
            fs::create_dir_all(folder).map_err(TaskError::file(folder))?;
        }
        let mut command = program(&self.program);
        command.env(VARIABLE, target).arg(corpus).arg(Path::new("fuzz/seeds").join(target));
        command.args([
            format!("-max_total_time={seconds}"),
            "-timeout=10".into(),
            "-rss_limit_mb=2048".into(),
        ]);
        command.args(["-max_len=16384", "-print_final_stats=1", "-verbosity=1"]);
        command.arg(format!("-artifact_prefix={}/", failed.display()));
        Ok(command)
    }

    /// Fuzzes one target quietly: one line if all is well, the end of its log if not.
    fn smoke(&self, target: &str, seconds: u32) -> Result<bool, TaskError> {
        let mut command = self.command(target, seconds)?;
        let output = command.stdin(Stdio::null()).output().map_err(|source| unstarted(&command, source))?;
        let log = String::from_utf8_lossy(&output.stderr);
        let runs = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let runs = runs.unwrap_or("unknown").trim();
        if output.status.success() {
            println!("{target:<24}{runs:>10} runs in {seconds} s");
            return Ok(true);
        }
        let lines: Vec<&str> = log.lines().collect();
        println!("{target:<24}FAILED; the end of its log:");
        for line in &lines[lines.len().saturating_sub(40)..] {
            println!("  {line}");
        }
        Ok(false)
    }
}
