//! What could not be decoded, set aside whole, so that it can be read once somebody knows how.
//!
//! Invariant: a record is set aside once, under its place in the journal, however often that is replayed.
//!
//! How many are kept, and for how long: [`dropped_letters`](crate::dropped_letters).

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, EventId, OrganisationId, Scope, SourceId, Timestamp};

use crate::reach::within;
use crate::sql::{Columns, Sql, rows_a_statement, values};
use crate::{Store, StoreError};

const WHAT: &str = "dead letter";

/// A record that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its place in the journal.
    pub id: EventId,
    /// Who it is from.
    pub organisation: OrganisationId,
    /// What sent it.
    pub source: SourceId,
    /// When it came.
    pub received: Timestamp,
    /// The format it was taken for.
    pub format: String,
    /// Why it could not be decoded, as a short code.
    pub reason: String,
    /// Why, in words.
    pub detail: String,
    /// The record, byte for byte.
    pub content: Vec<u8>,
}

/// A record that could not be decoded, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The record; its `content` is empty.
    pub letter: DeadLetter,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last replayed.
    pub replayed: Option<Timestamp>,
}

/// Which of them are asked for. The default: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Only with this reason.
    pub reason: Option<String>,
    /// Only of this source.
    pub source: Option<SourceId>,
    /// Only those that were never replayed.
    pub waiting: bool,
}

/// Sets records aside. Tells how many were new.
///
/// # Errors
/// The database fails; then none was.
pub async fn set_aside(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    letters: &[DeadLetter],
) -> Result<u64, StoreError> {
    if letters.is_empty() {
        return Ok(0);
    }
    let mut change = store.change(by, now).await?;
    let mut new = 0;
    for chunk in letters.chunks(rows_a_statement(10)) {
        let mut insert = Sql::new(
            "INSERT INTO dead_letters (batch, place, organisation, source, received, format, reason, detail, \
             content, bytes) VALUES ",
        );
        insert.tuples(chunk.iter().map(|letter| {
            values![
                letter.id.batch.0,
                letter.id.index,
                &letter.organisation,
                &letter.source,
                letter.received,
                &letter.format,
                &letter.reason,
                &letter.detail,
                letter.content.as_slice(),
                letter.content.len() as u64,
            ]
        }));
        insert.push(" ON CONFLICT (batch, place) DO NOTHING");
        new += change.execute(insert).await?;
    }
    if new > 0 {
        change.commit("dead_letter.set_aside", &format!("{new} records"), json!({ "count": new })).await?;
    }
    Ok(new)
}

/// How many there are for each reason, by reason.
///
/// # Errors
/// The database fails.
pub async fn counts(store: &Store, scope: &Scope) -> Result<Vec<(String, u64)>, StoreError> {
    let mut select = Sql::new("SELECT reason, COUNT(*) FROM dead_letters WHERE 1 = 1");
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" GROUP BY reason ORDER BY reason");
    store.rows(select).await?.iter().map(|row| Ok((row.text(0)?, row.count(1)?))).collect()
}

/// Those that are asked for, in the order of the journal, at most `limit`; `after` is the last of the page before.
///
/// # Errors
/// The database fails.
pub async fn list(
    store: &Store,
    scope: &Scope,
    filter: &DeadLetterFilter,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<Listed>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(", LENGTH(content) FROM dead_letters WHERE 1 = 1");
    if let Some(after) = after {
        select.push(" AND (batch, place) > ").tuple(values![after.batch.0, after.index]);
    }
    filter.add(&mut select);
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY batch, place LIMIT ").bind(limit);
    let listed = |row: &AnyRow| {
        Ok(Listed { letter: read(row, Vec::new())?, bytes: row.count(9)?, replayed: row.maybe_time(8)? })
    };
    store.rows(select).await?.iter().map(listed).collect()
}

/// The record that was set aside at this place, with its bytes.
///
/// # Errors
/// There is none, or it may not be seen.
pub async fn get(store: &Store, scope: &Scope, id: EventId) -> Result<DeadLetter, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(", content FROM dead_letters WHERE batch = ").bind(id.batch.0);
    select.push(" AND place = ").bind(id.index);
    within(&mut select, store.kind(), "organisation", scope);
    let row = store.row(select).await?.ok_or(StoreError::NotFound(WHAT))?;
    let content = row.bytes(9)?;
    read(&row, content)
}

/// Notes that records were replayed. Tells how many of them there are.
///
/// # Errors
/// The database fails.
pub async fn mark_replayed(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    ids: &[EventId],
) -> Result<u64, StoreError> {
    let mut change = store.change(by, now).await?;
    let mut marked = 0;
    for chunk in ids.chunks(rows_a_statement(4)) {
        let mut update = Sql::new("UPDATE dead_letters SET replayed = ");
        update.bind(now).push(" WHERE (batch, place) IN (VALUES ");
        update.tuples(chunk.iter().map(|id| values![id.batch.0, id.index])).push(")");
        within(&mut update, store.kind(), "organisation", scope);
        marked += change.execute(update).await?;
    }
    if marked > 0 {
        change.commit("dead_letter.replay", &format!("{marked} records"), json!({ "count": marked })).await?;
    }
    Ok(marked)
}

/// Throws away what the filter names, bytes and all. Tells how many.
///
/// # Errors
/// The database fails; then none was.
pub async fn discard(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    filter: &DeadLetterFilter,
) -> Result<u64, StoreError> {
    let mut change = store.change(by, now).await?;
    let mut delete = Sql::new("DELETE FROM dead_letters WHERE 1 = 1");
    filter.add(&mut delete);
    within(&mut delete, store.kind(), "organisation", scope);
    let gone = change.execute(delete).await?;
    if gone > 0 {
        let detail = json!({
            "count": gone,
            "reason": filter.reason,
            "source": filter.source.as_ref().map(SourceId::as_str),
            "waiting": filter.waiting,
        });
        change.commit("dead_letter.discard", &format!("{gone} records"), detail).await?;
    }
    Ok(gone)
}

/// Throws away these records, bytes and all, as far as they may be seen. Tells how many.
///
/// # Errors
/// The database fails; then none was.
pub async fn discard_these(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    ids: &[EventId],
) -> Result<u64, StoreError> {
    let mut change = store.change(by, now).await?;
    let mut gone = 0;
    for chunk in ids.chunks(rows_a_statement(4)) {
        let mut delete = Sql::new("DELETE FROM dead_letters WHERE (batch, place) IN (VALUES ");
        delete.tuples(chunk.iter().map(|id| values![id.batch.0, id.index])).push(")");
        within(&mut delete, store.kind(), "organisation", scope);
        gone += change.execute(delete).await?;
    }
    if gone > 0 {
        change.commit("dead_letter.discard", &format!("{gone} records"), json!({ "count": gone })).await?;
    }
    Ok(gone)
}

const SELECT: &str = "SELECT batch, place, organisation, source, received, format, reason, detail, replayed";

fn read(row: &AnyRow, content: Vec<u8>) -> Result<DeadLetter, StoreError> {
    let index = u32::try_from(row.int(1)?).map_err(|_| StoreError::Damaged("place in the journal"))?;
    Ok(DeadLetter {
        id: EventId { batch: ward_core::BatchId(row.count(0)?), index },
        organisation: row.organisation(2)?,
        source: row.source(3)?,
        received: row.time(4)?,
        format: row.text(5)?,
        reason: row.text(6)?,
        detail: row.text(7)?,
        content,
    })
}

impl DeadLetterFilter {
    fn add(&self, sql: &mut Sql) {
        if let Some(reason) = &self.reason {
            sql.push(" AND reason = ").bind(reason);
        }
        if let Some(source) = &self.source {
            sql.push(" AND source = ").bind(source);
        }
        if self.waiting {
            sql.push(" AND replayed IS NULL");
        }
    }
}
