//! Passwords, as they are kept.

use serde_json::json;
use ward_core::{Actor, Timestamp};
use ward_people::account;

use crate::change::Change;
use crate::ids::{PersonId, SessionId};
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError};

/// What a password is compared with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose it is.
    pub person: PersonId,
    /// What was kept of it. `None`: he has none yet, or comes from an OpenID provider.
    pub kept: Option<String>,
    /// Whether he may come in at all.
    pub enabled: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("person", &self.person).finish_non_exhaustive()
    }
}

/// What belongs to an e-mail address. `None`: nobody. Compare a password either way, and answer the same.
///
/// # Errors
/// The database fails.
pub async fn of_login(store: &Store, email: &str) -> Result<Option<Credentials>, StoreError> {
    let select = sql(
        "SELECT p.id, w.kept, p.disabled FROM persons p LEFT JOIN passwords w ON w.person = p.id WHERE p.login = $1",
        values![account::login(email)],
    );
    let Some(row) = store.row(select).await? else { return Ok(None) };
    Ok(Some(Credentials {
        person: row.id(0, "id of a person")?,
        kept: row.maybe_text(1)?,
        enabled: row.maybe_int(2)?.is_none(),
    }))
}

/// What somebody signs in with, who has shown a password or a link. `None`: he comes from an OpenID provider.
///
/// # Errors
/// There is no such person.
pub async fn email_of(store: &Store, person: PersonId) -> Result<Option<String>, StoreError> {
    let select = sql("SELECT email FROM persons WHERE id = $1", values![person]);
    store.row(select).await?.ok_or(StoreError::NotFound(super::persons::WHAT))?.maybe_text(0)
}

/// What was kept of the password of somebody who is signed in, for changing it.
///
/// # Errors
/// There is no such person.
pub async fn of_person(store: &Store, person: PersonId) -> Result<Option<String>, StoreError> {
    let select = sql(
        "SELECT w.kept FROM persons p LEFT JOIN passwords w ON w.person = p.id WHERE p.id = $1",
        values![person],
    );
    store.row(select).await?.ok_or(StoreError::NotFound(super::persons::WHAT))?.maybe_text(0)
}

/// Keeps the password that somebody has chosen for himself, as `ward_people::password::Hasher` made it. All his other
/// sessions end.
///
/// # Errors
/// There is no such person.
pub async fn choose(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    person: PersonId,
    kept: &str,
    session: Option<SessionId>,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    put(&mut change, now, person, kept, session).await?;
    change.commit("password.choose", &person.to_string(), json!({})).await
}

/// Keeps the same password at another cost. A measurement: the password is what it was.
///
/// # Errors
/// The database fails. If it was changed meanwhile, nothing happens.
pub async fn rehash(
    store: &Store,
    now: Timestamp,
    person: PersonId,
    before: &str,
    kept: &str,
) -> Result<(), StoreError> {
    let by = Actor::ward("people");
    let mut change = store.change(&by, now).await?;
    let update = "UPDATE passwords SET kept = $1 WHERE person = $2 AND kept = $3";
    change.execute(sql(update, values![kept, person, before])).await?;
    change.commit_measurement().await
}

/// Keeps a password in a change that is under way, and ends all sessions but this one.
pub(super) async fn put(
    change: &mut Change<'_>,
    now: Timestamp,
    person: PersonId,
    kept: &str,
    session: Option<SessionId>,
) -> Result<(), StoreError> {
    if change.row(sql("SELECT id FROM persons WHERE id = $1", values![person])).await?.is_none() {
        return Err(StoreError::NotFound(super::persons::WHAT));
    }
    let upsert = "INSERT INTO passwords (person, kept, chosen) VALUES ($1, $2, $3) \
                  ON CONFLICT (person) DO UPDATE SET kept = excluded.kept, chosen = excluded.chosen";
    change.execute(sql(upsert, values![person, kept, now])).await?;
    let mut end = Sql::new("UPDATE sessions SET ended = ");
    end.bind(now).push(" WHERE ended IS NULL AND person = ").bind(person);
    if let Some(session) = session {
        end.push(" AND id <> ").bind(session);
    }
    change.execute(end).await.map(drop)
}
