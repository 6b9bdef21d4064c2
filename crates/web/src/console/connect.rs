//! `/sources/new`, `/sources/{id}/tokens`: a new source, and what its shipper must be told: a token, shown once, in
//! configurations to copy for each real client (docs/intake.md has the same).

use serde::Serialize;
use ward_core::{OrganisationId, Source, SourceId};
use ward_pages::{Fault, Link, Page};
use ward_people::Permission;
use ward_store::tokens::{self, Grant, NewToken, TokenId};
use ward_store::{StoreError, organisations, sources};

use super::visit::{Visit, sent_on};
use crate::ask::Answer;
use crate::refusal::Refusal;

const NEW: &str = "sources/new.jinja";

/// Minutes after which a source that is entered here counts as silent, unless another number is typed.
const SILENT: i64 = 30;

/// Longest silence that can be typed, in minutes: a year.
const LONGEST: i64 = 366 * 24 * 60;

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    organisation: &'a str,
    minutes: &'a str,
}

/// What a shipper is told.
#[derive(Serialize)]
struct Connect {
    /// The source that the token is for.
    source: String,
    /// The token. Without one: a word in its place.
    token: String,
    is_secret: bool,
    /// Host of the hub, without and with its port.
    host: String,
    site: String,
    may_hunt: bool,
}

/// `GET /sources/new`
pub(crate) async fn get_new(visit: Visit) -> Answer {
    visit.show(NEW, &page(&visit), &Shown { name: "", organisation: "", minutes: "30" })
}

/// `POST /sources/new`
pub(crate) async fn post_new(visit: Visit) -> Answer {
    let (name, code) = (visit.form.text("name"), visit.form.text("organisation"));
    let minutes = visit.form.text("minutes");
    let mut faults = Vec::new();
    let id = SourceId::new(name);
    if id.is_err() {
        faults.push(Fault::new("name", "Enter a name of letters, digits and dashes, such as leeds-dc"));
    }
    let (store, scope) = (visit.ask.store(), visit.ask.scope()?);
    let organisation = OrganisationId::new(code).ok();
    let organisation = match &organisation {
        Some(code) => organisations::get(store, scope, code).await.ok(),
        None => None,
    };
    if organisation.is_none() {
        faults.push(Fault::new(
            "organisation",
            "Enter the code of the organisation whose events it sends, such as RR8",
        ));
    }
    let pause: Option<i64> = if minutes.is_empty() { Some(SILENT) } else { minutes.parse().ok() };
    let pause = pause.filter(|pause| (1..=LONGEST).contains(pause));
    if pause.is_none() {
        faults.push(Fault::new("minutes", "Enter a number of minutes, from 1 to 527,040"));
    }
    let (Ok(id), Some(organisation), Some(pause), true) = (id, organisation, pause, faults.is_empty()) else {
        let shown = Shown { name, organisation: code, minutes };
        return visit.show(NEW, &page(&visit).faults(faults), &shown);
    };
    let (rate, silent_after) = (None, Some(pause * 60_000_000));
    let source = Source { id: id.clone(), organisation: organisation.id, rate, silent_after };
    match sources::enter(store, visit.actor()?, visit.ask.now, scope, &source).await {
        Ok(()) => Ok(sent_on(&format!("/sources/{id}"))),
        Err(StoreError::Refused(why)) => {
            let shown = Shown { name, organisation: code, minutes };
            visit.show(NEW, &page(&visit).faults([Fault::new("name", why)]), &shown)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /sources/{id}/tokens`: issues a token for it, and shows how to use it.
pub(crate) async fn issue(visit: Visit) -> Answer {
    let id = named(&visit)?;
    let (store, scope, now) = (visit.ask.store(), visit.ask.scope()?, visit.ask.now);
    sources::get(store, scope, &id).await?;
    let new = NewToken {
        label: id.to_string(),
        grant: Grant::Ingest(id.clone()),
        expires: None,
        secret: None,
        weak_allowed: false,
    };
    let (_, secret) = tokens::issue(store, visit.actor()?, now, new).await?;
    let page = below(&visit, "Connect this source", &id);
    visit.show_secret("sources/connect.jinja", &page, &connect(&visit, &id, Some(secret.expose())))
}

/// `GET /sources/{id}/connect`: the same without a token.
pub(crate) async fn get(visit: Visit) -> Answer {
    let id = named(&visit)?;
    sources::get(visit.ask.store(), visit.ask.scope()?, &id).await?;
    visit.show(
        "sources/connect.jinja",
        &below(&visit, "Connect this source", &id),
        &connect(&visit, &id, None),
    )
}

/// `POST /sources/{id}/revoke`: a token is good no more.
pub(crate) async fn revoke(visit: Visit) -> Answer {
    let id = named(&visit)?;
    let (store, scope) = (visit.ask.store(), visit.ask.scope()?);
    let token = TokenId(visit.form.text("token").to_owned());
    let known = tokens::list(store, scope)
        .await?
        .into_iter()
        .any(|it| it.id == token && it.grant == Grant::Ingest(id.clone()));
    if !known {
        return Err(Refusal::missing("token"));
    }
    tokens::revoke(store, visit.actor()?, visit.ask.now, &token).await?;
    Ok(sent_on(&format!("/sources/{id}?done=revoked")))
}

/// The source that the path names.
pub(super) fn named(visit: &Visit) -> Result<SourceId, Refusal> {
    visit.ask.named("source", |id| SourceId::new(id).ok())
}

fn connect(visit: &Visit, source: &SourceId, token: Option<&str>) -> Connect {
    let site = visit.site();
    let host = site.split_once("://").map_or(site.as_str(), |(_, host)| host);
    // Not the last part of an IPv6 address.
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let host = port.map_or(host, |(name, _)| name).to_owned();
    Connect {
        source: source.to_string(),
        token: token.unwrap_or("TOKEN").to_owned(),
        is_secret: token.is_some(),
        host,
        site,
        may_hunt: visit.may(Permission::Hunt),
    }
}

fn page(visit: &Visit) -> Page {
    visit.page("Enter a source").below([Link::new("Sources", "/sources")])
}

fn below(visit: &Visit, title: &str, id: &SourceId) -> Page {
    let way = [Link::new("Sources", "/sources"), Link::new(id.as_str(), format!("/sources/{id}"))];
    visit.page(title).below(way)
}

/// Whether whoever looks may issue tokens.
pub(super) fn may_issue(visit: &Visit) -> bool {
    visit.may(Permission::ManageTokens)
}
