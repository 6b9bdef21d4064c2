//! Reading the ledger, and checking that it is what was written.

use sqlx::any::AnyRow;
use ward_core::{Actor, Scope};
use ward_ledger::{Broken, Entry, Head, Verifier, Why, actor_kind};

use crate::change;
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError};

/// Entries that are in memory at once.
const PAGE: i64 = 2_000;

/// The end of the ledger: note it elsewhere, and [`verify`] finds whatever is done to the entries before it.
///
/// # Errors
/// The database fails.
pub async fn head(store: &Store) -> Result<Head, StoreError> {
    let row = store.row(Sql::new("SELECT number, hash FROM ledger_head WHERE id = 1")).await?;
    change::head(&row.ok_or(StoreError::Damaged("head of the ledger"))?)
}

/// Reads the whole ledger and names the first entry that is not what was written. `noted` are heads that it is
/// known to have had. Entries that are added meanwhile are not read.
///
/// # Errors
/// The database fails. A broken ledger is an answer.
pub async fn verify(store: &Store, noted: &[Head]) -> Result<Result<Head, Broken>, StoreError> {
    let select = Sql::new(
        "SELECT number, hash, (SELECT COALESCE(MAX(number), 0) FROM ledger) FROM ledger_head WHERE id = 1",
    );
    let row = store.row(select).await?.ok_or(StoreError::Damaged("head of the ledger"))?;
    let (end, newest) = (change::head(&row)?, row.count(2)?);
    let verifier = Verifier::after(Head::EMPTY).knowing(end);
    let mut verifier = noted.iter().fold(verifier, |verifier, head| verifier.knowing(*head));
    let mut after = 0;
    loop {
        let select = sql(
            "SELECT number, time, actor_kind, actor_name, action, subject, detail, previous, hash FROM ledger \
             WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3",
            values![after, end.number, PAGE],
        );
        let rows = store.rows(select).await?;
        let Some(last) = rows.last() else { break };
        after = last.int(0)?;
        for row in &rows {
            let unreadable = Broken { number: verifier.due(), why: Why::Altered };
            let checked = read(row).map_err(|_| unreadable).and_then(|entry| verifier.check(&entry));
            if let Err(broken) = checked {
                return Ok(Err(broken));
            }
        }
    }
    let beyond = Broken { number: end.number + 1, why: Why::Beyond };
    Ok(verifier.finish().and_then(|head| if newest > end.number { Err(beyond) } else { Ok(head) }))
}

/// Entries after the one of this number, at most `limit`. They tell of all organisations, so that they are
/// only there for a scope of the whole sector.
///
/// # Errors
/// The scope is smaller: there is no such ledger.
pub async fn entries(store: &Store, scope: &Scope, after: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    if scope.organisations().is_some() {
        return Err(StoreError::NotFound("ledger"));
    }
    let select = sql(
        "SELECT number, time, actor_kind, actor_name, action, subject, detail, previous, hash FROM ledger \
         WHERE number > $1 ORDER BY number LIMIT $2",
        values![after, limit],
    );
    store.rows(select).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Entry, StoreError> {
    let kind = actor_kind(&row.text(2)?).ok_or(StoreError::Damaged("actor of a ledger entry"))?;
    Ok(Entry {
        number: row.count(0)?,
        time: row.time(1)?,
        actor: Actor { kind, name: row.text(3)? },
        action: row.text(4)?,
        subject: row.text(5)?,
        detail: row.text(6)?,
        previous: row.hash(7)?,
        hash: row.hash(8)?,
    })
}
