//! Tokens: what a source sends events with, and what people and programs look with.
//!
//! Invariant: a secret is shown once, to whoever issues the token. Only its SHA-256 is stored; what
//! [`Secret`] prints of itself is nothing.
//! Invariant: an access token has one of the roles of tokens ([`Role::TOKENS`]), and none of people: it lets nobody in.
//! Invariant: a token is never deleted, only revoked, so that the ledger's names keep their meaning.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, SourceId, Timestamp};
use ward_ledger::Hash;
pub use ward_people::{Role, Secret};

use crate::sql::{Columns, Sql, sql, values};
use crate::{Store, StoreError, sources};

const WHAT: &str = "token";

/// Fewest letters of a secret that somebody chose himself, unless weak ones are allowed.
pub const SHORTEST_SECRET: usize = 16;

/// Name of a token: 16 hexadecimal digits, no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub String);

/// Where an access token reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenReach {
    /// Every organisation there is.
    WholeSector,
    /// These, and everything below them.
    Below(BTreeSet<OrganisationId>),
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Sending events as this source.
    Ingest(SourceId),
    /// Looking.
    Access {
        /// What may be done.
        role: Role,
        /// Where.
        reach: TokenReach,
    },
}

/// A token to be issued.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What people call it; the name of its actor in the ledger. No secret, no person's data.
    pub label: String,
    /// What it is good for.
    pub grant: Grant,
    /// When it ends. `None`: when it is revoked.
    pub expires: Option<Timestamp>,
    /// A secret of one's own choice, such as one that shippers have already. `None`: Ward makes one.
    pub secret: Option<String>,
    /// Whether the own secret may be shorter than [`SHORTEST_SECRET`]: for closed test networks.
    pub weak_allowed: bool,
}

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name.
    pub id: TokenId,
    /// What people call it.
    pub label: String,
    /// What it is good for.
    pub grant: Grant,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was last used, as far as has been noted.
    pub last_used: Option<Timestamp>,
}

/// Issues a token.
///
/// # Errors
/// The source or an organisation does not exist, the secret is too short or in use, or the database fails.
pub async fn issue(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    new: NewToken,
) -> Result<(TokenId, Secret), StoreError> {
    let secret = chosen(new.secret, new.weak_allowed)?;
    let id = TokenId(hex(&random::<8>()?));
    let mut change = store.change(by, now).await?;
    let used = sql("SELECT id FROM tokens WHERE hash = $1", values![hash(&secret).to_string()]);
    if change.row(used).await?.is_some() {
        return Err(StoreError::Refused("a token could not be issued: its secret is in use".to_owned()));
    }
    let (source, role, reach) = match &new.grant {
        Grant::Ingest(source) => {
            sources::require(&mut change, source).await?;
            (Some(source.as_str()), None, None)
        }
        Grant::Access { role, .. } if !role.is_of_tokens() => {
            return Err(StoreError::Refused(format!(
                "a token could not be issued with the role {}",
                role.name()
            )));
        }
        Grant::Access { role, reach } => (None, Some(role.name()), Some(reach)),
    };
    let whole_sector = matches!(reach, Some(TokenReach::WholeSector));
    let insert = sql(
        "INSERT INTO tokens (id, label, hash, source, role, whole_sector, issued, expires) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        values![&id.0, &new.label, hash(&secret).to_string(), source, role, whole_sector, now, new.expires],
    );
    change.execute(insert).await?;
    let mut below = Vec::new();
    if let Some(TokenReach::Below(organisations)) = reach {
        if organisations.is_empty() {
            return Err(StoreError::Refused("a token could not be issued for no organisation".to_owned()));
        }
        for organisation in organisations {
            let insert = sql(
                "INSERT INTO token_organisations (token, organisation) \
                 SELECT $1, id FROM organisations WHERE id = $2",
                values![&id.0, organisation],
            );
            if change.execute(insert).await? == 0 {
                return Err(StoreError::NotFound("organisation"));
            }
            below.push(organisation.as_str());
        }
    }
    let detail = json!({
        "label": new.label,
        "source": source,
        "role": role,
        "whole_sector": whole_sector,
        "below": below,
        "expires": new.expires.map(Timestamp::micros),
    });
    change.commit("token.issue", &id.0, detail).await?;
    Ok((id, secret))
}

/// Ends a token now. One that was revoked before stays so.
///
/// # Errors
/// There is no such token.
pub async fn revoke(store: &Store, by: &Actor, now: Timestamp, id: &TokenId) -> Result<(), StoreError> {
    let mut change = store.change(by, now).await?;
    let update = sql("UPDATE tokens SET revoked = COALESCE(revoked, $1) WHERE id = $2", values![now, &id.0]);
    if change.execute(update).await? == 0 {
        return Err(StoreError::NotFound(WHAT));
    }
    change.commit("token.revoke", &id.0, json!({})).await
}

/// The tokens that reach nothing outside the scope, ingest tokens of its sources among them, by time of issue.
///
/// # Errors
/// The database fails.
pub async fn list(store: &Store, scope: &Scope) -> Result<Vec<Token>, StoreError> {
    let mut tokens = Vec::new();
    let below = reaches(store).await?;
    let select = "SELECT t.id, t.label, t.source, t.role, t.whole_sector, t.issued, t.expires, t.revoked, \
                  t.last_used, s.organisation FROM tokens t LEFT JOIN sources s ON s.id = t.source \
                  ORDER BY t.issued, t.id";
    for row in store.rows(Sql::new(select)).await? {
        let token = read(&row, &below)?;
        let seen = match &token.grant {
            Grant::Ingest(_) => scope.sees(&row.organisation(9)?),
            Grant::Access { reach: TokenReach::WholeSector, .. } => scope.organisations().is_none(),
            Grant::Access { reach: TokenReach::Below(tops), .. } => tops.iter().all(|top| scope.sees(top)),
        };
        if seen {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

/// Notes when tokens were last used. A measurement: the ledger does not tell of it.
///
/// # Errors
/// The database fails.
pub async fn note_use(store: &Store, uses: &[(TokenId, Timestamp)]) -> Result<(), StoreError> {
    let latest: BTreeMap<&str, Timestamp> = uses.iter().fold(BTreeMap::new(), |mut latest, (id, time)| {
        let entry = latest.entry(id.0.as_str()).or_insert(*time);
        *entry = (*entry).max(*time);
        latest
    });
    let Some(now) = latest.values().max() else { return Ok(()) };
    let by = Actor::ward("tokens");
    let mut change = store.change(&by, *now).await?;
    for (id, time) in latest {
        let update =
            "UPDATE tokens SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)";
        change.execute(sql(update, values![time, id])).await?;
    }
    change.commit_measurement().await
}

/// Which organisations each access token names.
async fn reaches(store: &Store) -> Result<BTreeMap<String, BTreeSet<OrganisationId>>, StoreError> {
    let mut below: BTreeMap<String, BTreeSet<OrganisationId>> = BTreeMap::new();
    for row in store.rows(Sql::new("SELECT token, organisation FROM token_organisations")).await? {
        below.entry(row.text(0)?).or_default().insert(row.organisation(1)?);
    }
    Ok(below)
}

fn read(row: &AnyRow, below: &BTreeMap<String, BTreeSet<OrganisationId>>) -> Result<Token, StoreError> {
    let id = row.text(0)?;
    let grant = match (row.maybe_text(2)?, row.maybe_text(3)?) {
        (Some(source), None) => {
            Grant::Ingest(SourceId::new(&source).map_err(|_| StoreError::Damaged("name of a source"))?)
        }
        (None, Some(role)) => Grant::Access {
            role: Role::named(&role).ok_or(StoreError::Damaged("role"))?,
            reach: if row.flag(4)? {
                TokenReach::WholeSector
            } else {
                TokenReach::Below(below.get(&id).cloned().unwrap_or_default())
            },
        },
        _ => return Err(StoreError::Damaged(WHAT)),
    };
    Ok(Token {
        id: TokenId(id),
        label: row.text(1)?,
        grant,
        issued: row.time(5)?,
        expires: row.maybe_time(6)?,
        revoked: row.maybe_time(7)?,
        last_used: row.maybe_time(8)?,
    })
}

fn chosen(own: Option<String>, weak_allowed: bool) -> Result<Secret, StoreError> {
    let Some(own) = own else { return Ok(Secret::random("ward_", random()?)) };
    let letters = own.chars().count();
    if letters == 0 || (letters < SHORTEST_SECRET && !weak_allowed) {
        let why =
            format!("a secret of {letters} letters could not be taken: the shortest has {SHORTEST_SECRET}");
        return Err(StoreError::Refused(why));
    }
    Ok(Secret::new(own))
}

/// Bytes that nobody can foresee.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::NoRandomness)?;
    Ok(bytes)
}

/// What is stored of a secret.
pub(crate) fn hash(secret: &Secret) -> Hash {
    Hash::of(secret.expose().as_bytes())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_ward_makes_is_long_and_never_the_same() {
        let (one, other) = (chosen(None, false).unwrap(), chosen(None, false).unwrap());
        assert!(one.expose().starts_with("ward_") && one.expose().len() == 5 + 64);
        assert_ne!(one, other);
    }

    #[test]
    fn a_short_secret_is_taken_only_when_weak_ones_are_allowed() {
        assert!(chosen(Some("x".repeat(15)), false).is_err());
        assert!(chosen(Some("x".repeat(16)), false).is_ok());
        assert!(chosen(Some("x".to_owned()), true).is_ok());
        assert!(chosen(Some(String::new()), true).is_err());
        let error = chosen(Some("hunter2".to_owned()), false).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
