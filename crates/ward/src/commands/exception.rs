//! `ward exception`: what an organisation has decided not to be told of, by whom, why and until when.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use ward_core::{OrganisationId, Timestamp};
use ward_detect::load::LoadOptions;
use ward_store::exceptions::{self, Exception, NewException};

use super::duration::Span;
use super::listing::{ListArgs, Listing};
use super::office::{Office, Place, organisation, read};
use super::{print, tell};
use crate::Ending;
use crate::clock::now;
use crate::error::Error;

/// Make, list and end exceptions: Sigma filters that mute findings of one organisation for a while.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct ExceptionArgs {
    #[command(subcommand)]
    command: ExceptionCommand,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum ExceptionCommand {
    /// Make an exception; its id is written to standard output
    Add(AddArgs),
    /// List exceptions, ended and removed ones too
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// End an exception now
    Remove {
        /// Its id, as list shows it
        id: String,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Whose findings it mutes
    #[arg(long, value_name = "CODE", value_parser = organisation)]
    organisation: OrganisationId,
    /// Those of all below it, too
    #[arg(long)]
    and_below: bool,
    /// One Sigma filter; - is standard input
    #[arg(long, value_name = "FILE.yml")]
    filter: PathBuf,
    /// Why
    #[arg(long)]
    reason: String,
    /// Who answers for it
    #[arg(long)]
    owner: String,
    /// Time after which it ends, such as 30d
    #[arg(long, value_name = "TIME")]
    expires: Span,
}

const AFTER_HELP: &str = "\
Example: the imaging supplier deletes shadow copies on one server, for a month.
    ward exception add --organisation RR8 --filter pacs.yml --owner 'A. Nurse' --expires 30d \\
      --reason 'Supplier maintenance, change CHG0042'
  with pacs.yml:
    title: PACS maintenance
    logsource: {category: process_creation, product: windows}
    filter:
      rules: [c947b146-0abc-4c87-9c64-b17e9d7274a2]
      maintenance: {Computer: PACS01, User|endswith: '\\svc_pacs'}
      condition: not maintenance

What an exception mutes is still stored and counted (column `muted`), and no alert is raised for it.";

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &ExceptionArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    match &args.command {
        ExceptionCommand::Add(args) => add(&office, args)?,
        ExceptionCommand::List { list } => {
            let heads = ["id", "organisation", "and_below", "state", "expires", "muted", "owner", "reason"];
            let mut listing = Listing::new(&heads);
            let now = now();
            for entry in office.wait(exceptions::list(&office.store, &office.scope))? {
                let said = &entry.exception;
                listing.row([
                    json!(entry.id.to_string()),
                    json!(said.organisation.as_str()),
                    json!(said.and_below),
                    json!(state(&entry, now)),
                    json!(said.expires.to_string()),
                    json!(entry.muted),
                    json!(said.owner),
                    json!(said.reason),
                ]);
            }
            listing.print(list.format)?;
        }
        ExceptionCommand::Remove { id } => {
            let id = id.parse()?;
            office.wait(exceptions::remove(&office.store, &office.by, now(), &office.scope, id))?;
            tell(&format!("Exception {id} is removed."))?;
        }
    }
    Ok(Ending::Nothing)
}

fn add(office: &Office, args: &AddArgs) -> Result<(), Error> {
    let filter = read(&args.filter)?;
    let origin = args.filter.to_string_lossy();
    // What the watch could not read would mute nothing, and nobody would know.
    ward_detect::Exception::parse(&origin, &filter, &LoadOptions::default()).map_err(Error::Filter)?;
    let new = NewException {
        organisation: args.organisation.clone(),
        and_below: args.and_below,
        filter,
        reason: args.reason.clone(),
        owner: args.owner.clone(),
        expires: args.expires.after(now()),
    };
    let id = office.wait(exceptions::add(&office.store, &office.by, now(), &office.scope, &new))?;
    print(&format!("{id}\n"))
}

fn state(entry: &Exception, now: Timestamp) -> &'static str {
    if entry.removed.is_some() {
        "removed"
    } else if entry.exception.expires <= now {
        "ended"
    } else {
        "in force"
    }
}
