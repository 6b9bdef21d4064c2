//! What a query means, said as plainly as can be: a walk over the tree for one row.

use super::{FieldTest, Node, Pattern, Piece, Term, TimeColumn};
use crate::query::Column;
use crate::{FoundRow, fields, json};

/// Whether the row is what the node asks for.
pub(crate) fn holds(node: &Node, row: &FoundRow) -> bool {
    match node {
        Node::All => true,
        Node::And(parts) => parts.iter().all(|part| holds(part, row)),
        Node::Or(parts) => parts.iter().any(|part| holds(part, row)),
        Node::Not(part) => !holds(part, row),
        Node::Term(term) => term_holds(term, row),
    }
}

fn term_holds(term: &Term, row: &FoundRow) -> bool {
    match term {
        Term::Raw(pattern) => in_raw(pattern, &row.raw),
        Term::Id(id) => row.id == *id,
        Term::Time(TimeColumn::Time, op, bound) => op.takes(row.time.micros().cmp(bound)),
        Term::Time(TimeColumn::Received, op, bound) => op.takes(row.received.micros().cmp(bound)),
        Term::Class(op, bound) => op.takes(row.class_uid.cmp(bound)),
        Term::Text(column, pattern) => {
            let pattern = pattern.lower();
            texts(*column, row).iter().any(|text| pattern.covers(&text.to_lowercase()))
        }
        Term::Network(network) => row.addresses.iter().any(|address| network.holds(address)),
        Term::Field(name, test) => {
            fields::any(&row.format, &row.raw, name, &mut |value| field_holds(test, value))
        }
    }
}

/// Whether a value of a field is what is asked for.
pub(crate) fn field_holds(test: &FieldTest, value: &str) -> bool {
    match test {
        FieldTest::Is(pattern) => pattern.lower().covers(&value.to_lowercase()),
        FieldTest::Compare(op, bound) => bound.compare(value).is_some_and(|order| op.takes(order)),
    }
}

/// Whether the bytes have the pattern somewhere, A to Z in either case. A text with a backslash or a
/// quotation mark is also looked for as JSON writes it.
fn in_raw(pattern: &Pattern, raw: &[u8]) -> bool {
    let lower = raw.to_ascii_lowercase();
    [false, true].into_iter().any(|as_json| {
        let pieces: Vec<Piece> = pattern.pieces().iter().map(|piece| written(piece, as_json)).collect();
        (0..=lower.len()).any(|at| begins(&pieces, &lower[at..]))
    })
}

fn written(piece: &Piece, as_json: bool) -> Piece {
    match piece {
        Piece::Text(text) if as_json => Piece::Text(json::escaped(text).to_ascii_lowercase()),
        Piece::Text(text) => Piece::Text(text.to_ascii_lowercase()),
        wildcard => wildcard.clone(),
    }
}

/// Whether the bytes begin with the pieces. `?` is one character, or one byte.
fn begins(pieces: &[Piece], bytes: &[u8]) -> bool {
    match pieces {
        [] => true,
        [Piece::Text(text), rest @ ..] => {
            bytes.strip_prefix(text.as_bytes()).is_some_and(|after| begins(rest, after))
        }
        [Piece::Any, rest @ ..] => (0..=bytes.len()).any(|at| begins(rest, &bytes[at..])),
        [Piece::One, rest @ ..] => {
            !bytes.is_empty() && (begins(rest, &bytes[1..]) || begins(rest, &bytes[one_character(bytes)..]))
        }
    }
}

/// Length of the character that the bytes begin with; of one byte, if they begin with none.
fn one_character(bytes: &[u8]) -> usize {
    let head = &bytes[..bytes.len().min(4)];
    let valid = head.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    valid.chars().next().map_or(1, char::len_utf8)
}

fn texts(column: Column, row: &FoundRow) -> Vec<&str> {
    fn one(text: &Option<String>) -> Vec<&str> {
        text.as_deref().into_iter().collect()
    }
    fn all(texts: &[String]) -> Vec<&str> {
        texts.iter().map(String::as_str).collect()
    }
    match column {
        Column::Organisation => vec![row.organisation.as_str()],
        Column::Source => vec![&row.source],
        Column::Format => vec![&row.format],
        Column::Device => one(&row.device),
        Column::User => one(&row.user),
        Column::LogSource => vec![&row.log_source],
        Column::Addresses => all(&row.addresses),
        Column::Hashes => all(&row.hashes),
        Column::Domains => all(&row.domains),
        Column::Urls => all(&row.urls),
        Column::Observable => [one(&row.device), one(&row.user)]
            .into_iter()
            .chain([&row.addresses, &row.hashes, &row.domains, &row.urls].map(|list| all(list)))
            .flatten()
            .collect(),
        Column::Id | Column::Time | Column::Received | Column::ClassUid => Vec::new(),
    }
}
