//! Who has broken the glass: where, why and until when.
//!
//! Invariant: the organisation concerned sees it, and so does everything below it.

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, Timestamp};
use ward_people::{Permission, Powers, glass};

use crate::ids::{GlassId, PersonId};
use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError, organisations};

const WHAT: &str = "break-glass access";

/// What somebody says who breaks the glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGlass {
    /// Who.
    pub person: PersonId,
    /// Which organisation, with everything below it.
    pub organisation: OrganisationId,
    /// Why, in a sentence.
    pub reason: String,
    /// Until when: four hours at most.
    pub ends: Timestamp,
}

/// That somebody has broken the glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its id.
    pub id: GlassId,
    /// What was said.
    pub glass: NewGlass,
    /// Who it was, by name.
    pub name: String,
    /// When.
    pub begun: Timestamp,
    /// When it was ended before its time.
    pub ended: Option<Timestamp>,
}

impl Broken {
    /// Whether it lets through now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.ended.is_none() && (self.begun..self.glass.ends).contains(&now)
    }
}

/// Breaks the glass. Whoever calls it has asked for the second factor a moment ago.
///
/// # Errors
/// These powers do not let, the reason says too little, it would last too long, or there is no such organisation.
pub async fn break_it(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    powers: &Powers,
    new: &NewGlass,
) -> Result<GlassId, StoreError> {
    let refused = |why: glass::Refused| StoreError::Refused(why.to_string());
    let (reason, ends) =
        (glass::reason(&new.reason).map_err(refused)?, glass::ends(now, new.ends).map_err(refused)?);
    if *by != Actor::person(new.person.to_string()) {
        return Err(StoreError::Refused("the glass could not be broken for somebody else".to_owned()));
    }
    if !powers.may(Permission::BreakGlass) {
        let why = "the glass could not be broken: none of your roles lets you";
        return Err(StoreError::Refused(why.to_owned()));
    }
    let mut change = store.change(by, now).await?;
    let select = sql("SELECT id FROM organisations WHERE id = $1", values![&new.organisation]);
    if change.row(select).await?.is_none() {
        return Err(StoreError::NotFound("organisation"));
    }
    let id = change.name("glass", &reason, GlassId);
    let insert = sql(
        "INSERT INTO broken_glass (id, person, organisation, reason, begun, ends) VALUES ($1, $2, $3, $4, $5, $6)",
        values![id, new.person, &new.organisation, &reason, now, ends],
    );
    change.execute(insert).await?;
    let detail = json!({
        "glass": id.to_string(),
        "reason": reason,
        "ends": ends.micros(),
    });
    change.commit("glass.break", new.organisation.as_str(), detail).await?;
    Ok(id)
}

/// Ends it before its time: whoever broke it, or whoever sees the organisation with this scope.
///
/// # Errors
/// There is none that is open, or it may not be seen.
pub async fn mend(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    id: GlassId,
) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let select = sql(
        "SELECT organisation, person FROM broken_glass WHERE id = $1 AND ended IS NULL AND ends > $2",
        values![id, now],
    );
    let row = change.row(select).await?.ok_or(StoreError::NotFound(WHAT))?;
    let (organisation, person) = (row.organisation(0)?, row.text(1)?);
    if !scope.sees(&organisation) && *by != Actor::person(person) {
        return Err(StoreError::NotFound(WHAT));
    }
    change.execute(sql("UPDATE broken_glass SET ended = $1 WHERE id = $2", values![now, id])).await?;
    change.commit("glass.mend", organisation.as_str(), json!({ "glass": id.to_string() })).await
}

/// Who has broken the glass of organisations that may be seen, or of one above them, since this time; newest first.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope, since: Timestamp) -> Result<Vec<Broken>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" AND b.begun >= ").bind(since).push(" ORDER BY b.begun DESC, b.id");
    let mut seen = Vec::new();
    for row in store.rows(select).await? {
        let broken = read(&row)?;
        let top = &broken.glass.organisation;
        let concerns = scope.sees(top) || {
            let below = organisations::below(store, [top]).await?;
            below.iter().any(|organisation| scope.sees(organisation))
        };
        if concerns {
            seen.push(broken);
        }
    }
    Ok(seen)
}

/// What somebody has broken and is open now: what a session is made of.
pub(crate) async fn open(store: &Store, person: PersonId, now: Timestamp) -> Result<Vec<Broken>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" AND b.ended IS NULL AND b.person = ").bind(person).push(" AND b.ends > ").bind(now);
    let all: Result<Vec<_>, _> = store.rows(select).await?.iter().map(read).collect();
    Ok(all?.into_iter().filter(|broken| broken.is_open(now)).collect())
}

const SELECT: &str = "SELECT b.id, b.person, b.organisation, b.reason, b.begun, b.ends, b.ended, p.name \
                      FROM broken_glass b JOIN persons p ON p.id = b.person WHERE 1 = 1";

fn read(row: &AnyRow) -> Result<Broken, StoreError> {
    Ok(Broken {
        id: row.id(0, "id of a break-glass access")?,
        glass: NewGlass {
            person: row.id(1, "id of a person")?,
            organisation: row.organisation(2)?,
            reason: row.text(3)?,
            ends: row.time(5)?,
        },
        name: row.text(7)?,
        begun: row.time(4)?,
        ended: row.maybe_time(6)?,
    })
}
