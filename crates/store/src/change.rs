//! A change: some statements and one entry of the ledger, or one for each of its subjects, all or nothing.
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
use crate::sql::{Columns, Sql, Value, rows_a_statement, sql, storable, values};
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

    /// Number that the ledger's next entry will have; the one after it has the next.
    pub fn next_number(&self) -> u64 {
        self.head.number.saturating_add(1)
    }

    /// Enters it into the ledger and makes it last.
    pub async fn commit(self, action: &str, subject: &str, detail: Json) -> Result<(), StoreError> {
        self.commit_each(action, vec![(subject.to_owned(), detail)]).await
    }

    /// As [`Change::commit`], for the same done to many subjects: an entry each, in this order. None: it never happened.
    pub async fn commit_each(
        mut self,
        action: &str,
        subjects: Vec<(String, Json)>,
    ) -> Result<(), StoreError> {
        if subjects.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(subjects.len());
        for (subject, detail) in subjects {
            let new = NewEntry {
                time: self.now,
                actor: Actor { kind: self.by.kind, name: storable(&self.by.name) },
                action: action.to_owned(),
                subject: storable(&subject),
                detail: canonical(&detail),
            };
            let entry = Chain::append(&self.head, new);
            self.head = entry.head();
            rows.push(row_of(&entry));
        }
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut insert = Sql::new(
                "INSERT INTO ledger (number, time, actor_kind, actor_name, action, subject, detail, previous, hash) \
                 VALUES ",
            );
            insert.tuples(rows.by_ref().take(rows_a_statement(9)));
            self.execute(insert).await?;
        }
        let update = sql(
            "UPDATE ledger_head SET number = $1, hash = $2 WHERE id = 1",
            values![self.head.number, self.head.hash.to_string()],
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

fn row_of(entry: &Entry) -> Vec<Value> {
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
    ]
}
