//! What those do who look after people: enter one, give and take roles, let in again, keep out.

use serde::Serialize;
use ward_core::{OrganisationId, Timestamp};
use ward_pages::{Fault, Link, Page};
use ward_people::link::Purpose;
use ward_people::{Powers, Reach, Role};
use ward_store::StoreError;
use ward_store::people::grants::{self, NewGrant};
use ward_store::people::persons::{self, NewPerson};
use ward_store::people::{links, sessions};

use super::one::{RoleShown, person, roles};
use crate::ask::Answer;
use crate::console::visit::{Visit, sent_on};
use crate::refusal::Refusal;

const NEW: &str = "people/new.jinja";

/// What the form shows that enters somebody.
#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    email: &'a str,
    organisation: &'a str,
    role: &'a str,
    reach: &'a str,
    roles: Vec<RoleShown>,
}

/// A link that was made, shown once.
#[derive(Serialize)]
struct Made<'a> {
    link: String,
    name: &'a str,
    hours: i64,
    back: String,
}

/// `GET /people/new`
pub(crate) async fn get_new(visit: Visit) -> Answer {
    visit.show(NEW, &entering(&visit), &shown(&visit))
}

/// `POST /people/new`: enters somebody, gives the first role, and makes the link to come in by.
pub(crate) async fn post_new(visit: Visit) -> Answer {
    let (name, email) = (visit.form.text("name"), visit.form.text("email"));
    let mut faults = Vec::new();
    if name.is_empty() {
        faults.push(Fault::new("name", "Enter the name of the person"));
    }
    if email.is_empty() {
        faults.push(Fault::new("email", "Enter the e-mail address to sign in with"));
    }
    let organisation = code(visit.form.text("organisation"), "organisation", &mut faults);
    let grant = grant(&visit, &mut faults);
    let (Some(organisation), Some(grant), true) = (organisation, grant, faults.is_empty()) else {
        return visit.show(NEW, &entering(&visit).faults(faults), &shown(&visit));
    };
    let (store, by, now, powers) = (visit.ask.store(), visit.actor()?, visit.ask.now, powers(&visit)?);
    if let Some((role, reach)) = &grant
        && !powers.may_give(*role, reach)
    {
        let fault = Fault::new("role", "Choose a role, and a place, that is yours to give");
        return visit.show(NEW, &entering(&visit).faults([fault]), &shown(&visit));
    }
    let new =
        NewPerson { name: name.to_owned(), email: Some(email.to_owned()), organisation, identity: None };
    let id = match persons::add(store, by, now, powers, &new).await {
        Ok(id) => id,
        Err(StoreError::Refused(why)) => {
            let field = if why.contains("name") { "name" } else { "email" };
            return visit.show(NEW, &entering(&visit).faults([Fault::new(field, why)]), &shown(&visit));
        }
        Err(StoreError::NotFound(_)) => {
            let fault =
                Fault::new("organisation", "Enter the code of an organisation whose people you look after");
            return visit.show(NEW, &entering(&visit).faults([fault]), &shown(&visit));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some((role, reach)) = grant {
        grants::give(store, by, now, powers, &NewGrant { person: id, role, reach, expires: None }).await?;
    }
    let expires = Timestamp::from_micros(now.micros().saturating_add(Purpose::Invitation.lasts()));
    let (_, secret) = links::make(store, by, now, powers, id, Purpose::Invitation, expires).await?;
    hand_over(&visit, name, Purpose::Invitation, secret.expose(), &format!("/people/{id}"))
}

/// `POST /people/{id}/link`: a new way in for somebody who has lost the one before.
pub(crate) async fn link(visit: Visit) -> Answer {
    let id = person(&visit)?;
    let (store, by, now, powers) = (visit.ask.store(), visit.actor()?, visit.ask.now, powers(&visit)?);
    let it = persons::get(store, visit.ask.scope()?, id).await?;
    let purpose = match visit.form.text("purpose") {
        "password" => Purpose::Password,
        "everything" => Purpose::Everything,
        "invitation" => Purpose::Invitation,
        _ => return Err(Refusal::unclear("could not tell what the link is for")),
    };
    let expires = Timestamp::from_micros(now.micros().saturating_add(purpose.lasts()));
    let (_, secret) = links::make(store, by, now, powers, id, purpose, expires).await?;
    hand_over(&visit, &it.person.name, purpose, secret.expose(), &format!("/people/{id}"))
}

/// `POST /people/{id}/roles`: gives a role.
pub(crate) async fn give(visit: Visit) -> Answer {
    let id = person(&visit)?;
    let mut faults = Vec::new();
    let Some(Some((role, reach))) = grant(&visit, &mut faults) else {
        return Err(Refusal::unclear("could not give a role without saying which, and where")
            .hint("choose a role, and enter the code of an organisation or tick the whole sector"));
    };
    let (store, by, now, powers) = (visit.ask.store(), visit.actor()?, visit.ask.now, powers(&visit)?);
    persons::get(store, visit.ask.scope()?, id).await?;
    grants::give(store, by, now, powers, &NewGrant { person: id, role, reach, expires: None }).await?;
    Ok(sent_on(&format!("/people/{id}?done=given")))
}

/// `POST /people/{id}/revoke`: takes a role away.
pub(crate) async fn revoke(visit: Visit) -> Answer {
    let (id, grant) = (person(&visit)?, visit.form.text("grant"));
    let grant = grant.parse().map_err(|_: StoreError| Refusal::missing("grant"))?;
    grants::revoke(visit.ask.store(), visit.actor()?, visit.ask.now, powers(&visit)?, grant).await?;
    Ok(sent_on(&format!("/people/{id}?done=revoked")))
}

/// `POST /people/{id}/state`: keeps somebody out, or lets in again.
pub(crate) async fn state(visit: Visit) -> Answer {
    let (id, enabled) = (person(&visit)?, visit.form.text("state") == "enabled");
    persons::enable(visit.ask.store(), visit.actor()?, visit.ask.now, powers(&visit)?, id, enabled).await?;
    let done = if enabled { "enabled" } else { "disabled" };
    Ok(sent_on(&format!("/people/{id}?done={done}")))
}

/// `POST /people/{id}/sessions`: ends a session.
pub(crate) async fn end_session(visit: Visit) -> Answer {
    let (id, session) = (person(&visit)?, visit.form.text("session"));
    let session = session.parse().map_err(|_: StoreError| Refusal::missing("session"))?;
    sessions::revoke(visit.ask.store(), visit.actor()?, visit.ask.now, powers(&visit)?, session).await?;
    Ok(sent_on(&format!("/people/{id}?done=ended")))
}

fn powers(visit: &Visit) -> Result<&Powers, Refusal> {
    Ok(&visit.ask.access()?.powers)
}

fn entering(visit: &Visit) -> Page {
    visit.page("Enter somebody").below([Link::new("People", "/people")])
}

fn shown(visit: &Visit) -> Shown<'_> {
    Shown {
        name: visit.form.text("name"),
        email: visit.form.text("email"),
        organisation: visit.form.text("organisation"),
        role: visit.form.text("role"),
        reach: visit.form.text("reach"),
        roles: roles(),
    }
}

/// The role that was chosen, and where. `Some(None)`: none was. `None`: something is wrong with it.
fn grant(visit: &Visit, faults: &mut Vec<Fault>) -> Option<Option<(Role, Reach)>> {
    let named = visit.form.text("role");
    if named.is_empty() {
        return Some(None);
    }
    let Some(role) = Role::named(named).filter(|role| !role.is_of_tokens()) else {
        faults.push(Fault::new("role", "Choose a role"));
        return None;
    };
    if visit.form.text("whole_sector") == "true" {
        return Some(Some((role, Reach::WholeSector)));
    }
    let place = code(visit.form.text("reach"), "reach", faults)?;
    if place.is_none() {
        faults.push(Fault::new(
            "reach",
            "Enter the code of the organisation where the role holds, or tick the whole sector",
        ));
    }
    place.map(|place| Some((role, Reach::Below(place))))
}

/// A code that was typed. `Some(None)`: nothing was. `None`: it is no code.
fn code(text: &str, field: &str, faults: &mut Vec<Fault>) -> Option<Option<OrganisationId>> {
    if text.is_empty() {
        return Some(None);
    }
    match OrganisationId::new(text) {
        Ok(code) => Some(Some(code)),
        Err(_) => {
            faults.push(Fault::new(field, "Enter a code such as RR8"));
            None
        }
    }
}

/// Shows a link, once.
fn hand_over(visit: &Visit, name: &str, purpose: Purpose, secret: &str, back: &str) -> Answer {
    let link = format!("{}/link/{secret}", visit.site());
    let made = Made { link, name, hours: purpose.lasts() / 3_600_000_000, back: back.to_owned() };
    visit.show_secret("people/link.jinja", &visit.page("Hand this link over"), &made)
}
