//! The tree of organisations, as far as it may be seen.

use serde_json::{Value, json};
use ward_core::OrganisationId;
use ward_store::organisations;

use crate::ask::{Answer, Ask, shown};
use crate::{cursor, json};

const LIST: &str = "organisations";

/// `GET /api/v1/organisations`
pub(crate) async fn list(ask: Ask) -> Answer {
    let after = cursor::read(LIST, ask.parameters.text("cursor"), |place| OrganisationId::new(place).ok())?;
    let scope = ask.scope()?;
    let all = organisations::list(ask.store(), scope).await?;
    let rest = all.iter().filter(|organisation| after.as_ref().is_none_or(|after| organisation.id > *after));
    let page: Vec<_> = rest.take(ask.limit() as usize + 1).collect();
    let (page, next) = match page.split_at_checked(ask.limit() as usize) {
        Some((page, [_, ..])) => (page, page.last().map(|last| cursor::shown(LIST, last.id.as_str()))),
        _ => (page.as_slice(), None),
    };
    shown(&json!({
        "organisations": page.iter().map(|each| json::organisation(scope, each)).collect::<Vec<Value>>(),
        "next": next,
        "total": all.len(),
    }))
}

/// `GET /api/v1/organisations/{id}`
pub(crate) async fn get(ask: Ask) -> Answer {
    let id = ask.named("organisation", |id| OrganisationId::new(id).ok())?;
    let scope = ask.scope()?;
    let organisation = organisations::get(ask.store(), scope, &id).await?;
    let below = organisations::list_under(ask.store(), scope, Some(&id)).await?;
    shown(&json!({
        "organisation": json::organisation(scope, &organisation),
        "below": below.iter().map(|each| json::organisation(scope, each)).collect::<Vec<Value>>(),
    }))
}
