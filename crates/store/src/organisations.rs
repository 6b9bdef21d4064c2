//! The tree of organisations.
//!
//! Invariant: it is a forest: whoever follows parents comes to a top. A change that would make a ring is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, Organisation, OrganisationId, OrganisationKind, Scope, Timestamp};
use ward_ledger::Hash;

use crate::change::Change;
use crate::reach::within;
use crate::sql::{Columns, Sql, rows_a_statement, sql, values};
use crate::{Store, StoreError};

const WHAT: &str = "organisation";

/// Adds an organisation, or changes the one of this code.
///
/// # Errors
/// Its parent does not exist or lies below it, or the database fails.
pub async fn put(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    organisation: &Organisation,
) -> Result<(), StoreError> {
    put_all(store, by, now, std::slice::from_ref(organisation)).await
}

/// As [`put`], many at once, parents before what is below them: all or none, and one entry of the ledger.
///
/// # Errors
/// A parent does not exist or lies below its child, or the database fails.
pub async fn put_all(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    organisations: &[Organisation],
) -> Result<(), StoreError> {
    if organisations.is_empty() {
        return Ok(());
    }
    let mut change = store.change(by, now).await?;
    let mut known: BTreeSet<OrganisationId> = BTreeSet::new();
    for chunk in organisations.chunks(rows_a_statement(4)) {
        // What is new cannot be above anything yet, unless this call said so itself.
        let mut codes = Sql::new("SELECT id FROM organisations WHERE id IN ");
        codes.tuple(chunk.iter().map(|organisation| (&organisation.id).into()));
        for row in change.rows(codes).await? {
            known.insert(row.organisation(0)?);
        }
    }
    for each in organisations {
        store_one(&mut change, each, !known.insert(each.id.clone())).await?;
    }
    let (subject, detail) = match organisations {
        [one] => (one.id.to_string(), described(one)),
        many => {
            let all: Vec<_> = many.iter().map(|each| json!([each.id.as_str(), described(each)])).collect();
            let digest = Hash::of(serde_json::Value::from(all).to_string().as_bytes());
            (format!("{} organisations", many.len()), json!({ "digest": digest.to_string() }))
        }
    };
    change.commit("organisation.put", &subject, detail).await
}

/// The organisation of this code.
///
/// # Errors
/// There is none, or it may not be seen.
pub async fn get(store: &Store, scope: &Scope, id: &OrganisationId) -> Result<Organisation, StoreError> {
    if !scope.sees(id) {
        return Err(StoreError::NotFound(WHAT));
    }
    let select = sql("SELECT id, parent, kind, name FROM organisations WHERE id = $1", values![id]);
    store.row(select).await?.ok_or(StoreError::NotFound(WHAT)).and_then(|row| read(&row))
}

/// All organisations that may be seen, by code.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope) -> Result<Vec<Organisation>, StoreError> {
    let mut select = Sql::new("SELECT id, parent, kind, name FROM organisations WHERE 1 = 1");
    within(&mut select, store.kind(), "id", scope);
    select.push(" ORDER BY id");
    store.rows(select).await?.iter().map(read).collect()
}

/// What lies directly below an organisation, or at the top, as far as it may be seen, by code.
///
/// # Errors
/// The organisation does not exist or may not be seen.
pub async fn list_under(
    store: &Store,
    scope: &Scope,
    parent: Option<&OrganisationId>,
) -> Result<Vec<Organisation>, StoreError> {
    let mut select = Sql::new("SELECT id, parent, kind, name FROM organisations WHERE parent ");
    match parent {
        Some(parent) => {
            get(store, scope, parent).await?;
            select.push("= ").bind(parent);
        }
        None => {
            select.push("IS NULL");
        }
    }
    within(&mut select, store.kind(), "id", scope);
    select.push(" ORDER BY id");
    store.rows(select).await?.iter().map(read).collect()
}

/// An organisation and everything below it, as far as it may be seen: for narrowing a scope.
///
/// # Errors
/// The organisation does not exist or may not be seen.
pub async fn descendants(
    store: &Store,
    scope: &Scope,
    id: &OrganisationId,
) -> Result<BTreeSet<OrganisationId>, StoreError> {
    get(store, scope, id).await?;
    let all = below(store, [id]).await?;
    Ok(all.into_iter().filter(|organisation| scope.sees(organisation)).collect())
}

/// The care board of each organisation that may be seen and has one: the nearest of that kind, itself or above it. Of
/// pairs, the organisation comes first; they are sorted by it.
///
/// # Errors
/// The database fails.
pub async fn care_boards(
    store: &Store,
    scope: &Scope,
) -> Result<Vec<(OrganisationId, OrganisationId)>, StoreError> {
    let kind = OrganisationKind::CareBoard.name();
    let mut select =
        Sql::new("WITH RECURSIVE boards (id, board) AS (SELECT id, id FROM organisations WHERE kind = ");
    select.bind(kind);
    // Nothing is met twice, even in a ring: each has one parent, and another care board is not entered.
    select.push(
        " UNION ALL SELECT o.id, b.board FROM organisations o JOIN boards b ON o.parent = b.id WHERE o.kind <> ",
    );
    // A row for each care board, as reading a row costs more than finding it. No code has a comma.
    select.bind(kind).push(") SELECT board, STRING_AGG(id, ',') FROM boards WHERE 1 = 1");
    within(&mut select, store.kind(), "id", scope);
    select.push(" GROUP BY board");
    let mut pairs = Vec::new();
    for row in store.rows(select).await? {
        let board = row.organisation(0)?;
        for id in row.text(1)?.split(',') {
            let id = OrganisationId::new(id).map_err(|_| StoreError::Damaged("code of an organisation"))?;
            pairs.push((id, board.clone()));
        }
    }
    pairs.sort_unstable();
    Ok(pairs)
}

/// What people call these organisations, as far as they may be seen.
///
/// # Errors
/// The database fails.
pub async fn names(
    store: &Store,
    scope: &Scope,
    ids: &BTreeSet<OrganisationId>,
) -> Result<BTreeMap<OrganisationId, String>, StoreError> {
    let mut select = Sql::new("SELECT id, name FROM organisations WHERE 1 = 1");
    within(&mut select, store.kind(), "id", &scope.narrowed(ids.iter().cloned()));
    store.rows(select).await?.iter().map(|row| Ok((row.organisation(0)?, row.text(1)?))).collect()
}

/// These organisations and everything below them: what a scope is made of.
pub(crate) async fn below(
    store: &Store,
    tops: impl IntoIterator<Item = &OrganisationId>,
) -> Result<BTreeSet<OrganisationId>, StoreError> {
    let mut select = Sql::new("WITH RECURSIVE below (id) AS (SELECT id FROM organisations WHERE id IN ");
    select.tuple(tops.into_iter().map(Into::into));
    select.push(
        " UNION SELECT o.id FROM organisations o JOIN below b ON o.parent = b.id) SELECT id FROM below",
    );
    store.rows(select).await?.iter().map(|row| row.organisation(0)).collect()
}

async fn store_one(change: &mut Change<'_>, each: &Organisation, exists: bool) -> Result<(), StoreError> {
    if let Some(parent) = &each.parent {
        let above = sql(
            "WITH RECURSIVE above (id, parent) AS (SELECT id, parent FROM organisations WHERE id = $1 \
             UNION SELECT o.id, o.parent FROM organisations o JOIN above a ON o.id = a.parent) \
             SELECT id FROM above",
            values![parent],
        );
        let above = if exists || *parent == each.id {
            change.rows(above).await?
        } else {
            change.rows(sql("SELECT id FROM organisations WHERE id = $1", values![parent])).await?
        };
        if above.is_empty() {
            return Err(StoreError::Refused(format!(
                "{} could not be put under {parent}: there is no such {WHAT}",
                each.id
            )));
        }
        for row in &above {
            if row.organisation(0)? == each.id {
                return Err(StoreError::Refused(format!(
                    "{} could not be put under {parent}: it would lie below itself",
                    each.id
                )));
            }
        }
    }
    let upsert = sql(
        "INSERT INTO organisations (id, parent, kind, name) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET parent = excluded.parent, kind = excluded.kind, name = excluded.name",
        values![&each.id, each.parent.as_ref().map(OrganisationId::as_str), each.kind.name(), &each.name],
    );
    change.execute(upsert).await.map(drop)
}

fn described(organisation: &Organisation) -> serde_json::Value {
    json!({
        "kind": organisation.kind.name(),
        "name": organisation.name,
        "parent": organisation.parent.as_ref().map(OrganisationId::as_str),
    })
}

fn read(row: &AnyRow) -> Result<Organisation, StoreError> {
    let parent = row.maybe_text(1)?.map(|parent| OrganisationId::new(&parent)).transpose();
    Ok(Organisation {
        id: row.organisation(0)?,
        parent: parent.map_err(|_| StoreError::Damaged("code of an organisation"))?,
        kind: OrganisationKind::named(&row.text(2)?).ok_or(StoreError::Damaged("kind of an organisation"))?,
        name: row.text(3)?,
    })
}
