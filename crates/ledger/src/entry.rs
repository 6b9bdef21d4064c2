//! One entry, and how it is put at the end of a chain.
//!
//! What is hashed, all numbers big-endian, each text as its length in bytes (8 bytes) and its UTF-8:
//!
//! ```text
//! text "ward-ledger-1" | previous hash (32 bytes) | number (8) | time in microseconds (8, two's complement)
//! text kind of actor   | text name of actor | text action | text subject | text detail
//! ```
//!
//! Lengths stand before texts, so that no two different entries have the same encoding.

use ward_core::{Actor, ActorKind, Timestamp};

use crate::Hash;

const FORMAT: &str = "ward-ledger-1";

/// What somebody did, at its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 1.
    pub number: u64,
    /// When it was done.
    pub time: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done, as `thing.verb`: `token.issue`.
    pub action: String,
    /// What it was done to, such as the id of a token.
    pub subject: String,
    /// More about it: JSON text, as [`canonical`](crate::canonical()) writes it.
    pub detail: String,
    /// Hash of the entry before it.
    pub previous: Hash,
    /// Its own hash.
    pub hash: Hash,
}

/// What somebody did, before it has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// When it was done.
    pub time: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done, as `thing.verb`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// More about it, as canonical JSON text.
    pub detail: String,
}

/// The end of a chain: its last entry's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the last entry. 0: there is none.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
}

/// How a chain grows.
#[derive(Debug)]
pub struct Chain;

impl Head {
    /// The end of a chain without entries.
    pub const EMPTY: Self = Self { number: 0, hash: Hash::ZERO };
}

impl Chain {
    /// Gives the entry its place after `head`.
    pub fn append(head: &Head, new: NewEntry) -> Entry {
        let NewEntry { time, actor, action, subject, detail } = new;
        let number = head.number.saturating_add(1);
        let mut entry =
            Entry { number, time, actor, action, subject, detail, previous: head.hash, hash: Hash::ZERO };
        entry.hash = entry.computed_hash();
        entry
    }
}

impl Entry {
    /// The end of the chain when this entry is its last.
    pub fn head(&self) -> Head {
        Head { number: self.number, hash: self.hash }
    }

    /// The hash that belongs to what the entry says, whatever it claims.
    pub fn computed_hash(&self) -> Hash {
        let mut bytes = Vec::with_capacity(256 + self.subject.len() + self.detail.len());
        text(&mut bytes, FORMAT);
        bytes.extend_from_slice(&self.previous.0);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.time.micros().to_be_bytes());
        text(&mut bytes, actor_kind_name(self.actor.kind));
        for part in [&self.actor.name, &self.action, &self.subject, &self.detail] {
            text(&mut bytes, part);
        }
        Hash::of(&bytes)
    }
}

/// The name of a kind of actor, in the ledger and where it is stored.
pub const fn actor_kind_name(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Token => "token",
        ActorKind::Person => "person",
        ActorKind::Operator => "operator",
        ActorKind::Ward => "ward",
    }
}

/// The kind of actor of this name.
pub fn actor_kind(name: &str) -> Option<ActorKind> {
    [ActorKind::Token, ActorKind::Person, ActorKind::Operator, ActorKind::Ward]
        .into_iter()
        .find(|kind| actor_kind_name(*kind) == name)
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(subject: &str, detail: &str) -> NewEntry {
        NewEntry {
            time: Timestamp::from_micros(1_700_000_000_000_000),
            actor: Actor::operator("root"),
            action: "token.issue".to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        }
    }

    /// The format is for ever: a chain that was written must stay verifiable.
    #[test]
    fn the_encoding_never_changes() {
        let first = Chain::append(&Head::EMPTY, issued("t1", "{}"));
        assert_eq!(first.number, 1);
        assert_eq!(first.hash.to_string(), EXPECTED);
        let second = Chain::append(&first.head(), issued("t2", "{}"));
        assert_eq!((second.number, second.previous), (2, first.hash));
    }

    #[test]
    fn moving_a_letter_from_one_part_to_the_next_changes_the_hash() {
        let one = Chain::append(&Head::EMPTY, issued("ab", "c"));
        let other = Chain::append(&Head::EMPTY, issued("a", "bc"));
        assert_ne!(one.hash, other.hash);
    }

    #[test]
    fn each_kind_of_actor_is_found_by_its_name() {
        for kind in [ActorKind::Token, ActorKind::Person, ActorKind::Operator, ActorKind::Ward] {
            assert_eq!(actor_kind(actor_kind_name(kind)), Some(kind));
            let actor = Actor { kind, name: "x".to_owned() };
            assert_eq!(actor.to_string(), format!("{}:x", actor_kind_name(kind)));
        }
        assert_eq!(actor_kind("nobody"), None);
    }

    /// Computed apart from this code, from the encoding above.
    const EXPECTED: &str = "4d2675fc58b4c2e252947e2c71e877dfe486b668671094d35be89adc1898785b";
}
