//! Exceptions: what an organisation has decided not to be told of.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::{Value, json};
use ward_core::{OrganisationId, Timestamp};
use ward_store::exceptions::{self, NewException};

use crate::ask::{Answer, Ask, shown, shown_as};
use crate::json;
use crate::refusal::Refusal;

/// An exception to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    organisation: String,
    #[serde(default)]
    and_below: bool,
    /// A Sigma filter, in YAML.
    filter: String,
    reason: String,
    owner: String,
    expires: String,
}

/// `GET /api/v1/exceptions`
pub(crate) async fn list(ask: Ask) -> Answer {
    let all = exceptions::list(ask.store(), &ask.narrowed().await?).await?;
    let all: Vec<Value> = all.iter().map(|exception| json::exception(exception, ask.now)).collect();
    shown(&json!({ "exceptions": all }))
}

/// `POST /api/v1/exceptions`
pub(crate) async fn add(ask: Ask) -> Answer {
    let wanted: Wanted = ask.json()?;
    let (actor, scope) = (&ask.access()?.actor, ask.scope()?);
    let missing = |_| Refusal::missing("organisation");
    let organisation = OrganisationId::new(&wanted.organisation).map_err(missing)?;
    // Before the filter: whoever asks about another's organisation learns nothing by a good or bad one.
    ward_store::organisations::get(ask.store(), scope, &organisation).await?;
    let expires = Timestamp::parse(&wanted.expires).ok_or_else(|| {
        Refusal::unclear("could not read 'expires'")
            .hint("expected a time such as 2026-11-26T10:00:00Z or a date")
    })?;
    (ask.state().check_filter)(&wanted.filter)
        .map_err(|why| Refusal::unclear("could not read 'filter' as a Sigma filter").hint(why))?;
    let Wanted { and_below, filter, reason, owner, .. } = wanted;
    let new = NewException { organisation, and_below, filter, reason, owner, expires };
    let id = exceptions::add(ask.store(), actor, ask.now, scope, &new).await?;
    shown_as(StatusCode::CREATED, &json!({ "id": id.to_string() }))
}

/// `DELETE /api/v1/exceptions/{id}`
pub(crate) async fn remove(ask: Ask) -> Answer {
    let id = ask.named("exception", |id| id.parse().ok())?;
    exceptions::remove(ask.store(), &ask.access()?.actor, ask.now, ask.scope()?, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
