//! Segments of the journal whose events are in the lake and whose findings are here.
//!
//! Invariant: that a segment is done, and the files its events went to, become true together. Only then may
//! the journal unlink it: ledger first, unlink second.
//! Invariant: a segment is done once. Whoever does it again after a crash is told so, and throws his files away.

use serde_json::json;
use ward_core::{Actor, BatchId, Timestamp};

use crate::change::Change;
use crate::lake_files::{self, LakeFile};
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError};

/// A segment whose events are all dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentDone {
    /// Its first batch. Segments adjoin: it is the one after the last of the segment before, whether or not
    /// every number in between was given out.
    pub first: BatchId,
    /// Its last batch.
    pub last: BatchId,
    /// How many events it held.
    pub events: u64,
    /// How many findings were made of them.
    pub findings: u64,
    /// How many records could not be decoded.
    pub undecodable: u64,
}

/// Whether a segment was done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done now, and its files are in the catalogue.
    Now,
    /// It was done before; nothing was changed. The files of this attempt are nobody's.
    Before,
}

/// Marks a segment as done and enters its files into the catalogue of the lake.
///
/// # Errors
/// Its batches overlap those of another segment, a file is in the catalogue already, or the database fails.
pub async fn segment_done(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    segment: &SegmentDone,
    files: &[LakeFile],
) -> Result<Done, StoreError> {
    let SegmentDone { first, last, events, findings, undecodable } = *segment;
    if last < first || first.0 == 0 {
        let why = format!("batches {} to {} could not be a segment: they are none", first.0, last.0);
        return Err(StoreError::Refused(why));
    }
    let mut change = store.change(by, now).await?;
    let floor = floor(&mut change).await?;
    let overlapping = sql(
        "SELECT first_batch, last_batch FROM segments WHERE first_batch <= $1 ORDER BY first_batch DESC LIMIT 1",
        values![last.0],
    );
    if let Some(row) = change.row(overlapping).await? {
        let (other_first, other_last) = (row.count(0)?, row.count(1)?);
        if (other_first, other_last) == (first.0, last.0) {
            return Ok(Done::Before);
        }
        if other_last >= first.0 || floor >= first.0 {
            let why = format!(
                "batches {} to {} could not be a segment: they overlap {other_first} to {other_last}",
                first.0, last.0
            );
            return Err(StoreError::Refused(why));
        }
    }
    let insert = sql(
        "INSERT INTO segments (first_batch, last_batch, events, findings, undecodable, done) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        values![first.0, last.0, events, findings, undecodable, now],
    );
    change.execute(insert).await?;
    lake_files::insert(&mut change, now, Some(first), files).await?;
    raise_floor(&mut change, floor).await?;
    let detail = json!({
        "events": events,
        "findings": findings,
        "undecodable": undecodable,
        "files": lake_files::digest(files),
    });
    change.commit("segment.done", &format!("batches {} to {}", first.0, last.0), detail).await?;
    Ok(Done::Now)
}

/// The batch up to which every batch is done. 0: none. What is above may be done in parts; a journal that
/// replays asks [`is_done`] for each segment.
///
/// # Errors
/// The database fails.
pub async fn done_through(store: &Store) -> Result<BatchId, StoreError> {
    let row = store.row(Sql::new("SELECT batch FROM journal_floor WHERE id = 1")).await?;
    row.ok_or(StoreError::Damaged("floor of the journal"))?.count(0).map(BatchId)
}

/// Whether this batch lies in a segment that is done.
///
/// # Errors
/// The database fails.
pub async fn is_done(store: &Store, batch: BatchId) -> Result<bool, StoreError> {
    let select = sql(
        "SELECT last_batch FROM segments WHERE first_batch <= $1 ORDER BY first_batch DESC LIMIT 1",
        values![batch.0],
    );
    match store.row(select).await? {
        Some(row) => Ok(row.count(0)? >= batch.0),
        None => Ok(false),
    }
}

async fn floor(change: &mut Change<'_>) -> Result<u64, StoreError> {
    let row = change.row(Sql::new("SELECT batch FROM journal_floor WHERE id = 1")).await?;
    row.ok_or(StoreError::Damaged("floor of the journal"))?.count(0)
}

/// Raises the floor over the segments that adjoin it.
async fn raise_floor(change: &mut Change<'_>, from: u64) -> Result<(), StoreError> {
    let mut floor = from;
    loop {
        let select = sql("SELECT last_batch FROM segments WHERE first_batch = $1", values![floor + 1]);
        match change.row(select).await? {
            Some(row) => floor = row.count(0)?,
            None => break,
        }
    }
    if floor > from {
        change.execute(sql("UPDATE journal_floor SET batch = $1 WHERE id = 1", values![floor])).await?;
    }
    Ok(())
}
