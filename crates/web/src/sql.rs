//! SQL over the events, read-only: what the lake lets run, within the limits of a search.

use axum::body::Body;
use futures::StreamExt as _;
use serde::Deserialize;
use ward_core::{OrganisationId, Timestamp};

use crate::ask::{Answer, Ask, range};
use crate::events::streamed;
use crate::refusal::Refusal;
use crate::state::SqlQuestion;

/// Most rows that a statement gives.
const MOST_ROWS: usize = 1_000_000;

/// A statement, and what it is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    sql: String,
    from: Option<String>,
    to: Option<String>,
    organisations: Option<Vec<String>>,
}

/// `POST /api/v1/sql`
pub(crate) async fn run(ask: Ask) -> Answer {
    let Some(run) = ask.state().sql.clone() else {
        return Err(Refusal::new(
            axum::http::StatusCode::NOT_IMPLEMENTED,
            "could not run SQL: this hub has none",
        ));
    };
    let statement: Statement = ask.json()?;
    let range = range(ask.now, time("from", statement.from)?, time("to", statement.to)?, None)?;
    let named: Option<Vec<OrganisationId>> =
        statement.organisations.map(|codes| codes.iter().map(|code| code_of(code)).collect()).transpose()?;
    let scope = match named {
        None => ask.scope()?.clone(),
        Some(named) => {
            let wanted = ask.organisations(named.into_iter()).await?.unwrap_or_default();
            ask.scope()?.narrowed(wanted)
        }
    };
    let (format, media_type) = match ask.parameters.text("format") {
        Some("json") => ("json", "application/json"),
        Some("csv") => ("csv", "text/csv; charset=utf-8; header=present"),
        Some("parquet") => ("parquet", "application/vnd.apache.parquet"),
        _ => ("ndjson", "application/x-ndjson"),
    };
    let turn = ask.turn().await?;
    let files = ask.files(&scope, range).await?;
    let limits = ask.limits(MOST_ROWS);
    let mut rows =
        run(SqlQuestion { scope, files, sql: statement.sql, range, limits, format }).await?.peekable();
    // What goes wrong before the first bytes still has a status of its own.
    if let Some(Err(_)) = std::pin::Pin::new(&mut rows).peek().await
        && let Some(Err(error)) = rows.next().await
    {
        return Err(error.into());
    }
    // The turn is over when the last bytes are out, or nobody wants them.
    let body = Body::from_stream(rows.map(move |bytes| {
        let _turn = &turn;
        bytes.map_err(|_| std::io::Error::other("the statement ended early"))
    }));
    Ok(streamed(media_type, body))
}

fn time(name: &str, text: Option<String>) -> Result<Option<Timestamp>, Refusal> {
    let read = |text: String| {
        Timestamp::parse(&text).ok_or_else(|| {
            Refusal::unclear(format!("could not read '{name}'"))
                .hint("expected a time such as 2026-11-26T10:00:00Z or a date")
        })
    };
    text.map(read).transpose()
}

/// What is no code names an organisation that does not exist.
fn code_of(code: &str) -> Result<OrganisationId, Refusal> {
    OrganisationId::new(code).map_err(|_| Refusal::missing("organisation"))
}
