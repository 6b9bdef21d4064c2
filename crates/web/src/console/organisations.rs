//! `/organisations` and `/organisations/{id}`: who there is, what is seen of each, and what of it is open.

use std::collections::{BTreeMap, BTreeSet};

use ward_core::{Organisation, OrganisationId, OrganisationKind, Severity};
use ward_pages::table::{Cell, Table};
use ward_pages::{Link, words};
use ward_people::Permission;
use ward_store::alerts::{self, State};
use ward_store::{StoreError, organisations, sources};

use super::list::{A_PAGE, List, Search, next};
use super::overview::figures_scope;
use super::visit::Visit;
use crate::ask::Answer;
use crate::cursor;

const LIST: &str = "organisations";

/// `GET /organisations`
pub(crate) async fn list(visit: Visit) -> Answer {
    let (ask, wanted) = (&visit.ask, visit.ask.parameters.text("q").unwrap_or_default());
    let after = cursor::read(LIST, ask.parameters.text("cursor"), |place| OrganisationId::new(place).ok())?;
    let all = organisations::list(ask.store(), ask.scope()?).await?;
    let lower = wanted.to_lowercase();
    let is_wanted = |organisation: &&Organisation| {
        lower.is_empty()
            || organisation.name.to_lowercase().contains(&lower)
            || organisation.id.as_str().to_lowercase().contains(&lower)
    };
    let many = all.iter().filter(is_wanted).count() as u64;
    let rest = all.iter().filter(is_wanted).filter(|it| after.as_ref().is_none_or(|after| it.id > *after));
    let page: Vec<&Organisation> = rest.take(A_PAGE + 1).collect();
    let (shown, more) = page.split_at(page.len().min(A_PAGE));
    let open = open(&visit, &shown.iter().map(|it| it.id.clone()).collect()).await?;
    let mut table = columns(Table::new("By code"));
    for organisation in shown {
        table.push(row(&visit, organisation, &open));
    }
    let last = shown.last().filter(|_| !more.is_empty());
    let list = List {
        lede: words::count(many, ["organisation", "organisations"])
            + if wanted.is_empty() { " that you see." } else { " with this in name or code." },
        next: last
            .map(|last| next("/organisations", &[("q", wanted)], &cursor::shown(LIST, last.id.as_str()))),
        search: Some(Search { action: "/organisations", label: "Name or code", value: wanted.to_owned() }),
        ..List::default()
    };
    list.with(table, "None.").show(&visit, &visit.page("Organisations"))
}

/// `GET /organisations/{id}`
pub(crate) async fn get(visit: Visit) -> Answer {
    let ask = &visit.ask;
    let id = ask.named("organisation", |id| OrganisationId::new(id).ok())?;
    let (store, scope) = (ask.store(), ask.scope()?);
    let organisation = organisations::get(store, scope, &id).await?;
    let below = organisations::list_under(store, scope, Some(&id)).await?;
    let mut wanted: BTreeSet<OrganisationId> = below.iter().map(|it| it.id.clone()).collect();
    wanted.insert(id.clone());
    let open = open(&visit, &wanted).await?;
    let mut table = columns(Table::new("Directly below it"));
    for organisation in below.iter().take(500) {
        table.push(row(&visit, organisation, &open));
    }
    let mut links = Vec::new();
    if visit.may(Permission::SeeAlerts) {
        links.push(Link::new("Its alerts, and those of all below it", format!("/alerts?organisation={id}")));
    }
    let mut of_it = Table::new("Its sources").column("Source").column("State");
    if visit.may(Permission::SeeSources) {
        let scope = ask.access()?.scope(Permission::SeeSources).narrowed([id.clone()]);
        for entered in sources::list(store, &scope).await? {
            let state = if entered.enabled { "in use" } else { "disabled" };
            let href = format!("/sources/{}", entered.source.id);
            of_it.push([Cell::text(entered.source.id.as_str()).to(Some(href)), Cell::text(state)]);
        }
    }
    let mut way = vec![Link::new("Organisations", "/organisations")];
    if let Some(parent) = organisation.parent.as_ref().filter(|parent| scope.sees(parent)) {
        let name = organisations::get(store, scope, parent).await?.name;
        way.push(Link::new(name, format!("/organisations/{parent}")));
    }
    let lede = format!("{}, code {id}.", kind(organisation.kind));
    let list = List { lede, links, ..List::default() }
        .with(of_it, "Nothing sends events for it.")
        .with(table, "Nothing is below it.");
    list.show(&visit, &visit.page(&organisation.name).below(way))
}

fn columns(table: Table) -> Table {
    table
        .column("Name")
        .column("Code")
        .column("Kind")
        .numbers("Alerts not closed")
        .numbers("Critical or high")
}

fn row(visit: &Visit, organisation: &Organisation, open: &BTreeMap<OrganisationId, [u64; 2]>) -> [Cell; 5] {
    let id = &organisation.id;
    let [all, worst] = open.get(id).copied().unwrap_or_default();
    let to =
        |more: &str| visit.may(Permission::SeeAlerts).then(|| format!("/alerts?organisation={id}{more}"));
    [
        Cell::text(&organisation.name).to(Some(format!("/organisations/{id}"))),
        Cell::text(id.as_str()),
        Cell::text(kind(organisation.kind)),
        Cell::number(all).to(to("")),
        Cell::number(worst).to(to("&level=high")),
    ]
}

/// How many alerts of each organisation and of all below it are not closed, and how many of these are high or critical.
async fn open(
    visit: &Visit,
    wanted: &BTreeSet<OrganisationId>,
) -> Result<BTreeMap<OrganisationId, [u64; 2]>, StoreError> {
    let store = visit.ask.store();
    let Ok(access) = visit.ask.access() else { return Ok(BTreeMap::new()) };
    let mut parents: BTreeMap<OrganisationId, OrganisationId> = BTreeMap::new();
    for organisation in organisations::list(store, figures_scope(access)).await? {
        if let Some(parent) = organisation.parent {
            parents.insert(organisation.id, parent);
        }
    }
    let mut open: BTreeMap<OrganisationId, [u64; 2]> = BTreeMap::new();
    for tally in alerts::tallies(store, figures_scope(access)).await? {
        if tally.state == State::Closed {
            continue;
        }
        // Upwards, as far as there is an above; a circle would be a fault of the register, and ends.
        let mut place = Some(&tally.organisation);
        for _ in 0..DEEPEST {
            let Some(at) = place else { break };
            if wanted.contains(at) {
                let [all, worst] = open.entry(at.clone()).or_default();
                *all += tally.count;
                *worst += if tally.level >= Severity::High { tally.count } else { 0 };
            }
            place = parents.get(at);
        }
    }
    Ok(open)
}

/// Levels of organisations above each other.
const DEEPEST: usize = 16;

fn kind(kind: OrganisationKind) -> &'static str {
    match kind {
        OrganisationKind::Nation => "Nation",
        OrganisationKind::Region => "Region",
        OrganisationKind::CareBoard => "Care board",
        OrganisationKind::Organisation => "Organisation",
        OrganisationKind::Site => "Site",
    }
}
