//! `/sources`, `/sources/{id}` and `/devices`: what sends events, when it was last heard of, and how to connect more.

use std::collections::BTreeMap;

use serde::Serialize;
use ward_core::{OrganisationId, SourceId, Timestamp};
use ward_pages::table::{Cell, Table};
use ward_pages::{Link, Notice, words};
use ward_people::Permission;
use ward_store::heartbeats::{self, Hearing, Heartbeat, WHOLE_SOURCE};
use ward_store::sources::{self, Entered};
use ward_store::tokens::{self, Grant};

use super::connect::{may_issue, named};
use super::list::{A_PAGE, List, next};
use super::visit::Visit;
use crate::ask::Answer;
use crate::cursor;
use crate::devices::{LIST as DEVICES, place};

const LIST: &str = "sources";

/// `GET /sources`
pub(crate) async fn list(visit: Visit) -> Answer {
    let ask = &visit.ask;
    let after = cursor::read(LIST, ask.parameters.text("cursor"), |place| SourceId::new(place).ok())?;
    let scope = ask.narrowed().await?;
    let all = sources::list(ask.store(), &scope).await?;
    let silent = silent(&visit).await?;
    let only_silent = ask.parameters.flag("silent");
    let wanted = |entered: &&Entered| !only_silent || silent.contains_key(&entered.source.id);
    let many = all.iter().filter(wanted).count() as u64;
    let rest =
        all.iter().filter(wanted).filter(|it| after.as_ref().is_none_or(|after| it.source.id > *after));
    let page: Vec<&Entered> = rest.take(A_PAGE + 1).collect();
    let (shown, more) = page.split_at(page.len().min(A_PAGE));
    let mut table = Table::new("By name").column("Source").column("Organisation").column("State");
    for entered in shown {
        table.push(row(entered, &silent));
    }
    let flag = if only_silent { "true" } else { "" };
    let last = shown.last().filter(|_| !more.is_empty());
    let list = List {
        lede: words::count(many, ["source", "sources"])
            + if only_silent { " that should have sent something." } else { " of events." },
        next: last
            .map(|last| next("/sources", &[("silent", flag)], &cursor::shown(LIST, last.source.id.as_str()))),
        links: vec![
            match only_silent {
                true => Link::new("All sources", "/sources"),
                false => Link::new(
                    words::count(silent.len() as u64, ["silent source", "silent sources"]),
                    "/sources?silent=true",
                ),
            },
            Link::new("Devices", "/devices"),
        ]
        .into_iter()
        .chain(visit.may(Permission::ManageSources).then(|| Link::new("Enter a source", "/sources/new")))
        .collect(),
        ..List::default()
    };
    list.with(table, "None.").show(&visit, &visit.page("Sources"))
}

/// `GET /sources/{id}`
pub(crate) async fn get(visit: Visit) -> Answer {
    let ask = &visit.ask;
    let id = named(&visit)?;
    let entered = sources::get(ask.store(), ask.scope()?, &id).await?;
    let silent = silent(&visit).await?;
    let [_, organisation, state] = row(&entered, &silent);
    let fact = |name: &str, cell: Cell| [Cell::text(name), cell];
    let rate = entered.source.rate.map_or_else(
        || "not bounded".to_owned(),
        |rate| format!("{} events a second", words::number(rate.into())),
    );
    let pause = entered
        .source
        .silent_after
        .map_or_else(|| "never".to_owned(), |pause| format!("after {} minutes", pause / 60_000_000));
    let facts = Table::new("What is known of it")
        .column("What")
        .column("Value")
        .row(fact("Organisation", organisation))
        .row(fact("State", state))
        .row(fact("Entered", Cell::text(words::time(entered.created))))
        .row(fact("Most events", Cell::text(rate)))
        .row(fact("Told to be silent", Cell::text(pause)));
    let mut issued = Vec::new();
    if may_issue(&visit) {
        let scope = ask.access()?.scope(Permission::ManageTokens);
        let wanted = Grant::Ingest(id.clone());
        issued.extend(
            tokens::list(ask.store(), scope).await?.into_iter().filter(|token| token.grant == wanted),
        );
    }
    let shown = Shown {
        id: id.to_string(),
        organisation: entered.source.organisation.to_string(),
        facts,
        may_issue: may_issue(&visit),
        tokens: issued
            .into_iter()
            .map(|token| TokenShown {
                id: token.id.0,
                label: token.label,
                issued: token.issued.micros(),
                used: token.last_used.map(Timestamp::micros),
                revoked: token.revoked.is_some(),
            })
            .collect(),
    };
    let mut page = visit.page(format!("Source {id}")).below([Link::new("Sources", "/sources")]);
    if ask.parameters.text("done") == Some("revoked") {
        page = page.notice(Notice::success("The token is revoked. It is good for two seconds more."));
    }
    visit.show("sources/source.jinja", &page, &shown)
}

#[derive(Serialize)]
struct Shown {
    id: String,
    organisation: String,
    facts: Table,
    may_issue: bool,
    tokens: Vec<TokenShown>,
}

#[derive(Serialize)]
struct TokenShown {
    id: String,
    label: String,
    issued: i64,
    used: Option<i64>,
    revoked: bool,
}

/// `GET /devices`
pub(crate) async fn devices(visit: Visit) -> Answer {
    let ask = &visit.ask;
    let after = cursor::read(DEVICES, ask.parameters.text("cursor"), place)?;
    let scope = ask.narrowed().await?;
    let beats = heartbeats::list(ask.store(), &scope, after.as_ref(), A_PAGE as u32).await?;
    let mut table = Table::new("By organisation, source and name")
        .column("Device")
        .column("Organisation")
        .column("Source")
        .column("Last seen")
        .numbers("Events");
    for beat in &beats {
        let name = if beat.device == WHOLE_SOURCE { "without a name" } else { &beat.device };
        table.push([
            Cell::text(name),
            Cell::text(beat.organisation.as_str()).to(Some(format!("/organisations/{}", beat.organisation))),
            Cell::text(beat.source.as_str()).to(Some(format!("/sources/{}", beat.source))),
            Cell::text(words::time(beat.last_seen)),
            Cell::number(beat.events),
        ]);
    }
    let last = beats.last().filter(|_| beats.len() >= A_PAGE);
    let list = List {
        lede: "Whatever named itself in an event, and when it last did.".to_owned(),
        next: last.map(|Heartbeat { organisation, source, device, .. }| {
            next("/devices", &[], &cursor::shown(DEVICES, &format!("{organisation}\n{source}\n{device}")))
        }),
        links: vec![Link::new("Sources", "/sources")],
        ..List::default()
    };
    list.with(table, "None was heard of.").show(&visit, &visit.page("Devices"))
}

async fn silent(visit: &Visit) -> Result<BTreeMap<SourceId, (Timestamp, bool)>, ward_store::StoreError> {
    let Ok(scope) = visit.ask.scope() else { return Ok(BTreeMap::new()) };
    let silent = heartbeats::silent(visit.ask.store(), scope, Hearing::ever(visit.ask.now)).await?;
    Ok(silent.into_iter().map(|it| (it.source.id, (it.since, it.ever))).collect())
}

fn row(entered: &Entered, silent: &BTreeMap<SourceId, (Timestamp, bool)>) -> [Cell; 3] {
    let (id, organisation): (_, &OrganisationId) = (&entered.source.id, &entered.source.organisation);
    let state = match silent.get(id) {
        _ if !entered.enabled => "disabled".to_owned(),
        Some((since, true)) => format!("silent since {}", words::time(*since)),
        Some((since, false)) => format!("never heard of since it was entered, {}", words::time(*since)),
        None => "heard of in time".to_owned(),
    };
    [
        Cell::text(id.as_str()).to(Some(format!("/sources/{id}"))),
        Cell::text(organisation.as_str()).to(Some(format!("/organisations/{organisation}"))),
        Cell::text(state),
    ]
}
