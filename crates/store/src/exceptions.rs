//! Exceptions: what an organisation has decided not to be told of, by whom, why and until when.
//!
//! Invariant: none is for ever; it ends by itself. A removed or ended one is kept, so that what it muted can be
//! explained.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, Timestamp};
use ward_ledger::Hash;

use crate::ids::ExceptionId;
use crate::reach::within;
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError, organisations};

const WHAT: &str = "exception";

/// An exception to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewException {
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Whether it is also for everything below.
    pub and_below: bool,
    /// A Sigma filter, in YAML. The store does not look into it.
    pub filter: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it ends.
    pub expires: Timestamp,
}

/// An exception as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Its id.
    pub id: ExceptionId,
    /// What it says.
    pub exception: NewException,
    /// When it was made.
    pub created: Timestamp,
    /// When it was removed.
    pub removed: Option<Timestamp>,
    /// How many findings it has muted.
    pub muted: u64,
}

/// An exception in force, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The exception.
    pub exception: Exception,
    /// The organisations it is for, as far as they may be seen.
    pub organisations: BTreeSet<OrganisationId>,
}

/// Makes an exception.
///
/// # Errors
/// Its organisation does not exist or may not be seen, something of it is empty, or it has ended already.
pub async fn add(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    new: &NewException,
) -> Result<ExceptionId, StoreError> {
    organisations::get(store, scope, &new.organisation).await?;
    let refused = |why: &str| Err(StoreError::Refused(format!("an exception could not be made {why}")));
    if new.filter.trim().is_empty() || new.reason.trim().is_empty() || new.owner.trim().is_empty() {
        return refused("without a filter, a reason and an owner");
    }
    if new.expires <= now {
        return refused("that has ended already");
    }
    let mut change = store.change(by, now).await?;
    let id = change.name("exception", &new.filter, ExceptionId);
    let insert = sql(
        "INSERT INTO exceptions (id, organisation, and_below, filter_text, reason, owner, created, expires, muted) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
        values![id, &new.organisation, new.and_below, &new.filter, &new.reason, &new.owner, now, new.expires],
    );
    change.execute(insert).await?;
    let detail = json!({
        "organisation": new.organisation.as_str(),
        "and_below": new.and_below,
        "filter": Hash::of(new.filter.as_bytes()).to_string(),
        "reason": new.reason,
        "owner": new.owner,
        "expires": new.expires.micros(),
    });
    change.commit("exception.add", &id.to_string(), detail).await?;
    Ok(id)
}

/// Ends an exception now.
///
/// # Errors
/// There is none, it may not be seen, or it was removed before.
pub async fn remove(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    id: ExceptionId,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let mut update = Sql::new("UPDATE exceptions SET removed = ");
    update.bind(now).push(" WHERE removed IS NULL AND id = ").bind(id);
    within(&mut update, store.kind(), "organisation", scope);
    if change.execute(update).await? == 0 {
        return Err(StoreError::NotFound(WHAT));
    }
    change.commit("exception.remove", &id.to_string(), json!({})).await
}

/// The exceptions of the organisations that may be seen, ended and removed ones too, newest first.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope) -> Result<Vec<Exception>, StoreError> {
    let mut select = Sql::new(SELECT);
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY created DESC, id");
    store.rows(select).await?.iter().map(read).collect()
}

/// The exceptions that are for an organisation of the scope at this time, and for which of them: the watch asks
/// with the whole sector.
///
/// # Errors
/// The database fails.
pub async fn in_force(store: &Store, scope: &Scope, now: Timestamp) -> Result<Vec<InForce>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" AND removed IS NULL AND expires > ").bind(now).push(" ORDER BY id");
    let mut below: BTreeMap<OrganisationId, BTreeSet<OrganisationId>> = BTreeMap::new();
    let mut in_force = Vec::new();
    for row in store.rows(select).await? {
        let exception = read(&row)?;
        let top = &exception.exception.organisation;
        let mut organisations = BTreeSet::from([top.clone()]);
        if exception.exception.and_below {
            if !below.contains_key(top) {
                below.insert(top.clone(), organisations::below(store, [top]).await?);
            }
            organisations.extend(below.get(top).into_iter().flatten().cloned());
        }
        organisations.retain(|organisation| scope.sees(organisation));
        if !organisations.is_empty() {
            in_force.push(InForce { exception, organisations });
        }
    }
    Ok(in_force)
}

const SELECT: &str = "SELECT id, organisation, and_below, filter_text, reason, owner, created, expires, removed, \
                      muted FROM exceptions WHERE 1 = 1";

fn read(row: &AnyRow) -> Result<Exception, StoreError> {
    Ok(Exception {
        id: row.text(0)?.parse()?,
        exception: NewException {
            organisation: row.organisation(1)?,
            and_below: row.flag(2)?,
            filter: row.text(3)?,
            reason: row.text(4)?,
            owner: row.text(5)?,
            expires: row.time(7)?,
        },
        created: row.time(6)?,
        removed: row.maybe_time(8)?,
        muted: row.count(9)?,
    })
}
