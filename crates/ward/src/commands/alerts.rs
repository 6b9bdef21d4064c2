//! `ward alerts`: what was found, worst and newest first; one of them with its evidence; judging it.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use ward_core::{OrganisationId, Severity};
use ward_lake::FoundRow;
use ward_store::alerts::{self, Alert, AlertFilter, Judgement, State, Verdict};
use ward_store::findings::Stored;
use ward_store::grouping::Entity;
use ward_store::lake_files::FileFilter;

use super::hunt::row;
use super::listing::{ListFormat, Listing};
use super::office::{Office, Place, organisation};
use super::{print, tell};
use crate::Ending;
use crate::clock::now;
use crate::error::Error;
use crate::terminal::{counted, safe};

/// List alerts, show one with its evidence, judge it.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct AlertsArgs {
    #[command(subcommand)]
    command: Option<AlertsCommand>,
    /// Only in this state: open, acknowledged, closed; may be repeated
    #[arg(long, value_parser = state)]
    state: Vec<State>,
    /// Only this level and worse: informational, low, medium, high, critical
    #[arg(long, value_name = "LEVEL")]
    min_level: Option<Severity>,
    /// Only of this organisation and those below it; may be repeated
    #[arg(long, value_name = "CODE", value_parser = organisation)]
    organisation: Vec<OrganisationId>,
    /// Most alerts
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// How they are written
    #[arg(long, short, global = true, value_enum, default_value_t = ListFormat::Table)]
    format: ListFormat,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum AlertsCommand {
    /// Show an alert, its findings and the events they were found in
    Show {
        /// Its id, as the list shows it
        id: String,
        /// Most findings, and most events
        #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        findings: u32,
    },
    /// Judge an alert; what is not named stays
    Judge {
        /// Its id
        id: String,
        /// How far it is: open, acknowledged, closed
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// What it is: undecided, true_positive, false_positive, benign
        #[arg(long, value_parser = verdict)]
        verdict: Option<Verdict>,
        /// Who looks after it; an empty text: nobody
        #[arg(long)]
        owner: Option<String>,
        /// What is noted, instead of what was
        #[arg(long)]
        note: Option<String>,
    },
}

const AFTER_HELP: &str = "\
Examples:
  ward alerts --state open --min-level high
  ward alerts --organisation Y63 --format json | jq -r .title
  ward alerts show 0af3c1...
  ward alerts judge 0af3c1... --state closed --verdict true_positive --note 'Isolated PACS01, see INC0042'

Exit codes of the list: 0 there is none, 1 there is some, 2 it could not be read.";

/// Carries out the command.
///
/// # Errors
/// What keeps it from being carried out.
pub fn run(args: &AlertsArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    match &args.command {
        None => list(&office, args),
        Some(AlertsCommand::Show { id, findings }) => show(&office, id, *findings, args.format),
        Some(AlertsCommand::Judge { id, state, verdict, owner, note }) => {
            let owner = owner.clone().map(|owner| Some(owner).filter(|owner| !owner.is_empty()));
            let judgement = Judgement {
                state: *state,
                verdict: *verdict,
                owner,
                note: note.clone(),
                ..Judgement::default()
            };
            if judgement == Judgement::default() {
                return Err(Error::Asked("judge: name a --state, --verdict, --owner or --note".to_owned()));
            }
            let id = id.parse()?;
            let judged = alerts::judge(&office.store, &office.by, now(), &office.scope, id, &judgement);
            let alert = office.wait(judged)?;
            tell(&format!("Alert {id} is {}, {}.", alert.state.name(), alert.verdict.name()))?;
            Ok(Ending::Nothing)
        }
    }
}

fn list(office: &Office, args: &AlertsArgs) -> Result<Ending, Error> {
    let filter = AlertFilter {
        states: args.state.iter().copied().collect(),
        at_least: args.min_level,
        organisations: office.below(&args.organisation)?,
        ..AlertFilter::default()
    };
    let page = office.wait(alerts::list(&office.store, &office.scope, &filter, None, args.limit))?;
    if args.format == ListFormat::Json {
        print(&page.alerts.iter().map(|alert| format!("{}\n", object(alert))).collect::<String>())?;
    } else {
        let heads = ["level", "state", "count", "last_seen", "organisation", "entity", "id", "title"];
        let mut listing = Listing::new(&heads);
        for alert in &page.alerts {
            listing.row([
                json!(crate::detect::output::level_word(alert.level)),
                json!(alert.state.name()),
                json!(alert.count),
                json!(crate::detect::finding::clock_text(alert.last_seen)),
                json!(alert.organisation.as_str()),
                json!(entity(&alert.entity).1),
                json!(alert.id.to_string()),
                json!(alert.title),
            ]);
        }
        listing.print(ListFormat::Table)?;
        let left = page.total.saturating_sub(page.alerts.len() as u64);
        if left > 0 {
            tell(&format!("{}; --limit shows more.", counted(left, "more alert", "more alerts")))?;
        }
    }
    Ok(if page.total > 0 { Ending::Something } else { Ending::Nothing })
}

fn show(office: &Office, id: &str, limit: u32, format: ListFormat) -> Result<Ending, Error> {
    let (alert, findings) = office.wait(alerts::get(&office.store, &office.scope, id.parse()?, limit))?;
    let events = evidence(office, &alert, &findings, limit as usize)?;
    if format == ListFormat::Json {
        let findings: Vec<Value> = findings.iter().map(finding).collect();
        let events: Vec<Value> = events
            .iter()
            .map(|(id, found)| found.as_ref().map_or_else(|| json!({ "id": id }), row::object))
            .collect();
        print(&format!("{}\n", json!({ "alert": object(&alert), "findings": findings, "events": events })))?;
        return Ok(Ending::Nothing);
    }
    let mut text = String::new();
    let mut line = |line: &str| text.push_str(&format!("{}\n", safe(line)));
    line(&format!("{} ({})", alert.title, alert.level));
    line(&format!("  alert         {}", alert.id));
    line(&format!("  rule          {}", alert.rule));
    line(&format!("  organisation  {}", alert.organisation));
    let (kind, name) = entity(&alert.entity);
    line(&format!("  {kind:12}  {name}"));
    line(&format!("  state         {}, {}", alert.state.name(), alert.verdict.name()));
    line(&format!("  owner         {}", alert.owner.as_deref().unwrap_or("nobody")));
    line(&format!("  seen          {} to {}", alert.first_seen, alert.last_seen));
    line(&format!("  tags          {}", alert.tags.join(", ")));
    if !alert.note.is_empty() {
        line(&format!("  note          {}", alert.note));
    }
    line(&format!("\n{}, the newest first:", counted(alert.count, "finding", "findings")));
    for stored in &findings {
        let found = &stored.finding;
        let user = found.user.as_deref().unwrap_or("-");
        line(&format!("  {}  {}  {user}", found.time, found.host.as_deref().unwrap_or("-")));
        for (field, value) in &found.matched {
            line(&format!(
                "    {field}: {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            ));
        }
    }
    line("\nEvents:");
    for (id, found) in &events {
        match found {
            Some(found) => line(&format!("  {id}  {}", String::from_utf8_lossy(row::own(found)))),
            None => line(&format!("  {id}  is not in the lake: not yet, or not any more")),
        }
    }
    print(&text)?;
    Ok(Ending::Nothing)
}

/// The events that the findings name, each once, from the lake.
fn evidence(
    office: &Office,
    alert: &Alert,
    findings: &[Stored],
    limit: usize,
) -> Result<Vec<(String, Option<FoundRow>)>, Error> {
    let only =
        FileFilter { organisations: Some([alert.organisation.clone()].into()), ..FileFilter::default() };
    let files = office.files(&only)?;
    let lake = office.lake();
    let mut events: Vec<(String, Option<FoundRow>)> = Vec::new();
    for id in findings.iter().flat_map(|stored| &stored.finding.events) {
        let shown = id.to_string();
        if events.len() < limit && events.iter().all(|(known, _)| *known != shown) {
            events.push((shown, lake.get(&office.scope, &files, *id)?));
        }
    }
    Ok(events)
}

fn object(alert: &Alert) -> Value {
    let (kind, name) = entity(&alert.entity);
    json!({
        "id": alert.id.to_string(),
        "organisation": alert.organisation.as_str(),
        "rule": alert.rule,
        "title": alert.title,
        "tags": alert.tags,
        "entity": { "kind": kind, "name": name },
        "level": alert.level.as_str(),
        "state": alert.state.name(),
        "verdict": alert.verdict.name(),
        "owner": alert.owner,
        "note": alert.note,
        "first_seen": alert.first_seen.to_string(),
        "last_seen": alert.last_seen.to_string(),
        "count": alert.count,
        "opened": alert.opened.to_string(),
        "changed": alert.changed.to_string(),
    })
}

fn finding(stored: &Stored) -> Value {
    let found = &stored.finding;
    json!({
        "id": found.id.to_string(),
        "source": found.source.as_str(),
        "events": found.events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "host": found.host,
        "user": found.user,
        "time": found.time.to_string(),
        "received": found.received.to_string(),
        "matched": found.matched,
    })
}

fn entity(entity: &Entity) -> (&'static str, &str) {
    match entity {
        Entity::Host(name) => ("host", name),
        Entity::User(name) => ("user", name),
        Entity::Source(name) => ("source", name),
    }
}

fn state(text: &str) -> Result<State, String> {
    State::named(text)
        .ok_or_else(|| format!("'{text}' is not one of {}", State::ALL.map(State::name).join(", ")))
}

fn verdict(text: &str) -> Result<Verdict, String> {
    let names = Verdict::ALL.map(Verdict::name).join(", ");
    Verdict::named(&text.replace('-', "_")).ok_or_else(|| format!("'{text}' is not one of {names}"))
}
