//! Who is asking, and what they may see. With [`Scope::whole_sector`] for Ward itself, the only place where a
//! scope comes from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ward_core::{Actor, OrganisationId, Scope, Source, SourceId, Timestamp};
use ward_ledger::Hash;

use crate::sql::{Columns, Sql, sql, values};
use crate::tokens::{Role, TokenId};
use crate::{Store, StoreError, organisations, sources};

/// What somebody with an access token is let do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who it is, for the ledger.
    pub actor: Actor,
    /// What may be done.
    pub role: Role,
    /// What may be seen.
    pub scope: Scope,
    /// The token, for [`crate::tokens::note_use`].
    pub token: TokenId,
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

/// The access that a secret gives now. `None`: none, whether there is no such token, it is no access token, or
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
        role: Role::named(&row.text(2)?).ok_or(StoreError::Damaged("role"))?,
        scope,
        token: TokenId(id),
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
