//! `/events/{id}`: an event as it came, and where to go on from it; and `/hunt/export`: what a search finds, as a file.

use axum::http::{HeaderValue, header};
use serde::Serialize;
use ward_core::EventId;
use ward_lake::{Query, TimeRange};
use ward_pages::Link;

use super::{Pivot, pivots};
use crate::ask::Answer;
use crate::console::visit::Visit;
use crate::events::{self, Scanning};
use crate::refusal::Refusal;

#[derive(Serialize)]
struct Shown {
    time: i64,
    received: i64,
    organisation: String,
    source: String,
    format: String,
    log_source: String,
    class: u32,
    device: Option<String>,
    user: Option<String>,
    raw: String,
    pivots: Vec<Pivot>,
}

/// `GET /events/{id}`
pub(crate) async fn get(visit: Visit) -> Answer {
    let id: EventId = visit.ask.named("event", |id| id.parse().ok())?;
    let query = Query::parse(&format!("id:{id}"))?;
    let scope = visit.ask.scope()?.clone();
    let mut scanning = Scanning::begin(&visit.ask, &scope, &query, TimeRange::ALL, 1).await?;
    let found = scanning.search.next().await.transpose()?.ok_or_else(|| Refusal::missing("event"))?;
    let page = visit.page(format!("Event {id}")).wide().below([Link::new("Hunt", "/hunt")]);
    let shown = Shown {
        time: found.time.micros(),
        received: found.received.micros(),
        organisation: found.organisation.to_string(),
        source: found.source.clone(),
        format: found.format.clone(),
        log_source: found.log_source.clone(),
        class: found.class_uid,
        device: found.device.clone(),
        user: found.user.clone(),
        raw: String::from_utf8_lossy(&found.raw).into_owned(),
        pivots: pivots(&found),
    };
    visit.show("hunt/event.jinja", &page, &shown)
}

/// `GET /hunt/export`: as the interface answers `GET /api/v1/events`, to be kept as a file.
pub(crate) async fn export(visit: Visit) -> Answer {
    let kind = match visit.ask.parameters.text("format") {
        Some("parquet") => "parquet",
        Some("ndjson") => "ndjson",
        _ => "csv",
    };
    let mut answer = events::search(visit.ask).await?;
    let name = format!("attachment; filename=\"ward-events.{kind}\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(answer)
}
