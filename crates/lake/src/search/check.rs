//! A query made ready to be asked of many rows: the same answers as [`crate::query::Query::matches`].

use regex::bytes::{Regex, RegexBuilder};
use ward_core::{EventId, OrganisationId};

use super::look::Look;
use crate::json;
use crate::query::{Column, Network, Node, Op, Pattern, Piece, QueryError, Term, TimeColumn};
use crate::view::View;

/// A query made ready.
#[derive(Debug)]
pub(crate) enum Check {
    All,
    And(Vec<Check>),
    Or(Vec<Check>),
    Not(Box<Check>),
    Raw(Regex),
    Id(EventId),
    Time(TimeColumn, Op, i64),
    Class(Op, u32),
    Text(Column, Form),
    Network(Network),
    Field(Look),
}

/// What a text is compared with, in lower case.
#[derive(Debug)]
pub(crate) enum Form {
    Exactly(String),
    Like(Pattern),
}

impl Check {
    pub fn of(node: &Node) -> Result<Self, QueryError> {
        let all = |parts: &[Node]| parts.iter().map(Self::of).collect::<Result<Vec<_>, _>>();
        Ok(match node {
            Node::All => Self::All,
            Node::And(parts) => Self::And(all(parts)?),
            Node::Or(parts) => Self::Or(all(parts)?),
            Node::Not(part) => Self::Not(Box::new(Self::of(part)?)),
            Node::Term(term) => Self::term(term)?,
        })
    }

    fn term(term: &Term) -> Result<Self, QueryError> {
        Ok(match term {
            Term::Raw(pattern) => Self::Raw(anywhere(pattern)?),
            Term::Id(id) => Self::Id(*id),
            Term::Time(column, op, bound) => Self::Time(*column, *op, *bound),
            Term::Class(op, bound) => Self::Class(*op, *bound),
            Term::Text(column, pattern) => Self::Text(*column, Form::new(pattern)),
            Term::Network(network) => Self::Network(*network),
            Term::Field(name, test) => Self::Field(Look::of(name, test)?),
        })
    }

    /// Whether the row is one of those that are searched for.
    pub fn holds(&self, view: &View<'_>, row: usize, organisation: &OrganisationId) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.holds(view, row, organisation)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(view, row, organisation)),
            Self::Not(part) => !part.holds(view, row, organisation),
            Self::Raw(regex) => regex.is_match(view.raw(row)),
            Self::Id(id) => view.id(row) == *id,
            Self::Time(TimeColumn::Time, op, bound) => op.takes(view.time(row).cmp(bound)),
            Self::Time(TimeColumn::Received, op, bound) => op.takes(view.received(row).cmp(bound)),
            Self::Class(op, bound) => op.takes(view.class_uid(row).cmp(bound)),
            Self::Text(Column::Organisation, form) => form.covers(organisation.as_str()),
            Self::Text(Column::Observable, form) => {
                let one = |column| view.text(column, row).is_some_and(|text| form.covers_lower(text));
                let any = |column| view.texts(column, row).any(|text| form.covers_lower(text));
                one(Column::Device) || one(Column::User) || LISTS.into_iter().any(any)
            }
            Self::Text(column, form) if LISTS.contains(column) => {
                view.texts(*column, row).any(|text| form.covers_lower(text))
            }
            Self::Text(column, form) => view.text(*column, row).is_some_and(|text| form.covers(text)),
            Self::Network(network) => {
                view.texts(Column::Addresses, row).any(|address| network.holds(address))
            }
            Self::Field(look) => {
                look.holds(view.text(Column::Format, row).unwrap_or_default(), view.raw(row))
            }
        }
    }
}

impl Form {
    pub fn new(pattern: &Pattern) -> Self {
        let lower = pattern.lower();
        match lower.as_literal() {
            Some(text) => Self::Exactly(text.to_owned()),
            None => Self::Like(lower),
        }
    }

    /// Whether a text that is in lower case already is of this form.
    fn covers_lower(&self, text: &str) -> bool {
        match self {
            Self::Exactly(exactly) => exactly == text,
            Self::Like(pattern) => pattern.covers(text),
        }
    }

    pub fn covers(&self, text: &str) -> bool {
        match self {
            Self::Exactly(exactly) if text.is_ascii() => exactly.eq_ignore_ascii_case(text),
            _ => self.covers_lower(&text.to_lowercase()),
        }
    }
}

/// The columns that have a list of texts.
pub(crate) const LISTS: [Column; 4] = [Column::Addresses, Column::Hashes, Column::Domains, Column::Urls];

/// An expression that finds the pattern anywhere in bytes, as it is and as JSON writes it.
pub(super) fn anywhere(pattern: &Pattern) -> Result<Regex, QueryError> {
    let plain = expression(pattern, str::to_owned);
    let as_json = expression(pattern, json::escaped);
    let either = if plain == as_json { plain } else { format!("{plain}|{as_json}") };
    let regex = RegexBuilder::new(&either).unicode(false).case_insensitive(true).size_limit(64 << 20).build();
    regex.map_err(|_| QueryError {
        column: 1,
        expected: "shorter words, or fewer wildcards in them".to_owned(),
    })
}

fn expression(pattern: &Pattern, write: fn(&str) -> String) -> String {
    let mut out = String::new();
    for piece in pattern.pieces() {
        match piece {
            Piece::Any => out.push_str("(?s:.)*?"),
            Piece::One => out.push_str(r"(?:(?su:.)|(?s:.))"),
            Piece::Text(text) => {
                for byte in write(text).bytes() {
                    if byte.is_ascii_alphanumeric() {
                        out.push(char::from(byte));
                    } else {
                        out.push_str(&format!("\\x{byte:02X}"));
                    }
                }
            }
        }
    }
    out
}
