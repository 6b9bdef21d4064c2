//! Events of the lake: searched, or one by its id.
//!
//! Invariant: a search looks only into files that the catalogue listed for the scope of whoever asks.

mod format;
mod pump;

use axum::http::header;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use ward_core::{EventId, Scope};
use ward_lake::{Query, Scanned, Search, TimeRange};

use crate::ask::{Answer, Ask, shown};
use crate::refusal::Refusal;
use crate::turns::Turn;
use format::Writer;
pub(crate) use format::{Format, row};
pub(crate) use pump::pieces;

/// Most rows that one search gives.
pub(crate) const MOST_ROWS: u64 = 1_000_000;

/// A search that runs, and its turn.
pub(crate) struct Scanning {
    pub search: Search,
    /// Given back when the search ends.
    _turn: Turn,
}

/// `GET /api/v1/events`
pub(crate) async fn search(ask: Ask) -> Answer {
    let query = Query::parse(ask.parameters.text("q").unwrap_or_default())?;
    let (range, scope) = (ask.range()?, ask.narrowed().await?);
    if ask.parameters.flag("estimate") {
        let files = ask.files(&scope, range).await?;
        let estimate = ask.state().lake.estimate(&scope, &files, &query, range);
        return shown(&json!({ "estimate": {
            "files": estimate.files,
            "rows": estimate.rows,
            "bytes": estimate.bytes,
            "reads_original": estimate.reads_original,
        }}));
    }
    let format = ask.parameters.text("format").and_then(Format::named).unwrap_or(Format::Json);
    // A file is wanted whole; what is looked at, in pages.
    let unless_told = if matches!(format, Format::Exported(_)) { MOST_ROWS as u32 } else { 100 };
    let rows = ask.parameters.number("limit", unless_told) as usize;
    let writer = Writer::new(format, rows as u64)?;
    let mut scanning = Scanning::begin(&ask, &scope, &query, range, rows).await?;
    // What goes wrong before the first row still has a status of its own.
    let first = scanning.search.next().await.transpose()?;
    let body = pump::found(scanning, first, writer, ask.state().hunt.time, ask.number);
    Ok(([(header::CONTENT_TYPE, format.media_type())], body).into_response())
}

/// `GET /api/v1/events/{id}`
pub(crate) async fn get(ask: Ask) -> Answer {
    let id: EventId = ask.named("event", |id| id.parse().ok())?;
    let query = Query::parse(&format!("id:{id}"))?;
    let scope = ask.scope()?.clone();
    let mut scanning = Scanning::begin(&ask, &scope, &query, TimeRange::ALL, 1).await?;
    match scanning.search.next().await.transpose()? {
        Some(found) => shown(&json!({ "event": row(&found) })),
        None => match scanning.search.scanned().damaged.is_empty() {
            true => Err(Refusal::missing("event")),
            false => Err(Refusal::busy("could not look everywhere: a file of the lake is damaged", 60)),
        },
    }
}

impl Scanning {
    /// Begins a search when it is its turn.
    pub async fn begin(
        ask: &Ask,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        rows: usize,
    ) -> Result<Self, Refusal> {
        let turn = ask.turn().await?;
        let files = ask.files(scope, range).await?;
        let search = ask.state().lake.search(scope, &files, query, range, ask.limits(rows))?;
        Ok(Self { search, _turn: turn })
    }
}

/// What was looked at.
pub(crate) fn scanned(scanned: &Scanned) -> Value {
    let damaged = scanned.damaged.iter().map(|(file, reason)| json!({ "file": file, "reason": reason }));
    json!({
        "files": scanned.files,
        "files_pruned": scanned.files_pruned,
        "groups_pruned": scanned.groups_pruned,
        "groups_read": scanned.groups_read,
        "rows": scanned.rows,
        "bytes": scanned.bytes,
        "found": scanned.found,
        "milliseconds": scanned.milliseconds,
        "damaged": damaged.collect::<Vec<Value>>(),
    })
}
