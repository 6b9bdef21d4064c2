//! `ward token`: what sources send with, and what people and programs look with.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use ward_core::{OrganisationId, SourceId, Timestamp};
use ward_store::tokens::{self, Grant, NewToken, Role, Token, TokenId, TokenReach};

use super::duration::Span;
use super::listing::{ListArgs, Listing};
use super::office::{Office, Place, organisation, read, source};
use super::{print, tell};
use crate::Ending;
use crate::clock::now;
use crate::error::Error;

/// Issue, list and revoke tokens.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Issue a token; its secret is written to standard output, once and alone
    Issue(IssueArgs),
    /// List tokens, never their secrets
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// End a token now
    Revoke {
        /// Its id, as list shows it
        id: String,
    },
}

#[derive(Debug, Args)]
struct IssueArgs {
    /// What people call it; the ledger names its user by this
    #[arg(long)]
    label: String,
    /// For sending events, as this source
    #[arg(long, value_name = "ID", value_parser = source, conflicts_with_all = ["role", "organisation", "whole_sector"])]
    source: Option<SourceId>,
    /// For looking: reader, lead, analyst or operator
    #[arg(long, value_parser = role, required_unless_present = "source")]
    role: Option<Role>,
    /// Where it may look: this organisation and all below it; may be repeated
    #[arg(long, value_name = "CODE", value_parser = organisation, conflicts_with = "whole_sector")]
    organisation: Vec<OrganisationId>,
    /// It may look everywhere
    #[arg(long)]
    whole_sector: bool,
    /// Time after which it ends, such as 90d [default: when it is revoked]
    #[arg(long, value_name = "TIME")]
    expires: Option<Span>,
    /// Take this secret, such as shippers have already, from a file or - for standard input
    #[arg(long, value_name = "FILE")]
    secret_from: Option<PathBuf>,
    /// The own secret may be short: for closed test networks
    #[arg(long, requires = "secret_from")]
    weak_allowed: bool,
}

const AFTER_HELP: &str = "\
Examples:
  A token for a shipper, straight into its file:
    ward token issue --label 'Leeds winlogbeat' --source rr8-winlogbeat > winlogbeat.token
  A token for the lead of one organisation, for three months:
    ward token issue --label 'A. Nurse' --role lead --organisation RR8 --expires 90d
  A token for a national analyst:
    ward token issue --label 'National desk' --role analyst --whole-sector --expires 30d
  Keep the token that shippers of another product have already:
    ward token issue --label hec --source rr8-hec --secret-from old.token

Each role may do what those before it may: reader (look), lead (judge alerts, make and end exceptions), analyst
(search by SQL, replay what could not be decoded, read the ledger), operator (throw such records away, check the
ledger); each within its reach. Sources and tokens are changed on the hub's machine only, by these commands.
Ward keeps no secret, only its SHA-256: a lost one cannot be shown again.";

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &TokenArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    match &args.command {
        TokenCommand::Issue(args) => issue(&office, args)?,
        TokenCommand::List { list } => {
            let heads = ["id", "label", "grant", "reach", "expires", "state", "last_used"];
            let mut listing = Listing::new(&heads);
            let now = now();
            for token in office.wait(tokens::list(&office.store, &office.scope))? {
                let (grant, reach) = described(&token.grant);
                listing.row([
                    json!(token.id.0),
                    json!(token.label),
                    json!(grant),
                    json!(reach),
                    json!(token.expires.map(|time| time.to_string())),
                    json!(state(&token, now)),
                    json!(token.last_used.map(|time| time.to_string())),
                ]);
            }
            listing.print(list.format)?;
        }
        TokenCommand::Revoke { id } => {
            office.wait(tokens::revoke(&office.store, &office.by, now(), &TokenId(id.clone())))?;
            tell(&format!("Token {id} is revoked."))?;
        }
    }
    Ok(Ending::Nothing)
}

fn issue(office: &Office, args: &IssueArgs) -> Result<(), Error> {
    let grant = match (&args.source, args.role) {
        (Some(source), _) => Grant::Ingest(source.clone()),
        (None, Some(role)) => Grant::Access { role, reach: reach(args)? },
        (None, None) => return Err(Error::Asked("issue a token that is good for nothing".to_owned())),
    };
    let secret = args.secret_from.as_deref().map(read).transpose()?;
    let now = now();
    let new = NewToken {
        label: args.label.clone(),
        grant,
        expires: args.expires.map(|span| span.after(now)),
        secret: secret.map(|secret| secret.trim_end_matches(['\r', '\n']).to_owned()),
        weak_allowed: args.weak_allowed,
    };
    let ends = new.expires.map_or_else(|| "when it is revoked".to_owned(), |time| format!("at {time}"));
    let (id, secret) = office.wait(tokens::issue(&office.store, &office.by, now, new))?;
    tell(&format!("Token {id} is issued and ends {ends}. Its secret, shown this once:"))?;
    print(&format!("{}\n", secret.expose()))
}

fn reach(args: &IssueArgs) -> Result<TokenReach, Error> {
    match (args.whole_sector, args.organisation.is_empty()) {
        (true, _) => Ok(TokenReach::WholeSector),
        (false, false) => Ok(TokenReach::Below(args.organisation.iter().cloned().collect::<BTreeSet<_>>())),
        (false, true) => {
            let asked = "issue a token for looking without --organisation CODE or --whole-sector";
            Err(Error::Asked(asked.to_owned()))
        }
    }
}

fn described(grant: &Grant) -> (String, Vec<String>) {
    match grant {
        Grant::Ingest(source) => ("ingest".to_owned(), vec![source.to_string()]),
        Grant::Access { role, reach: TokenReach::WholeSector } => {
            (role.name().to_owned(), vec!["whole sector".to_owned()])
        }
        Grant::Access { role, reach: TokenReach::Below(tops) } => {
            (role.name().to_owned(), tops.iter().map(ToString::to_string).collect())
        }
    }
}

fn state(token: &Token, now: Timestamp) -> &'static str {
    if token.revoked.is_some() {
        "revoked"
    } else if token.expires.is_some_and(|time| time <= now) {
        "expired"
    } else {
        "good"
    }
}

fn role(text: &str) -> Result<Role, String> {
    let names = Role::TOKENS.map(Role::name).join(", ");
    Role::named(text)
        .filter(|role| role.is_of_tokens())
        .ok_or_else(|| format!("'{text}' is not one of {names}"))
}
