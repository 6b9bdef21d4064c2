//! The sources of telemetry, and those that should have sent something.

use serde_json::{Value, json};
use ward_core::SourceId;
use ward_store::heartbeats::{self, Hearing};
use ward_store::sources;

use crate::ask::{Answer, Ask, shown};
use crate::{cursor, json};

const LIST: &str = "sources";

/// `GET /api/v1/sources`
pub(crate) async fn list(ask: Ask) -> Answer {
    let after = cursor::read(LIST, ask.parameters.text("cursor"), |place| SourceId::new(place).ok())?;
    let all = sources::list(ask.store(), &ask.narrowed().await?).await?;
    let rest = all.iter().filter(|entered| after.as_ref().is_none_or(|after| entered.source.id > *after));
    let page: Vec<_> = rest.take(ask.limit() as usize + 1).collect();
    let (page, next) = match page.split_at_checked(ask.limit() as usize) {
        Some((page, [_, ..])) => (page, page.last().map(|last| cursor::shown(LIST, last.source.id.as_str()))),
        _ => (page.as_slice(), None),
    };
    shown(&json!({
        "sources": page.iter().map(|each| json::source(each)).collect::<Vec<Value>>(),
        "next": next,
        "total": all.len(),
    }))
}

/// `GET /api/v1/sources/{id}`
pub(crate) async fn get(ask: Ask) -> Answer {
    let id = ask.named("source", |id| SourceId::new(id).ok())?;
    let entered = sources::get(ask.store(), ask.scope()?, &id).await?;
    shown(&json!({ "source": json::source(&entered) }))
}

/// `GET /api/v1/silent`
pub(crate) async fn silent(ask: Ask) -> Answer {
    let silent = heartbeats::silent(ask.store(), &ask.narrowed().await?, Hearing::ever(ask.now)).await?;
    shown(&json!({ "silent": silent.iter().map(json::silent).collect::<Vec<Value>>() }))
}
