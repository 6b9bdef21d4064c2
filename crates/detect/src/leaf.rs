//! The questions a rule asks of one value, on bytes and without allocating. Every matcher uses these, so
//! that they cannot disagree about a leaf.
//!
//! A character is a Unicode scalar value; a byte that is not part of valid UTF-8 is a character of its
//! own, which only `*` and `?` match. Case is ignored by comparing each character's simple lower case.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use ward_core::Timestamp;

use crate::rule::{FieldRef, Pattern, Piece, Test, TextTest, TimePart};

/// Whether a value satisfies a test that needs nothing but the value's text. `None`: it needs more
/// ([`Test::Exists`], [`Test::Null`], [`Test::FieldRef`]).
pub fn value_matches(test: &Test, value: &[u8]) -> Option<bool> {
    Some(match test {
        Test::Text(test) => text_matches(test, value),
        Test::Regex(test) => test.regex.is_match(value),
        Test::Cidr(networks) => cidr_matches(networks, value),
        Test::Number(comparison, limit) => parse_number(value).is_some_and(|n| comparison.holds(n, *limit)),
        Test::TimePart(part, comparison, limit) => {
            time_part(value, *part).is_some_and(|n| comparison.holds(n, *limit))
        }
        Test::Exists(_) | Test::Null | Test::FieldRef(_) => return None,
    })
}

/// Whether one of the patterns covers the value.
pub fn text_matches(test: &TextTest, value: &[u8]) -> bool {
    test.patterns.iter().any(|pattern| pattern_matches(pattern, value, test.cased))
}

/// Whether the pattern covers the whole value.
pub fn pattern_matches(pattern: &Pattern, value: &[u8], cased: bool) -> bool {
    let mut segments = pattern.pieces.split(|piece| *piece == Piece::Run);
    let Some(first) = segments.next() else { return value.is_empty() };
    let Some(mut rest) = segment_end(first, value, cased) else { return false };
    let Some(mut segment) = segments.next() else { return rest.is_empty() };
    // Each segment but the last is taken at the first place it fits: what is left can only be longer.
    for next in segments {
        match places(rest).find_map(|at| segment_end(segment, at, cased)) {
            Some(left) => rest = left,
            None => return false,
        }
        segment = next;
    }
    segment.is_empty() || places(rest).any(|at| segment_end(segment, at, cased).is_some_and(<[u8]>::is_empty))
}

/// The number that a value is: decimal, with sign, fraction and exponent. No white space, no infinity.
pub fn parse_number(value: &[u8]) -> Option<f64> {
    let is_part = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    if value.len() > 400 || !value.iter().all(is_part) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok().filter(|n: &f64| n.is_finite())
}

/// The IP address that a value is; IPv4 in IPv6 (`::ffff:10.0.0.1`) is taken as IPv4.
pub fn parse_address(value: &[u8]) -> Option<IpAddr> {
    // The longest address, `ffff:...:255.255.255.255`, has 45 bytes.
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= 45)?;
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Whether a value is an address in one of the networks.
pub fn cidr_matches(networks: &[IpNet], value: &[u8]) -> bool {
    parse_address(value).is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
}

/// A part of the time that a value holds: ISO 8601, taken in the zone it is written in; a number counts as
/// time since the epoch, in UTC, its unit told by its size.
pub fn time_part(value: &[u8], part: TimePart) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.trim_ascii();
    let time = match parse_number(text.as_bytes()) {
        Some(number) => Timestamp::from_epoch_number(number).and_then(in_utc)?,
        None => civil(text)?,
    };
    Some(match part {
        TimePart::Minute => time.minute().into(),
        TimePart::Hour => time.hour().into(),
        TimePart::Day => time.day().into(),
        TimePart::Week => time.date().iso_week_date().week().into(),
        TimePart::Month => time.month().into(),
        TimePart::Year => time.year().into(),
    })
}

/// Whether a value compares with another field's value as the reference says.
pub fn ref_matches(reference: &FieldRef, value: &[u8], other: &[u8]) -> bool {
    let ends_well = |rest: &[u8]| reference.open_end || rest.is_empty();
    let fits = |at| text_end(other, at, reference.cased).is_some_and(ends_well);
    if reference.open_start { places(value).any(fits) } else { fits(value) }
}

/// A character's simple lower case.
#[inline]
pub fn lower(letter: char) -> char {
    if letter.is_ascii() {
        letter.to_ascii_lowercase()
    } else {
        // All but one letter have a lower case of one character; of that one (U+0130), it is the first.
        letter.to_lowercase().next().unwrap_or(letter)
    }
}

/// The first character and what follows it; the character is `None` for a byte that is not valid UTF-8.
#[inline]
fn split_first(value: &[u8]) -> Option<(Option<char>, &[u8])> {
    let (&first, rest) = value.split_first()?;
    let len = match first {
        0..0x80 => return Some((Some(char::from(first)), rest)),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Some((None, rest)),
    };
    let letter = value.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok()?.chars().next());
    Some(match letter {
        Some(letter) => (Some(letter), &value[len..]),
        None => (None, rest),
    })
}

/// The value from each of its characters on, and its empty end.
fn places(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut next = Some(value);
    std::iter::from_fn(move || {
        let at = next?;
        next = split_first(at).map(|(_, rest)| rest);
        Some(at)
    })
}

/// What is left of the value behind a segment (pieces without [`Piece::Run`]) at its start.
fn segment_end<'v>(segment: &[Piece], mut value: &'v [u8], cased: bool) -> Option<&'v [u8]> {
    for piece in segment {
        value = match piece {
            Piece::Literal(text) => text_end(text.as_bytes(), value, cased)?,
            Piece::One | Piece::Run => split_first(value)?.1,
        };
    }
    Some(value)
}

/// What is left of the value behind a text at its start.
fn text_end<'v>(mut text: &[u8], mut value: &'v [u8], cased: bool) -> Option<&'v [u8]> {
    if cased {
        return value.strip_prefix(text);
    }
    while let Some((wanted, more)) = split_first(text) {
        let (seen, rest) = split_first(value)?;
        let same = match (wanted, seen) {
            (Some(wanted), Some(seen)) => wanted == seen || lower(wanted) == lower(seen),
            _ => false,
        };
        if !same {
            return None;
        }
        (text, value) = (more, rest);
    }
    Some(value)
}

fn in_utc(time: Timestamp) -> Option<DateTime> {
    let stamp = jiff::Timestamp::from_microsecond(time.micros()).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(stamp))
}

fn civil(text: &str) -> Option<DateTime> {
    let pieces = Pieces::parse(text).ok()?;
    Some(pieces.date().to_datetime(pieces.time().unwrap_or(jiff::civil::Time::midnight())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        let piece = |c: char| match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            other => Piece::Literal(other.to_string()),
        };
        Pattern::new(text.chars().map(piece))
    }

    #[test]
    fn patterns_cover_the_whole_value() {
        for (text, value, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b*", "abc", true),
            ("*ab", "aab", true),
            ("*a?", "aab", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybz", false),
            ("a*a", "a", false),
            ("?", "é", true),
            ("?", "😀", true),
            ("ÀÉ", "àé", true),
            ("i", "İ", true),
            ("k", "\u{212a}", true),
            ("ss", "ß", false),
        ] {
            assert_eq!(pattern_matches(&pattern(text), value.as_bytes(), false), fits, "{text} {value}");
        }
        assert!(!pattern_matches(&pattern("a"), b"A", true));
    }

    #[test]
    fn invalid_bytes_are_characters_that_only_wildcards_match() {
        assert!(pattern_matches(&pattern("a?b"), b"a\xffb", false));
        assert!(!pattern_matches(&pattern("a?b"), b"a\xe2\x82b", false));
        assert!(pattern_matches(&pattern("a??b"), b"a\xe2\x82b", false));
        assert!(pattern_matches(&pattern("*b"), b"\xf0b", false));
        assert!(!pattern_matches(&pattern("\u{fffd}"), b"\xff", false));
    }

    #[test]
    fn numbers_addresses_and_times_are_read_strictly() {
        for (text, number) in [("5", 5.0), ("-0.5", -0.5), ("1e3", 1000.0), ("+7", 7.0)] {
            assert_eq!(parse_number(text.as_bytes()), Some(number));
        }
        for text in ["", " 5", "inf", "NaN", "0x10", "1_000", "1e999", "5a"] {
            assert_eq!(parse_number(text.as_bytes()), None, "{text}");
        }
        let networks = ["10.0.0.0/8".parse().unwrap(), "fe80::/10".parse().unwrap()];
        for (text, inside) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("fe80::1", true),
            ("11.0.0.1", false),
            ("10.1.2", false),
            ("x", false),
        ] {
            assert_eq!(cidr_matches(&networks, text.as_bytes()), inside, "{text}");
        }
        let time = b"2020-12-31T23:07:09.5+01:00";
        let parts = [
            TimePart::Minute,
            TimePart::Hour,
            TimePart::Day,
            TimePart::Week,
            TimePart::Month,
            TimePart::Year,
        ];
        assert_eq!(parts.map(|part| time_part(time, part)), [7, 23, 31, 53, 12, 2020].map(Some));
        assert_eq!(time_part(b"2020-12-31 23:07:09Z", TimePart::Hour), Some(23));
        assert_eq!(time_part(b"1600000000", TimePart::Hour), Some(12));
        assert_eq!(time_part(b"2020-12-31", TimePart::Hour), Some(0));
        assert_eq!(time_part(b"soon", TimePart::Hour), None);
    }

    #[test]
    fn references_compare_with_the_other_value() {
        let reference =
            |open_start, open_end, cased| FieldRef { other: String::new(), open_start, open_end, cased };
        assert!(ref_matches(&reference(false, false, false), b"Ab", b"aB"));
        assert!(!ref_matches(&reference(false, false, true), b"Ab", b"aB"));
        assert!(ref_matches(&reference(false, true, false), b"abc", b"AB"));
        assert!(ref_matches(&reference(true, false, false), b"aab", b"ab"));
        assert!(ref_matches(&reference(true, true, false), b"xaby", b"ab"));
        assert!(!ref_matches(&reference(true, false, false), b"abx", b"ab"));
    }

    proptest! {
        /// The matcher against one that tries everything.
        #[test]
        fn patterns_match_as_the_definition_says(text in "[aA*?é]{0,7}", value in "[aAéÉb]{0,7}", cased: bool) {
            fn tries(pattern: &[Piece], value: &[char], cased: bool) -> bool {
                let same = |a: char, b: char| if cased { a == b } else { lower(a) == lower(b) };
                match pattern.split_first() {
                    None => value.is_empty(),
                    Some((Piece::Run, rest)) => (0..=value.len()).any(|n| tries(rest, &value[n..], cased)),
                    Some((Piece::One, rest)) => !value.is_empty() && tries(rest, &value[1..], cased),
                    Some((Piece::Literal(text), rest)) => {
                        let text: Vec<char> = text.chars().collect();
                        value.len() >= text.len()
                            && text.iter().zip(value).all(|(a, b)| same(*a, *b))
                            && tries(rest, &value[text.len()..], cased)
                    }
                }
            }
            let pattern = pattern(&text);
            let letters: Vec<char> = value.chars().collect();
            prop_assert_eq!(pattern_matches(&pattern, value.as_bytes(), cased), tries(&pattern.pieces, &letters, cased));
        }

        #[test]
        fn any_bytes_may_be_asked(value: Vec<u8>, text in "[a*?]{0,5}") {
            pattern_matches(&pattern(&text), &value, false);
            prop_assert!(pattern_matches(&pattern("*"), &value, false));
            parse_number(&value);
            parse_address(&value);
            time_part(&value, TimePart::Week);
        }
    }
}
