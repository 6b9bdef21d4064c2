//! How people are shown.

use serde_json::{Value, json};
use ward_core::Timestamp;
use ward_people::Reach;
use ward_people::session::State;
use ward_store::people::grants::{self, Grant};
use ward_store::people::persons::{self, Person};
use ward_store::people::{recovery_codes, second_factors, sessions as kept, sign_ins};

use crate::clock::now;
use crate::commands::listing::{ListFormat, Listing};
use crate::commands::office::Office;
use crate::commands::print;
use crate::error::Error;
use crate::terminal::safe;

/// Tries to sign in that are shown.
const TRIES: u32 = 10;

/// Everybody.
pub fn people(office: &Office, format: ListFormat) -> Result<(), Error> {
    let mut listing = Listing::new(&["id", "name", "email", "organisation", "state", "roles"]);
    let (now, grants) = (now(), office.wait(grants::list(&office.store, &office.scope, None))?);
    for person in office.wait(persons::list(&office.store, &office.scope))? {
        let own = grants.iter().filter(|grant| grant.person == person.id && grant.is_in_force(now));
        let roles: Vec<String> = own.map(|grant| format!("{} {}", role(grant), place(grant))).collect();
        let Person { id, person: of, .. } = &person;
        let organisation = of.organisation.as_ref().map(|organisation| organisation.as_str());
        listing.row([
            json!(id.to_string()),
            json!(of.name),
            json!(of.email),
            json!(organisation),
            json!(state(&person)),
            json!(roles),
        ]);
    }
    listing.print(format)
}

/// One person: about him a table, what he was given another, and how the last tries went a third; or one object.
pub fn person(office: &Office, person: &Person, format: ListFormat) -> Result<(), Error> {
    let (now, id) = (now(), person.id);
    let factor = office.wait(second_factors::has(&office.store, id))?;
    let codes = office.wait(recovery_codes::left(&office.store, id))?;
    let identity = person.person.identity.as_ref();
    let about = [
        ("id", json!(id.to_string())),
        ("name", json!(person.person.name)),
        ("email", json!(person.person.email)),
        (
            "organisation",
            json!(person.person.organisation.as_ref().map(|organisation| organisation.as_str())),
        ),
        ("identity", json!(identity.map(|identity| format!("{} at {}", identity.subject, identity.issuer)))),
        ("state", json!(state(person))),
        ("entered", json!(person.created.to_string())),
        ("second_factor", json!(factor)),
        ("recovery_codes", json!(codes)),
    ];
    let mut given = Listing::new(&["grant", "role", "reach", "given", "expires", "state"]);
    for grant in office.wait(grants::list(&office.store, &office.scope, Some(id)))? {
        given.row([
            json!(grant.id.to_string()),
            json!(role(&grant)),
            json!(place(&grant)),
            json!(grant.given.to_string()),
            json!(grant.expires.map(|time| time.to_string())),
            json!(match grant.is_in_force(now) {
                true => "in force",
                false if grant.revoked.is_some() => "revoked",
                false => "ended",
            }),
        ]);
    }
    let mut tries = Listing::new(&["time", "outcome", "address", "device"]);
    for each in office.wait(sign_ins::list(&office.store, &office.scope, Some(id), TRIES))? {
        let outcome = each.outcome.name().replace('_', " ");
        tries.row([json!(each.time.to_string()), json!(outcome), json!(each.address), json!(each.device)]);
    }
    if format == ListFormat::Json {
        let mut object: serde_json::Map<String, Value> =
            about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        object.insert("grants".to_owned(), given.objects().into());
        object.insert("sign_ins".to_owned(), tries.objects().into());
        return print(&format!("{}\n", Value::Object(object)));
    }
    for (name, value) in about {
        let value = match value {
            Value::Null => "-".to_owned(),
            Value::Bool(yes) => if yes { "yes" } else { "no" }.to_owned(),
            Value::String(text) => safe(&text),
            other => other.to_string(),
        };
        print(&format!("{:<15} {value}\n", name.replace('_', " ")))?;
    }
    print("\n")?;
    given.print(format)?;
    print("\n")?;
    tries.print(format)
}

/// Sessions, of one person or of all.
pub fn sessions(office: &Office, person: Option<&Person>, format: ListFormat) -> Result<(), Error> {
    let mut listing =
        Listing::new(&["session", "person", "state", "begun", "seen", "ends", "address", "device"]);
    let now = now();
    for each in office.wait(kept::list(&office.store, &office.scope, person.map(|person| person.id)))? {
        let open = match each.session.state(now) {
            State::Fresh | State::Open => "open",
            State::Half => "signing in",
            State::Ended => "ended",
        };
        let time = |time: Timestamp| json!(time.to_string());
        listing.row([
            json!(each.id.to_string()),
            json!(each.person.to_string()),
            json!(open),
            time(each.session.begun),
            time(each.session.seen),
            time(each.session.ended.unwrap_or(each.session.ends)),
            json!(each.address),
            json!(each.device),
        ]);
    }
    listing.print(format)
}

fn role(grant: &Grant) -> String {
    grant.role.name().replace('_', "-")
}

fn place(grant: &Grant) -> String {
    match &grant.reach {
        Reach::WholeSector => "whole sector".to_owned(),
        Reach::Below(organisation) => organisation.to_string(),
    }
}

fn state(person: &Person) -> &'static str {
    if person.disabled.is_some() { "disabled" } else { "enabled" }
}
