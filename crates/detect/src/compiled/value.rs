//! One question to one value, for the places where it is asked once: constants of a class, and tests too
//! rare to deserve an automaton.

use std::net::IpAddr;

use ipnet::IpNet;

use super::fold::{fold_into, folded};
use super::glob;
use crate::rule::{FieldRef, Pattern, Piece, Test, TextTest, TimePart};

/// Whether the one value of a field satisfies the test. `None`: that depends on other fields.
pub fn one_value(test: &Test, value: &[u8]) -> Option<bool> {
    Some(match test {
        Test::Text(text) => text_matches(text, value),
        Test::Regex(regex) => regex.regex.is_match(value),
        Test::Cidr(networks) => address(value).is_some_and(|address| in_networks(networks, address)),
        Test::Number(comparison, wanted) => number(value).is_some_and(|n| comparison.holds(n, *wanted)),
        Test::Exists(wanted) => *wanted,
        Test::Null => false,
        Test::TimePart(part, comparison, wanted) => {
            time_part(value, *part).is_some_and(|n| comparison.holds(n, *wanted))
        }
        Test::FieldRef(_) => return None,
    })
}

/// Whether one of the patterns covers the value.
pub fn text_matches(test: &TextTest, value: &[u8]) -> bool {
    if test.cased {
        return test.patterns.iter().any(|pattern| glob::covers(pattern, value));
    }
    let mut low = Vec::new();
    fold_into(value, &mut low);
    test.patterns.iter().any(|pattern| glob::covers(&folded_pattern(pattern), &low))
}

/// The pattern with its literals in lower case.
pub fn folded_pattern(pattern: &Pattern) -> Pattern {
    Pattern::new(pattern.pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => Piece::Literal(folded(text)),
        other => other.clone(),
    }))
}

/// The value as a number, if it is written as one.
pub fn number(value: &[u8]) -> Option<f64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

/// The value as an address; an IPv4-mapped IPv6 address as IPv4.
pub fn address(value: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(address.to_canonical())
}

/// Whether one of the networks holds the address.
pub fn in_networks(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// A part of the time that the value holds, in the zone it is written in.
pub fn time_part(value: &[u8], part: TimePart) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let date: jiff::civil::DateTime = text.trim_end_matches('Z').parse().ok()?;
    Some(match part {
        TimePart::Minute => date.minute().into(),
        TimePart::Hour => date.hour().into(),
        TimePart::Day => date.day().into(),
        TimePart::Week => date.date().iso_week_date().week().into(),
        TimePart::Month => date.month().into(),
        TimePart::Year => date.year().into(),
    })
}

/// Whether a value relates to another field's value as the test asks.
pub fn refers(test: &FieldRef, value: &[u8], other: &[u8]) -> bool {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    let (value, other) = if test.cased {
        (value, other)
    } else {
        fold_into(value, &mut a);
        fold_into(other, &mut b);
        (a.as_slice(), b.as_slice())
    };
    match (test.open_start, test.open_end) {
        (false, false) => value == other,
        (false, true) => value.starts_with(other),
        (true, false) => value.ends_with(other),
        (true, true) => memchr::memmem::find(value, other).is_some(),
    }
}
