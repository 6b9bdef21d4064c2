//! What a value means depends on the field: a time, a number, an address, a text.

use ward_core::Timestamp;

use super::parse::Name;
use super::{Bound, Column, FieldTest, Node, Op, Pattern, Term, TimeColumn};
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
        Column::Addresses => Ok(Node::Term(address(pattern))),
        _ => Ok(Node::Term(Term::Text(column, pattern))),
    }
}

fn field(name: &str, op: Op, pattern: Pattern) -> Result<Node, String> {
    let test = match op {
        Op::Equal => FieldTest::Is(pattern),
        _ => {
            let literal = pattern.as_literal().ok_or_else(|| format!("a value without * and ? of {name}"))?;
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

fn address(pattern: Pattern) -> Term {
    match pattern.as_literal().and_then(|text| text.parse().ok()) {
        Some(network) => Term::Network(network),
        None => Term::Text(Column::Addresses, pattern),
    }
}
