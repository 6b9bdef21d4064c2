//! Alerts for people: the queue, one of them, and what is decided about them.

pub(super) mod exception;
pub(super) mod finding;
pub(super) mod one;
pub(super) mod queue;
pub(super) mod views;
pub(super) mod work;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use ward_core::{Actor, ActorKind, OrganisationId, Scope};
use ward_store::alerts::{Alert, OwnedBy, State, Verdict};
use ward_store::people::persons;
use ward_store::{PersonId, Store, StoreError, organisations};

use super::visit::Visit;
use crate::refusal::Refusal;

/// Names of the organisations and people that a page speaks of.
#[derive(Debug, Default)]
struct Names {
    organisations: BTreeMap<OrganisationId, String>,
    people: BTreeMap<PersonId, String>,
}

impl Names {
    async fn of(
        store: &Store,
        scope: &Scope,
        organisations: BTreeSet<OrganisationId>,
        people: BTreeSet<PersonId>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            organisations: organisations::names(store, scope, &organisations).await?,
            people: persons::names(store, &people).await?,
        })
    }

    fn organisation(&self, id: &OrganisationId) -> String {
        self.organisations.get(id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// Whose work something is: a person by his id, or whatever name a program gave.
    fn owner(&self, owner: &str) -> String {
        let known = owner.parse().ok().and_then(|id: PersonId| self.people.get(&id));
        known.cloned().unwrap_or_else(|| owner.to_owned())
    }

    /// Who did something.
    fn actor(&self, actor: &Actor) -> String {
        match actor.kind {
            ActorKind::Person => self.owner(&actor.name),
            ActorKind::Ward => "Ward".to_owned(),
            _ => actor.name.clone(),
        }
    }
}

/// The people whose names are needed to show these alerts.
fn owners<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> BTreeSet<PersonId> {
    alerts.into_iter().filter_map(|alert| alert.owner.as_deref()?.parse().ok()).collect()
}

/// A value that a rule matched, as it stood in the event.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whoever is signed in, as the owner of an alert.
fn me(visit: &Visit) -> Result<String, Refusal> {
    Ok(visit.present()?.person.to_string())
}

/// `me`, `nobody`, or an id.
fn owned_by(visit: &Visit, text: &str) -> Result<OwnedBy, Refusal> {
    Ok(match text {
        "nobody" => OwnedBy::Nobody,
        "me" => OwnedBy::Somebody(me(visit)?),
        id => OwnedBy::Somebody(id.to_owned()),
    })
}

/// As people say it.
fn state_said(state: State) -> &'static str {
    match state {
        State::Open => "New",
        State::Acknowledged => "In hand",
        State::Closed => "Closed",
    }
}

/// As people say it.
fn verdict_said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Undecided => "No verdict yet",
        Verdict::TruePositive => "True: an attack, or meant to look like one",
        Verdict::FalsePositive => "False: the rule was wrong",
        Verdict::Benign => "Benign but expected: the rule was right, and it is permitted",
    }
}
