//! The one binary.

mod attack;
mod clock;
mod commands;
mod detect;
mod error;
mod held;
mod hidden;
mod hub;
mod outbound;
mod own_rules;
mod rule_set;
mod rules;
mod sql_process;
mod telemetry;
mod terminal;
mod told;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

// What threads of a hub hand to one another is of every size: the system's allocator keeps what each thread once
// needed at most, and a hub grew for as long as it was watched (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The cyber security operations centre of a health and care sector.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Ward {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Detect(Box<detect::args::DetectArgs>),
    Rules(Box<rules::RulesArgs>),
    Serve(Box<hub::serve::ServeArgs>),
    /// The process of one statement of SQL; a hub starts it.
    #[command(name = sql_process::NAME, hide = true)]
    SqlProcess,
    #[command(flatten)]
    Hub(commands::HubCommand),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// There was nothing to tell.
    Nothing,
    /// There was something to tell.
    Something,
    /// Something could not be read.
    Trouble,
}

fn main() -> ExitCode {
    let done = match Ward::try_parse() {
        Ok(Ward { command: Command::Detect(args) }) => detect::run(&args),
        Ok(Ward { command: Command::Rules(args) }) => rules::run(&args),
        Ok(Ward { command: Command::Serve(args) }) => hub::serve::run(&args),
        Ok(Ward { command: Command::SqlProcess }) => sql_process::run(),
        Ok(Ward { command: Command::Hub(command) }) => commands::run(&command),
        Err(told) => told_by_clap(&told),
    };
    match done {
        Ok(Ending::Nothing) => ExitCode::SUCCESS,
        Ok(Ending::Something) => ExitCode::from(1),
        Ok(Ending::Trouble) => ExitCode::from(2),
        Err(error) => {
            // Nothing is left to be done if even this cannot be written.
            // An error may quote what it read; its line breaks are its own.
            let told = detect::problems::chain(&error);
            let told: Vec<String> = told.lines().map(terminal::safe).collect();
            let told = told.join("\n");
            let _ = writeln!(std::io::stderr(), "ward could not {told}");
            ExitCode::from(2)
        }
    }
}

/// Help and version, or what is wrong with the arguments.
fn told_by_clap(told: &clap::Error) -> Result<Ending, error::Error> {
    let written = told.print().and_then(|()| std::io::stdout().flush());
    if told.use_stderr() {
        return Ok(Ending::Trouble);
    }
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error::Error::Write(error)),
        _ => Ok(Ending::Nothing),
    }
}
