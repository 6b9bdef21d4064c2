//! Who is asking, as Ward sees it.

use serde_json::json;
use ward_people::Permission;
use ward_store::auth::Shown;
use ward_store::organisations;

use crate::ask::{Answer, Ask, shown};

/// `GET /api/v1/me`
pub(crate) async fn get(ask: Ask) -> Answer {
    let access = ask.access()?;
    let scope = ask.scope()?;
    let (count, whole_sector) = match scope.organisations() {
        Some(seen) => (seen.len(), false),
        None => (organisations::list(ask.store(), scope).await?.len(), true),
    };
    let (name, role) = match &access.shown {
        Shown::Token { role, .. } => (&access.actor.name, Some(role.name())),
        Shown::Session(present) => (&present.name, None),
    };
    shown(&json!({
        "name": name,
        "role": role,
        "permissions": access.powers.permissions().iter().map(Permission::name).collect::<Vec<_>>(),
        "organisations": { "count": count, "whole_sector": whole_sector },
    }))
}
