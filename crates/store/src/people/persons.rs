//! Who there is.
//!
//! Invariant: a person is never deleted, only disabled, so that the ledger's names keep their meaning.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, Timestamp};
use ward_people::{Powers, account};

use super::{MANAGE, administrators, require_administrator, require_managed};
use crate::change::Change;
use crate::database::Kind;
use crate::ids::PersonId;
use crate::reach::within;
use crate::sql::{Columns, Sql, rows_a_statement, sql, values};
use crate::{Store, StoreError, organisations};

pub(super) const WHAT: &str = "person";

/// Who an OpenID provider says somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider: `iss` of its tokens.
    pub issuer: String,
    /// Its name for the person: `sub`.
    pub subject: String,
}

/// A person to be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// What people call him.
    pub name: String,
    /// What he signs in with. `None`: only somebody who comes from an OpenID provider needs none.
    pub email: Option<String>,
    /// Where he works. `None`: for the sector as a whole.
    pub organisation: Option<OrganisationId>,
    /// Who an OpenID provider says he is, instead of a password.
    pub identity: Option<Identity>,
}

/// A person as he is entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// His name in the ledger.
    pub id: PersonId,
    /// The rest.
    pub person: NewPerson,
    /// When he was entered.
    pub created: Timestamp,
    /// When he was disabled.
    pub disabled: Option<Timestamp>,
}

/// Enters a person, who can do nothing yet.
///
/// # Errors
/// Name or address is none, the address or identity has an account, or the organisation is not one whose people are
/// managed with these powers.
pub async fn add(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    powers: &Powers,
    new: &NewPerson,
) -> Result<PersonId, StoreError> {
    if !is_home(powers, new.organisation.as_ref()) {
        return Err(StoreError::NotFound("organisation"));
    }
    if let Some(organisation) = &new.organisation {
        organisations::get(store, powers.scope(MANAGE), organisation).await?;
    }
    let mut change = store.change(by, now).await?;
    let id = enter(&mut change, now, new).await?;
    let detail = json!({
        "organisation": new.organisation.as_ref().map(OrganisationId::as_str),
        "identity": new.identity.as_ref().map(|identity| &identity.issuer),
    });
    change.commit("person.add", &id.to_string(), detail).await?;
    Ok(id)
}

/// Lets a person in, or lets him in no more: his sessions and links end.
///
/// # Errors
/// There is none, he is not managed with these powers, or he is the last administrator.
pub async fn enable(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    powers: &Powers,
    person: PersonId,
    enabled: bool,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    require_managed(&mut change, powers, person).await?;
    let before = administrators(&mut change, now).await?;
    if enabled {
        change.execute(sql("UPDATE persons SET disabled = NULL WHERE id = $1", values![person])).await?;
    } else {
        for update in [
            "UPDATE persons SET disabled = COALESCE(disabled, $1) WHERE id = $2",
            "UPDATE sessions SET ended = $1 WHERE person = $2 AND ended IS NULL",
            "UPDATE links SET spent = $1 WHERE person = $2 AND spent IS NULL",
            "UPDATE broken_glass SET ended = $1 WHERE person = $2 AND ended IS NULL AND ends > $1",
        ] {
            change.execute(sql(update, values![now, person])).await?;
        }
    }
    require_administrator(&mut change, before, now).await?;
    let action = if enabled { "person.enable" } else { "person.disable" };
    change.commit(action, &person.to_string(), json!({})).await
}

/// The person of this id.
///
/// # Errors
/// There is none, or he may not be seen.
pub async fn get(store: &Store, scope: &Scope, person: PersonId) -> Result<Person, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE p.id = ").bind(person).push(" AND ");
    visible(&mut select, store.kind(), scope);
    store.row(select).await?.ok_or(StoreError::NotFound(WHAT)).and_then(|row| read(&row))
}

/// The person with this e-mail address.
///
/// # Errors
/// There is none, or he may not be seen.
pub async fn with_email(store: &Store, scope: &Scope, email: &str) -> Result<Person, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE p.login = ").bind(account::login(email)).push(" AND ");
    visible(&mut select, store.kind(), scope);
    store.row(select).await?.ok_or(StoreError::NotFound(WHAT)).and_then(|row| read(&row))
}

/// The people who work where one may see, or were given something there, by name.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope) -> Result<Vec<Person>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE ");
    visible(&mut select, store.kind(), scope);
    select.push(" ORDER BY p.name, p.id");
    store.rows(select).await?.iter().map(read).collect()
}

/// What these people are called, disabled ones too, for showing who did what: whoever sees an alert sees who worked on
/// it. Who there is not is left out.
///
/// # Errors
/// The database fails.
pub async fn names(
    store: &Store,
    ids: &BTreeSet<PersonId>,
) -> Result<BTreeMap<PersonId, String>, StoreError> {
    let ids: Vec<PersonId> = ids.iter().copied().collect();
    let mut names = BTreeMap::new();
    for chunk in ids.chunks(rows_a_statement(1)) {
        let mut select = Sql::new("SELECT id, name FROM persons WHERE id IN ");
        select.tuple(chunk.iter().map(|id| (*id).into()));
        for row in store.rows(select).await? {
            names.insert(row.id(0, "id of a person")?, row.text(1)?);
        }
    }
    Ok(names)
}

/// Enters somebody in a change that is under way.
pub(super) async fn enter(
    change: &mut Change<'_>,
    now: Timestamp,
    new: &NewPerson,
) -> Result<PersonId, StoreError> {
    let wrong = |wrong: account::Wrong| StoreError::Refused(wrong.to_string());
    let name = account::name(&new.name).map_err(wrong)?;
    let email = new.email.as_deref().map(account::email).transpose().map_err(wrong)?;
    let login = email.as_deref().map(account::login);
    let refused = |why: &str| StoreError::Refused(format!("a person could not be entered {why}"));
    if login.is_none() && new.identity.is_none() {
        return Err(refused("who has neither an e-mail address nor an identity to sign in with"));
    }
    let taken = sql("SELECT id FROM persons WHERE login = $1", values![login.clone()]);
    if change.row(taken).await?.is_some() {
        return Err(refused("whose e-mail address has an account"));
    }
    let (issuer, subject) = new.identity.as_ref().map(|it| (it.issuer.clone(), it.subject.clone())).unzip();
    let taken = sql(
        "SELECT id FROM persons WHERE issuer = $1 AND subject = $2",
        values![issuer.clone(), subject.clone()],
    );
    if change.row(taken).await?.is_some() {
        return Err(refused("whose identity has an account"));
    }
    let id = change.name("person", &name, PersonId);
    let organisation = new.organisation.as_ref().map(OrganisationId::as_str);
    let insert = sql(
        "INSERT INTO persons (id, name, email, login, organisation, issuer, subject, created) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![id, name, email, login, organisation, issuer, subject, now],
    );
    change.execute(insert).await?;
    Ok(id)
}

/// Whether the people who work there are managed with these powers.
pub(super) fn is_home(powers: &Powers, organisation: Option<&OrganisationId>) -> bool {
    let scope = powers.scope(MANAGE);
    organisation.map_or(scope.organisations().is_none(), |organisation| scope.sees(organisation))
}

/// Adds the condition that a person, `p`, may be seen.
pub(super) fn visible(sql: &mut Sql, kind: Kind, scope: &Scope) {
    sql.push("((1 = 1");
    within(sql, kind, "p.organisation", scope);
    sql.push(") OR p.id IN (SELECT g.person FROM person_grants g WHERE g.revoked IS NULL");
    within(sql, kind, "g.organisation", scope);
    sql.push("))");
}

const SELECT: &str =
    "SELECT p.id, p.name, p.email, p.organisation, p.issuer, p.subject, p.created, p.disabled FROM persons p";

fn read(row: &AnyRow) -> Result<Person, StoreError> {
    let identity = row.maybe_text(4)?.zip(row.maybe_text(5)?);
    Ok(Person {
        id: row.id(0, "id of a person")?,
        person: NewPerson {
            name: row.text(1)?,
            email: row.maybe_text(2)?,
            organisation: row.maybe_organisation(3)?,
            identity: identity.map(|(issuer, subject)| Identity { issuer, subject }),
        },
        created: row.time(6)?,
        disabled: row.maybe_time(7)?,
    })
}
