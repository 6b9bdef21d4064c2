//! `/alerts`: the queue, worst and newest first, with what it is cut to always in sight.

use std::collections::BTreeSet;

use serde::Serialize;
use ward_pages::{Link, Notice};
use ward_people::Permission;
use ward_store::alerts::{self, Alert, AlertFilter, Cursor, OwnedBy, State, Verdict};
use ward_store::views;

use super::{Names, owned_by, owners, state_said};
use crate::ask::Answer;
use crate::console::now::colour;
use crate::console::visit::{Visit, escaped};
use crate::cursor;
use crate::parameters::Parameters;

const LIST: &str = "alerts";
/// What saved views of this page are kept under.
pub(crate) const PAGE: &str = "alerts";
const A_PAGE: u32 = 50;

/// The fields of the filter, as they stand in the address.
pub(crate) const FIELDS: [&str; 12] = [
    "state",
    "level",
    "exactly",
    "organisation",
    "rule",
    "entity",
    "owner",
    "verdict",
    "from",
    "until",
    "opened_from",
    "opened_until",
];

#[derive(Serialize)]
struct Shown {
    rows: Vec<Row>,
    total: u64,
    next: Option<String>,
    first: Option<String>,
    /// What the list is cut to, each with where it is seen without that.
    cuts: Vec<Cut>,
    filter: Filter,
    views: Vec<View>,
    query: String,
    may_judge: bool,
    here: String,
}

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    level: &'static str,
    colour: &'static str,
    entity: String,
    organisation: String,
    count: u64,
    last_seen: i64,
    state: &'static str,
    owner: Option<String>,
    mine: bool,
}

#[derive(Serialize)]
struct Cut {
    text: String,
    without: String,
}

#[derive(Serialize)]
struct Filter {
    open: bool,
    acknowledged: bool,
    closed: bool,
    level: String,
    organisation: String,
    rule: String,
    entity: String,
    owner: String,
    verdict: String,
}

#[derive(Serialize)]
struct View {
    id: String,
    name: String,
    href: String,
}

/// `GET /alerts`
pub(crate) async fn get(visit: Visit) -> Answer {
    let (ask, wanted) = (&visit.ask, &visit.ask.parameters);
    let filter = filter(&visit).await?;
    let after: Option<Cursor> = cursor::read(LIST, wanted.text("cursor"), |place| place.parse().ok())?;
    let (store, scope) = (ask.store(), ask.scope()?);
    let page = alerts::list(store, scope, &filter, after.as_ref(), A_PAGE).await?;
    let organisations: BTreeSet<_> = page.alerts.iter().map(|alert| alert.organisation.clone()).collect();
    let named = Names::of(store, scope, organisations, owners(&page.alerts)).await?;
    let me = super::me(&visit)?;
    let rows = page.alerts.iter().map(|alert| row(alert, &named, &me)).collect();
    let query = query(wanted, None);
    let with = |more: String| {
        if query.is_empty() { format!("/alerts?{more}") } else { format!("/alerts?{query}&{more}") }
    };
    let views = views::list(store, visit.present()?.person, PAGE).await?;
    let mut shown_page = visit.page("Alerts").wide();
    if let Some(notice) = wanted.text("done").and_then(done) {
        shown_page = shown_page.notice(notice);
    }
    let shown = Shown {
        rows,
        total: page.total,
        next: page
            .next
            .map(|next| with(format!("cursor={}", escaped(&cursor::shown(LIST, &next.to_string()))))),
        first: after
            .is_some()
            .then(|| if query.is_empty() { "/alerts".to_owned() } else { format!("/alerts?{query}") }),
        cuts: cuts(wanted),
        filter: shown_filter(wanted, &filter),
        views: views
            .into_iter()
            .map(|view| View {
                id: view.id.to_string(),
                name: view.name,
                href: format!("/alerts?{}", view.query),
            })
            .collect(),
        may_judge: visit.may(Permission::JudgeAlerts),
        here: visit.face.here.clone(),
        query,
    };
    visit.show("alerts/queue.jinja", &shown_page, &shown)
}

/// What is asked for. Unless states are named, closed alerts are left out, which the page says.
async fn filter(visit: &Visit) -> Result<AlertFilter, crate::refusal::Refusal> {
    let wanted = &visit.ask.parameters;
    let mut states: BTreeSet<State> = wanted.all("state").filter_map(State::named).collect();
    if states.is_empty() {
        states = BTreeSet::from([State::Open, State::Acknowledged]);
    } else if states.len() == State::ALL.len() {
        states = BTreeSet::new();
    }
    let owner = match wanted.text("owner") {
        Some(owner) => Some(owned_by(visit, owner)?),
        None => None,
    };
    Ok(AlertFilter {
        states,
        at_least: wanted.text("level").and_then(|level| level.parse().ok()),
        exactly: wanted.text("exactly").and_then(|level| level.parse().ok()),
        organisations: visit.ask.organisations(wanted.codes("organisation")).await?,
        rule: wanted.text("rule").map(str::to_owned),
        entity: wanted.text("entity").map(str::to_owned),
        owner,
        verdict: wanted.text("verdict").and_then(Verdict::named),
        from: wanted.time("from"),
        until: wanted.time("until"),
        opened_from: wanted.time("opened_from"),
        opened_until: wanted.time("opened_until"),
    })
}

fn row(alert: &Alert, names: &Names, me: &str) -> Row {
    Row {
        id: alert.id.to_string(),
        title: alert.title.clone(),
        level: alert.level.as_str(),
        colour: colour(alert.level),
        entity: alert.entity.name().to_owned(),
        organisation: names.organisation(&alert.organisation),
        count: alert.count,
        last_seen: alert.last_seen.micros(),
        state: state_said(alert.state),
        owner: alert.owner.as_deref().map(|owner| names.owner(owner)),
        mine: alert.owner.as_deref() == Some(me),
    }
}

/// The filter as a query string, without one of its fields, or with all.
fn query(wanted: &Parameters, without: Option<(&str, &str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for field in FIELDS {
        for value in wanted.all(field).filter(|value| without != Some((field, *value))) {
            query.append_pair(field, value);
        }
    }
    query.finish()
}

/// What the list is cut to, in words.
fn cuts(wanted: &Parameters) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for field in FIELDS {
        for value in wanted.all(field) {
            let text = match field {
                "state" => State::named(value).map(|state| format!("state: {}", state_said(state))),
                "level" => Some(format!("{value} and above")),
                "exactly" => Some(format!("only {value}")),
                "owner" => Some(match value {
                    "me" => "mine".to_owned(),
                    "nobody" => "nobody's".to_owned(),
                    _ => "somebody's".to_owned(),
                }),
                "from" => Some(format!("last seen from {value}")),
                "until" => Some(format!("last seen before {value}")),
                "opened_from" => Some(format!("opened from {value}")),
                "opened_until" => Some(format!("opened before {value}")),
                field => Some(format!("{field}: {value}")),
            };
            let rest = query(wanted, Some((field, value)));
            let without = if rest.is_empty() { "/alerts".to_owned() } else { format!("/alerts?{rest}") };
            cuts.extend(text.map(|text| Cut { text, without }));
        }
    }
    cuts
}

fn shown_filter(wanted: &Parameters, filter: &AlertFilter) -> Filter {
    let text = |name: &str| wanted.text(name).unwrap_or_default().to_owned();
    let has = |state| filter.states.is_empty() || filter.states.contains(&state);
    Filter {
        open: has(State::Open),
        acknowledged: has(State::Acknowledged),
        closed: has(State::Closed),
        level: text("level"),
        organisation: text("organisation"),
        rule: text("rule"),
        entity: text("entity"),
        owner: match &filter.owner {
            Some(OwnedBy::Nobody) => "nobody".to_owned(),
            _ => text("owner"),
        },
        verdict: text("verdict"),
    }
}

fn done(what: &str) -> Option<Notice> {
    Some(match what {
        "saved" => Notice::success("The view is saved. It is among your views on this page."),
        "removed" => Notice::success("The view is gone."),
        "nothing" => Notice::new("Nothing was ticked, so nothing was changed.")
            .link(Link::new("Tick alerts", "#queue")),
        many => {
            let many: u64 = many.strip_prefix("judged-")?.parse().ok()?;
            Notice::success(format!(
                "{} changed.",
                ward_pages::words::count(many, ["alert was", "alerts were"])
            ))
        }
    })
}
