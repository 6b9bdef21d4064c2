//! `/people/{id}`: one person, what was given, where signed in, and how to change it.

use serde::Serialize;
use ward_pages::{Link, Notice};
use ward_people::session::State;
use ward_people::{Permission, Role};
use ward_store::PersonId;
use ward_store::people::{grants, persons, sessions};

use super::{place, state};
use crate::ask::Answer;
use crate::console::visit::Visit;
use crate::refusal::Refusal;

#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    email: Option<String>,
    organisation: Option<String>,
    disabled: bool,
    is_me: bool,
    grants: Vec<GrantShown>,
    sessions: Vec<SessionShown>,
    may_manage: bool,
    roles: Vec<RoleShown>,
}

#[derive(Serialize)]
struct GrantShown {
    id: String,
    role: &'static str,
    place: String,
    state: String,
    in_force: bool,
}

#[derive(Serialize)]
struct SessionShown {
    id: String,
    address: String,
    begun: i64,
    seen: i64,
}

/// A role that can be given.
#[derive(Serialize)]
pub(super) struct RoleShown {
    pub name: &'static str,
    pub title: &'static str,
}

/// `GET /people/{id}`
pub(crate) async fn get(visit: Visit) -> Answer {
    let id = person(&visit)?;
    let ask = &visit.ask;
    let (store, scope) = (ask.store(), ask.scope()?);
    let it = persons::get(store, scope, id).await?;
    let given = grants::list(store, scope, Some(id)).await?;
    let open = sessions::list(store, scope, Some(id)).await?;
    let may_manage = visit.may(Permission::ManagePeople);
    let mut page = visit.page(&it.person.name).below([Link::new("People", "/people")]);
    if let Some(text) = ask.parameters.text("done").and_then(done) {
        page = page.notice(Notice::success(text));
    }
    let shown = Shown {
        id: id.to_string(),
        name: it.person.name,
        email: it.person.email,
        organisation: it.person.organisation.map(|it| it.to_string()),
        disabled: it.disabled.is_some(),
        is_me: visit.present()?.person == id,
        grants: given
            .iter()
            .map(|grant| GrantShown {
                id: grant.id.to_string(),
                role: grant.role.row().title,
                place: place(&grant.reach),
                state: state(grant, ask.now),
                in_force: grant.is_in_force(ask.now),
            })
            .collect(),
        sessions: open
            .iter()
            .filter(|kept| !matches!(kept.session.state(ask.now), State::Ended))
            .map(|kept| SessionShown {
                id: kept.id.to_string(),
                address: kept.address.clone(),
                begun: kept.session.begun.micros(),
                seen: kept.session.seen.micros(),
            })
            .collect(),
        may_manage,
        roles: roles(),
    };
    visit.show("people/person.jinja", &page, &shown)
}

/// The roles of people. Whether one is in somebody's gift is told when it is given.
pub(super) fn roles() -> Vec<RoleShown> {
    Role::PEOPLE.into_iter().map(|role| RoleShown { name: role.name(), title: role.row().title }).collect()
}

/// The person that the path names.
pub(super) fn person(visit: &Visit) -> Result<PersonId, Refusal> {
    visit.ask.named("person", |id| id.parse().ok())
}

fn done(what: &str) -> Option<&'static str> {
    Some(match what {
        "given" => "The role is given. It holds from now on.",
        "revoked" => "The role is taken away.",
        "ended" => "The session has ended.",
        "disabled" => "The account is disabled. All its sessions and links have ended.",
        "enabled" => "The account is enabled again.",
        _ => return None,
    })
}
