//! Sessions: that somebody has shown who he is, and for how long that is believed.
//!
//! Invariant: whenever somebody has shown more of who he is, the session gets another secret; one that was known before,
//! or planted, is good for nothing.
//! Invariant: a session is never longer than it was to be when it began, whatever the settings become.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, Scope, Timestamp};
use ward_ledger::Hash;
use ward_people::session::{How, Limits, Session, State};
use ward_people::{Powers, Secret};

use super::persons::visible;
use super::require_managed;
use crate::ids::{PersonId, SessionId};
use crate::sql::{Columns, Sql, sql, values};
use crate::tokens::{hash, random};
use crate::{Store, StoreError};

const WHAT: &str = "session";

/// Most letters that are kept of what a browser says it is.
const LONGEST_DEVICE: usize = 200;

/// A session to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Whose it is.
    pub person: PersonId,
    /// How he came to it.
    pub how: How,
    /// Whether he has just shown a second factor. Else it is half a session, which opens nothing.
    pub second_factor: bool,
    /// How long it lasts.
    pub limits: Limits,
    /// What the browser says it is, for its owner to recognise.
    pub device: String,
    /// Where it is, for its owner to recognise.
    pub address: String,
    /// The half session that it goes on from, which ends.
    pub replaces: Option<SessionId>,
}

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub person: PersonId,
    /// How he came to it.
    pub how: How,
    /// Its times.
    pub session: Session,
    /// What the browser says it is.
    pub device: String,
    /// Where it is.
    pub address: String,
}

/// Begins a session. Its secret is for the browser's cookie.
///
/// # Errors
/// There is no such person, or he is disabled.
pub async fn begin(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    new: &NewSession,
) -> Result<(SessionId, Secret), StoreError> {
    let secret = Secret::random("", random()?);
    let hash = hash(&secret).to_string();
    let session = Session::begin(now, new.limits, new.second_factor);
    let device: String = new.device.chars().filter(|c| !c.is_control()).take(LONGEST_DEVICE).collect();
    let mut change = store.change(by, now).await?;
    let select = sql("SELECT id FROM persons WHERE id = $1 AND disabled IS NULL", values![new.person]);
    if change.row(select).await?.is_none() {
        return Err(StoreError::NotFound(super::persons::WHAT));
    }
    if let Some(half) = new.replaces {
        let end = "UPDATE sessions SET ended = $1 WHERE id = $2 AND person = $3 AND ended IS NULL";
        change.execute(sql(end, values![now, half, new.person])).await?;
    }
    let id = change.name(WHAT, &hash, SessionId);
    let insert = sql(
        "INSERT INTO sessions (id, person, hash, how, begun, seen, ends, idle, second_factor, device, address) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        values![
            id,
            new.person,
            hash,
            new.how.name(),
            session.begun,
            session.seen,
            session.ends,
            session.idle,
            session.second_factor,
            device,
            &new.address,
        ],
    );
    change.execute(insert).await?;
    let detail =
        json!({ "session": id.to_string(), "how": new.how.name(), "second_factor": new.second_factor });
    change.commit("session.begin", &new.person.to_string(), detail).await?;
    Ok((id, secret))
}

/// The half session that a secret opens: of somebody who is still to show a second factor, or to choose one.
///
/// # Errors
/// The database fails.
pub async fn half(store: &Store, secret: &str, now: Timestamp) -> Result<Option<Kept>, StoreError> {
    Ok(of_secret(store, secret).await?.filter(|kept| kept.session.state(now) == State::Half))
}

/// Notes that somebody has shown the second factor once more. The session gets another secret.
///
/// # Errors
/// There is no such session of somebody who is let in.
pub async fn step_up(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    session: SessionId,
) -> Result<Secret, StoreError> {
    let secret = Secret::random("", random()?);
    let mut change = store.change(by, now).await?;
    let update = sql(
        "UPDATE sessions SET second_factor = $1, seen = $1, hash = $2 WHERE id = $3 AND ended IS NULL AND ends > $1 \
         AND seen + idle > $1 AND second_factor IS NOT NULL RETURNING person",
        values![now, hash(&secret).to_string(), session],
    );
    let row = change.row(update).await?.ok_or(StoreError::NotFound(WHAT))?;
    let person = row.text(0)?;
    change.commit("session.step_up", &person, json!({ "session": session.to_string() })).await?;
    Ok(secret)
}

/// Ends sessions of one's own: this one, or all but this one.
///
/// # Errors
/// The database fails. What has ended stays so.
pub async fn end_own(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    person: PersonId,
    which: Which,
) -> Result<u64, StoreError> {
    let mut change = store.change(by, now).await?;
    let mut update = Sql::new("UPDATE sessions SET ended = ");
    update.bind(now).push(" WHERE ended IS NULL AND person = ").bind(person);
    match which {
        Which::Only(session) => update.push(" AND id = ").bind(session),
        Which::AllBut(session) => update.push(" AND id <> ").bind(session),
    };
    let ended = change.execute(update).await?;
    if ended > 0 {
        let (session, all_but) = match which {
            Which::Only(session) => (Some(session), None),
            Which::AllBut(session) => (None, Some(session)),
        };
        let [session, all_but] = [session, all_but].map(|id| id.map(|id| id.to_string()));
        let detail = json!({ "session": session, "all_but": all_but, "sessions": ended });
        change.commit("session.end", &person.to_string(), detail).await?;
    }
    Ok(ended)
}

/// Which of one's own sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    Only(SessionId),
    /// All others.
    AllBut(SessionId),
}

/// Ends a session of somebody else's.
///
/// # Errors
/// There is none, or it is of nobody who is managed with these powers.
pub async fn revoke(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    powers: &Powers,
    session: SessionId,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let select = sql("SELECT person FROM sessions WHERE id = $1", values![session]);
    let row = change.row(select).await?.ok_or(StoreError::NotFound(WHAT))?;
    let person: PersonId = row.id(0, "id of a person")?;
    require_managed(&mut change, powers, person).await.map_err(|error| match error {
        StoreError::NotFound(_) => StoreError::NotFound(WHAT),
        other => other,
    })?;
    let update = "UPDATE sessions SET ended = COALESCE(ended, $1) WHERE id = $2";
    change.execute(sql(update, values![now, session])).await?;
    let detail = json!({ "session": session.to_string(), "sessions": 1 });
    change.commit("session.end", &person.to_string(), detail).await
}

/// The sessions of people who may be seen, newest first; of one person, if one is named. Ended ones too, for
/// [`super::KEPT`].
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope, person: Option<PersonId>) -> Result<Vec<Kept>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" JOIN persons p ON p.id = s.person WHERE ");
    visible(&mut select, store.kind(), scope);
    if let Some(person) = person {
        select.push(" AND s.person = ").bind(person);
    }
    select.push(" ORDER BY s.begun DESC, s.id");
    store.rows(select).await?.iter().map(read).collect()
}

/// One's own sessions, newest first.
///
/// # Errors
/// The database fails.
pub async fn own(store: &Store, person: PersonId) -> Result<Vec<Kept>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE s.person = ").bind(person).push(" ORDER BY s.begun DESC, s.id");
    store.rows(select).await?.iter().map(read).collect()
}

/// Notes the last signs of life of sessions. A measurement: the ledger does not tell of it.
///
/// # Errors
/// The database fails.
pub async fn note_seen(store: &Store, signs: &[(SessionId, Timestamp)]) -> Result<(), StoreError> {
    let latest = signs.iter().fold(BTreeMap::new(), |mut latest, (id, time)| {
        let entry = latest.entry(*id).or_insert(*time);
        *entry = (*entry).max(*time);
        latest
    });
    let Some(now) = latest.values().max() else { return Ok(()) };
    let by = Actor::ward("people");
    let mut change = store.change(&by, *now).await?;
    for (id, time) in latest {
        change
            .execute(sql("UPDATE sessions SET seen = $1 WHERE id = $2 AND seen < $1", values![time, id]))
            .await?;
    }
    change.commit_measurement().await
}

/// The session that a secret belongs to, whatever it is good for.
pub(crate) async fn of_secret(store: &Store, secret: &str) -> Result<Option<Kept>, StoreError> {
    let mut select = Sql::new(SELECT);
    let hash = Hash::of(secret.as_bytes()).to_string();
    select.push(" JOIN persons p ON p.id = s.person WHERE p.disabled IS NULL AND s.hash = ").bind(hash);
    store.row(select).await?.map(|row| read(&row)).transpose()
}

const SELECT: &str = "SELECT s.id, s.person, s.how, s.begun, s.seen, s.ends, s.idle, s.ended, s.second_factor, \
                      s.device, s.address FROM sessions s";

fn read(row: &AnyRow) -> Result<Kept, StoreError> {
    Ok(Kept {
        id: row.id(0, "id of a session")?,
        person: row.id(1, "id of a person")?,
        how: How::named(&row.text(2)?).ok_or(StoreError::Damaged("beginning of a session"))?,
        session: Session {
            begun: row.time(3)?,
            seen: row.time(4)?,
            ends: row.time(5)?,
            idle: row.int(6)?,
            ended: row.maybe_time(7)?,
            second_factor: row.maybe_time(8)?,
        },
        device: row.text(9)?,
        address: row.text(10)?,
    })
}
