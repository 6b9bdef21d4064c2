//! Where one can go, by who one is.
//!
//! What is not in the navigation is not thereby forbidden: who may open a page is for `web` to decide, from the same
//! roles. The navigation only leads nobody to a closed door.

use serde::Serialize;

/// A place to go, and who is shown it.
#[derive(Debug, Clone, Copy)]
pub struct Place<R: 'static> {
    /// What it is called.
    pub text: &'static str,
    /// Its path.
    pub href: &'static str,
    /// The roles that it is shown to.
    pub roles: &'static [R],
}

/// A place as the header shows it, in the words of the official header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    text: &'static str,
    href: &'static str,
    /// Whether one is just there.
    current: bool,
    /// Whether one is below it.
    active: bool,
}

/// The places that a role is shown, with the one marked at or below which it is.
pub fn of<R: PartialEq>(places: &[Place<R>], role: &R, here: &str) -> Vec<Item> {
    let shown = places.iter().filter(|place| place.roles.contains(role));
    let item = |place: &Place<R>| Item {
        text: place.text,
        href: place.href,
        current: place.href == here,
        active: place.href != "/" && is_below(here, place.href),
    };
    shown.map(item).collect()
}

impl Item {
    /// What it is called.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether one is there or below it.
    pub fn is_here(&self) -> bool {
        self.current || self.active
    }
}

fn is_below(here: &str, above: &str) -> bool {
    here.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq)]
    enum Role {
        Analyst,
        CareHome,
    }

    const PLACES: [Place<Role>; 3] = [
        Place { text: "Now", href: "/", roles: &[Role::Analyst, Role::CareHome] },
        Place { text: "Alerts", href: "/alerts", roles: &[Role::Analyst] },
        Place { text: "Check", href: "/check", roles: &[Role::CareHome] },
    ];

    fn shown(role: Role, here: &str) -> Vec<(&'static str, bool)> {
        of(&PLACES, &role, here).iter().map(|item| (item.text(), item.is_here())).collect()
    }

    #[test]
    fn each_role_is_shown_its_own_places() {
        assert_eq!(shown(Role::Analyst, "/"), [("Now", true), ("Alerts", false)]);
        assert_eq!(shown(Role::CareHome, "/check"), [("Now", false), ("Check", true)]);
    }

    #[test]
    fn a_page_below_a_place_marks_the_place_and_one_that_begins_alike_does_not() {
        assert_eq!(shown(Role::Analyst, "/alerts/7"), [("Now", false), ("Alerts", true)]);
        assert_eq!(shown(Role::Analyst, "/alerts-archive"), [("Now", false), ("Alerts", false)]);
    }
}
