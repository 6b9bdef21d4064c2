//! The work around the code: demo, test, fuzz, bench and the README, each one command.
//!
//! `cargo xtask test` is what CI runs and what a contributor runs before a push: the same parts in the
//! same order, nothing else to install than the toolchain of `rust-toolchain.toml`.
//!
//! Invariant: nothing in here reaches out of the machine but cargo and the other package managers.
//! Invariant: a part that did not run is said so, and in CI it is a failure.

#![allow(clippy::print_stdout, clippy::print_stderr)] // the terminal is where this tool speaks

mod assets;
mod bench;
mod browser;
mod cargo;
mod clients;
mod corpus;
mod crash;
mod deb;
mod demo;
mod error;
mod fuzz;
pub mod readme;
mod tally;
mod test;
pub mod workspace;

pub use error::TaskError;

/// One subcommand.
#[derive(Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What `--help` prints.
    pub help: &'static str,
    /// Runs it with the arguments after its name; `false`: it ran, and what it checked does not hold.
    pub run: fn(&[String]) -> Result<bool, TaskError>,
}

/// All subcommands, in the order in which a newcomer needs them.
pub const COMMANDS: &[Command] = &[
    demo::COMMAND,
    test::COMMAND,
    assets::COMMAND,
    clients::COMMAND,
    browser::COMMAND,
    fuzz::COMMAND,
    crash::COMMAND,
    bench::COMMAND,
    bench::SOAK,
    deb::COMMAND,
    readme::COMMAND,
];

/// Runs the subcommand that the arguments name; without one, or with `--help`, explains.
///
/// # Errors
/// The command is unknown, or could not do its work.
pub fn run(arguments: &[String]) -> Result<bool, TaskError> {
    let Some((name, rest)) = arguments.split_first().filter(|(name, _)| !is_help(name)) else {
        println!("{}", overview());
        return Ok(true);
    };
    let command = COMMANDS.iter().find(|command| command.name == name);
    let command = command.ok_or_else(|| TaskError::UnknownCommand(name.clone()))?;
    if rest.first().is_some_and(|first| is_help(first)) {
        println!("{}", command.help.trim_end());
        return Ok(true);
    }
    (command.run)(rest)
}

fn is_help(argument: &str) -> bool {
    matches!(argument, "--help" | "-h" | "help")
}

fn overview() -> String {
    let mut text = String::from("The work around the code. Usage: cargo xtask COMMAND [ARGUMENTS]\n\n");
    for command in COMMANDS {
        text.push_str(&format!("  {:<8}{}\n", command.name, command.summary));
    }
    text.push_str("\n`cargo xtask COMMAND --help` says more.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_teaches_its_use() {
        for command in COMMANDS {
            let usage = format!("cargo xtask {}", command.name);
            assert!(command.help.contains(&usage), "{} shows no usage", command.name);
            assert!(command.help.lines().count() >= 5, "{} explains too little", command.name);
            assert!(overview().contains(command.summary));
        }
    }

    #[test]
    fn an_unknown_command_is_named() {
        let error = run(&["tset".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "no command named 'tset'; see cargo xtask --help");
    }
}
