//! What a value means depends on the field: a time, a number, an address, a text.

use std::net::IpAddr;

use ward_core::Timestamp;

use super::parse::Name;
use super::{Bound, Column, FieldTest, Network, Node, Op, Pattern, Piece, Term, TimeColumn};
use crate::file::Day;

/// What is asked of the field. The error says what value was expected.
pub(crate) fn test(name: &Name, op: Op, pattern: Pattern) -> Result<Node, String> {
    let column = match name {
        Name::Field(name) => return field(name, op, pattern),
        Name::Column(column) => *column,
    };
    match column {
        Column::Time => time(TimeColumn::Time, op, &pattern),
        Column::Received => time(TimeColumn::Received, op, &pattern),
        Column::ClassUid => class(op, &pattern),
        _ if op != Op::Equal => Err(format!(
            "':' after {name}: only time, received, class_uid and fields of the event have an order"
        )),
        Column::Id => id(&pattern),
        Column::Addresses => address(pattern),
        Column::Hashes => hash(pattern),
        _ => Ok(Node::Term(Term::Text(column, pattern))),
    }
}

fn field(name: &str, op: Op, pattern: Pattern) -> Result<Node, String> {
    let test = match op {
        Op::Equal => FieldTest::Is(pattern),
        _ => {
            let literal = pattern.as_literal().ok_or_else(|| format!("a value without * and ? of {name}"))?;
            if literal.parse().is_ok_and(|number: f64| number.is_infinite()) {
                return Err(format!("a number of {name} that is not too large to compare with"));
            }
            FieldTest::Compare(op, Bound::new(literal.to_owned()))
        }
    };
    Ok(Node::Term(Term::Field(name.to_owned(), test)))
}

/// A day stands for all of its moments: `time<=2026-11-26` includes its evening.
fn time(column: TimeColumn, op: Op, pattern: &Pattern) -> Result<Node, String> {
    let expected = "a time such as 2026-11-26 or 2026-11-26T10:30:00Z";
    let literal = pattern.as_literal().ok_or(expected)?;
    let term = |op, at: Timestamp| Node::Term(Term::Time(column, op, at.micros()));
    if let Ok(day) = literal.parse::<Day>() {
        return Ok(match op {
            Op::Equal => Node::and(vec![term(Op::AtLeast, day.start()), term(Op::Less, day.end())]),
            Op::Less | Op::AtLeast => term(op, day.start()),
            Op::AtMost => term(Op::Less, day.end()),
            Op::More => term(Op::AtLeast, day.end()),
        });
    }
    Ok(term(op, Timestamp::parse(literal).ok_or(expected)?))
}

fn class(op: Op, pattern: &Pattern) -> Result<Node, String> {
    let number = pattern.as_literal().and_then(|text| text.parse().ok());
    let number = number.ok_or("the number of an OCSF class, such as 1007")?;
    Ok(Node::Term(Term::Class(op, number)))
}

fn id(pattern: &Pattern) -> Result<Node, String> {
    let id = pattern.as_literal().and_then(|text| text.parse().ok());
    Ok(Node::Term(Term::Id(id.ok_or("the id of an event, such as 4711.3")?)))
}

/// Addresses are kept as the standard library writes them (RFC 5952), whatever the event had.
fn address(pattern: Pattern) -> Result<Node, String> {
    let term = match pattern.as_literal() {
        None => Term::Text(Column::Addresses, pattern),
        Some(text) => match (text.parse::<IpAddr>(), text.parse::<Network>()) {
            (Ok(address), _) => {
                let address = address.to_canonical();
                if address.is_loopback() || address.is_unspecified() {
                    return Err(format!(
                        "another address: {text} is everywhere and not kept as one (as a word: \"{text}\")"
                    ));
                }
                Term::Text(Column::Addresses, Pattern::literal(address.to_string()))
            }
            (_, Ok(network)) => Term::Network(network),
            _ => {
                return Err(
                    "an IP address, a network such as 10.1.2.0/24 or 2001:db8::/32, or a part of one \
                            with *"
                        .to_owned(),
                );
            }
        },
    };
    Ok(Node::Term(term))
}

/// Digests of files are hexadecimal: 32 digits for MD5 and imphash, 40 for SHA-1, 56 to 128 for SHA-2 and SHA-3.
fn hash(pattern: Pattern) -> Result<Node, String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let good = match pattern.as_literal() {
        Some(text) => digits(text) && HASHES.contains(&text.len()),
        None => pattern.pieces().iter().all(|piece| match piece {
            Piece::Text(text) => digits(text),
            Piece::Any | Piece::One => true,
        }),
    };
    if good {
        return Ok(Node::Term(Term::Text(Column::Hashes, pattern)));
    }
    Err("a hash of 32 (MD5, imphash), 40 (SHA-1), 64 (SHA-256), 96 or 128 hexadecimal digits, or a part of one with *"
        .to_owned())
}

/// Digits that a hash may have.
const HASHES: [usize; 6] = [32, 40, 56, 64, 96, 128];
