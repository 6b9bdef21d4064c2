//! What a statement's conditions ask, as far as files and row groups can be left out for it.
//!
//! Invariant: each row for which the conditions hold is one that the query means. What is not understood
//! asks for everything.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::query::{Column, Node, Op, Pattern, Query, Term, TimeColumn};

/// The conditions, as a query that means at least their rows.
pub(crate) fn asked(conditions: &[Expr]) -> Query {
    let parts: Vec<Node> = conditions.iter().map(node).collect();
    Query(if parts.is_empty() { Node::All } else { Node::and(parts) })
}

fn node(condition: &Expr) -> Node {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Node::and(vec![node(left), node(right)])
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            either(vec![node(left), node(right)])
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let same = compared(left, op, right);
            same.or_else(|| compared(right, &op.swap()?, left)).unwrap_or(Node::All)
        }
        Expr::InList(list) if !list.negated && !list.list.is_empty() => {
            let equal = |value| compared(&list.expr, &Operator::Eq, value).unwrap_or(Node::All);
            either(list.list.iter().map(equal).collect())
        }
        Expr::ScalarFunction(call) if call.name() == "array_has" => match &call.args[..] {
            [list, value] => compared(list, &Operator::Eq, value).unwrap_or(Node::All),
            _ => Node::All,
        },
        _ => Node::All,
    }
}

fn either(parts: Vec<Node>) -> Node {
    if parts.contains(&Node::All) { Node::All } else { Node::or(parts) }
}

fn compared(column: &Expr, op: &Operator, value: &Expr) -> Option<Node> {
    let (Expr::Column(column), Expr::Literal(value, _)) = (column, value) else { return None };
    let column = Column::named(&column.name).filter(|known| known.name() == column.name)?;
    let op = match op {
        Operator::Eq => Op::Equal,
        Operator::Lt => Op::Less,
        Operator::LtEq => Op::AtMost,
        Operator::Gt => Op::More,
        Operator::GtEq => Op::AtLeast,
        _ => return None,
    };
    let term = match (column, value) {
        (Column::Time, ScalarValue::TimestampMicrosecond(Some(at), _)) => {
            Term::Time(TimeColumn::Time, op, *at)
        }
        (Column::Time, ScalarValue::TimestampNanosecond(Some(at), _)) => {
            // rounded to the side on which more is let through
            let micros = if matches!(op, Op::More | Op::AtLeast) {
                at.div_euclid(1_000)
            } else {
                at.div_euclid(1_000) + 1
            };
            let op = match op {
                Op::Equal => return None,
                Op::Less | Op::AtMost => Op::AtMost,
                Op::More | Op::AtLeast => Op::AtLeast,
            };
            Term::Time(TimeColumn::Time, op, micros)
        }
        (
            Column::Organisation
            | Column::Device
            | Column::User
            | Column::Addresses
            | Column::Hashes
            | Column::Domains
            | Column::Urls,
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)),
        ) if op == Op::Equal => Term::Text(column, Pattern::literal(text.clone())),
        _ => return None,
    };
    Some(Node::Term(term))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    #[test]
    fn what_is_understood_narrows_and_what_is_not_does_not() {
        let query = |conditions: &[Expr]| asked(conditions).to_string();
        assert_eq!(query(&[]), "*");
        assert_eq!(query(&[col("device").eq(lit("pacs01"))]), "device:pacs01");
        assert_eq!(query(&[lit("rr8").eq(col("organisation"))]), "organisation:rr8");
        let either = col("user").eq(lit("a")).or(col("user").eq(lit("b")));
        assert_eq!(query(std::slice::from_ref(&either)), "user:a OR user:b");
        assert_eq!(query(&[col("user").in_list(vec![lit("a"), lit("b")], false)]), "user:a OR user:b");
        assert_eq!(query(&[either.or(col("source").eq(lit("c")))]), "*");
        assert_eq!(query(&[col("user").in_list(vec![lit("a")], true)]), "*");
        assert_eq!(query(&[!col("device").eq(lit("a"))]), "*");
        assert_eq!(query(&[col("device").gt(lit("a"))]), "*");
        assert_eq!(query(&[col("device").eq(col("user"))]), "*");
    }
}
