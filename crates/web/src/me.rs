//! Who is asking, as Ward sees it.

use serde_json::json;
use ward_store::organisations;

use crate::ask::{Answer, Ask, shown};

/// `GET /api/v1/me`
pub(crate) async fn get(ask: Ask) -> Answer {
    let access = ask.access()?;
    let (count, whole_sector) = match access.scope.organisations() {
        Some(seen) => (seen.len(), false),
        None => (organisations::list(ask.store(), &access.scope).await?.len(), true),
    };
    shown(&json!({
        "name": access.actor.name,
        "role": access.role.name(),
        "organisations": { "count": count, "whole_sector": whole_sector },
    }))
}
