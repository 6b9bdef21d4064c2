//! `/rules`: what is in force, and what is not and why; and `/exceptions`: what is passed over, for whom and until when.

use serde::Serialize;
use ward_pages::table::{Cell, Table};
use ward_pages::{Link, Notice, words};
use ward_people::Permission;
use ward_store::exceptions;

use super::list::List;
use super::visit::{Visit, sent_on};
use crate::ask::Answer;

/// `GET /rules`
pub(crate) async fn get(visit: Visit) -> Answer {
    let report = (visit.ask.state().rules)();
    let mut table = Table::new("Not in force").column("Where").column("Why");
    for refused in &report.refused {
        table.push([Cell::text(&refused.place), Cell::text(&refused.reason)]);
    }
    let lede = format!(
        "{} over single events and {} over time are in force. {} not.",
        words::count(report.rules, ["rule", "rules"]),
        words::count(report.correlations, ["correlation", "correlations"]),
        match report.refused.len() {
            1 => "1 is".to_owned(),
            many => format!("{} are", words::number(many as u64)),
        }
    );
    let mut links = Vec::new();
    if visit.may(Permission::SeeExceptions) {
        links.push(Link::new("Exceptions", "/exceptions"));
    }
    let list = List { lede, links, ..List::default() };
    list.with(table, "Every rule that was found is in force.").show(&visit, &visit.page("Rules"))
}

/// `GET /exceptions`
pub(crate) async fn list(visit: Visit) -> Answer {
    let ask = &visit.ask;
    let all = exceptions::list(ask.store(), &ask.narrowed().await?).await?;
    let (in_force, over): (Vec<_>, Vec<_>) =
        all.iter().partition(|it| it.removed.is_none() && it.exception.expires > ask.now);
    let may_end = visit.may(Permission::EndExceptions);
    let shown: Vec<_> = in_force.iter().map(|it| shown(it)).collect();
    let mut ended = Table::new("Ended").column("Organisation").column("Why").column("Ended").numbers("Muted");
    for it in over.iter().take(200) {
        ended.push([
            Cell::text(it.exception.organisation.as_str()),
            Cell::text(&it.exception.reason),
            Cell::text(words::time(it.removed.unwrap_or(it.exception.expires))),
            Cell::number(it.muted),
        ]);
    }
    let mut page = visit.page("Exceptions").below([Link::new("Rules", "/rules")]);
    page = match ask.parameters.text("done") {
        Some("ended") => {
            page.notice(Notice::success("The exception has ended. What it muted is told again."))
        }
        Some("made") => page.notice(Notice::success("The exception is in force from now on.")),
        _ => page,
    };
    let ended = (!ended.rows().is_empty()).then_some(ended);
    visit.show("rules/exceptions.jinja", &page, &Shown { in_force: shown, ended, may_end })
}

/// `POST /exceptions/{id}/end`
pub(crate) async fn end(visit: Visit) -> Answer {
    let id = visit.ask.named("exception", |id| id.parse().ok())?;
    exceptions::remove(visit.ask.store(), visit.actor()?, visit.ask.now, visit.ask.scope()?, id).await?;
    Ok(sent_on("/exceptions?done=ended"))
}

#[derive(Serialize)]
struct Shown {
    in_force: Vec<ExceptionShown>,
    ended: Option<Table>,
    may_end: bool,
}

#[derive(Serialize)]
struct ExceptionShown {
    id: String,
    organisation: String,
    and_below: bool,
    reason: String,
    owner: String,
    expires: i64,
    created: i64,
    muted: u64,
    filter: String,
}

fn shown(it: &exceptions::Exception) -> ExceptionShown {
    ExceptionShown {
        id: it.id.to_string(),
        organisation: it.exception.organisation.to_string(),
        and_below: it.exception.and_below,
        reason: it.exception.reason.clone(),
        owner: it.exception.owner.clone(),
        expires: it.exception.expires.micros(),
        created: it.created.micros(),
        muted: it.muted,
        filter: it.exception.filter.clone(),
    }
}
