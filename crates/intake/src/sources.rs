//! Who may send: sources, by what they show.
//!
//! Invariant: only digests of tokens are held.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ward_core::{OrganisationId, Source, SourceId};

use crate::pace::Pace;

/// The SHA-256 of a token's UTF-8 or of a client certificate's DER.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

/// The sources and what they show, swapped as a whole.
#[derive(Debug, Default)]
pub struct Sources(ArcSwap<SourceTable>);

/// All sources at one time.
#[derive(Debug, Default)]
pub struct SourceTable {
    by_id: HashMap<SourceId, Arc<Sender>>,
    tokens: HashMap<[u8; 32], SourceId>,
    certificates: HashMap<[u8; 32], SourceId>,
}

/// A source that may send.
#[derive(Debug)]
pub struct Sender {
    /// What the store says of it.
    pub source: Source,
    pub(crate) pace: Arc<Pace>,
}

impl Sources {
    /// These sources from now on. What a source has used up of its rate stays used up.
    pub fn replace(&self, mut table: SourceTable) {
        let before = self.0.load();
        for (id, sender) in &mut table.by_id {
            if let Some(old) = before.by_id.get(id) {
                *sender = Arc::new(Sender { source: sender.source.clone(), pace: Arc::clone(&old.pace) });
            }
        }
        self.0.store(Arc::new(table));
    }

    /// The source with this token.
    pub fn by_token(&self, token: &str) -> Option<Arc<Sender>> {
        let table = self.0.load();
        table.tokens.get(&digest(token.as_bytes())).and_then(|id| table.by_id.get(id)).cloned()
    }

    /// The source with the client certificate of this digest.
    pub fn by_certificate(&self, certificate: &[u8; 32]) -> Option<Arc<Sender>> {
        let table = self.0.load();
        table.certificates.get(certificate).and_then(|id| table.by_id.get(id)).cloned()
    }

    /// The source of this name.
    pub fn by_id(&self, id: &SourceId) -> Option<Arc<Sender>> {
        self.0.load().by_id.get(id).cloned()
    }
}

impl SourceTable {
    /// Adds a source.
    pub fn add(&mut self, source: Source) {
        self.by_id.insert(source.id.clone(), Arc::new(Sender { source, pace: Arc::default() }));
    }

    /// Lets whoever shows the token of this [`digest`] be that source.
    pub fn token(&mut self, token: [u8; 32], source: SourceId) {
        self.tokens.insert(token, source);
    }

    /// Lets whoever shows the client certificate of this [`digest`] be that source.
    pub fn certificate(&mut self, certificate: [u8; 32], source: SourceId) {
        self.certificates.insert(certificate, source);
    }
}

impl Sender {
    /// Its name.
    pub fn id(&self) -> &SourceId {
        &self.source.id
    }

    /// Whose events it sends.
    pub fn organisation(&self) -> &OrganisationId {
        &self.source.organisation
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ward_core::Timestamp;

    fn source(id: &str, rate: Option<u32>) -> Source {
        let organisation = OrganisationId::new("RXX").unwrap();
        Source { id: SourceId::new(id).unwrap(), organisation, rate, silent_after: None }
    }

    fn table(rate: Option<u32>) -> SourceTable {
        let mut table = SourceTable::default();
        table.add(source("epr", rate));
        table.token(digest(b"secret"), SourceId::new("epr").unwrap());
        table.certificate([7; 32], SourceId::new("epr").unwrap());
        table.token(digest(b"orphan"), SourceId::new("gone").unwrap());
        table
    }

    #[test]
    fn a_source_is_found_by_token_certificate_and_name() {
        let sources = Sources::default();
        assert!(sources.by_token("secret").is_none());
        sources.replace(table(None));
        assert_eq!(sources.by_token("secret").unwrap().id().as_str(), "epr");
        assert_eq!(sources.by_certificate(&[7; 32]).unwrap().id().as_str(), "epr");
        assert!(sources.by_id(&SourceId::new("epr").unwrap()).is_some());
        for unknown in ["", "Secret", "secret ", "orphan"] {
            assert!(sources.by_token(unknown).is_none(), "{unknown}");
        }
        sources.replace(SourceTable::default());
        assert!(sources.by_token("secret").is_none(), "revoked at once");
    }

    #[test]
    fn a_reload_does_not_fill_the_bucket() {
        let sources = Sources::default();
        sources.replace(table(Some(10)));
        let now = Timestamp::from_micros(0);
        assert!(sources.by_token("secret").unwrap().pace.take(Some(10), 1_000, now).is_ok());
        sources.replace(table(Some(10)));
        assert!(sources.by_token("secret").unwrap().pace.take(Some(10), 1, now).is_err());
    }
}
