//! `/hunt`: the search bar, what was found, when it happened, what it cost.

use serde::Serialize;
use ward_core::{Scope, Timestamp};
use ward_lake::{FoundRow, Query, TimeRange};
use ward_pages::chart::{Chart, TimeHistogram};
use ward_pages::{Fault, words};

use super::{RowShown, row_shown};
use crate::ask::Answer;
use crate::console::visit::{Visit, escaped};
use crate::events::Scanning;
use crate::refusal::Refusal;

const TEMPLATE: &str = "hunt/search.jinja";
/// Events that are listed, and events that are counted over time.
const LISTED: usize = 100;
const COUNTED: usize = 2_000;
/// Spans of the histogram.
const SPANS: i64 = 48;

#[derive(Serialize, Default)]
struct Shown {
    q: String,
    last: String,
    from: String,
    to: String,
    organisation: String,
    asked: bool,
    rows: Vec<RowShown>,
    found: usize,
    /// Whether there may be more than are counted here.
    more: bool,
    cost: String,
    damaged: usize,
    chart: Option<Chart>,
    export: String,
}

/// `GET /hunt`
pub(crate) async fn get(visit: Visit) -> Answer {
    let page = visit.page("Hunt").wide();
    let wanted = &visit.ask.parameters;
    let text = |name: &str| wanted.text(name).unwrap_or_default().to_owned();
    let mut shown = Shown {
        q: text("q"),
        last: wanted.text("last").unwrap_or("24h").to_owned(),
        from: text("from"),
        to: text("to"),
        organisation: text("organisation"),
        ..Shown::default()
    };
    if wanted.text("q").is_none() && !wanted.flag("all") {
        return visit.show(TEMPLATE, &page, &shown);
    }
    shown.asked = true;
    let query = match Query::parse(&shown.q) {
        Ok(query) => query,
        Err(error) => {
            let text = format!("Look at column {} of your search: expected {}", error.column, error.expected);
            return visit.show(TEMPLATE, &page.faults([Fault::new("q", text)]), &shown);
        }
    };
    let (range, scope) = (range(&visit)?, visit.ask.narrowed().await?);
    let (rows, cost, damaged) = found(&visit, &scope, &query, range).await?;
    shown.found = rows.len();
    shown.more = rows.len() >= COUNTED;
    shown.chart = chart(&shown, &rows);
    shown.rows = rows.iter().take(LISTED).map(row_shown).collect();
    (shown.cost, shown.damaged) = (cost, damaged);
    shown.export = export(&shown);
    visit.show(TEMPLATE, &page, &shown)
}

/// The times that are asked about: the last day unless something else is said.
fn range(visit: &Visit) -> Result<TimeRange, Refusal> {
    let wanted = &visit.ask.parameters;
    let (from, to) = (wanted.time("from"), wanted.time("to"));
    let last = wanted.span("last").or(Some(DAY)).filter(|_| from.is_none());
    crate::ask::range(visit.ask.now, from, to, last)
}

const DAY: i64 = 86_400 * 1_000_000;

async fn found(
    visit: &Visit,
    scope: &Scope,
    query: &Query,
    range: TimeRange,
) -> Result<(Vec<FoundRow>, String, usize), Refusal> {
    let mut scanning = Scanning::begin(&visit.ask, scope, query, range, COUNTED).await?;
    let mut rows = Vec::new();
    while let Some(next) = scanning.search.next().await {
        rows.push(next?);
    }
    let scanned = scanning.search.scanned();
    let cost = format!(
        "{} of {} looked into, {} of bytes and {} read, in {} milliseconds",
        words::number(scanned.files.saturating_sub(scanned.files_pruned) as u64),
        words::count(scanned.files as u64, ["file", "files"]),
        megabytes(scanned.bytes as u64),
        words::count(scanned.rows as u64, ["event", "events"]),
        words::number(scanned.milliseconds as u64),
    );
    let damaged = scanned.damaged.len();
    Ok((rows, cost, damaged))
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", words::number(bytes / 1_000_000), bytes / 100_000 % 10)
}

/// When what was found happened, from the oldest to the newest of it.
fn chart(shown: &Shown, rows: &[FoundRow]) -> Option<Chart> {
    let first = rows.iter().map(|row| row.time).min()?;
    let last = rows.iter().map(|row| row.time).max()?;
    let span = (last.micros().saturating_sub(first.micros()) / SPANS).max(1_000_000).saturating_add(1);
    let mut counts = vec![0_u64; SPANS as usize];
    for row in rows {
        let nth = usize::try_from((row.time.micros() - first.micros()) / span).ok();
        if let Some(count) = nth.and_then(|nth| counts.get_mut(nth)) {
            *count += 1;
        }
    }
    let (q, organisation) = (escaped(&shown.q), &shown.organisation);
    let place = if organisation.is_empty() {
        String::new()
    } else {
        format!("&organisation={}", escaped(organisation))
    };
    let href = move |from: Timestamp, to: Timestamp| {
        let (from, to) = (words::machine_time(from), words::machine_time(to));
        format!("/hunt?q={q}&all=true&from={from}&to={to}{place}")
    };
    let title = if shown.more { "The newest 2,000 events, by time" } else { "What was found, by time" };
    let chart = TimeHistogram {
        title,
        unit: ["event", "events"],
        from: first,
        span,
        counts: &counts,
        href: Some(&href),
    };
    Some(chart.chart())
}

/// The same as a file.
fn export(shown: &Shown) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in
        [("q", &shown.q), ("from", &shown.from), ("to", &shown.to), ("organisation", &shown.organisation)]
    {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    if shown.from.is_empty() {
        query.append_pair("last", &shown.last);
    }
    query.finish()
}
