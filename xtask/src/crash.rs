//! `cargo xtask crash`: the test that kills the hub, with more kills than CI has time for.

use crate::cargo::{answers, cargo, shown};
use crate::{Command, TaskError, assets};

/// The subcommand.
pub const COMMAND: Command =
    Command { name: "crash", summary: "kill the hub at random, again and again", help: HELP, run };

const HELP: &str = "\
Runs the hub (dev profile), kills it with SIGKILL at random instants while four clients send - NDJSON, Splunk HEC,
Elasticsearch _bulk, syslog over TCP - and starts it again, many times. Then holds what it has against what it
acknowledged: every event once, every finding once. Fails also when a restart took more than two seconds.
Usage: cargo xtask crash [--kills N] [--seed S] [--on sqlite|postgresql]

  cargo xtask crash                      1,000 kills, about 20 minutes; CI's own test does 50
  cargo xtask crash --on postgresql      the same with the store in a PostgreSQL of its own
  cargo xtask crash --kills 50 --seed 7  the same instants and batches again, as far as the machine lets them

Measure on a quiet machine: a restart waits for the disk, and so for all who use it.";

/// The tests, in crates/ward/tests/it/crash.rs.
const TESTS: [(&str, &str); 2] = [
    ("sqlite", "crash::whatever_the_hub_acknowledged_is_there_once_however_often_it_is_killed"),
    ("postgresql", "crash::so_it_is_when_its_store_is_postgresql"),
];

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    let (mut kills, mut seed, [(_, mut named), _]) = (1_000_u64, None, TESTS);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--on" {
            let found = TESTS.iter().find(|(store, _)| rest.as_slice().first().is_some_and(|it| it == store));
            (_, named) =
                *found.ok_or_else(|| TaskError::argument(argument, "expects sqlite or postgresql"))?;
            rest.next();
            continue;
        }
        let value = rest.next().and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| TaskError::argument(argument, "expects a number"));
        match argument.as_str() {
            "--kills" => kills = value?,
            "--seed" => seed = Some(value?),
            _ => return Err(TaskError::argument(argument, "unknown; see cargo xtask crash --help")),
        }
    }
    assets::lay_out()?;
    let mut test = if answers("cargo", &["nextest", "--version"]) {
        let filter = format!("package(ward) & test(={named})");
        cargo(&["nextest", "run", "--workspace", "--no-capture", "-E", &filter])
    } else {
        cargo(&["test", "--workspace", "--test", "it", named, "--", "--exact", "--nocapture"])
    };
    test.env("WARD_CRASH_KILLS", kills.to_string()).env("WARD_CRASH_RESTART_MILLISECONDS", "2000");
    test.envs(seed.map(|seed: u64| ("WARD_CRASH_SEED", seed.to_string())));
    shown(&mut test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, named) in [
            ("--on", "--on"),
            ("--on mysql", "--on"),
            ("--kill 5", "--kill"),
            ("--kills many", "--kills"),
            ("--seed", "--seed"),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let error = run(&words).unwrap_err().to_string();
            assert!(error.contains(&format!("'{named}'")), "{error}");
        }
    }
}
