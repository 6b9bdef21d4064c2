//! Bringing a database's schema up to what this program knows, one numbered step after another.
//!
//! The steps are SQL files, the same for both databases but for two words: what holds bytes is `BLOB` to SQLite,
//! and text sorts by its bytes in PostgreSQL too (`COLLATE "C"`), so that paging by a text agrees.
//! Invariant: a step happens once and whole, whoever else is starting at the same time.
//! Invariant: a database that a newer program has changed is left alone.

use sqlx::{Any, Transaction};
use ward_ledger::Hash;

use crate::database::Kind;
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError};

/// The steps, numbered from 1 by their place.
pub(crate) const ALL: &[&str] = &[
    include_str!("../migrations/0001_ledger_and_access.sql"),
    include_str!("../migrations/0002_findings_and_alerts.sql"),
    include_str!("../migrations/0003_journal_and_lake.sql"),
    include_str!("../migrations/0004_keys_of_batches.sql"),
    include_str!("../migrations/0005_days_of_files.sql"),
    include_str!("../migrations/0006_arrival_of_files.sql"),
    include_str!("../migrations/0007_room_of_letters.sql"),
    include_str!("../migrations/0008_people.sql"),
    include_str!("../migrations/0009_work_on_alerts.sql"),
];

/// Takes the steps that the database has not seen.
pub(crate) async fn migrate(store: &Store, steps: &[&str]) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    if store.kind() == Kind::Postgres {
        // Released with the transaction. SQLite's BEGIN IMMEDIATE is such a lock already.
        let lock = Sql::new("SELECT pg_advisory_xact_lock(1463898692)");
        run(&mut transaction, lock).await?;
    }
    let record = "CREATE TABLE IF NOT EXISTS schema_steps \
                  (number BIGINT NOT NULL PRIMARY KEY, digest TEXT NOT NULL)";
    run(&mut transaction, Sql::new(&spelt(record, store.kind()))).await?;
    let seen = Sql::new("SELECT number, digest FROM schema_steps ORDER BY number");
    let seen =
        seen.query().fetch_all(&mut *transaction).await.map_err(StoreError::doing("read its schema"))?;
    let known = steps.len() as i64;
    for row in &seen {
        let (number, digest) = (row.int(0)?, row.text(1)?);
        let step = usize::try_from(number - 1).ok().and_then(|at| steps.get(at));
        let step = step.ok_or(StoreError::Newer { found: number, known })?;
        if digest != Hash::of(step.as_bytes()).to_string() {
            return Err(StoreError::Foreign { number });
        }
    }
    for (number, step) in (1_i64..).zip(steps).skip(seen.len()) {
        let text = sqlx::raw_sql(sqlx::AssertSqlSafe(spelt(step, store.kind())));
        let done = text.execute(&mut *transaction).await;
        done.map_err(StoreError::doing("bring its schema up to date"))?;
        let digest = Hash::of(step.as_bytes()).to_string();
        let insert = "INSERT INTO schema_steps (number, digest) VALUES ($1, $2)";
        run(&mut transaction, sql(insert, values![number, digest])).await?;
    }
    transaction.commit().await.map_err(StoreError::doing("bring its schema up to date"))
}

/// The text as this database spells it.
fn spelt(text: &str, kind: Kind) -> String {
    match kind {
        Kind::Sqlite => text.replace("BYTEA", "BLOB"),
        Kind::Postgres => text.replace(" TEXT", " TEXT COLLATE \"C\""),
    }
}

async fn run(transaction: &mut Transaction<'static, Any>, sql: Sql) -> Result<(), StoreError> {
    let done = sql.query().execute(&mut **transaction).await;
    done.map(drop).map_err(StoreError::doing("bring its schema up to date"))
}
