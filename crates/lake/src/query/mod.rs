//! The language of a search: words, `field:value`, ranges, wildcards, AND, OR, NOT.
//!
//! Pure: a text becomes a [`Query`], or an error that names the place in the text. What a query means is
//! what [`Query::matches`] says, a walk over one row; the search over files is another way to the same
//! answer. `docs/hunt.md` describes the language for those who search.
//!
//! Invariants:
//! - The canonical text of a query ([`std::fmt::Display`]) reads back as the same query.
//! - Work and memory are bounded by the limits below, whatever the text.

mod column;
mod cursor;
mod display;
mod error;
mod network;
mod parse;
mod pattern;
mod plain;
mod term;
mod value;

pub use column::Column;
pub use error::QueryError;
pub(crate) use network::Network;
pub(crate) use pattern::{Pattern, Piece};
pub(crate) use plain::holds;
pub(crate) use term::{Bound, FieldTest, Op, Term, TimeColumn};

use crate::FoundRow;

/// Bytes that a query may have.
pub const LONGEST: usize = 8 * 1024;

/// How deep parentheses and NOT may nest.
pub const DEEPEST: usize = 32;

/// How many words, fields and values it may name.
pub const MOST_TERMS: usize = 256;

/// What is searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct Query(pub(crate) Node);

/// A query as a tree. `And` and `Or` have at least two parts, and none of their own kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    All,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Term(Term),
}

impl Query {
    /// Everything.
    pub const ALL: Self = Self(Node::All);

    /// Reads a query. An empty text asks for everything.
    ///
    /// # Errors
    /// It is no query, or is beyond a limit.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::query(text).map(Self)
    }

    /// Whether the event is one of those that are searched for. The slow and plain answer.
    pub fn matches(&self, row: &FoundRow) -> bool {
        holds(&self.0, row)
    }

    /// Whether the original bytes of each event must be read to answer, since the query has words, or
    /// fields that have no column.
    pub fn reads_original(&self) -> bool {
        fn reads(node: &Node) -> bool {
            match node {
                Node::All => false,
                Node::And(parts) | Node::Or(parts) => parts.iter().any(reads),
                Node::Not(part) => reads(part),
                Node::Term(term) => term.reads_original(),
            }
        }
        reads(&self.0)
    }
}

impl Node {
    pub(crate) fn and(parts: Vec<Self>) -> Self {
        Self::joined(parts, |part| matches!(part, Self::And(_)), Self::And)
    }

    pub(crate) fn or(parts: Vec<Self>) -> Self {
        Self::joined(parts, |part| matches!(part, Self::Or(_)), Self::Or)
    }

    fn joined(parts: Vec<Self>, same: fn(&Self) -> bool, join: fn(Vec<Self>) -> Self) -> Self {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            if same(&part)
                && let Self::And(inner) | Self::Or(inner) = part
            {
                all.extend(inner);
            } else {
                all.push(part);
            }
        }
        match all.len() {
            1 => all.remove(0),
            _ => join(all),
        }
    }
}
