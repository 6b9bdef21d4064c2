//! `ward rules`: what there is to know about rules before they watch anything.

mod check;
mod explain;

use clap::{Args, Subcommand};

use crate::Ending;
use crate::error::Error;

/// Check Sigma rules, and explain why one fires or does not.
#[derive(Debug, Args)]
pub struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    Check(check::CheckArgs),
    Explain(explain::ExplainArgs),
}

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &RulesArgs) -> Result<Ending, Error> {
    match &args.command {
        RulesCommand::Check(args) => check::run(args),
        RulesCommand::Explain(args) => explain::run(args),
    }
}

/// Writes a text to standard output; a reader that has gone away is no error.
fn print(text: &str) -> Result<(), Error> {
    use std::io::Write;
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}
