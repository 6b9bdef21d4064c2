//! One-time links.
//!
//! Invariant: a link is spent in the transaction that does what it is for, so that it does it once.
//! Invariant: a new link of somebody's replaces those before it.

use serde_json::json;
use ward_core::{Actor, Timestamp};
use ward_ledger::Hash;
use ward_people::link::{Link, Purpose};
use ward_people::{Powers, Role, Secret};

use super::persons::NewPerson;
use super::{administrators, credentials, persons, require_managed};
use crate::change::Change;
use crate::ids::{GrantId, LinkId, PersonId};
use crate::sql::{Columns, sql, values};
use crate::tokens::{hash, random};
use crate::{Store, StoreError};

const WHAT: &str = "link";

/// What whoever has a link may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose account. `None`: nobody's yet.
    pub person: Option<PersonId>,
    /// His name and e-mail address, which no password may have in it.
    pub name: Option<String>,
    /// See `name`.
    pub email: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
}

/// Makes a link for somebody. Hand it over where nobody else reads it.
///
/// # Errors
/// There is no such person, he is disabled or not managed with these powers, or the link would last too long.
pub async fn make(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    powers: &Powers,
    person: PersonId,
    purpose: Purpose,
    expires: Timestamp,
) -> Result<(LinkId, Secret), StoreError> {
    let refused = |why: &str| Err(StoreError::Refused(format!("a link could not be made {why}")));
    if purpose == Purpose::FirstAdministrator {
        return refused("for a person that makes a first administrator");
    }
    let lasts = expires.micros().saturating_sub(now.micros());
    if lasts <= 0 || lasts > purpose.longest() {
        let hours = purpose.longest() / 3_600_000_000;
        return refused(&format!("that lasts longer than {hours} hours, or has ended already"));
    }
    let mut change = store.change(by, now).await?;
    require_managed(&mut change, powers, person).await?;
    let select = sql("SELECT disabled, login FROM persons WHERE id = $1", values![person]);
    let row = change.row(select).await?.ok_or(StoreError::NotFound(persons::WHAT))?;
    if row.maybe_int(0)?.is_some() {
        return refused("for a person who is disabled");
    }
    if row.maybe_text(1)?.is_none() {
        return refused("for a person who has no e-mail address to sign in with");
    }
    let replaced = "UPDATE links SET spent = $1 WHERE person = $2 AND spent IS NULL";
    change.execute(sql(replaced, values![now, person])).await?;
    let (id, secret) = put(&mut change, now, Some(person), purpose, expires).await?;
    let detail = json!({ "link": id.to_string(), "purpose": purpose.name(), "expires": expires.micros() });
    change.commit("link.make", &person.to_string(), detail).await?;
    Ok((id, secret))
}

/// Makes the link by which somebody becomes the first administrator, good for a day; older ones are good no more.
/// `None`: there is an administrator.
///
/// # Errors
/// The database fails.
pub async fn make_first(store: &Store, by: &Actor, now: Timestamp) -> Result<Option<Secret>, StoreError> {
    let mut change = store.change(by, now).await?;
    if administrators(&mut change, now).await? > 0 {
        return Ok(None);
    }
    let purpose = Purpose::FirstAdministrator;
    let replaced = "UPDATE links SET spent = $1 WHERE purpose = $2 AND spent IS NULL";
    change.execute(sql(replaced, values![now, purpose.name()])).await?;
    let expires = Timestamp::from_micros(now.micros().saturating_add(purpose.lasts()));
    let (id, secret) = put(&mut change, now, None, purpose, expires).await?;
    let detail = json!({ "link": id.to_string(), "expires": expires.micros() });
    change.commit("link.make", purpose.name(), detail).await?;
    Ok(Some(secret))
}

/// What a link is good for now. `None`: nothing. It is not spent by looking.
///
/// # Errors
/// The database fails.
pub async fn look(store: &Store, secret: &str, now: Timestamp) -> Result<Option<Shown>, StoreError> {
    let select = sql(
        "SELECT l.purpose, l.made, l.expires, l.spent, l.person, p.name, p.email FROM links l \
         LEFT JOIN persons p ON p.id = l.person WHERE l.hash = $1 AND p.disabled IS NULL",
        values![Hash::of(secret.as_bytes()).to_string()],
    );
    let Some(row) = store.row(select).await? else { return Ok(None) };
    let purpose = Purpose::named(&row.text(0)?).ok_or(StoreError::Damaged("purpose of a link"))?;
    let link = Link { purpose, made: row.time(1)?, expires: row.time(2)?, spent: row.maybe_time(3)? };
    let person = row.maybe_text(4)?.map(|id| id.parse()).transpose();
    let person = person.map_err(|_: StoreError| StoreError::Damaged("id of a person"))?;
    Ok(link.is_good(now).then_some(Shown {
        purpose,
        person,
        name: row.maybe_text(5)?,
        email: row.maybe_text(6)?,
        expires: link.expires,
    }))
}

/// Does what a link of a person is for: keeps the password that was chosen, ends all his sessions, and with
/// [`Purpose::Everything`] forgets his second factor and recovery codes. Tells whose it was.
///
/// # Errors
/// The link is good for nothing (any more).
pub async fn accept(store: &Store, secret: &str, now: Timestamp, kept: &str) -> Result<PersonId, StoreError> {
    let shown = look(store, secret, now).await?.ok_or(StoreError::NotFound(WHAT))?;
    let person = shown.person.ok_or(StoreError::NotFound(WHAT))?;
    let by = Actor::person(person.to_string());
    let mut change = store.change(&by, now).await?;
    let id = spend(&mut change, secret, now).await?;
    credentials::put(&mut change, now, person, kept, None).await?;
    if shown.purpose == Purpose::Everything {
        change.execute(sql("DELETE FROM second_factors WHERE person = $1", values![person])).await?;
        change.execute(sql("DELETE FROM recovery_codes WHERE person = $1", values![person])).await?;
    }
    let detail = json!({ "link": id, "purpose": shown.purpose.name() });
    change.commit("link.accept", &person.to_string(), detail).await?;
    Ok(person)
}

/// Does what the first link is for: enters somebody with this password, who administers the whole sector.
///
/// # Errors
/// The link is good for nothing (any more), there is an administrator, or name or address is none.
pub async fn accept_first(
    store: &Store,
    secret: &str,
    now: Timestamp,
    new: &NewPerson,
    kept: &str,
) -> Result<PersonId, StoreError> {
    let shown = look(store, secret, now).await?.filter(|shown| shown.purpose == Purpose::FirstAdministrator);
    shown.ok_or(StoreError::NotFound(WHAT))?;
    let by = Actor::ward("first link");
    let mut change = store.change(&by, now).await?;
    let id = spend(&mut change, secret, now).await?;
    if administrators(&mut change, now).await? > 0 {
        return Err(StoreError::NotFound(WHAT));
    }
    let person = persons::enter(&mut change, now, &NewPerson { organisation: None, ..new.clone() }).await?;
    let grant = change.name("grant", &person.to_string(), GrantId);
    let insert = "INSERT INTO person_grants (id, person, role, given) VALUES ($1, $2, $3, $4)";
    change.execute(sql(insert, values![grant, person, Role::Administrator.name(), now])).await?;
    credentials::put(&mut change, now, person, kept, None).await?;
    let detail = json!({ "link": id, "grant": grant.to_string(), "role": Role::Administrator.name() });
    change.commit("link.accept", &person.to_string(), detail).await?;
    Ok(person)
}

async fn put(
    change: &mut Change<'_>,
    now: Timestamp,
    person: Option<PersonId>,
    purpose: Purpose,
    expires: Timestamp,
) -> Result<(LinkId, Secret), StoreError> {
    let secret = Secret::random("", random()?);
    let hash = hash(&secret).to_string();
    let id = change.name("link", &hash, LinkId);
    let person = person.map(|person| person.to_string());
    let insert =
        "INSERT INTO links (id, hash, purpose, person, made, expires) VALUES ($1, $2, $3, $4, $5, $6)";
    change.execute(sql(insert, values![id, hash, purpose.name(), person, now, expires])).await?;
    Ok((id, secret))
}

/// Spends a link, unless somebody else has done so since it was looked at. Tells its id.
async fn spend(change: &mut Change<'_>, secret: &str, now: Timestamp) -> Result<String, StoreError> {
    let hash = Hash::of(secret.as_bytes()).to_string();
    let update =
        "UPDATE links SET spent = $1 WHERE hash = $2 AND spent IS NULL AND expires > $1 RETURNING id";
    change.row(sql(update, values![now, hash])).await?.ok_or(StoreError::NotFound(WHAT))?.text(0)
}
