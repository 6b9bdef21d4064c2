//! The sources of telemetry, and the client certificates that speak for them.

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, Source, SourceId, Timestamp};
use ward_ledger::Hash;

use crate::change::Change;
use crate::reach::within;
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError, organisations};

const WHAT: &str = "source";

/// The shortest silence that is told, in microseconds: shippers collect events for some seconds, and the hub looks
/// for silence every quarter of a minute.
pub const SHORTEST_SILENCE: i64 = 60_000_000;

/// A source as it is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// What it is.
    pub source: Source,
    /// Whether what it sends is taken.
    pub enabled: bool,
    /// Since when it is known.
    pub created: Timestamp,
}

/// A client certificate that speaks for a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER.
    pub fingerprint: Hash,
    /// The source.
    pub source: SourceId,
    /// What people call it.
    pub label: String,
    /// Since when it is known.
    pub added: Timestamp,
}

/// Adds a source, enabled, or changes the one of this name and leaves it enabled or not.
///
/// # Errors
/// Its organisation does not exist, its silence is too short to be told, or the database fails.
pub async fn put(store: &Store, by: &Actor, now: Timestamp, source: &Source) -> Result<(), StoreError> {
    write(store, by, now, source, false).await
}

/// Adds a source of an organisation that may be seen, enabled. A name is given once, by whomever.
///
/// # Errors
/// The name is taken, its organisation does not exist or may not be seen, its silence is too short to be told, or the
/// database fails.
pub async fn enter(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    source: &Source,
) -> Result<(), StoreError> {
    organisations::get(store, scope, &source.organisation).await?;
    write(store, by, now, source, true).await
}

async fn write(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    source: &Source,
    is_new: bool,
) -> Result<(), StoreError> {
    if source.silent_after.is_some_and(|pause| pause < SHORTEST_SILENCE) {
        return Err(StoreError::Refused(format!(
            "{} could not be entered: a silence of less than a minute cannot be told from the pauses between batches",
            source.id
        )));
    }
    let mut change = store.change(by, now).await?;
    let organisation = sql("SELECT id FROM organisations WHERE id = $1", values![&source.organisation]);
    if change.row(organisation).await?.is_none() {
        return Err(StoreError::Refused(format!(
            "{} could not be a source of {}: there is no such organisation",
            source.id, source.organisation
        )));
    }
    let taken = sql("SELECT id FROM sources WHERE id = $1", values![&source.id]);
    if is_new && change.row(taken).await?.is_some() {
        return Err(StoreError::Refused(format!("{} could not be entered: the name is taken", source.id)));
    }
    let upsert = sql(
        "INSERT INTO sources (id, organisation, rate, silent_after, enabled, created) \
         VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT (id) DO UPDATE SET \
         organisation = excluded.organisation, rate = excluded.rate, silent_after = excluded.silent_after",
        values![&source.id, &source.organisation, source.rate.map(i64::from), source.silent_after, now],
    );
    change.execute(upsert).await?;
    let detail = json!({
        "organisation": source.organisation.as_str(),
        "rate": source.rate,
        "silent_after": source.silent_after,
    });
    change.commit("source.put", source.id.as_str(), detail).await
}

/// Takes what a source sends, or takes it no more.
///
/// # Errors
/// There is no such source.
pub async fn enable(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    id: &SourceId,
    enabled: bool,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let update = sql("UPDATE sources SET enabled = $1 WHERE id = $2", values![enabled, id]);
    if change.execute(update).await? == 0 {
        return Err(StoreError::NotFound(WHAT));
    }
    let action = if enabled { "source.enable" } else { "source.disable" };
    change.commit(action, id.as_str(), json!({})).await
}

/// The source of this name.
///
/// # Errors
/// There is none, or it may not be seen.
pub async fn get(store: &Store, scope: &Scope, id: &SourceId) -> Result<Entered, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE id = ").bind(id);
    within(&mut select, store.kind(), "organisation", scope);
    store.row(select).await?.ok_or(StoreError::NotFound(WHAT)).and_then(|row| read(&row))
}

/// All sources that may be seen, by name.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope) -> Result<Vec<Entered>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE 1 = 1");
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY id");
    store.rows(select).await?.iter().map(read).collect()
}

/// Lets a client certificate speak for a source: this one, and no other any more.
///
/// # Errors
/// There is no such source.
pub async fn put_certificate(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    fingerprint: Hash,
    source: &SourceId,
    label: &str,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    require(&mut change, source).await?;
    let upsert = sql(
        "INSERT INTO certificates (fingerprint, source, label, added) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (fingerprint) DO UPDATE SET source = excluded.source, label = excluded.label",
        values![fingerprint.to_string(), source, label, now],
    );
    change.execute(upsert).await?;
    let detail = json!({ "source": source.as_str(), "label": label });
    change.commit("certificate.put", &fingerprint.to_string(), detail).await
}

/// Lets a client certificate speak for nobody any more.
///
/// # Errors
/// There is no such certificate.
pub async fn remove_certificate(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    fingerprint: Hash,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let delete = sql("DELETE FROM certificates WHERE fingerprint = $1", values![fingerprint.to_string()]);
    if change.execute(delete).await? == 0 {
        return Err(StoreError::NotFound("certificate"));
    }
    change.commit("certificate.remove", &fingerprint.to_string(), json!({})).await
}

/// The client certificates of the sources that may be seen, by source.
///
/// # Errors
/// The database fails.
pub async fn certificates(store: &Store, scope: &Scope) -> Result<Vec<Certificate>, StoreError> {
    let mut select = Sql::new(
        "SELECT c.fingerprint, c.source, c.label, c.added FROM certificates c \
         JOIN sources s ON s.id = c.source WHERE 1 = 1",
    );
    within(&mut select, store.kind(), "s.organisation", scope);
    select.push(" ORDER BY c.source, c.fingerprint");
    let certificate = |row: &AnyRow| {
        Ok(Certificate {
            fingerprint: row.hash(0)?,
            source: row.source(1)?,
            label: row.text(2)?,
            added: row.time(3)?,
        })
    };
    store.rows(select).await?.iter().map(certificate).collect()
}

/// Refuses a source that does not exist, and tells whose it is.
pub(crate) async fn require(change: &mut Change<'_>, id: &SourceId) -> Result<OrganisationId, StoreError> {
    let select = sql("SELECT organisation FROM sources WHERE id = $1", values![id]);
    change.row(select).await?.ok_or(StoreError::NotFound(WHAT))?.organisation(0)
}

const SELECT: &str = "SELECT id, organisation, rate, silent_after, enabled, created FROM sources";

/// Reads a source from the columns of `SELECT`.
pub(crate) fn read(row: &AnyRow) -> Result<Entered, StoreError> {
    let rate = row.maybe_int(2)?.map(u32::try_from).transpose();
    Ok(Entered {
        source: Source {
            id: row.source(0)?,
            organisation: row.organisation(1)?,
            rate: rate.map_err(|_| StoreError::Damaged("rate of a source"))?,
            silent_after: row.maybe_int(3)?,
        },
        enabled: row.flag(4)?,
        created: row.time(5)?,
    })
}
