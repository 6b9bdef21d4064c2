//! A change: some statements and one entry of the ledger, all or nothing.
//!
//! Invariant: no change of anybody's is committed without its entry. [`Change::commit`] takes the entry; the
//! other way out, [`Change::commit_measurement`], is for what nobody did: last uses and heartbeats.
//! Invariant: changes happen one after another, in every process that uses the database. The row of the
//! ledger's head is locked first (SQLite locks the file), so what a change reads does not move under it.

use serde_json::Value as Json;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};
use ward_core::{Actor, Timestamp};
use ward_ledger::{Chain, Entry, Hash, Head, NewEntry, actor_kind_name, canonical};

use crate::database::in_time;
use crate::sql::{Columns, Sql, sql, storable, values};
use crate::{Store, StoreError};

/// A change in progress. Dropped: it never happened.
pub(crate) struct Change<'a> {
    transaction: Transaction<'static, Any>,
    head: Head,
    by: &'a Actor,
    now: Timestamp,
}

impl Store {
    /// Starts a change, when those before it are done.
    pub(crate) async fn change<'a>(&self, by: &'a Actor, now: Timestamp) -> Result<Change<'a>, StoreError> {
        let mut transaction = self.begin().await?;
        let lock = sql("UPDATE ledger_head SET number = number WHERE id = 1 RETURNING number, hash", []);
        let row = in_time(lock.query().fetch_one(&mut *transaction)).await;
        let row = row.map_err(StoreError::doing("lock the ledger"))?;
        Ok(Change { transaction, head: head(&row)?, by, now })
    }
}

impl Change<'_> {
    /// Who makes it.
    pub fn by(&self) -> &Actor {
        self.by
    }

    /// Runs a statement. Tells how many rows it touched.
    pub async fn execute(&mut self, sql: Sql) -> Result<u64, StoreError> {
        let done = in_time(sql.query().execute(&mut *self.transaction)).await;
        Ok(done.map_err(StoreError::doing("store"))?.rows_affected())
    }

    /// Reads all rows of a statement, as this change has left them.
    pub async fn rows(&mut self, sql: Sql) -> Result<Vec<AnyRow>, StoreError> {
        in_time(sql.query().fetch_all(&mut *self.transaction)).await.map_err(StoreError::doing("read"))
    }

    /// Reads the first row of a statement.
    pub async fn row(&mut self, sql: Sql) -> Result<Option<AnyRow>, StoreError> {
        in_time(sql.query().fetch_optional(&mut *self.transaction)).await.map_err(StoreError::doing("read"))
    }

    /// Makes a name for something new: its kind, its content and the one place in the ledger it is made at.
    pub fn name<T>(&self, kind: &str, content: &str, name: impl Fn([u8; 16]) -> T) -> T {
        let text = format!("{kind}\n{}\n{}\n{content}", self.head.number, self.head.hash);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Hash::of(text.as_bytes()).0[..16]);
        name(bytes)
    }

    /// Enters it into the ledger and makes it last.
    pub async fn commit(mut self, action: &str, subject: &str, detail: Json) -> Result<(), StoreError> {
        let new = NewEntry {
            time: self.now,
            actor: Actor { kind: self.by.kind, name: storable(&self.by.name) },
            action: action.to_owned(),
            subject: storable(subject),
            detail: canonical(&detail),
        };
        let entry = Chain::append(&self.head, new);
        self.execute(insertion(&entry)).await?;
        let update = sql(
            "UPDATE ledger_head SET number = $1, hash = $2 WHERE id = 1",
            values![entry.number, entry.hash.to_string()],
        );
        self.execute(update).await?;
        in_time(self.transaction.commit()).await.map_err(StoreError::doing("make a change last"))
    }

    /// Makes a measurement last, which nobody did and the ledger does not tell.
    pub async fn commit_measurement(self) -> Result<(), StoreError> {
        in_time(self.transaction.commit()).await.map_err(StoreError::doing("make a measurement last"))
    }
}

/// Reads a head from `number, hash`.
pub(crate) fn head(row: &AnyRow) -> Result<Head, StoreError> {
    let hash = row.hash(1)?;
    Ok(Head { number: row.count(0)?, hash })
}

fn insertion(entry: &Entry) -> Sql {
    sql(
        "INSERT INTO ledger (number, time, actor_kind, actor_name, action, subject, detail, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            entry.number,
            entry.time,
            actor_kind_name(entry.actor.kind),
            &entry.actor.name,
            &entry.action,
            &entry.subject,
            &entry.detail,
            entry.previous.to_string(),
            entry.hash.to_string(),
        ],
    )
}
