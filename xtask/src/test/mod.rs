//! `cargo xtask test`: everything that CI demands, in one command.

mod parts;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::tally::Tally;
use crate::workspace::in_ci;
use crate::{Command, TaskError, corpus};
use parts::PARTS;

/// The subcommand.
pub const COMMAND: Command = Command {
    name: "test",
    summary: "format, lints, all tests, documentation, fuzz smoke, README: what CI runs",
    help: HELP,
    run,
};

const HELP: &str = "\
Runs everything that CI demands and ends with one line: N passed, N failed, N skipped.
Usage: cargo xtask test [--only PART,...] [--fuzz-seconds N]

  fmt        the format of the code
  clippy     lints of every target, warnings are errors
  tests      unit, conformance and house tests (cargo-nextest if it is installed, else cargo test)
  browser    the console in Chromium, as its users walk it; skipped where there is none
  doctests   examples in the documentation
  doc        the documentation builds without warnings
  fuzz       each fuzz target for N seconds (10); needs a C++ compiler, else only the seeds are replayed
  readme     the commands of README.md run, and the outputs it shows are what they print
  house      the house tests alone (part of tests, so only run when named with --only)

The corpus of rules and event logs is unpacked from ../shared/corpus (or WARD_CORPUS_PACKED) to
target/corpus; WARD_CORPUS names a folder where it lies unpacked. Tests that need it are skipped without
it. With CI=true a skipped test is a failure. What the pages are made of is fetched first, as by
`cargo xtask assets`; that needs Node.js with npm and Python 3 with pip.

  cargo xtask test --only fmt,clippy     before each commit
  cargo xtask test --only tests          after a change
  cargo xtask test                       before a push";

/// What every part needs to know.
#[derive(Debug)]
struct Setting {
    corpus: Option<PathBuf>,
    fuzz_seconds: u32,
}

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    let options = Options::parse(arguments)?;
    let setting = Setting { corpus: corpus::lay_out()?, fuzz_seconds: options.fuzz_seconds };
    match &setting.corpus {
        Some(folder) => println!("corpus: {}", folder.display()),
        None => println!("corpus: none, tests that need it are skipped"),
    }
    let mut results: Vec<(&str, Tally, Duration)> = Vec::new();
    for part in PARTS.iter().filter(|part| options.wants(part.name, part.by_default)) {
        println!("\n== {}", part.name);
        let start = Instant::now();
        let tally = (part.run)(&setting).unwrap_or_else(|error| {
            eprintln!("{}: {}", part.name, chain(&error));
            Tally::one(false)
        });
        results.push((part.name, tally, start.elapsed()));
    }
    Ok(summarise(&results, setting.corpus.is_some()))
}

/// Prints the outcome of each part and the closing line; says whether all is well.
fn summarise(results: &[(&str, Tally, Duration)], corpus: bool) -> bool {
    let mut total = Tally::default();
    println!();
    for (name, tally, time) in results {
        println!("{name:<10}{tally}, {:.1} s", time.as_secs_f64());
        tally.names.iter().for_each(|name| println!("          not passed: {name}"));
        total += tally.clone();
    }
    if !corpus {
        println!("There was no corpus, so tests on real rules and event logs did not run.");
    }
    let complete = total.skipped == 0 && corpus;
    if in_ci() && !complete {
        println!("In CI nothing may be skipped and the corpus must be there.");
    }
    println!("{total}");
    total.failed == 0 && (complete || !in_ci())
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    only: Vec<String>,
    fuzz_seconds: u32,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, TaskError> {
        let mut options = Self { only: Vec::new(), fuzz_seconds: 10 };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| TaskError::argument(argument, "expects a value"));
            match argument.as_str() {
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                "--fuzz-seconds" => {
                    let seconds = value()?;
                    let bad = |_| TaskError::argument(seconds, "is not a number of seconds");
                    options.fuzz_seconds = seconds.parse().map_err(bad)?;
                }
                _ => return Err(TaskError::argument(argument, "unknown; see cargo xtask test --help")),
            }
        }
        match options.only.iter().find(|name| !PARTS.iter().any(|part| part.name == **name)) {
            Some(name) => Err(TaskError::argument(name, "no such part; see cargo xtask test --help")),
            None => Ok(options),
        }
    }

    fn wants(&self, part: &str, by_default: bool) -> bool {
        if self.only.is_empty() { by_default } else { self.only.iter().any(|name| name == part) }
    }
}

fn chain(error: &TaskError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn parts_are_chosen_by_name() {
        let options = parse("--only fmt,clippy --fuzz-seconds 3").unwrap();
        assert_eq!(options.fuzz_seconds, 3);
        assert!(options.wants("fmt", true) && options.wants("clippy", true) && !options.wants("doc", true));
        let all = parse("").unwrap();
        assert!(all.wants("doc", true) && !all.wants("house", false));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, named) in [("--only fmt,lint", "lint"), ("--fast", "--fast"), ("--fuzz-seconds x", "x")] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(&format!("'{named}'")), "{error}");
        }
    }

    #[test]
    fn help_lists_every_part() {
        for part in PARTS {
            assert!(HELP.contains(&format!("\n  {:<11}", part.name)), "{}", part.name);
        }
    }
}
