//! State of the watch at a place of the journal, so that a restart need not begin at the beginning.
//!
//! Invariant: state and place are replaced together. After a crash the old pair is there or the new one.

use serde_json::json;
use ward_core::{Actor, BatchId, Timestamp};
use ward_ledger::Hash;

use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError};

/// State of something, and how far of the journal is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last batch whose events are in the state.
    pub position: BatchId,
    /// When it was written.
    pub written: Timestamp,
    /// The state, as whoever wrote it reads it.
    pub content: Vec<u8>,
}

/// Replaces the checkpoint of this name.
///
/// # Errors
/// The database fails; then the one before is still there.
pub async fn put(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    name: &str,
    position: BatchId,
    content: &[u8],
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let upsert = sql(
        "INSERT INTO checkpoints (name, position, written, content) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET \
         position = excluded.position, written = excluded.written, content = excluded.content",
        values![name, position.0, now, content],
    );
    change.execute(upsert).await?;
    let detail = json!({ "position": position.0, "digest": Hash::of(content).to_string() });
    change.commit("checkpoint.put", name, detail).await
}

/// Forgets the checkpoint of this name, if there is one.
///
/// # Errors
/// The database fails; then it is still there.
pub async fn remove(store: &Store, by: &Actor, now: Timestamp, name: &str) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    if change.execute(sql("DELETE FROM checkpoints WHERE name = $1", values![name])).await? == 0 {
        return Ok(());
    }
    change.commit("checkpoint.remove", name, json!({})).await
}

/// Names of the checkpoints whose name begins so.
///
/// # Errors
/// The database fails.
pub async fn names(store: &Store, beginning: &str) -> Result<Vec<String>, StoreError> {
    let select = Sql::new("SELECT name FROM checkpoints ORDER BY name");
    let names: Result<Vec<String>, _> = store.rows(select).await?.iter().map(|row| row.text(0)).collect();
    Ok(names?.into_iter().filter(|name| name.starts_with(beginning)).collect())
}

/// The checkpoint of this name. `None`: there is none yet.
///
/// # Errors
/// The database fails.
pub async fn get(store: &Store, name: &str) -> Result<Option<Checkpoint>, StoreError> {
    let select = sql("SELECT position, written, content FROM checkpoints WHERE name = $1", values![name]);
    let Some(row) = store.row(select).await? else { return Ok(None) };
    Ok(Some(Checkpoint { position: BatchId(row.count(0)?), written: row.time(1)?, content: row.bytes(2)? }))
}
