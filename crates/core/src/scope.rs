//! Who may see what, and who did something. Every read takes a [`Scope`], every write an [`Actor`].
//!
//! Invariant: a scope is made where somebody has been authenticated, and nowhere else: a house test names
//! the files that may call [`Scope::of`] and [`Scope::whole_sector`].

use std::collections::BTreeSet;
use std::fmt;

use crate::OrganisationId;

/// Which organisations may be seen. What is outside answers as if it did not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Reach);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    All,
    Some(BTreeSet<OrganisationId>),
}

/// Who wrote something, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What it is.
    pub kind: ActorKind,
    /// Which one: the name of a token or user, a part of Ward. Never a secret.
    pub name: String,
}

/// Kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// Somebody with an access token.
    Token,
    /// Whoever runs `ward` on the machine itself.
    Operator,
    /// Ward by itself, such as the watch that stores a finding.
    Ward,
}

impl Scope {
    /// Exactly these organisations; those below them must be named too.
    pub fn of(organisations: impl IntoIterator<Item = OrganisationId>) -> Self {
        Self(Reach::Some(organisations.into_iter().collect()))
    }

    /// Every organisation there is.
    pub const fn whole_sector() -> Self {
        Self(Reach::All)
    }

    /// Whether this organisation may be seen.
    pub fn sees(&self, organisation: &OrganisationId) -> bool {
        match &self.0 {
            Reach::All => true,
            Reach::Some(seen) => seen.contains(organisation),
        }
    }

    /// The organisations that may be seen. `None`: all.
    pub fn organisations(&self) -> Option<&BTreeSet<OrganisationId>> {
        match &self.0 {
            Reach::All => None,
            Reach::Some(seen) => Some(seen),
        }
    }

    /// What is left of it when only `wanted` is asked for: never more than before.
    pub fn narrowed(&self, wanted: impl IntoIterator<Item = OrganisationId>) -> Self {
        Self::of(wanted.into_iter().filter(|organisation| self.sees(organisation)))
    }
}

impl Actor {
    /// Somebody with the access token of this name.
    pub fn token(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Token, name: name.into() }
    }

    /// Whoever runs `ward` on the machine.
    pub fn operator(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Operator, name: name.into() }
    }

    /// A part of Ward.
    pub fn ward(part: impl Into<String>) -> Self {
        Self { kind: ActorKind::Ward, name: part.into() }
    }
}

impl fmt::Display for Actor {
    /// `kind:name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ActorKind::Token => "token",
            ActorKind::Operator => "operator",
            ActorKind::Ward => "ward",
        };
        write!(f, "{kind}:{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(code: &str) -> OrganisationId {
        OrganisationId::new(code).unwrap()
    }

    #[test]
    fn a_scope_sees_what_it_names_and_nothing_else() {
        let leeds = Scope::of([id("RR8")]);
        assert!(leeds.sees(&id("RR8")) && !leeds.sees(&id("RCB")) && !leeds.sees(&id("rr8")));
        assert!(Scope::whole_sector().sees(&id("RCB")));
        assert!(!Scope::of([]).sees(&id("RR8")));
    }

    #[test]
    fn asking_for_more_than_one_may_see_gives_no_more() {
        let narrowed = Scope::of([id("RR8"), id("RAE")]).narrowed([id("RR8"), id("RCB")]);
        assert_eq!(narrowed, Scope::of([id("RR8")]));
        assert_eq!(Scope::whole_sector().narrowed([id("RCB")]), Scope::of([id("RCB")]));
    }
}
