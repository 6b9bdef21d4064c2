//! Second factors: what an app and Ward both know.
//!
//! Invariant: a secret is stored sealed, for its person only.
//! Invariant: digits open once: the step they are of is noted in the transaction that finds them good.
//! Invariant: who has a second factor keeps it until he has shown that another works.

use serde_json::json;
use ward_core::{Actor, Timestamp};
use ward_people::{Key, TotpSecret};

use crate::ids::PersonId;
use crate::sql::{Columns, Sql, sql, values};
use crate::tokens::random;
use crate::{Store, StoreError};

const PROPOSED: &str = "proposed";
const IN_FORCE: &str = "in_force";

/// Whether whoever asks has shown the second factor that there is a moment ago, which the caller knows of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// He has.
    JustNow,
    /// He has not: he may choose one only if there is none.
    NotYet,
}

/// Whether somebody has a second factor.
///
/// # Errors
/// The database fails.
pub async fn has(store: &Store, person: PersonId) -> Result<bool, StoreError> {
    Ok(store.row(of(person, IN_FORCE)).await?.is_some())
}

/// Whether anybody has a second factor: a key that was made just now opens none of them.
///
/// # Errors
/// The database fails.
pub async fn are_there_any(store: &Store) -> Result<bool, StoreError> {
    Ok(store.row(Sql::new("SELECT made FROM second_factors LIMIT 1")).await?.is_some())
}

/// Makes a secret for an app to take, and keeps it until digits of it are confirmed.
///
/// # Errors
/// There is a second factor, and it was not shown a moment ago.
pub async fn propose(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    key: &Key,
    person: PersonId,
    shown: Shown,
) -> Result<TotpSecret, StoreError> {
    let secret = TotpSecret::new(random()?);
    let sealed = key.seal(&person.to_string(), &secret, random()?).map_err(|_| StoreError::NoRandomness)?;
    let mut change = store.change(by, now).await?;
    shown.require(change.row(of(person, IN_FORCE)).await?.is_some())?;
    let upsert = "INSERT INTO second_factors (person, state, sealed, made) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (person, state) DO UPDATE SET sealed = excluded.sealed, made = excluded.made";
    change.execute(sql(upsert, values![person, PROPOSED, sealed, now])).await?;
    change.commit("second_factor.propose", &person.to_string(), json!({})).await?;
    Ok(secret)
}

/// The secret that was proposed and not confirmed yet, to be shown once more.
///
/// # Errors
/// There is a second factor, and it was not shown a moment ago; or it was sealed with another key.
pub async fn proposed(
    store: &Store,
    key: &Key,
    person: PersonId,
    shown: Shown,
) -> Result<Option<TotpSecret>, StoreError> {
    shown.require(has(store, person).await?)?;
    let Some(row) = store.row(of(person, PROPOSED)).await? else { return Ok(None) };
    open(key, person, &row.bytes(0)?).map(Some)
}

/// Puts the proposed secret in force, if these are digits of it: the app has it. Says whether they are.
///
/// # Errors
/// Nothing was proposed; there is a second factor, and it was not shown a moment ago; or it was sealed with another key.
pub async fn confirm(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    key: &Key,
    person: PersonId,
    shown: Shown,
    digits: &str,
) -> Result<bool, StoreError> {
    let mut change = store.change(by, now).await?;
    shown.require(change.row(of(person, IN_FORCE)).await?.is_some())?;
    let row = change.row(of(person, PROPOSED)).await?.ok_or(StoreError::NotFound("second factor"))?;
    let Some(step) = open(key, person, &row.bytes(0)?)?.step_of(digits, now, None) else { return Ok(false) };
    let gone = sql("DELETE FROM second_factors WHERE person = $1 AND state = $2", values![person, IN_FORCE]);
    change.execute(gone).await?;
    let update =
        "UPDATE second_factors SET state = $1, step = $2, made = $3 WHERE person = $4 AND state = $5";
    change.execute(sql(update, values![IN_FORCE, step, now, person, PROPOSED])).await?;
    change.commit("second_factor.confirm", &person.to_string(), json!({})).await?;
    Ok(true)
}

/// Whether these are digits of somebody's second factor that are good now and have opened nothing yet. They open
/// nothing after this. What follows from it, a session, is what the ledger tells.
///
/// # Errors
/// It was sealed with another key.
pub async fn check(
    store: &Store,
    now: Timestamp,
    key: &Key,
    person: PersonId,
    digits: &str,
) -> Result<bool, StoreError> {
    let by = Actor::ward("people");
    let mut change = store.change(&by, now).await?;
    let Some(row) = change.row(of(person, IN_FORCE)).await? else { return Ok(false) };
    let secret = open(key, person, &row.bytes(0)?)?;
    let Some(step) = secret.step_of(digits, now, row.maybe_int(1)?) else { return Ok(false) };
    let update = "UPDATE second_factors SET step = $1 WHERE person = $2 AND state = $3";
    change.execute(sql(update, values![step, person, IN_FORCE])).await?;
    change.commit_measurement().await?;
    Ok(true)
}

impl Shown {
    fn require(self, has: bool) -> Result<(), StoreError> {
        if has && self == Self::NotYet {
            let why = "a second factor could not be added: there is one, and it must be shown first";
            return Err(StoreError::Refused(why.to_owned()));
        }
        Ok(())
    }
}

fn of(person: PersonId, state: &str) -> Sql {
    sql("SELECT sealed, step FROM second_factors WHERE person = $1 AND state = $2", values![person, state])
}

fn open(key: &Key, person: PersonId, sealed: &[u8]) -> Result<TotpSecret, StoreError> {
    key.open(&person.to_string(), sealed).map_err(|_| StoreError::Damaged("second factor"))
}
