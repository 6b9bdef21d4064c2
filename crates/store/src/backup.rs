//! A copy of the whole database while it is in use.

use std::path::Path;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection};

use crate::database::Kind;
use crate::sql::{sql, values};
use crate::{Store, StoreError, file};

/// Writes a whole and consistent copy into a new file, while others read and write. The copy is a database
/// that can be opened as it is, with the ledger that it had.
///
/// # Errors
/// The file exists or cannot be written. PostgreSQL: it has its own tool for this.
pub async fn backup_to(store: &Store, path: &Path) -> Result<(), StoreError> {
    if store.kind() == Kind::Postgres {
        return Err(StoreError::Unsupported(
            "a PostgreSQL database could not be copied by ward: use pg_dump, and restore with pg_restore",
        ));
    }
    if file::make_private(path)? {
        let why = format!("{} could not be the backup: it exists", path.display());
        return Err(StoreError::Refused(why));
    }
    let doing = "write a copy of itself";
    let options: AnyConnectOptions = store.url().parse().map_err(StoreError::doing(doing))?;
    // A connection of its own: those for reading may not write, and the one that writes is needed.
    let mut connection: AnyConnection = options.connect().await.map_err(StoreError::doing(doing))?;
    // The copy of a database that was made before this was the rule gives room back as well.
    let giving = sql("PRAGMA auto_vacuum = INCREMENTAL", []).query().execute(&mut connection).await;
    giving.map_err(StoreError::doing(doing))?;
    let copy = sql("VACUUM INTO $1", values![path.to_string_lossy().as_ref()]);
    let done = copy.query().execute(&mut connection).await;
    let closed = connection.close().await;
    done.map_err(StoreError::doing(doing))?;
    closed.map_err(StoreError::doing(doing))
}
