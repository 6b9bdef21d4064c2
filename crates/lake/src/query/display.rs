//! The canonical text of a query, which reads back as the same query.

use std::fmt::{self, Write};

use ward_core::Timestamp;

use super::cursor::is_special;
use super::parse::name as name_in;
use super::{Column, FieldTest, Node, Pattern, Piece, Query, Term};

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        node(&self.0, f)
    }
}

fn node(tree: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match tree {
        Node::All => f.write_char('*'),
        Node::And(parts) => joined(parts, " AND ", f),
        Node::Or(parts) => joined(parts, " OR ", f),
        Node::Not(part) => {
            f.write_str("NOT ")?;
            inner(part, f)
        }
        Node::Term(asked) => term(asked, f),
    }
}

fn joined(parts: &[Node], between: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (nth, part) in parts.iter().enumerate() {
        if nth > 0 {
            f.write_str(between)?;
        }
        inner(part, f)?;
    }
    Ok(())
}

fn inner(part: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !matches!(part, Node::And(_) | Node::Or(_)) {
        return node(part, f);
    }
    f.write_char('(')?;
    node(part, f)?;
    f.write_char(')')
}

fn term(term: &Term, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match term {
        Term::Raw(text) => {
            // a word that would be taken for a name and its value
            let mut shown = String::new();
            pattern(text, &mut shown)?;
            match name_in(&shown) {
                Some(name) => write!(f, "{name}\\{}", &shown[name.len()..]),
                None => f.write_str(&shown),
            }
        }
        Term::Id(id) => write!(f, "id:{id}"),
        Term::Time(which, op, at) => {
            write!(f, "{}{}\"{}\"", which.column().name(), op.sign(), Timestamp::from_micros(*at))
        }
        Term::Class(op, number) => write!(f, "class_uid{}{number}", op.sign()),
        Term::Text(column, text) => {
            write!(f, "{}:", column.name())?;
            pattern(text, f)
        }
        Term::Network(network) => write!(f, "addresses:\"{network}\""),
        Term::Field(name, test) => {
            field_name(name, f)?;
            match test {
                FieldTest::Is(text) => {
                    f.write_char(':')?;
                    pattern(text, f)
                }
                FieldTest::Compare(op, bound) => {
                    f.write_str(op.sign())?;
                    quoted(bound.text(), f)
                }
            }
        }
    }
}

fn field_name(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let with_sign = format!("{name}:");
    let plain = name.chars().nth(1).is_some() && name_in(&with_sign) == Some(name);
    if plain && Column::named(name).is_none() { f.write_str(name) } else { quoted(name, f) }
}

/// A text as it is, if it is an unremarkable word; in quotation marks, if it has no wildcards; else with
/// backslashes before what has a meaning.
fn pattern(pattern: &Pattern, out: &mut impl Write) -> fmt::Result {
    if let Some(text) = pattern.as_literal() {
        let keyword = ["AND", "OR", "NOT", "TO"].contains(&text);
        let plain = !text.is_empty() && !keyword && !text.chars().any(is_special);
        return if plain { out.write_str(text) } else { quoted(text, out) };
    }
    for piece in pattern.pieces() {
        match piece {
            Piece::Any => out.write_char('*')?,
            Piece::One => out.write_char('?')?,
            Piece::Text(text) => {
                for character in text.chars() {
                    if is_special(character) {
                        out.write_char('\\')?;
                    }
                    out.write_char(character)?;
                }
            }
        }
    }
    Ok(())
}

fn quoted(text: &str, out: &mut impl Write) -> fmt::Result {
    write!(out, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
