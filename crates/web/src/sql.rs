//! SQL over the events, read-only: what the lake lets run, within the limits of a search.
//!
//! The statement sees the files of the scope, or of the organisations that are named in it. Times narrow which
//! files are looked at; which events count is for the statement's `WHERE` to say.

use axum::http::header;
use axum::response::IntoResponse as _;
use serde::Deserialize;
use ward_core::{OrganisationId, Timestamp};
use ward_lake::ExportFormat;

use crate::ask::{Answer, Ask, range};
use crate::events::{Format, MOST_ROWS, pieces};
use crate::refusal::Refusal;

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
    let statement: Statement = ask.json()?;
    let range = range(ask.now, time("from", statement.from)?, time("to", statement.to)?, None)?;
    let scope = match statement.organisations {
        None => ask.scope()?.clone(),
        Some(codes) => {
            let codes = codes.iter().map(|code| code_of(code)).collect::<Result<Vec<_>, _>>()?;
            let wanted = ask.organisations(codes.into_iter()).await?.unwrap_or_default();
            ask.scope()?.narrowed(wanted)
        }
    };
    let format = ask.parameters.text("format").and_then(ExportFormat::named).unwrap_or(ExportFormat::Ndjson);
    let turn = ask.turn().await?;
    let files = ask.files(&scope, range).await?;
    let limits = ask.limits(usize::try_from(MOST_ROWS).unwrap_or(usize::MAX));
    let (lake, sql) = (&ask.state().lake, &statement.sql);
    let mut answer = match &ask.state().sql {
        Some(program) => lake.sql_apart(program, &scope, &files, sql, format, limits),
        None => lake.sql(&scope, &files, sql, format, limits)?,
    };
    // What goes wrong before the first bytes still has a status of its own.
    let first = answer.next().await.transpose()?;
    let body = pieces(answer, first, turn, ask.state().hunt.time);
    Ok(([(header::CONTENT_TYPE, Format::Exported(format).media_type())], body).into_response())
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
