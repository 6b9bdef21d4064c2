//! People: who they are, what they were given, how they show who they are, and that they did.
//!
//! Who serves pages uses it so; what is decided without a database is in [`ward_people`]:
//!
//! 1. `ward_people::throttle` lets a try through. [`credentials::of_login`] has what was kept, or nothing, and
//!    `ward_people::password::Hasher` compares either way. [`sign_ins::note`] tells how it went.
//! 2. [`sessions::begin`] without a second factor: half a session, which [`sessions::half`] knows and which opens nothing.
//! 3. [`second_factors::check`], or [`recovery_codes::spend`]; who has none yet: [`second_factors::propose`] and
//!    [`second_factors::confirm`], then [`recovery_codes::make`].
//! 4. [`sessions::begin`] with it, in place of the half one and under another secret.
//!    [`auth::authenticate_session`](crate::auth::authenticate_session) knows that from now on.
//! 5. Before things of great effect: [`second_factors::check`] again, and [`sessions::step_up`].
//!
//! Who has a one-time link instead: [`links::look`], then [`links::accept`] or [`links::accept_first`], and on from 2.
//!
//! Invariant: secrets of people are kept as digests; what must be known again, the secret of a second factor, is sealed
//! with a key that is not in the database.
//! Invariant: the ledger names people by their ids. Who a person is can be forgotten, and the chain stays whole.
//! Invariant: whoever manages a person has all in his gift that the person was given: nobody gets at more than his own by
//! way of somebody else's password.

pub mod credentials;
pub mod glass;
pub mod grants;
pub mod links;
pub mod persons;
pub mod recovery_codes;
pub mod second_factors;
pub mod sessions;
pub mod sign_ins;

use ward_core::{ActorKind, Timestamp};
use ward_people::{Permission, Powers, Role};

use crate::change::Change;
use crate::ids::PersonId;
use crate::sql::{Columns, sql, values};
use crate::{Store, StoreError};

/// Microseconds for which it is kept what has ended: sessions, links, and what was tried. The ledger stays.
pub const KEPT: i64 = 90 * 86_400 * 1_000_000;

/// Forgets sessions, links and tries that ended longer ago than [`KEPT`]. A measurement, of time: nobody does it.
///
/// # Errors
/// The database fails.
pub async fn tidy(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let by = ward_core::Actor::ward("people");
    let before = Timestamp::from_micros(now.micros().saturating_sub(KEPT));
    let mut change = store.change(&by, now).await?;
    for gone in [
        "DELETE FROM sessions WHERE ends < $1 OR ended < $1",
        "DELETE FROM links WHERE expires < $1 OR spent < $1",
        "DELETE FROM sign_ins WHERE time < $1",
    ] {
        change.execute(sql(gone, values![before])).await?;
    }
    change.commit_measurement().await
}

/// Refuses to go on unless somebody with these powers may manage the person: where the person works, and all that the
/// person was given.
async fn require_managed(
    change: &mut Change<'_>,
    powers: &Powers,
    person: PersonId,
) -> Result<(), StoreError> {
    let select = sql("SELECT organisation FROM persons WHERE id = $1", values![person]);
    let row = change.row(select).await?.ok_or(StoreError::NotFound(persons::WHAT))?;
    let mut managed = persons::is_home(powers, row.maybe_organisation(0)?.as_ref());
    let select = sql(
        "SELECT role, organisation FROM person_grants WHERE person = $1 AND revoked IS NULL",
        values![person],
    );
    for row in change.rows(select).await? {
        let (role, reach) = grants::given(&row, 0)?;
        managed &= powers.may_give(role, &reach);
    }
    if managed { Ok(()) } else { Err(StoreError::NotFound(persons::WHAT)) }
}

/// How many administrators of the whole sector there are, who can still come in.
async fn administrators(change: &mut Change<'_>, now: Timestamp) -> Result<u64, StoreError> {
    let select = sql(ADMINISTRATORS, values![Role::Administrator.name(), now]);
    change.row(select).await?.ok_or(StoreError::Damaged("number"))?.count(0)
}

/// Refuses a change after which nobody administers any more. Whoever runs the machine may make it: the next start of the hub
/// prints a link for another.
async fn require_administrator(
    change: &mut Change<'_>,
    before: u64,
    now: Timestamp,
) -> Result<(), StoreError> {
    if before > 0 && change.by().kind != ActorKind::Operator && administrators(change, now).await? == 0 {
        let why =
            "the last administrator of the whole sector could not be taken away: name another one first";
        return Err(StoreError::Refused(why.to_owned()));
    }
    Ok(())
}

const ADMINISTRATORS: &str = "SELECT COUNT(*) FROM person_grants g JOIN persons p ON p.id = g.person \
     WHERE g.role = $1 AND g.organisation IS NULL AND g.revoked IS NULL \
     AND (g.expires IS NULL OR g.expires > $2) AND p.disabled IS NULL";

/// Where people may be managed.
const MANAGE: Permission = Permission::ManagePeople;
