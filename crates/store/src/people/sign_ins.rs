//! How tries to sign in went, for people to see who was at their door. Measured, and forgotten after [`super::KEPT`].
//!
//! Invariant: strangers cannot fill the disk: of tries at accounts that there are not, the newest [`MOST_OF_NOBODY`]
//! are kept.

use sqlx::any::AnyRow;
use ward_core::{Actor, Scope, Timestamp};

use super::persons::visible;
use crate::ids::PersonId;
use crate::sql::{Columns, Sql, sql, values};
use crate::tokens::{hex, random};
use crate::{Store, StoreError};

/// How many tries at accounts that there are not are kept.
pub const MOST_OF_NOBODY: i64 = 10_000;

/// How many tries at one account are kept.
pub const MOST_OF_ONE: i64 = 1_000;

/// Most letters of what is kept of a browser's name.
const LONGEST_DEVICE: usize = 200;

/// A try to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// When.
    pub time: Timestamp,
    /// Whose account. `None`: there is none; what was typed is not kept, since it may be a password.
    pub person: Option<PersonId>,
    /// How it went.
    pub outcome: Outcome,
    /// What the browser said it is.
    pub device: String,
    /// Where it was.
    pub address: String,
}

/// How a try to sign in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// He is in.
    SignedIn,
    /// The account is there, and the password is not its.
    WrongPassword,
    /// Password good, second factor or recovery code not.
    WrongSecondFactor,
    /// Password good, account disabled.
    Disabled,
    /// There is no such account.
    NoAccount,
    /// It was too soon after others.
    TooSoon,
}

/// Notes tries. A measurement.
///
/// # Errors
/// The database fails.
pub async fn note(store: &Store, tries: &[SignIn]) -> Result<(), StoreError> {
    let Some(now) = tries.iter().map(|each| each.time).max() else { return Ok(()) };
    let by = Actor::ward("people");
    let mut change = store.change(&by, now).await?;
    for each in tries {
        let device: String = each.device.chars().filter(|c| !c.is_control()).take(LONGEST_DEVICE).collect();
        let insert = sql(
            "INSERT INTO sign_ins (id, time, person, outcome, device, address) VALUES ($1, $2, $3, $4, $5, $6)",
            values![
                hex(&random::<16>()?),
                each.time,
                each.person.map(|person| person.to_string()),
                each.outcome.name(),
                device,
                &each.address,
            ],
        );
        change.execute(insert).await?;
    }
    let nobodys = sql(
        "DELETE FROM sign_ins WHERE person IS NULL AND time < \
         (SELECT time FROM sign_ins WHERE person IS NULL ORDER BY time DESC LIMIT 1 OFFSET $1)",
        values![MOST_OF_NOBODY - 1],
    );
    change.execute(nobodys).await?;
    let mut people: Vec<PersonId> = tries.iter().filter_map(|each| each.person).collect();
    people.sort_unstable();
    people.dedup();
    for person in people {
        let too_many = sql(
            "DELETE FROM sign_ins WHERE person = $1 AND time < \
             (SELECT time FROM sign_ins WHERE person = $1 ORDER BY time DESC LIMIT 1 OFFSET $2)",
            values![person, MOST_OF_ONE - 1],
        );
        change.execute(too_many).await?;
    }
    change.commit_measurement().await
}

/// Tries at the accounts of people who may be seen, newest first, at most `limit`; of one person, if one is named. Those
/// at nobody's account are seen with the whole sector alone.
///
/// # Errors
/// The database fails.
pub async fn list(
    store: &Store,
    scope: &Scope,
    person: Option<PersonId>,
    limit: u32,
) -> Result<Vec<SignIn>, StoreError> {
    let mut select = Sql::new(
        "SELECT i.time, i.person, i.outcome, i.device, i.address FROM sign_ins i LEFT JOIN persons p \
         ON p.id = i.person WHERE ",
    );
    visible(&mut select, store.kind(), scope);
    if let Some(person) = person {
        select.push(" AND i.person = ").bind(person);
    }
    select.push(" ORDER BY i.time DESC, i.id LIMIT ").bind(limit);
    store.rows(select).await?.iter().map(read).collect()
}

/// Tries at one's own account, newest first, at most `limit`.
///
/// # Errors
/// The database fails.
pub async fn own(store: &Store, person: PersonId, limit: u32) -> Result<Vec<SignIn>, StoreError> {
    let select = sql(
        "SELECT time, person, outcome, device, address FROM sign_ins WHERE person = $1 \
         ORDER BY time DESC, id LIMIT $2",
        values![person, limit],
    );
    store.rows(select).await?.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<SignIn, StoreError> {
    let person = row.maybe_text(1)?.map(|id| id.parse()).transpose();
    Ok(SignIn {
        time: row.time(0)?,
        person: person.map_err(|_: StoreError| StoreError::Damaged("id of a person"))?,
        outcome: Outcome::named(&row.text(2)?).ok_or(StoreError::Damaged("outcome"))?,
        device: row.text(3)?,
        address: row.text(4)?,
    })
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SignedIn,
        Self::WrongPassword,
        Self::WrongSecondFactor,
        Self::Disabled,
        Self::NoAccount,
        Self::TooSoon,
    ];

    /// As it is written in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::WrongPassword => "wrong_password",
            Self::WrongSecondFactor => "wrong_second_factor",
            Self::Disabled => "disabled",
            Self::NoAccount => "no_account",
            Self::TooSoon => "too_soon",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}
