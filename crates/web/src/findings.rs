//! Findings: the list, and one of them with the events that it was found in.

use serde_json::{Value, json};
use ward_core::{EventId, Scope};
use ward_lake::{FoundRow, Query, TimeRange};
use ward_people::Permission;
use ward_store::findings;

use crate::alerts::{FINDINGS, finding_place, next_finding};
use crate::ask::{Answer, Ask, shown};
use crate::events::{Scanning, row};
use crate::refusal::Refusal;
use crate::{access, cursor, json};

/// `GET /api/v1/findings`
pub(crate) async fn list(ask: Ask) -> Answer {
    let after = cursor::read(FINDINGS, ask.parameters.text("cursor"), finding_place)?;
    let scope = ask.narrowed().await?;
    let found = findings::list(ask.store(), &scope, after, ask.limit()).await?;
    shown(&json!({
        "findings": found.iter().map(json::finding).collect::<Vec<Value>>(),
        "next": next_finding(&found, ask.limit()),
    }))
}

/// `GET /api/v1/findings/{id}`
pub(crate) async fn get(ask: Ask) -> Answer {
    let id = ask.named("finding", |id| id.parse().ok())?;
    let stored = findings::get(ask.store(), ask.scope()?, id).await?;
    let mut answer = json!({ "finding": json::finding(&stored) });
    if ask.parameters.flag("evidence") {
        let finding = &stored.finding;
        // Events say more than findings do, and not everybody who sees these sees them.
        let asking = ask.access()?;
        access::let_do(asking, Permission::Hunt, ask.now)?;
        let scope = asking.scope(Permission::Hunt).narrowed([finding.organisation.clone()]);
        let (events, missing) = evidence(&ask, &scope, &finding.events).await?;
        answer["evidence"] = events.iter().map(row).collect::<Vec<Value>>().into();
        answer["missing"] = missing.iter().map(EventId::to_string).collect::<Vec<_>>().into();
    }
    shown(&answer)
}

/// The events of these ids, oldest first, and the ids whose events are not in the lake: not yet, or not any more.
pub(crate) async fn evidence(
    ask: &Ask,
    scope: &Scope,
    ids: &[EventId],
) -> Result<(Vec<FoundRow>, Vec<EventId>), Refusal> {
    if ids.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let terms: Vec<String> = ids.iter().map(|id| format!("id:{id}")).collect();
    let query = Query::parse(&terms.join(" OR "))?;
    let mut scanning = Scanning::begin(ask, scope, &query, TimeRange::ALL, ids.len()).await?;
    let mut found = Vec::new();
    while let Some(next) = scanning.search.next().await {
        found.push(next?);
    }
    found.reverse();
    let missing = ids.iter().filter(|id| !found.iter().any(|row| row.id == **id)).copied().collect();
    Ok((found, missing))
}
