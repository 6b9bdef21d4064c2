//! Which files and row groups cannot have what is searched for.
//!
//! Invariant: what is left out has no matching row. A part of a query is "possible" if some row may have
//! it, and "certain" if every row has it; NOT swaps the two.

use ward_core::OrganisationId;

use crate::index::Group;
use crate::query::{Column, Node, Op, Term, TimeColumn};
use crate::schema::INDEXED;

/// What is known of a set of rows.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub organisation: &'a OrganisationId,
    /// Times of the first and the last.
    pub times: (i64, i64),
    /// Batches of the first and the last, if known.
    pub batches: Option<(u64, u64)>,
}

impl<'a> Facts<'a> {
    /// What is known of a row group.
    pub fn of_group(group: &Group, organisation: &'a OrganisationId) -> Self {
        Self {
            organisation,
            times: (group.min_time, group.max_time),
            batches: Some((group.min_batch, group.max_batch)),
        }
    }
}

/// Whether some row may be what the node asks for. `perhaps` answers for the indexed columns, by value.
pub(crate) fn possible(
    node: &Node,
    facts: &Facts<'_>,
    perhaps: &mut dyn FnMut(Column, &str) -> bool,
) -> bool {
    match node {
        Node::All => true,
        Node::And(parts) => parts.iter().all(|part| possible(part, facts, perhaps)),
        Node::Or(parts) => parts.iter().any(|part| possible(part, facts, perhaps)),
        Node::Not(part) => !certain(part, facts),
        Node::Term(term) => term_possible(term, facts, perhaps),
    }
}

/// Whether each row is certainly what the node asks for.
fn certain(node: &Node, facts: &Facts<'_>) -> bool {
    match node {
        Node::All => true,
        Node::And(parts) => parts.iter().all(|part| certain(part, facts)),
        Node::Or(parts) => parts.iter().any(|part| certain(part, facts)),
        Node::Not(part) => !possible(part, facts, &mut |_, _| true),
        Node::Term(Term::Time(TimeColumn::Time, op, bound)) => {
            let (first, last) = facts.times;
            op.takes(first.cmp(bound)) && op.takes(last.cmp(bound))
        }
        Node::Term(Term::Text(Column::Organisation, _)) => {
            let mut never = |_: Column, _: &str| false;
            possible(node, facts, &mut never)
        }
        Node::Term(_) => false,
    }
}

fn term_possible(term: &Term, facts: &Facts<'_>, perhaps: &mut dyn FnMut(Column, &str) -> bool) -> bool {
    match term {
        Term::Time(TimeColumn::Time, op, bound) => {
            let (first, last) = facts.times;
            match op {
                Op::Equal => (first..=last).contains(bound),
                Op::Less | Op::AtMost => op.takes(first.cmp(bound)),
                Op::More | Op::AtLeast => op.takes(last.cmp(bound)),
            }
        }
        Term::Id(id) => facts.batches.is_none_or(|(first, last)| (first..=last).contains(&id.batch.0)),
        Term::Text(Column::Organisation, pattern) => {
            pattern.lower().covers(&facts.organisation.as_str().to_lowercase())
        }
        Term::Text(column, pattern) => match pattern.lower().as_literal() {
            Some(value) if *column == Column::Observable => {
                INDEXED.into_iter().any(|column| perhaps(column, value))
            }
            Some(value) if INDEXED.contains(column) => perhaps(*column, value),
            _ => true,
        },
        _ => true,
    }
}
