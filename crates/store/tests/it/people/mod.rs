//! People: who may come in, what they may do then, and who may say so.

mod glass;
mod managing;
mod naming;
mod secrets;
mod signing_in;

use std::sync::LazyLock;

use ward_core::{Actor, Timestamp};
use ward_people::password::{Cost, Hasher};
use ward_people::session::{How, Limits};
use ward_people::{Key, Password, Powers, Reach, Role};
use ward_store::auth::{self, Access};
use ward_store::people::grants::{self, NewGrant};
use ward_store::people::persons::{self, NewPerson};
use ward_store::people::sessions::{self, NewSession};
use ward_store::{PersonId, Store};

use crate::support::*;

/// As little as it takes, so that tests are quick.
static KEPT: LazyLock<String> = LazyLock::new(|| {
    let hasher = Hasher::new(Cost { memory: 8, passes: 1, lanes: 1 });
    hasher.hash(&Password::typed("zygote plinth 41"), [1; 16]).unwrap()
});

fn key() -> Key {
    Key::new([7; 32])
}

/// Whoever runs the machine.
fn machine() -> Powers {
    Powers::everything(all())
}

fn at(code: &str) -> Reach {
    Reach::Below(org(code))
}

fn new(name: &str, of: Option<&str>) -> NewPerson {
    let email = format!("{}@ward-test.example", name.to_lowercase());
    NewPerson { name: name.to_owned(), email: Some(email), organisation: of.map(org), identity: None }
}

/// A person with these roles.
async fn person(store: &Store, name: &str, of: Option<&str>, roles: &[(Role, Reach)]) -> PersonId {
    let person = persons::add(store, &root(), NOW, &machine(), &new(name, of)).await.unwrap();
    for (role, reach) in roles {
        give(store, &root(), &machine(), person, *role, reach.clone()).await.unwrap();
    }
    person
}

async fn give(
    store: &Store,
    by: &Actor,
    powers: &Powers,
    person: PersonId,
    role: Role,
    reach: Reach,
) -> Result<ward_store::GrantId, ward_store::StoreError> {
    grants::give(store, by, NOW, powers, &NewGrant { person, role, reach, expires: None }).await
}

fn session_of(person: PersonId, second_factor: bool) -> NewSession {
    NewSession {
        person,
        how: How::Password,
        second_factor,
        limits: Limits::default(),
        device: "Firefox\n on Linux".to_owned(),
        address: "192.0.2.7".to_owned(),
        replaces: None,
    }
}

/// The secret of a session that opens all that the person may.
async fn sign_in(store: &Store, person: PersonId, now: Timestamp) -> String {
    let by = Actor::person(person.to_string());
    let (_, secret) = sessions::begin(store, &by, now, &session_of(person, true)).await.unwrap();
    secret.expose().to_owned()
}

async fn access(store: &Store, secret: &str, now: Timestamp) -> Option<Access> {
    auth::authenticate_session(store, secret, now).await.unwrap()
}

/// What somebody may do who signs in now.
async fn access_of(store: &Store, person: PersonId, now: Timestamp) -> Access {
    let secret = sign_in(store, person, now).await;
    access(store, &secret, now).await.unwrap()
}

/// All that is stored of people, and the whole ledger, as text.
async fn everything(place: &Place) -> Vec<String> {
    let mut all = Vec::new();
    for select in [
        "SELECT kept FROM passwords",
        "SELECT hash FROM recovery_codes",
        "SELECT id || ' ' || hash || ' ' || device || ' ' || address FROM sessions",
        "SELECT id || ' ' || hash || ' ' || purpose FROM links",
        "SELECT action || ' ' || subject || ' ' || actor_name || ' ' || detail FROM ledger",
        "SELECT outcome || ' ' || device FROM sign_ins",
    ] {
        all.extend(column(&place.url, select).await);
    }
    all
}
