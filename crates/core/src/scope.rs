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
    /// Which one: the name of a token or user, the id of a person, a part of Ward. Never a secret, and nothing that
    /// names somebody who may want to be forgotten.
    pub name: String,
}

/// Kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// Somebody with an access token.
    Token,
    /// Somebody who has signed in.
    Person,
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

    /// None: what somebody sees who was let see nothing.
    pub const fn nothing() -> Self {
        Self(Reach::Some(BTreeSet::new()))
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

    /// What is seen by whoever has both: never more than the two together.
    #[must_use]
    pub fn joined(self, other: &Self) -> Self {
        match (self.0, &other.0) {
            (Reach::All, _) | (_, Reach::All) => Self(Reach::All),
            (Reach::Some(mut seen), Reach::Some(more)) => {
                seen.extend(more.iter().cloned());
                Self(Reach::Some(seen))
            }
        }
    }
}

impl Actor {
    /// Somebody with the access token of this name.
    pub fn token(name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Token, name: name.into() }
    }

    /// The person of this id, signed in.
    pub fn person(id: impl Into<String>) -> Self {
        Self { kind: ActorKind::Person, name: id.into() }
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
            ActorKind::Person => "person",
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

    #[test]
    fn who_has_two_scopes_sees_what_either_sees() {
        let joined = Scope::of([id("RR8")]).joined(&Scope::of([id("RCB")]));
        assert_eq!(joined, Scope::of([id("RR8"), id("RCB")]));
        assert_eq!(Scope::nothing().joined(&Scope::of([id("RCB")])), Scope::of([id("RCB")]));
        for (one, other) in
            [(Scope::whole_sector(), Scope::nothing()), (Scope::nothing(), Scope::whole_sector())]
        {
            assert_eq!(one.joined(&other), Scope::whole_sector());
        }
        assert!(!Scope::nothing().sees(&id("RR8")));
    }
}
