//! Where one can go in the console.

use ward_pages::navigation::Place;
use ward_people::Permission::{self, *};

/// The places of the header, from left to right.
pub(super) const PLACES: &[Place<Permission>] = &[
    Place { text: "Now", href: "/", takes: None },
    Place { text: "Alerts", href: "/alerts", takes: Some(SeeAlerts) },
    Place { text: "Hunt", href: "/hunt", takes: Some(Hunt) },
    Place { text: "Organisations", href: "/organisations", takes: Some(SeeOverview) },
    Place { text: "Sources", href: "/sources", takes: Some(SeeSources) },
    Place { text: "Rules", href: "/rules", takes: Some(SeeRules) },
    Place { text: "Set aside", href: "/set-aside", takes: Some(SeeLetters) },
    Place { text: "People", href: "/people", takes: Some(SeePeople) },
    Place { text: "Record", href: "/record", takes: Some(ReadLedger) },
];
