//! Segments of the journal whose events are in the lake and whose findings are here.
//!
//! Invariant: that a segment is done, and the files its events went to, become true together. Only then may
//! the journal unlink it: ledger first, unlink second.
//! Invariant: a segment is done once. Whoever does it again after a crash is told so, and throws his files away.
//! Invariant: what a sender called a batch is known for as long as he may send it again, wherever the batch is.

use serde_json::json;
use ward_core::{Actor, BatchId, Timestamp};

use crate::lake_files::{self, LakeFile};
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError};

/// A segment whose events are all dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentDone {
    /// Its first batch. There may be a gap before it: numbers that no batch has, since they were refused.
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

/// What a sender called a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchName {
    /// A hash of his choice.
    pub key: [u8; 32],
    /// The batch.
    pub batch: BatchId,
    /// When it came.
    pub received: Timestamp,
}

/// Whether a segment was done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done now, and its files are in the catalogue.
    Now,
    /// It was done before; nothing was changed. The files of this attempt are nobody's.
    Before,
}

/// Marks a segment as done, enters its files into the catalogue of the lake, and keeps what senders called its
/// batches. Names of batches that came before `forget` are forgotten.
///
/// # Errors
/// Its batches overlap those of another segment, a file is in the catalogue already, or the database fails.
pub async fn segment_done(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    segment: &SegmentDone,
    files: &[LakeFile],
    names: &[BatchName],
    forget: Timestamp,
) -> Result<Done, StoreError> {
    let SegmentDone { first, last, events, findings, undecodable } = *segment;
    if last < first || first.0 == 0 {
        let why = format!("batches {} to {} could not be a segment: they are none", first.0, last.0);
        return Err(StoreError::Refused(why));
    }
    let mut change = store.change(by, now).await?;
    let overlapping = sql(
        "SELECT first_batch, last_batch FROM segments WHERE first_batch <= $1 ORDER BY first_batch DESC LIMIT 1",
        values![last.0],
    );
    if let Some(row) = change.row(overlapping).await? {
        let (other_first, other_last) = (row.count(0)?, row.count(1)?);
        if (other_first, other_last) == (first.0, last.0) {
            return Ok(Done::Before);
        }
        if other_last >= first.0 {
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
    lake_files::insert(&mut change, now, now, Some(first), files).await?;
    change.execute(sql("DELETE FROM segment_keys WHERE latest < $1", values![forget])).await?;
    if let Some(latest) = names.iter().map(|name| name.received).max() {
        let insert = "INSERT INTO segment_keys (first_batch, latest, content) VALUES ($1, $2, $3)";
        change.execute(sql(insert, values![first.0, latest, written(names)])).await?;
    }
    let detail = json!({
        "events": events,
        "findings": findings,
        "undecodable": undecodable,
        "files": lake_files::digest(files),
    });
    change.commit("segment.done", &format!("batches {} to {}", first.0, last.0), detail).await?;
    Ok(Done::Now)
}

/// The highest batch of all segments that are done. 0: none. Numbers below it may be those of segments that are
/// not done; for each of them, [`is_done`] is to be asked.
///
/// # Errors
/// The database fails.
pub async fn last_done(store: &Store) -> Result<BatchId, StoreError> {
    // They do not overlap, so the last to begin is the last to end.
    let select = Sql::new("SELECT last_batch FROM segments ORDER BY first_batch DESC LIMIT 1");
    Ok(BatchId(store.row(select).await?.map_or(Ok(0), |row| row.count(0))?))
}

/// Whether something was entered of a segment that is not done: since the last that is, findings, letters or the state
/// of correlations. If the journal has no such segment, it was lost, and the numbers of its batches were given out.
///
/// # Errors
/// The database fails.
pub async fn is_one_open(store: &Store) -> Result<bool, StoreError> {
    let select = Sql::new(
        "SELECT action FROM ledger WHERE action IN ('segment.done', 'finding.record', 'dead_letter.set_aside', \
         'checkpoint.put') ORDER BY number DESC LIMIT 1",
    );
    let newest = store.row(select).await?.map(|row| row.text(0)).transpose()?;
    Ok(newest.is_some_and(|action| action != "segment.done"))
}

/// What senders called batches that came at or after this time and whose segments are done, oldest first.
///
/// # Errors
/// The database fails.
pub async fn names_since(store: &Store, from: Timestamp) -> Result<Vec<BatchName>, StoreError> {
    let select = "SELECT content FROM segment_keys WHERE latest >= $1 ORDER BY first_batch";
    let mut names = Vec::new();
    for row in store.rows(sql(select, values![from])).await? {
        let content = row.bytes(0)?;
        names.extend(content.chunks_exact(NAME_BYTES).filter_map(read).filter(|name| name.received >= from));
    }
    Ok(names)
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

/// Bytes of a name: key, batch, time.
const NAME_BYTES: usize = 48;

fn written(names: &[BatchName]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(names.len() * NAME_BYTES);
    for name in names {
        bytes.extend_from_slice(&name.key);
        bytes.extend_from_slice(&name.batch.0.to_le_bytes());
        bytes.extend_from_slice(&name.received.micros().to_le_bytes());
    }
    bytes
}

fn read(bytes: &[u8]) -> Option<BatchName> {
    let (key, rest) = bytes.split_first_chunk()?;
    let (batch, rest) = rest.split_first_chunk()?;
    let received = i64::from_le_bytes(*rest.first_chunk()?);
    let batch = BatchId(u64::from_le_bytes(*batch));
    Some(BatchName { key: *key, batch, received: Timestamp::from_micros(received) })
}
