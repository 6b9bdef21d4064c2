//! What people were given: a role, and where.
//!
//! Invariant: nobody gives himself anything, and nobody gives what is not in his gift.
//! Invariant: a grant is never deleted, only revoked.

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, Timestamp};
use ward_people::{Permission, Powers, Reach, Role};

use super::{ADMINISTRATORS, administrators, persons, require_administrator};
use crate::ids::{GrantId, PersonId};
use crate::reach::within;
use crate::sql::{Columns, Sql, Value, sql, values};
use crate::{Store, StoreError, organisations};

const WHAT: &str = "grant";

/// A role that somebody was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Whose it is.
    pub person: PersonId,
    /// What.
    pub role: Role,
    /// Where.
    pub reach: Reach,
    /// Since when.
    pub given: Timestamp,
    /// Until when.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// A grant to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// To whom.
    pub person: PersonId,
    /// What.
    pub role: Role,
    /// Where.
    pub reach: Reach,
    /// Until when. `None`: until it is revoked.
    pub expires: Option<Timestamp>,
}

/// Somebody, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub id: PersonId,
    /// What people call him.
    pub name: String,
}

/// Most people that [`who_may`] names.
pub const MOST_NAMED: u32 = 500;

impl Grant {
    /// Whether it lets do anything now.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| expires > now)
    }
}

/// Gives somebody a role.
///
/// # Errors
/// There is no such person or organisation, it is nothing that these powers let give, one would give it to oneself, or
/// it would have ended already.
pub async fn give(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    powers: &Powers,
    new: &NewGrant,
) -> Result<GrantId, StoreError> {
    let (person, role) = (new.person, new.role);
    let mut change = store.change(by, now).await?;
    if change.row(sql("SELECT id FROM persons WHERE id = $1", values![person])).await?.is_none() {
        return Err(StoreError::NotFound(persons::WHAT));
    }
    let organisation = match &new.reach {
        Reach::WholeSector => None,
        Reach::Below(organisation) => {
            let select = sql("SELECT id FROM organisations WHERE id = $1", values![organisation]);
            let there = change.row(select).await?.is_some();
            // What is out of reach is not there.
            if !there || !powers.reach().sees(organisation) {
                return Err(StoreError::NotFound("organisation"));
            }
            Some(organisation.as_str())
        }
    };
    let refused = |why: String| Err(StoreError::Refused(format!("a role could not be given {why}")));
    if role.is_of_tokens() {
        return refused(format!("to a person: {} is one of tokens", role.name()));
    }
    if *by == Actor::person(person.to_string()) {
        return refused("to oneself: another must give it".to_owned());
    }
    if !powers.may_give(role, &new.reach) {
        return refused(format!("that is not one's own to give: {}", role.name()));
    }
    if new.expires.is_some_and(|expires| expires <= now) {
        return refused("that has ended already".to_owned());
    }
    let id = change.name("grant", &person.to_string(), GrantId);
    let insert = sql(
        "INSERT INTO person_grants (id, person, role, organisation, given, expires) VALUES ($1, $2, $3, $4, $5, $6)",
        values![id, person, role.name(), organisation, now, new.expires],
    );
    change.execute(insert).await?;
    let detail = json!({
        "grant": id.to_string(),
        "role": role.name(),
        "organisation": organisation,
        "whole_sector": organisation.is_none(),
        "expires": new.expires.map(Timestamp::micros),
    });
    change.commit("grant.give", &person.to_string(), detail).await?;
    Ok(id)
}

/// Takes a role away now.
///
/// # Errors
/// There is no such grant, it is nothing that these powers let give and take, or it is the last administrator's.
pub async fn revoke(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    powers: &Powers,
    id: GrantId,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let select = sql(
        "SELECT role, organisation, person FROM person_grants WHERE id = $1 AND revoked IS NULL",
        values![id],
    );
    let row = change.row(select).await?.ok_or(StoreError::NotFound(WHAT))?;
    let ((role, reach), person) = (given(&row, 0)?, row.text(2)?);
    if !powers.may_give(role, &reach) {
        return Err(StoreError::NotFound(WHAT));
    }
    let before = administrators(&mut change, now).await?;
    change.execute(sql("UPDATE person_grants SET revoked = $1 WHERE id = $2", values![now, id])).await?;
    require_administrator(&mut change, before, now).await?;
    change.commit("grant.revoke", &person, json!({ "grant": id.to_string() })).await
}

/// What people were given at organisations that may be seen, revoked grants too, oldest first; of one person, if one is
/// named. What is for the whole sector is seen with that alone.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope, person: Option<PersonId>) -> Result<Vec<Grant>, StoreError> {
    let mut select = Sql::new(SELECT);
    if let Some(person) = person {
        select.push(" AND person = ").bind(person);
    }
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY given, id");
    store.rows(select).await?.iter().map(read).collect()
}

/// Who may do this at an organisation, by name, at most [`MOST_NAMED`]: whom something can be handed to. Only those who
/// can come in, and were given it for there, for what is above it or for the whole sector; not who broke the glass.
///
/// # Errors
/// There is no such organisation, or it may not be seen.
pub async fn who_may(
    store: &Store,
    scope: &Scope,
    permission: Permission,
    organisation: &OrganisationId,
    now: Timestamp,
) -> Result<Vec<Named>, StoreError> {
    organisations::get(store, scope, organisation).await?;
    let roles = Role::PEOPLE.into_iter().filter(|role| role.may().has(permission));
    let roles: Vec<Value> = roles.map(|role| role.name().into()).collect();
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let mut select =
        Sql::new("WITH RECURSIVE above (id, parent) AS (SELECT id, parent FROM organisations WHERE id = ");
    select.bind(organisation).push(
        " UNION SELECT o.id, o.parent FROM organisations o JOIN above a ON o.id = a.parent) \
         SELECT p.id, p.name FROM persons p WHERE p.disabled IS NULL AND p.id IN (SELECT g.person \
         FROM person_grants g WHERE (g.organisation IS NULL OR g.organisation IN (SELECT id FROM above)) \
         AND g.revoked IS NULL AND (g.expires IS NULL OR g.expires > ",
    );
    select.bind(now).push(") AND g.role IN ").tuple(roles);
    select.push(") ORDER BY p.name, p.id LIMIT ").bind(MOST_NAMED);
    let named = |row: &AnyRow| Ok(Named { id: row.id(0, "id of a person")?, name: row.text(1)? });
    store.rows(select).await?.iter().map(named).collect()
}

/// Whether there is an administrator of the whole sector.
///
/// # Errors
/// The database fails.
pub async fn has_administrator(store: &Store, now: Timestamp) -> Result<bool, StoreError> {
    let row = store.row(sql(ADMINISTRATORS, values![Role::Administrator.name(), now])).await?;
    Ok(row.ok_or(StoreError::Damaged("number"))?.count(0)? > 0)
}

/// What somebody was given and has now, whoever asks: what a session is made of.
pub(crate) async fn in_force(
    store: &Store,
    person: PersonId,
    now: Timestamp,
) -> Result<Vec<Grant>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" AND revoked IS NULL AND person = ").bind(person).push(" ORDER BY given, id");
    let all: Result<Vec<_>, _> = store.rows(select).await?.iter().map(read).collect();
    Ok(all?.into_iter().filter(|grant| grant.is_in_force(now)).collect())
}

/// Role and reach from `role, organisation`.
pub(super) fn given(row: &AnyRow, at: usize) -> Result<(Role, Reach), StoreError> {
    let role = Role::named(&row.text(at)?).ok_or(StoreError::Damaged("role"))?;
    Ok((role, row.maybe_organisation(at + 1)?.map_or(Reach::WholeSector, Reach::Below)))
}

const SELECT: &str =
    "SELECT id, person, role, organisation, given, expires, revoked FROM person_grants WHERE 1 = 1";

fn read(row: &AnyRow) -> Result<Grant, StoreError> {
    let (role, reach) = given(row, 2)?;
    Ok(Grant {
        id: row.id(0, "id of a grant")?,
        person: row.id(1, "id of a person")?,
        role,
        reach,
        given: row.time(4)?,
        expires: row.maybe_time(5)?,
        revoked: row.maybe_time(6)?,
    })
}
