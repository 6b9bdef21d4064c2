//! People, as those see them who look after them: who there is, what each was given, and the way in for each.
//!
//! Invariant: everything here that changes something takes the second factor of a moment ago
//! ([`ward_people::Permission::is_of_great_effect`]).

pub(super) mod change;
pub(super) mod glass;
pub(super) mod one;

use ward_pages::table::{Cell, Table};
use ward_pages::{Link, words};
use ward_people::{Permission, Reach};
use ward_store::people::grants::{self, Grant};
use ward_store::people::persons;

use super::list::{List, Search};
use super::visit::Visit;
use crate::ask::Answer;

/// People that are listed at once.
const MOST: usize = 500;

/// `GET /people`
pub(crate) async fn list(visit: Visit) -> Answer {
    let (ask, wanted) = (&visit.ask, visit.ask.parameters.text("q").unwrap_or_default());
    let (store, scope) = (ask.store(), ask.scope()?);
    let all = persons::list(store, scope).await?;
    let given = grants::list(store, scope, None).await?;
    let lower = wanted.to_lowercase();
    let found: Vec<_> = all
        .iter()
        .filter(|it| {
            let email = it.person.email.as_deref().unwrap_or_default().to_lowercase();
            it.person.name.to_lowercase().contains(&lower) || email.contains(&lower)
        })
        .collect();
    let mut table = Table::new("By name")
        .column("Name")
        .column("E-mail address")
        .column("Works at")
        .column("Roles")
        .column("State");
    for it in found.iter().take(MOST) {
        let roles: Vec<String> = given
            .iter()
            .filter(|grant| grant.person == it.id && grant.is_in_force(ask.now))
            .map(|grant| format!("{} ({})", grant.role.row().title, place(&grant.reach)))
            .collect();
        table.push([
            Cell::text(&it.person.name).to(Some(format!("/people/{}", it.id))),
            Cell::text(it.person.email.as_deref().unwrap_or("none")),
            Cell::text(it.person.organisation.as_ref().map_or("the sector as a whole", |it| it.as_str())),
            Cell::text(if roles.is_empty() { "none".to_owned() } else { roles.join(", ") }),
            Cell::text(if it.disabled.is_some() { "disabled" } else { "enabled" }),
        ]);
    }
    let mut lede = words::count(found.len() as u64, ["person", "people"]) + ".";
    if found.len() > MOST {
        lede.push_str(&format!(" The first {MOST} are shown; search for others by name."));
    }
    let mut links = Vec::new();
    if visit.may(Permission::ManagePeople) {
        links.push(Link::new("Enter somebody", "/people/new"));
    }
    if visit.may(Permission::SeeBreakGlass) {
        links.push(Link::new("Who broke the glass", "/glass"));
    }
    let search =
        Some(Search { action: "/people", label: "Name or e-mail address", value: wanted.to_owned() });
    List { lede, links, search, ..List::default() }
        .with(table, "Nobody.")
        .show(&visit, &visit.page("People").wide())
}

/// Where a role holds.
fn place(reach: &Reach) -> String {
    match reach {
        Reach::WholeSector => "the whole sector".to_owned(),
        Reach::Below(organisation) => organisation.to_string(),
    }
}

/// How far a grant is in force.
fn state(grant: &Grant, now: ward_core::Timestamp) -> String {
    match (grant.revoked, grant.expires) {
        (Some(revoked), _) => format!("taken away {}", words::time(revoked)),
        (None, Some(expires)) if expires <= now => format!("ended {}", words::time(expires)),
        (None, Some(expires)) => format!("until {}", words::time(expires)),
        (None, None) => "until it is taken away".to_owned(),
    }
}
