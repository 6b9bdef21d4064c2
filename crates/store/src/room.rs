//! Room on the disk that the database does not need any more.
//!
//! What is deleted leaves free pages, which are used again first. A file of SQLite becomes smaller only when it is
//! asked to, and only if it was made so: those of an older Ward are not, until they are backed up and restored.
//! PostgreSQL sees to it by itself.

use crate::database::Kind;
use crate::sql::{Columns, Sql};
use crate::{Store, StoreError};

/// Bytes given back at once: for so long nobody else writes.
const STEP: u64 = 4 << 20;

/// Gives free room back to the disk in small steps, at most `most` bytes of what is above `leave`, which is for what
/// comes next. Tells how many bytes.
///
/// # Errors
/// The database fails; what was given back is.
pub async fn give_back(store: &Store, leave: u64, most: u64) -> Result<u64, StoreError> {
    if store.kind() == Kind::Postgres || number(store, "auto_vacuum").await? != INCREMENTAL {
        return Ok(0);
    }
    let page = number(store, "page_size").await?.max(1);
    let mut given = 0;
    while given < most {
        let free = number(store, "freelist_count").await?;
        let pages = free.saturating_sub(leave.div_ceil(page)).min((STEP / page).max(1));
        if pages == 0 {
            break;
        }
        store.alone(Sql::new(&format!("PRAGMA incremental_vacuum({pages})"))).await?;
        let left = number(store, "freelist_count").await?;
        if left >= free {
            // Somebody else frees, or it cannot be done: the next round looks again.
            break;
        }
        given += (free - left) * page;
    }
    if given > 0 {
        // Else a hub that has nothing to write would keep the room. It waits for nobody: while somebody reads what
        // was before, the file stays as it is until the next checkpoint.
        store.alone(Sql::new("PRAGMA wal_checkpoint(PASSIVE)")).await?;
    }
    Ok(given)
}

/// What `PRAGMA auto_vacuum` answers.
const INCREMENTAL: u64 = 2;

async fn number(store: &Store, pragma: &str) -> Result<u64, StoreError> {
    let row = store.row(Sql::new(&format!("SELECT * FROM pragma_{pragma}"))).await?;
    row.ok_or(StoreError::Damaged("setting of the database"))?.count(0)
}
