//! `ward deadletter`: what could not be decoded, set aside whole; to be looked at, sent again or thrown away.

use clap::{Args, Subcommand};
use serde_json::json;
use ward_core::{EventId, SourceId};
use ward_ledger::Hash;
use ward_store::auth;
use ward_store::dead_letters::{self, DeadLetter, DeadLetterFilter, Listed};
use ward_store::dropped_letters::{self, Dropped, Why};
use ward_telemetry::input::Format;

use super::client::{Answer, Client, HubArgs};
use super::listing::{ListArgs, Listing};
use super::office::{Office, Place, source};
use super::{print, tell, write};
use crate::Ending;
use crate::clock::now;
use crate::error::Error;
use crate::terminal::{bytes, counted, safe};

/// Look at what could not be decoded, send it again, or throw it away.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct DeadletterArgs {
    #[command(subcommand)]
    command: DeadletterCommand,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum DeadletterCommand {
    /// How many there are for each reason
    Counts {
        #[command(flatten)]
        list: ListArgs,
    },
    /// List them in the order in which they came
    List {
        #[command(flatten)]
        which: Which,
        /// Most records
        #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show one with its content
    Show {
        /// Its id, as list shows it
        #[arg(value_parser = event)]
        id: EventId,
        /// Write its bytes as they are, and nothing else
        #[arg(long)]
        raw: bool,
    },
    /// Send them to the hub again, in the name of the source whose token is given
    Replay {
        #[command(flatten)]
        chosen: Chosen,
        /// Send them as this format instead of the one they came as
        #[arg(long, value_name = "FORMAT", value_parser = format)]
        as_format: Option<Format>,
        #[command(flatten)]
        hub: HubArgs,
    },
    /// Throw them away, bytes and all
    Discard {
        #[command(flatten)]
        chosen: Chosen,
    },
}

/// Which are meant.
#[derive(Debug, Clone, Args)]
struct Which {
    /// Only with this reason, as counts shows it
    #[arg(long)]
    reason: Option<String>,
    /// Only of this source
    #[arg(long, value_name = "ID", value_parser = source)]
    source: Option<SourceId>,
    /// Only those that were never replayed
    #[arg(long)]
    waiting: bool,
}

#[derive(Debug, Clone, Args)]
struct Chosen {
    /// Their ids
    #[arg(value_parser = event, required_unless_present_any = ["reason", "source"], conflicts_with_all = ["reason", "source", "waiting"])]
    ids: Vec<EventId>,
    #[command(flatten)]
    which: Which,
}

const AFTER_HELP: &str = "\
Examples:
  ward deadletter counts
  ward deadletter list --reason json-syntax --waiting
  ward deadletter show 4711.3
  ward deadletter replay --reason unknown-format --source rr8-fw --as-format cef --token-file rr8-fw.token
  ward deadletter discard 4711.3 4711.4

A record that is replayed stays listed, with the time of its replay, until it is discarded. If the hub cannot
decode it again, it comes back as a new one. Of each source a limited number is kept, for a limited time
([dead_letters] in docs/ward.toml); what was dropped for that is told below the list.";

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &DeadletterArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    let (store, scope) = (&office.store, &office.scope);
    match &args.command {
        DeadletterCommand::Counts { list } => {
            let mut listing = Listing::new(&["count", "reason"]);
            for (reason, count) in office.wait(dead_letters::counts(store, scope))? {
                listing.row([json!(count), json!(reason)]);
            }
            listing.print(list.format)?;
        }
        DeadletterCommand::List { which, limit, list } => {
            let found = office.wait(dead_letters::list(store, scope, &which.filter(), None, *limit))?;
            listing(&found).print(list.format)?;
            for went in office.wait(dropped_letters::dropped(store, scope, which.source.as_ref()))? {
                tell(&gone(&went))?;
            }
        }
        DeadletterCommand::Show { id, raw } => {
            let letter = office.wait(dead_letters::get(store, scope, *id))?;
            if *raw { write(&mut std::io::stdout(), &letter.content)? } else { print(&shown(&letter))? }
        }
        DeadletterCommand::Replay { chosen, as_format, hub } => {
            return replay(&office, chosen, *as_format, &Client::new(hub)?);
        }
        DeadletterCommand::Discard { chosen } => {
            let gone = if chosen.ids.is_empty() {
                office.wait(dead_letters::discard(store, &office.by, now(), scope, &chosen.which.filter()))?
            } else {
                office.wait(dead_letters::discard_these(store, &office.by, now(), scope, &chosen.ids))?
            };
            tell(&format!("{} discarded.", counted(gone, "record is", "records are")))?;
        }
    }
    Ok(Ending::Nothing)
}

/// Sends them one after another. What the hub took is noted in pages, at the latest when it stops.
fn replay(
    office: &Office,
    chosen: &Chosen,
    as_format: Option<Format>,
    client: &Client,
) -> Result<Ending, Error> {
    let (mut sent, mut refused, mut after) = (0_u64, 0_u64, None);
    // What is set aside again meanwhile is not replayed again.
    let begun = now();
    // Else who may see the letters afterwards are others.
    let sources = office.wait(auth::ingest_sources(&office.store, begun))?;
    let whose = client.token().and_then(|token| sources.by_secret(token, begun));
    let whose = whose.map(|(source, _)| source.organisation.clone());
    loop {
        let mut page = page(office, chosen, after)?;
        page.retain(|listed| listed.letter.received < begun);
        let Some(last) = page.last().map(|listed| listed.letter.id) else { break };
        let (mut taken, mut stopped) = (Vec::new(), None);
        for listed in &page {
            let id = listed.letter.id;
            let letter = office.wait(dead_letters::get(&office.store, &office.scope, id))?;
            if let Some(whose) = whose.as_ref().filter(|whose| **whose != letter.organisation) {
                refused += 1;
                tell(&format!(
                    "{id} is of {}, and the token of {whose}: name a token of a source of {0}",
                    letter.organisation
                ))?;
                continue;
            }
            let own = letter.format.parse::<Format>().ok();
            let format = as_format.or(own).map(Format::as_str);
            let mut told = false;
            let mut wait = |_, why: &str| {
                if !std::mem::replace(&mut told, true) {
                    // Nobody need hear it.
                    let _ = tell(&format!("Waiting for the hub with {id}: {why}"));
                }
            };
            match client.send(format, &key(listed, &letter, format), &letter.content, &mut wait) {
                Answer::Taken => taken.push(id),
                Answer::Refused(reason) => {
                    refused += 1;
                    tell(&format!("{id} was not taken: {reason}"))?;
                }
                Answer::Stop(reason) => {
                    stopped = Some(format!("Stopped at {id}: {reason}"));
                    break;
                }
            }
        }
        let marked = dead_letters::mark_replayed(&office.store, &office.by, now(), &office.scope, &taken);
        sent += office.wait(marked)?;
        if let Some(told) = stopped {
            refused += 1;
            tell(&told)?;
            break;
        }
        after = Some(last);
        if !chosen.ids.is_empty() {
            break;
        }
    }
    tell(&format!("{} taken by the hub again.", counted(sent, "record was", "records were")))?;
    Ok(if refused > 0 { Ending::Trouble } else { Ending::Nothing })
}

fn page(office: &Office, chosen: &Chosen, after: Option<EventId>) -> Result<Vec<Listed>, Error> {
    let (store, scope) = (&office.store, &office.scope);
    if chosen.ids.is_empty() {
        return Ok(office.wait(dead_letters::list(store, scope, &chosen.which.filter(), after, PAGE))?);
    }
    let mut page = Vec::new();
    for id in &chosen.ids {
        // What stands right before it; the one asked for follows.
        let before = (id.index > 0 || id.batch.0 > 0).then(|| EventId {
            batch: ward_core::BatchId(id.batch.0 - u64::from(id.index == 0)),
            index: if id.index == 0 { u32::MAX } else { id.index - 1 },
        });
        let found = office.wait(dead_letters::list(store, scope, &DeadLetterFilter::default(), before, 1))?;
        let found = found.into_iter().find(|listed| listed.letter.id == *id);
        page.push(found.ok_or(ward_store::StoreError::NotFound("dead letter"))?);
    }
    Ok(page)
}

/// Under this key a letter is taken once, until it is replayed the next time.
fn key(listed: &Listed, letter: &DeadLetter, format: Option<&str>) -> String {
    let replayed = listed.replayed.map(|time| time.to_string()).unwrap_or_default();
    let head = format!("replay {} {replayed} {} ", letter.id, format.unwrap_or_default());
    Hash::of(&[head.as_bytes(), &letter.content].concat()).to_string()
}

fn listing(found: &[Listed]) -> Listing {
    let heads =
        ["id", "received", "organisation", "source", "format", "bytes", "replayed", "reason", "detail"];
    let mut listing = Listing::new(&heads);
    for Listed { letter, bytes, replayed } in found {
        listing.row([
            json!(letter.id.to_string()),
            json!(letter.received.to_string()),
            json!(letter.organisation.as_str()),
            json!(letter.source.as_str()),
            json!(letter.format),
            json!(bytes),
            json!(replayed.map(|time| time.to_string())),
            json!(letter.reason),
            json!(letter.detail),
        ]);
    }
    listing
}

/// What the hub dropped of a source, which no list has any more.
fn gone(went: &Dropped) -> String {
    let Dropped { organisation, source, why, letters, bytes: size, latest } = went;
    let records = counted(*letters, "record", "records");
    let why = match why {
        Why::Age => "older than [dead_letters] days",
        Why::Quota => "more than [dead_letters] megabytes_of_source, the oldest first",
    };
    format!("Dropped of {source} ({organisation}): {records}, {}, {why}; last on {latest}.", bytes(*size))
}

fn shown(letter: &DeadLetter) -> String {
    let mut text = String::new();
    for (name, value) in [
        ("id", letter.id.to_string()),
        ("received", letter.received.to_string()),
        ("organisation", letter.organisation.to_string()),
        ("source", letter.source.to_string()),
        ("format", letter.format.clone()),
        ("reason", letter.reason.clone()),
        ("detail", letter.detail.clone()),
        ("bytes", letter.content.len().to_string()),
    ] {
        text.push_str(&format!("{name:13} {}\n", safe(&value)));
    }
    text.push('\n');
    for line in String::from_utf8_lossy(&letter.content).lines() {
        text.push_str(&format!("{}\n", safe(line)));
    }
    text
}

/// Records that are replayed between two notes.
const PAGE: u32 = 100;

impl Which {
    fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter { reason: self.reason.clone(), source: self.source.clone(), waiting: self.waiting }
    }
}

fn event(text: &str) -> Result<EventId, String> {
    text.parse().map_err(|()| format!("'{text}' is no id such as 4711.3"))
}

fn format(text: &str) -> Result<Format, String> {
    text.parse().map_err(|error: ward_telemetry::Error| error.to_string())
}
