//! Recovery codes: ten, shown once, each of which opens once in place of the second factor.

use serde_json::json;
use ward_core::{Actor, Timestamp};
use ward_ledger::Hash;
use ward_people::{Secret, recovery};

use crate::ids::PersonId;
use crate::sql::{Columns, sql, values};
use crate::tokens::random;
use crate::{Store, StoreError};

/// Makes new codes for somebody; older ones open nothing any more.
///
/// # Errors
/// There is no such person.
pub async fn make(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    person: PersonId,
) -> Result<[Secret; recovery::COUNT], StoreError> {
    let mut bytes = [[0; recovery::BYTES]; recovery::COUNT];
    for code in &mut bytes {
        *code = random()?;
    }
    let codes = recovery::codes(bytes);
    let mut change = store.change(by, now).await?;
    if change.row(sql("SELECT id FROM persons WHERE id = $1", values![person])).await?.is_none() {
        return Err(StoreError::NotFound(super::persons::WHAT));
    }
    change.execute(sql("DELETE FROM recovery_codes WHERE person = $1", values![person])).await?;
    for code in &codes {
        let hash = hash(code.expose()).ok_or(StoreError::Damaged("recovery code"))?;
        let insert = "INSERT INTO recovery_codes (person, hash, made) VALUES ($1, $2, $3)";
        change.execute(sql(insert, values![person, hash, now])).await?;
    }
    change.commit("recovery_codes.make", &person.to_string(), json!({ "codes": codes.len() })).await?;
    Ok(codes)
}

/// Whether this is a code of somebody's that has opened nothing yet. It opens nothing after this.
///
/// # Errors
/// The database fails.
pub async fn spend(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    person: PersonId,
    typed: &str,
) -> Result<bool, StoreError> {
    let Some(hash) = hash(typed) else { return Ok(false) };
    let mut change = store.change(by, now).await?;
    let update = "UPDATE recovery_codes SET used = $1 WHERE person = $2 AND hash = $3 AND used IS NULL";
    if change.execute(sql(update, values![now, person, hash])).await? == 0 {
        return Ok(false);
    }
    change.commit("recovery_codes.spend", &person.to_string(), json!({})).await?;
    Ok(true)
}

/// How many codes of somebody's are left.
///
/// # Errors
/// The database fails.
pub async fn left(store: &Store, person: PersonId) -> Result<u64, StoreError> {
    let select =
        sql("SELECT COUNT(*) FROM recovery_codes WHERE person = $1 AND used IS NULL", values![person]);
    store.row(select).await?.ok_or(StoreError::Damaged("number"))?.count(0)
}

fn hash(typed: &str) -> Option<String> {
    recovery::plain(typed).map(|plain| Hash::of(plain.as_bytes()).to_string())
}
