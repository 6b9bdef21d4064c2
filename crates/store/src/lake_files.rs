//! The catalogue of the lake: which files hold whose events of which time.
//!
//! Invariant: a search reads exactly the files that are `live`, and each event is in one of them.
//! Invariant: a row is forgotten only after its file is gone: replaced or retired first, unlinked second,
//! [`unlinked`] last. A crash in between leaves a row in [`to_unlink`], never a file that nobody knows. So it is
//! with a file that compaction makes: [`reserve`] first.
//! Invariant: `created` is when the file's events came, and compaction does not change it by more than a day.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, BatchId, OrganisationId, Scope, Timestamp};
use ward_ledger::Hash;

use crate::change::Change;
use crate::reach::within;
use crate::sql::{Columns, Sql, rows_a_statement, sql, values};
use crate::{Store, StoreError};

/// A file of the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFile {
    /// Its path within the lake's storage.
    pub path: String,
    /// Whose events are in it.
    pub organisation: OrganisationId,
    /// Which day they are of: days since 1970-01-01, UTC.
    pub day: i64,
    /// How many events.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Time of the earliest.
    pub min_time: Timestamp,
    /// Time of the latest.
    pub max_time: Timestamp,
    /// CRC-32 of the file.
    pub digest: u32,
    /// What a search asks before it opens the file; empty: nothing is known.
    pub index: Vec<u8>,
}

/// Which files are asked for. The default: all that are live.
#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    /// Only with events at or after.
    pub from: Option<Timestamp>,
    /// Only with events before.
    pub until: Option<Timestamp>,
    /// Only of these, as far as they may be seen.
    pub organisations: Option<BTreeSet<OrganisationId>>,
}

/// The live files that can hold what is asked for, newest first.
///
/// # Errors
/// The database fails.
pub async fn files(store: &Store, scope: &Scope, filter: &FileFilter) -> Result<Vec<LakeFile>, StoreError> {
    let scope = match &filter.organisations {
        Some(wanted) => scope.narrowed(wanted.iter().cloned()),
        None => scope.clone(),
    };
    let mut select = Sql::new(COLUMNS);
    if let Some(from) = filter.from {
        select.push(" AND max_time >= ").bind(from);
    }
    if let Some(until) = filter.until {
        select.push(" AND min_time < ").bind(until);
    }
    within(&mut select, store.kind(), "organisation", &scope);
    select.push(" ORDER BY max_time DESC, path");
    store.rows(select).await?.iter().map(read).collect()
}

/// Paths of files that hold events: those that searches read, and those they read before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Live files.
    pub live: Vec<String>,
    /// Files that were live and were replaced or retired; storage has them until they are forgotten.
    pub ended: Vec<String>,
}

/// All files that are or were live, as of one moment.
///
/// # Errors
/// The database fails.
pub async fn listed(store: &Store, scope: &Scope) -> Result<Listed, StoreError> {
    let mut select =
        Sql::new("SELECT path, state FROM lake_files WHERE state IN ('live', 'replaced', 'retired')");
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY path");
    let mut listed = Listed::default();
    for row in store.rows(select).await? {
        let of = if row.text(1)? == "live" { &mut listed.live } else { &mut listed.ended };
        of.push(row.text(0)?);
    }
    Ok(listed)
}

/// The files of an organisation with events of one day, that came on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOfFiles {
    /// Whose.
    pub organisation: OrganisationId,
    /// Which day their events are of: days since 1970-01-01, UTC.
    pub day: i64,
    /// On which day they came, in the same way.
    pub came: i64,
    /// How many of them are small.
    pub small: u64,
}

/// The days, by organisation, that have several live files of `largest` bytes at most.
///
/// # Errors
/// The database fails.
pub async fn days(store: &Store, scope: &Scope, largest: u64) -> Result<Vec<DayOfFiles>, StoreError> {
    let mut select = Sql::new(&format!(
        "SELECT organisation, day, created / {DAY} AS came, COUNT(*) FROM lake_files WHERE state = 'live' AND bytes <= "
    ));
    select.bind(i64::try_from(largest).unwrap_or(i64::MAX));
    within(&mut select, store.kind(), "organisation", scope);
    let group = format!("organisation, day, created / {DAY}");
    select.push(&format!(" GROUP BY {group} HAVING COUNT(*) > 1 ORDER BY {group}"));
    let rows = store.rows(select).await?;
    let day = |row: &AnyRow| {
        Ok(DayOfFiles {
            organisation: row.organisation(0)?,
            day: row.int(1)?,
            came: row.int(2)?,
            small: row.count(3)?,
        })
    };
    rows.iter().map(day).collect()
}

/// Live files of one day of files, of `largest` bytes at most: the smallest `most` of them.
///
/// # Errors
/// The database fails.
pub async fn smallest(
    store: &Store,
    scope: &Scope,
    of: &DayOfFiles,
    largest: u64,
    most: usize,
) -> Result<Vec<LakeFile>, StoreError> {
    let mut select = Sql::new(COLUMNS);
    select.push(" AND organisation = ").bind(&of.organisation).push(" AND day = ").bind(of.day);
    select.push(" AND created >= ").bind(of.came.saturating_mul(DAY));
    select.push(" AND created < ").bind(of.came.saturating_add(1).saturating_mul(DAY));
    select.push(" AND bytes <= ").bind(i64::try_from(largest).unwrap_or(i64::MAX));
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY bytes, path LIMIT ").bind(most as i64);
    store.rows(select).await?.iter().map(read).collect()
}

/// Whose live files there are, and when the first of each came.
///
/// # Errors
/// The database fails.
pub async fn earliest(store: &Store, scope: &Scope) -> Result<Vec<(OrganisationId, Timestamp)>, StoreError> {
    let mut select = Sql::new("SELECT organisation, MIN(created) FROM lake_files WHERE state = 'live'");
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" GROUP BY organisation ORDER BY organisation");
    store.rows(select).await?.iter().map(|row| Ok((row.organisation(0)?, row.time(1)?))).collect()
}

/// Paths of the live files of an organisation that came before `until`.
///
/// # Errors
/// The database fails.
pub async fn came_before(
    store: &Store,
    scope: &Scope,
    organisation: &OrganisationId,
    until: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let mut select = Sql::new("SELECT path FROM lake_files WHERE state = 'live' AND organisation = ");
    select.bind(organisation).push(" AND created < ").bind(until);
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY path");
    store.rows(select).await?.iter().map(|row| row.text(0)).collect()
}

/// Notes that a file is being made, which is to be unlinked unless [`replace_files`] lets it live.
///
/// # Errors
/// The catalogue knows the path, or the database fails.
pub async fn reserve(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    path: &str,
    organisation: &OrganisationId,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let insert = sql(
        "INSERT INTO lake_files (path, organisation, day, rows, bytes, min_time, max_time, digest, filters, \
         segment, created, state, changed) VALUES ($1, $2, 0, 0, 0, $3, $3, 0, $4, NULL, $3, 'reserved', $3) \
         ON CONFLICT (path) DO NOTHING",
        values![path, organisation, now, Vec::new()],
    );
    if change.execute(insert).await? == 0 {
        return Err(StoreError::Refused(format!("{path} could not be reserved: the lake has it already")));
    }
    change.commit("lake.reserve", path, json!({})).await
}

/// Puts new files in the place of old ones, which hold the same events: compaction. New ones may be reserved; they
/// came when the last of the old ones did.
///
/// # Errors
/// An old file is not live any more, a new one is in the catalogue already, or the database fails.
pub async fn replace_files(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    old: &[String],
    new: &[LakeFile],
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let mut came = None;
    for chunk in old.chunks(rows_a_statement(1)) {
        let mut select = Sql::new("SELECT MAX(created) FROM lake_files WHERE path IN ");
        select.tuple(chunk.iter().map(Into::into));
        for row in change.rows(select).await? {
            came = came.max(row.maybe_time(0)?);
        }
    }
    end(&mut change, now, old, "replaced").await?;
    for file in new {
        let release = "DELETE FROM lake_files WHERE state = 'reserved' AND path = $1";
        change.execute(sql(release, values![&file.path])).await?;
    }
    insert(&mut change, now, came.unwrap_or(now), None, new).await?;
    let detail = json!({ "old": digest_of(old), "new": digest(new) });
    change.commit("lake.compact", &format!("{} files", old.len()), detail).await
}

/// Takes files out of every search, with the events in them: retention.
///
/// # Errors
/// A file is not live any more, or the database fails.
pub async fn retire_files(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    paths: &[String],
) -> Result<(), StoreError> {
    if paths.is_empty() {
        return Ok(());
    }
    let mut change = store.change(by, now).await?;
    end(&mut change, now, paths, "retired").await?;
    change.commit("lake.retire", &format!("{} files", paths.len()), digest_of(paths)).await
}

/// Files that were replaced, retired or reserved at or before `until`: no search that started later reads them.
///
/// # Errors
/// The database fails.
pub async fn to_unlink(store: &Store, until: Timestamp) -> Result<Vec<String>, StoreError> {
    let select = sql(
        "SELECT path FROM lake_files WHERE state IN ('replaced', 'retired', 'reserved') AND changed <= $1 ORDER BY path",
        values![until],
    );
    store.rows(select).await?.iter().map(|row| row.text(0)).collect()
}

/// Forgets files that are gone from storage. A live file is not forgotten.
///
/// # Errors
/// The database fails.
pub async fn unlinked(store: &Store, by: &Actor, now: Timestamp, paths: &[String]) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let mut forgotten = 0;
    for chunk in paths.chunks(rows_a_statement(4)) {
        let mut delete = Sql::new("DELETE FROM lake_files WHERE state <> 'live' AND path IN ");
        delete.tuple(chunk.iter().map(Into::into));
        forgotten += change.execute(delete).await?;
    }
    if forgotten == 0 {
        return Ok(());
    }
    change.commit("lake.unlink", &format!("{forgotten} files"), digest_of(paths)).await
}

/// Those of the paths that the catalogue has in no state.
///
/// # Errors
/// The database fails.
pub async fn unknown(store: &Store, paths: &[String]) -> Result<Vec<String>, StoreError> {
    let mut unknown: BTreeSet<&String> = paths.iter().collect();
    for chunk in paths.chunks(rows_a_statement(1)) {
        let mut select = Sql::new("SELECT path FROM lake_files WHERE path IN ");
        select.tuple(chunk.iter().map(Into::into));
        for row in store.rows(select).await? {
            unknown.remove(&row.text(0)?);
        }
    }
    Ok(unknown.into_iter().cloned().collect())
}

/// Enters live files, whose events `came` then.
pub(crate) async fn insert(
    change: &mut Change<'_>,
    now: Timestamp,
    came: Timestamp,
    segment: Option<BatchId>,
    files: &[LakeFile],
) -> Result<(), StoreError> {
    let segment = segment.map(|batch| i64::try_from(batch.0).unwrap_or(i64::MAX));
    for chunk in files.chunks(rows_a_statement(13)) {
        let mut insert = Sql::new(
            "INSERT INTO lake_files (path, organisation, day, rows, bytes, min_time, max_time, digest, filters, \
             segment, created, state, changed) VALUES ",
        );
        insert.tuples(chunk.iter().map(|file| {
            values![
                &file.path,
                &file.organisation,
                file.day,
                file.rows,
                file.bytes,
                file.min_time,
                file.max_time,
                u64::from(file.digest),
                file.index.as_slice(),
                segment,
                came,
                "live",
                now,
            ]
        }));
        insert.push(" ON CONFLICT (path) DO NOTHING");
        if change.execute(insert).await? != chunk.len() as u64 {
            return Err(StoreError::Refused(
                "files could not be entered: the lake has one already".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Files as the ledger tells of them.
pub(crate) fn digest(files: &[LakeFile]) -> serde_json::Value {
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    json!({
        "count": files.len(),
        "rows": files.iter().map(|file| file.rows).sum::<u64>(),
        "digest": Hash::of(paths.join("\n").as_bytes()).to_string(),
    })
}

/// Paths as the ledger tells of them: there can be very many.
fn digest_of(paths: &[String]) -> serde_json::Value {
    json!({ "count": paths.len(), "digest": Hash::of(paths.join("\n").as_bytes()).to_string() })
}

/// Ends the life of files that must be live.
async fn end(
    change: &mut Change<'_>,
    now: Timestamp,
    paths: &[String],
    state: &str,
) -> Result<(), StoreError> {
    let mut ended = 0;
    for chunk in paths.chunks(rows_a_statement(4)) {
        let mut update = Sql::new("UPDATE lake_files SET state = ");
        update.bind(state).push(", changed = ").bind(now).push(" WHERE state = 'live' AND path IN ");
        update.tuple(chunk.iter().map(Into::into));
        ended += change.execute(update).await?;
    }
    if ended == paths.len() as u64 {
        return Ok(());
    }
    let why = format!("{} files could not be {state}: {ended} of them are live", paths.len());
    Err(StoreError::Refused(why))
}

/// A day in microseconds.
const DAY: i64 = 86_400_000_000;

/// Live files, as [`read`] wants them.
const COLUMNS: &str = "SELECT path, organisation, day, rows, bytes, min_time, max_time, digest, filters FROM lake_files \
     WHERE state = 'live'";

fn read(row: &AnyRow) -> Result<LakeFile, StoreError> {
    Ok(LakeFile {
        path: row.text(0)?,
        organisation: row.organisation(1)?,
        day: row.int(2)?,
        rows: row.count(3)?,
        bytes: row.count(4)?,
        min_time: row.time(5)?,
        max_time: row.time(6)?,
        digest: u32::try_from(row.count(7)?).map_err(|_| StoreError::Damaged("digest of a file"))?,
        index: row.bytes(8)?,
    })
}
