//! `cargo xtask readme`: the commands of README.md are true, and the outputs it shows are theirs.
//!
//! Every fenced block of README.md marked `sh` or `console` holds commands. They are run by
//! `cargo xtask test`, so none can go stale; a block that cannot be run says why in a comment before it.

mod block;

use std::fs;
use std::path::{Path, PathBuf};

pub use block::{How, ShownCommand, commands};

use crate::cargo::{cargo, program, shown, unstarted};
use crate::tally::Tally;
use crate::workspace::{root, target_directory};
use crate::{Command, TaskError, corpus};

/// The subcommand.
pub const COMMAND: Command =
    Command { name: "readme", summary: "bring the outputs that README.md shows up to date", help: HELP, run };

const HELP: &str = "\
Runs each command in the ```console blocks of README.md and puts what it prints beneath it.
Usage: cargo xtask readme

  ```sh        one command a line
  ```console   lines after `$ ` are commands, what follows is their output

A comment in the line before a block may say how its commands are run:
  <!-- commands: with NAME=path -->      NAME stands for the path; if the path is in target/corpus and there
                                         is no corpus, the commands are skipped
  <!-- commands: not run, REASON -->     they are not run
  <!-- commands: by .ci/run -->          CI runs them itself

`cargo xtask test --only readme` runs the commands of both kinds and compares the outputs.";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    if let Some(argument) = arguments.first() {
        return Err(TaskError::argument(argument, "unknown; see cargo xtask readme --help"));
    }
    let text = read()?;
    let runner = Runner::build(corpus::lay_out()?.as_deref())?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for command in commands(&text)?.iter().rev() {
        let Some(old) = &command.output else { continue };
        if let Outcome::Ran { output, .. } = runner.run(command)? {
            lines.splice(old.clone(), output.lines().map(str::to_owned));
        }
    }
    let path = root().join(FILE);
    fs::write(&path, lines.join("\n") + "\n").map_err(TaskError::file(&path))?;
    println!("{FILE} shows what its commands print");
    Ok(true)
}

/// Runs every command of README.md; one check each.
///
/// # Errors
/// README.md cannot be read, its comments cannot be understood, or `ward` does not build.
pub fn check(corpus: Option<&Path>) -> Result<Tally, TaskError> {
    let text = read()?;
    let lines: Vec<&str> = text.lines().collect();
    let runner = Runner::build(corpus)?;
    let mut tally = Tally::default();
    for command in commands(&text)? {
        let place = format!("{FILE}:{}: {}", command.line, command.text);
        match runner.run(&command)? {
            Outcome::NotRun => println!("{place}: not run here"),
            Outcome::NoCorpus => {
                println!("{place}: {}", corpus::SKIPPED);
                tally += Tally::skip();
            }
            Outcome::Ran { status, output } => {
                let shown = command.output.clone().map(|range| lines[range].join("\n"));
                let fault = fault(status, &output, shown.as_deref());
                println!("{place}: {}", fault.as_deref().unwrap_or("ok"));
                tally += Tally::named(&place, fault.is_none());
            }
        }
    }
    Ok(tally)
}

/// The file that is checked.
pub const FILE: &str = "README.md";

fn read() -> Result<String, TaskError> {
    let path = root().join(FILE);
    fs::read_to_string(&path).map_err(TaskError::file(&path))
}

/// What is wrong with a command that ran.
fn fault(status: Option<i32>, output: &str, shown: Option<&str>) -> Option<String> {
    if status != Some(0) {
        return Some(format!(
            "FAILED with {}\n{output}",
            status.map_or("a signal".into(), |s| s.to_string())
        ));
    }
    let shown = shown?;
    let (mut printed, mut shown) = (output.lines(), shown.lines());
    loop {
        match (printed.next(), shown.next()) {
            (None, None) => return None,
            (printed, shown) if printed == shown => {}
            (printed, shown) => {
                let (printed, shown) = (printed.unwrap_or("nothing"), shown.unwrap_or("nothing"));
                return Some(format!(
                    "OUT OF DATE (cargo xtask readme)\n  printed: {printed}\n  shown:   {shown}"
                ));
            }
        }
    }
}

enum Outcome {
    NotRun,
    NoCorpus,
    Ran { status: Option<i32>, output: String },
}

/// Runs commands at the root of the repository, with the `ward` just built on the path.
struct Runner {
    path: std::ffi::OsString,
    corpus: Option<PathBuf>,
}

impl Runner {
    fn build(corpus: Option<&Path>) -> Result<Self, TaskError> {
        if !shown(&mut cargo(&["build", "--release", "--package", "ward"]))? {
            return Err(TaskError::Failed("building ward".into()));
        }
        let mut folders = vec![target_directory()?.join("release")];
        folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let path =
            std::env::join_paths(folders).map_err(|error| TaskError::argument("PATH", error.to_string()))?;
        Ok(Self { path, corpus: corpus.map(Path::to_owned) })
    }

    fn run(&self, command: &ShownCommand) -> Result<Outcome, TaskError> {
        let How::Run(words) = &command.how else { return Ok(Outcome::NotRun) };
        let mut text = command.text.clone();
        for (word, path) in words {
            let Some(path) = self.place(path) else { return Ok(Outcome::NoCorpus) };
            text = text.replace(word, &path);
        }
        let mut shell = program("sh");
        shell.args(["-c", &text]).env("PATH", &self.path).env_remove(corpus::VARIABLE);
        let output = shell.output().map_err(|source| unstarted(&shell, source))?;
        let found = text.starts_with("ward detect") && output.status.code() == Some(1);
        let mut printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if command.output.is_none() {
            printed.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok(Outcome::Ran { status: if found { Some(0) } else { output.status.code() }, output: printed })
    }

    /// The real place of a path of the README. `None`: it is in the corpus, and there is none.
    fn place(&self, path: &str) -> Option<String> {
        match path.strip_prefix(CORPUS) {
            Some(rest) => Some(self.corpus.as_ref()?.join(rest).display().to_string()),
            None => Some(path.to_owned()),
        }
    }
}

/// Where the corpus lies by default.
const CORPUS: &str = "target/corpus/detection/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_at_fault_when_it_fails_or_prints_something_else() {
        assert_eq!(fault(Some(0), "a\nb\n", Some("a\nb")), None);
        assert_eq!(fault(Some(0), "anything", None), None);
        assert!(fault(Some(0), "a\nc\n", Some("a\nb")).unwrap().contains("shown:   b"));
        assert!(fault(Some(0), "a\n", Some("a\nb")).unwrap().contains("printed: nothing"));
        assert!(fault(Some(2), "", None).unwrap().contains("FAILED with 2"));
    }
}
