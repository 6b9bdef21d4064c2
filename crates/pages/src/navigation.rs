//! Where one can go, by who one is.
//!
//! What is not in the navigation is not thereby forbidden: who may open a page is for `web` to decide, from the same
//! permissions. The navigation only leads nobody to a closed door.

use serde::Serialize;

/// A place to go, and what one must be let do to be shown it.
#[derive(Debug, Clone, Copy)]
pub struct Place<P> {
    /// What it is called.
    pub text: &'static str,
    /// Its path.
    pub href: &'static str,
    /// What it takes. `None`: nothing but being signed in.
    pub takes: Option<P>,
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

/// The places that somebody is shown who may do this, with the one marked at or below which he is.
pub fn of<P>(places: &[Place<P>], may: impl Fn(&P) -> bool, here: &str) -> Vec<Item> {
    let shown = places.iter().filter(|place| place.takes.as_ref().is_none_or(&may));
    let item = |place: &Place<P>| Item {
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
    enum May {
        SeeAlerts,
        Check,
    }

    const PLACES: [Place<May>; 3] = [
        Place { text: "Now", href: "/", takes: None },
        Place { text: "Alerts", href: "/alerts", takes: Some(May::SeeAlerts) },
        Place { text: "Check", href: "/check", takes: Some(May::Check) },
    ];

    fn shown(may: May, here: &str) -> Vec<(&'static str, bool)> {
        of(&PLACES, |takes| *takes == may, here).iter().map(|item| (item.text(), item.is_here())).collect()
    }

    #[test]
    fn each_is_shown_where_he_may_go() {
        assert_eq!(shown(May::SeeAlerts, "/"), [("Now", true), ("Alerts", false)]);
        assert_eq!(shown(May::Check, "/check"), [("Now", false), ("Check", true)]);
    }

    #[test]
    fn a_page_below_a_place_marks_the_place_and_one_that_begins_alike_does_not() {
        assert_eq!(shown(May::SeeAlerts, "/alerts/7"), [("Now", false), ("Alerts", true)]);
        assert_eq!(shown(May::SeeAlerts, "/alerts-archive"), [("Now", false), ("Alerts", false)]);
    }
}
