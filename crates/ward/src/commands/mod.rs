//! The hub's other commands: who is there, what was found, what is kept.
//!
//! Each works on store and lake of a configuration directly, also while the hub runs, in the name of whoever
//! runs it and with sight of the whole sector. Those that send events do so over HTTP, as any shipper does.
//!
//! Invariant: a secret is written once, to standard output, by the command that makes it, and nowhere else.

mod alerts;
mod backup;
mod client;
mod config;
mod deadletter;
mod duration;
mod exception;
mod hunt;
mod ingest;
mod listing;
pub(crate) mod office;
mod organisation;
mod person;
mod source;
mod token;
mod verify;

use clap::Subcommand;

use crate::Ending;
use crate::error::Error;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum HubCommand {
    Config(Box<config::ConfigArgs>),
    Organisation(Box<organisation::OrganisationArgs>),
    Source(Box<source::SourceArgs>),
    Token(Box<token::TokenArgs>),
    Person(Box<person::PersonArgs>),
    Exception(Box<exception::ExceptionArgs>),
    Alerts(Box<alerts::AlertsArgs>),
    Deadletter(Box<deadletter::DeadletterArgs>),
    Ingest(Box<ingest::IngestArgs>),
    Hunt(Box<hunt::HuntArgs>),
    Verify(Box<verify::VerifyArgs>),
    Backup(Box<backup::BackupArgs>),
    Restore(Box<backup::RestoreArgs>),
}

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(command: &HubCommand) -> Result<Ending, Error> {
    match command {
        HubCommand::Config(args) => config::run(args),
        HubCommand::Organisation(args) => organisation::run(args),
        HubCommand::Source(args) => source::run(args),
        HubCommand::Token(args) => token::run(args),
        HubCommand::Person(args) => person::run(args),
        HubCommand::Exception(args) => exception::run(args),
        HubCommand::Alerts(args) => alerts::run(args),
        HubCommand::Deadletter(args) => deadletter::run(args),
        HubCommand::Ingest(args) => ingest::run(args),
        HubCommand::Hunt(args) => hunt::run(args),
        HubCommand::Verify(args) => verify::run(args),
        HubCommand::Backup(args) => backup::run(args),
        HubCommand::Restore(args) => backup::restore::run(args),
    }
}

/// Writes a text to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    write(&mut std::io::stdout(), text.as_bytes())
}

/// Writes a line to standard error.
fn tell(line: &str) -> Result<(), Error> {
    write(&mut std::io::stderr(), format!("{}\n", crate::terminal::safe(line)).as_bytes())
}

fn write(out: &mut dyn std::io::Write, bytes: &[u8]) -> Result<(), Error> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::Write(error)),
        _ => Ok(()),
    }
}
