//! Who is asking, and what they may see. With [`Scope::whole_sector`] for Ward itself, the only place where a
//! scope comes from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ward_core::{Actor, OrganisationId, Scope, Source, SourceId, Timestamp};
use ward_ledger::Hash;
use ward_people::session::State;
use ward_people::{Decision, Permission, Powers, Reach, Role};

use crate::ids::{PersonId, SessionId};
use crate::people::glass::{self, Broken};
use crate::people::{grants, persons, sessions};
use crate::sql::{Columns, Sql, sql, values};
use crate::tokens::TokenId;
use crate::{Store, StoreError, organisations, sources};

/// What somebody is let do who has shown who he is, by an access token or a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who it is, for the ledger.
    pub actor: Actor,
    /// What may be done, and where.
    pub powers: Powers,
    /// What was shown.
    pub shown: Shown,
}

/// What somebody has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// An access token.
    Token {
        /// Which, for [`crate::tokens::note_use`].
        id: TokenId,
        /// Its role.
        role: Role,
    },
    /// A session of a person.
    Session(Box<Present>),
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The session, for [`sessions::note_seen`].
    pub session: SessionId,
    /// Who.
    pub person: PersonId,
    /// What people call him.
    pub name: String,
    /// What he signs in with.
    pub email: Option<String>,
    /// Where he works.
    pub organisation: Option<OrganisationId>,
    /// What he was given, and where.
    pub roles: Vec<(Role, Reach)>,
    /// When he last showed a second factor.
    pub second_factor: Timestamp,
    /// When the session ends, whatever is done in it.
    pub ends: Timestamp,
    /// Where he has broken the glass.
    pub glass: Vec<Broken>,
}

impl Access {
    /// Whether this may be done anywhere. Of what is of great effect, [`Access::decide`] says whether it may be done now.
    pub fn may(&self, permission: Permission) -> bool {
        self.powers.may(permission)
    }

    /// Whether this may be done anywhere now, or once the second factor has been shown again.
    pub fn decide(&self, permission: Permission, now: Timestamp) -> Decision {
        let second_factor = match &self.shown {
            Shown::Token { .. } => None,
            Shown::Session(present) => Some(present.second_factor),
        };
        self.powers.decide(permission, second_factor, now)
    }

    /// Where this may be done: what to read and write with.
    pub fn scope(&self, permission: Permission) -> &Scope {
        self.powers.scope(permission)
    }
}

/// Who may send events: all that intake needs, read at once and asked without the database.
#[derive(Debug, Clone, Default)]
pub struct IntakeSources {
    by_id: BTreeMap<SourceId, Source>,
    by_token: HashMap<Hash, IngestToken>,
    by_certificate: HashMap<Hash, SourceId>,
}

#[derive(Debug, Clone)]
struct IngestToken {
    id: TokenId,
    source: SourceId,
    expires: Option<Timestamp>,
}

/// The access that a token gives now. `None`: none, whether there is no such token, it is no access token, or
/// it has expired or been revoked.
///
/// Organisations that are added below later are seen from the next call on.
///
/// # Errors
/// The database fails.
pub async fn authenticate(store: &Store, secret: &str, now: Timestamp) -> Result<Option<Access>, StoreError> {
    let select = sql(
        "SELECT id, label, role, whole_sector FROM tokens WHERE hash = $1 AND role IS NOT NULL \
         AND revoked IS NULL AND (expires IS NULL OR expires > $2)",
        values![Hash::of(secret.as_bytes()).to_string(), now],
    );
    let Some(row) = store.row(select).await? else { return Ok(None) };
    let (id, label) = (row.text(0)?, row.text(1)?);
    let role = Role::named(&row.text(2)?).filter(|role| role.is_of_tokens());
    let role = role.ok_or(StoreError::Damaged("role"))?;
    let scope = if row.flag(3)? {
        Scope::whole_sector()
    } else {
        let select = sql("SELECT organisation FROM token_organisations WHERE token = $1", values![&id]);
        let tops: Result<BTreeSet<OrganisationId>, _> =
            store.rows(select).await?.iter().map(|row| row.organisation(0)).collect();
        Scope::of(organisations::below(store, &tops?).await?)
    };
    Ok(Some(Access {
        actor: Actor::token(format!("{label} ({id})")),
        powers: Powers::of([(role, scope)]),
        shown: Shown::Token { id: TokenId(id), role },
    }))
}

/// The access that a session gives now. `None`: none, whether there is no such session, it has ended, its second factor
/// is still to be shown, or its person has been disabled.
///
/// What is given, revoked, joined or broken later holds from the next call on.
///
/// # Errors
/// The database fails.
pub async fn authenticate_session(
    store: &Store,
    secret: &str,
    now: Timestamp,
) -> Result<Option<Access>, StoreError> {
    let Some(kept) = sessions::of_secret(store, secret).await? else { return Ok(None) };
    let (State::Fresh | State::Open, Some(second_factor)) =
        (kept.session.state(now), kept.session.second_factor)
    else {
        return Ok(None);
    };
    let person = persons::get(store, &Scope::whole_sector(), kept.person).await?.person;
    let roles: Vec<(Role, Reach)> = grants::in_force(store, kept.person, now)
        .await?
        .into_iter()
        .map(|grant| (grant.role, grant.reach))
        .collect();
    // Each role once, with all that it was given for.
    let mut tops: BTreeMap<Role, (bool, BTreeSet<OrganisationId>)> = BTreeMap::new();
    for (role, reach) in &roles {
        let (whole_sector, below) = tops.entry(*role).or_default();
        match reach {
            Reach::WholeSector => *whole_sector = true,
            Reach::Below(organisation) => drop(below.insert(organisation.clone())),
        }
    }
    let mut scopes = Vec::new();
    for (role, (whole_sector, below)) in tops {
        let scope = match whole_sector {
            true => Scope::whole_sector(),
            false => Scope::of(organisations::below(store, &below).await?),
        };
        scopes.push((role, scope));
    }
    let mut powers = Powers::of(scopes);
    let glass = glass::open(store, kept.person, now).await?;
    if !glass.is_empty() {
        let below =
            organisations::below(store, glass.iter().map(|broken| &broken.glass.organisation)).await?;
        powers = powers.behind_glass(Scope::of(below));
    }
    Ok(Some(Access {
        actor: Actor::person(kept.person.to_string()),
        powers,
        shown: Shown::Session(Box::new(Present {
            session: kept.id,
            person: kept.person,
            name: person.name,
            email: person.email,
            organisation: person.organisation,
            roles,
            second_factor,
            ends: kept.session.ends,
            glass,
        })),
    }))
}

/// Everybody who may send events now: enabled sources, their tokens and client certificates.
///
/// # Errors
/// The database fails.
pub async fn ingest_sources(store: &Store, now: Timestamp) -> Result<IntakeSources, StoreError> {
    let mut intake = IntakeSources::default();
    for entered in sources::list(store, &Scope::whole_sector()).await? {
        if entered.enabled {
            intake.by_id.insert(entered.source.id.clone(), entered.source);
        }
    }
    let tokens = sql(
        "SELECT hash, id, source, expires FROM tokens WHERE source IS NOT NULL AND revoked IS NULL \
         AND (expires IS NULL OR expires > $1)",
        values![now],
    );
    for row in store.rows(tokens).await? {
        let token =
            IngestToken { id: TokenId(row.text(1)?), source: row.source(2)?, expires: row.maybe_time(3)? };
        intake.by_token.insert(row.hash(0)?, token);
    }
    for row in store.rows(Sql::new("SELECT fingerprint, source FROM certificates")).await? {
        intake.by_certificate.insert(row.hash(0)?, row.source(1)?);
    }
    Ok(intake)
}

impl IntakeSources {
    /// The source that this secret speaks for now, and the name of its token.
    pub fn by_secret(&self, secret: &str, now: Timestamp) -> Option<(&Source, &TokenId)> {
        let token = self.by_token.get(&Hash::of(secret.as_bytes()))?;
        if token.expires.is_some_and(|expires| expires <= now) {
            return None;
        }
        Some((self.by_id.get(&token.source)?, &token.id))
    }

    /// The source that a client certificate speaks for; `fingerprint` is the SHA-256 of its DER.
    pub fn by_certificate(&self, fingerprint: &Hash) -> Option<&Source> {
        self.by_id.get(self.by_certificate.get(fingerprint)?)
    }

    /// The source of this name, for a listener that is bound to one.
    pub fn by_id(&self, id: &SourceId) -> Option<&Source> {
        self.by_id.get(id)
    }

    /// Digest of each token that is good now, and whose it is.
    pub fn tokens(&self) -> impl Iterator<Item = (&Hash, &SourceId)> {
        self.by_token.iter().map(|(hash, token)| (hash, &token.source))
    }

    /// Digest of each client certificate, and whose it is.
    pub fn certificates(&self) -> impl Iterator<Item = (&Hash, &SourceId)> {
        self.by_certificate.iter()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.by_id.values()
    }
}
