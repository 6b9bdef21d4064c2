//! The parts of `cargo xtask test`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::Setting;
use crate::cargo::{answers, cargo, shown, unstarted};
use crate::tally::Tally;
use crate::workspace::{in_ci, target_directory};
use crate::{TaskError, assets, browser, clients, corpus, fuzz, readme};

/// A part: one thing that must hold before a change is good.
#[derive(Debug)]
pub(super) struct Part {
    /// As `--only` names it.
    pub name: &'static str,
    /// Whether it runs when no part is named.
    pub by_default: bool,
    /// Runs it and counts.
    pub run: fn(&Setting) -> Result<Tally, TaskError>,
}

/// All parts, quick ones first.
pub(super) const PARTS: &[Part] = &[
    Part { name: "fmt", by_default: true, run: fmt },
    Part { name: "clippy", by_default: true, run: clippy },
    Part { name: "house", by_default: false, run: house },
    Part { name: "tests", by_default: true, run: tests },
    Part { name: "browser", by_default: true, run: |_| browser::walk() },
    Part { name: "doctests", by_default: true, run: doctests },
    Part { name: "doc", by_default: true, run: doc },
    Part { name: "fuzz", by_default: true, run: |setting| fuzz::smoke(setting.fuzz_seconds) },
    Part { name: "readme", by_default: true, run: |setting| readme::check(setting.corpus.as_deref()) },
];

fn fmt(_: &Setting) -> Result<Tally, TaskError> {
    shown(&mut cargo(&["fmt", "--all", "--check"])).map(Tally::one)
}

/// In CI this is also where a lock file that does not fit the manifests is noticed.
fn clippy(_: &Setting) -> Result<Tally, TaskError> {
    let mut clippy = builder(&["clippy", "--workspace", "--all-targets"])?;
    clippy.args(in_ci().then_some("--locked")).args(["--", "-D", "warnings"]);
    shown(&mut clippy).map(Tally::one)
}

fn house(setting: &Setting) -> Result<Tally, TaskError> {
    cargo_test(&["--package", "xtask", "--test", "house"], setting)
}

fn tests(setting: &Setting) -> Result<Tally, TaskError> {
    if !answers("cargo", &["nextest", "--version"]) {
        return cargo_test(&["--workspace", "--lib", "--bins", "--tests"], setting);
    }
    let report = target_directory()?.join("nextest/default/junit.xml");
    if report.exists() {
        fs::remove_file(&report).map_err(TaskError::file(&report))?;
    }
    let mut nextest = builder(&["nextest", "run", "--workspace", "--no-fail-fast"])?;
    nextest.envs(setting.corpus.as_ref().map(|folder| (corpus::VARIABLE, folder)));
    if in_ci() && !clients::install()? {
        println!("some shippers could not be installed; see above");
    }
    if let Some(scripts) = clients::scripts() {
        nextest.env("WARD_CLIENTS_SCRIPTS", scripts).env(clients::VARIABLE, clients::folder()?);
    }
    let passed = shown(&mut nextest)?;
    let tally = fs::read_to_string(&report).ok().and_then(|report| Tally::of_junit(&report));
    Ok(match tally {
        Some(tally) if passed || tally.failed > 0 => tally,
        _ => Tally::one(false),
    })
}

fn doctests(setting: &Setting) -> Result<Tally, TaskError> {
    cargo_test(&["--workspace", "--doc"], setting)
}

fn doc(_: &Setting) -> Result<Tally, TaskError> {
    let mut doc = builder(&["doc", "--workspace", "--no-deps"])?;
    shown(doc.env("RUSTDOCFLAGS", "-D warnings")).map(Tally::one)
}

/// A cargo that builds the pages too, and so needs what they are made of.
fn builder(arguments: &[&str]) -> Result<std::process::Command, TaskError> {
    assets::lay_out()?;
    Ok(cargo(arguments))
}

/// Runs `cargo test`, shows its output as it comes and counts.
fn cargo_test(which: &[&str], setting: &Setting) -> Result<Tally, TaskError> {
    let mut test = builder(&["test", "--no-fail-fast"])?;
    test.args(which).args(["--", "--show-output"]).stdout(Stdio::piped());
    test.envs(setting.corpus.as_ref().map(|folder| (corpus::VARIABLE, folder)));
    println!("$ cargo test {}", which.join(" "));
    let mut child = test.spawn().map_err(|source| unstarted(&test, source))?;
    let mut output = String::new();
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line.map_err(TaskError::file("the output of cargo test"))?;
        println!("{line}");
        output.push_str(&line);
        output.push('\n');
    }
    let status = child.wait().map_err(|source| unstarted(&test, source))?;
    let mut tally = Tally::of_cargo_test(&output);
    if !status.success() && tally.failed == 0 {
        tally += Tally::one(false);
    }
    Ok(tally)
}
