//! Aggregations of Sigma 1 (`condition: selection | count() by host > 5`), which Sigma 2 replaced by
//! correlations: each becomes the rules in front of and behind the pipe and a correlation over them.
//!
//! | Sigma 1 | correlation |
//! |---|---|
//! | `count()` | `event_count` |
//! | `count(field)` | `value_count` of the field |
//! | `sum(field)`, `avg(field)` | `value_sum`, `value_avg` |
//! | `near a and b` | `temporal` of what is before the pipe, `a` and `b` |
//! | `min`, `max`, `near` with `not` or `or` | refused |
//!
//! Without `timeframe`, Sigma 1 meant "the time searched", which a stream has not: one hour is used.

use std::ops::Range;

use rsigma_parser::{ConditionExpr, Quantifier};

use super::condition;
use super::correlation::{self, ParsedCorrelation, Reference};
use super::metadata::Metadata;
use crate::correlation_rule::CorrelationKind;
use crate::error::{Error, shortened};
use crate::rule::Comparison;

/// The window of an aggregation without `timeframe`: one hour, in microseconds.
const DEFAULT_TIMEFRAME: i64 = 3_600_000_000;

/// An aggregation: the rules it is made of, and what correlates them.
pub(super) struct Aggregation {
    /// Conditions of the rules.
    pub parts: Vec<ConditionExpr>,
    /// What correlates them.
    pub counting: Counting,
}

/// What an aggregation computes.
pub(super) struct Counting {
    kind: CorrelationKind,
    field: Option<String>,
    group_by: Vec<String>,
    timespan: i64,
    predicate: (Comparison, f64),
}

/// Whether a condition aggregates: it has a pipe, or is one of the old forms without one.
pub(super) fn is_in(condition: &str) -> bool {
    condition.contains('|') || condition.trim_start().starts_with("count(") || is_list_writer(condition)
}

fn is_list_writer(condition: &str) -> bool {
    condition.trim_start().starts_with("write ") && condition.contains("->")
}

impl Aggregation {
    pub(super) fn read(
        condition: &str,
        timeframe: Option<&str>,
        identifiers: &[&str],
    ) -> Result<Self, Error> {
        let (base, aggregation) = condition.split_once('|').unwrap_or(("", condition));
        let refused = |why| Error::Aggregation { aggregation: shortened(aggregation.trim()), why };
        if is_list_writer(condition) {
            return Err(refused("it remembers values from one event to look for them in another"));
        }
        if base.is_empty() {
            return Err(refused("nothing is before it; write 'selection | count(field) by field > number'"));
        }
        let timespan = match timeframe {
            Some(text) => correlation::timespan("timeframe", text)?,
            None => DEFAULT_TIMEFRAME,
        };
        let first = condition::parse(base)?;
        if let Some(near) = aggregation.trim().strip_prefix("near ") {
            let mut parts = vec![first];
            near_parts(&condition::parse(near)?, identifiers, &mut parts).map_err(refused)?;
            let predicate = (Comparison::GreaterOrEqual, parts.len() as f64);
            let kind = CorrelationKind::Temporal;
            let counting = Counting { kind, field: None, group_by: Vec::new(), timespan, predicate };
            return Ok(Self { parts, counting });
        }
        let counting = counting(aggregation, timespan).map_err(refused)?;
        Ok(Self { parts: vec![first], counting })
    }
}

/// `count(field) by group, group > number`
fn counting(aggregation: &str, timespan: i64) -> Result<Counting, &'static str> {
    const FORM: &str = "it is not of the form 'count(field) by field > number'";
    let (function, rest) = aggregation.split_once('(').ok_or(FORM)?;
    let (field, rest) = rest.split_once(')').ok_or(FORM)?;
    let field = Some(field.trim()).filter(|f| !f.is_empty() && *f != "*").map(str::to_owned);
    let kind = match (function.trim(), &field) {
        ("count", None) => CorrelationKind::EventCount,
        ("count", Some(_)) => CorrelationKind::ValueCount,
        ("sum", Some(_)) => CorrelationKind::ValueSum,
        ("avg", Some(_)) => CorrelationKind::ValueAvg,
        ("min" | "max", _) => return Err("Sigma has no correlation of a smallest or largest value"),
        _ => return Err("it is none of count, sum, avg and near"),
    };
    let at = rest.find(['<', '>', '=', '!']).ok_or(FORM)?;
    let (groups, comparison) = rest.split_at(at);
    let sign_len = comparison.bytes().take_while(|b| b"<>=!".contains(b)).count();
    let (sign, number) = comparison.split_at(sign_len);
    let comparison = match sign {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        "=" | "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        _ => return Err(FORM),
    };
    let number = crate::leaf::parse_number(number.trim().as_bytes()).ok_or(FORM)?;
    let group_by = match groups.trim() {
        "" => Vec::new(),
        groups => {
            let names = groups.strip_prefix("by ").ok_or(FORM)?.split(',').map(str::trim);
            names
                .map(|name| (!name.is_empty() && !name.contains(' ')).then(|| name.to_owned()))
                .collect::<Option<_>>()
                .ok_or(FORM)?
        }
    };
    Ok(Counting { kind, field, group_by, timespan, predicate: (comparison, number) })
}

/// The search identifiers that must be near.
fn near_parts(
    expr: &ConditionExpr,
    identifiers: &[&str],
    into: &mut Vec<ConditionExpr>,
) -> Result<(), &'static str> {
    match expr {
        ConditionExpr::And(parts) => parts.iter().try_for_each(|part| near_parts(part, identifiers, into)),
        ConditionExpr::Identifier(_) => {
            into.push(expr.clone());
            Ok(())
        }
        ConditionExpr::Selector { quantifier: Quantifier::All, pattern } => {
            let fits = condition::selected(pattern);
            let fitting = identifiers.iter().filter(|name| fits(name));
            into.extend(fitting.map(|name| ConditionExpr::Identifier((*name).to_owned())));
            Ok(())
        }
        ConditionExpr::Not(_) => Err("that an event does not come near cannot be told while it still may"),
        _ => Err("'near' takes search identifiers joined by 'and'"),
    }
}

impl Counting {
    /// The correlation of a document's metadata over these rules of the file.
    pub(super) fn over(self, metadata: &Metadata, rules: Range<usize>) -> ParsedCorrelation {
        ParsedCorrelation {
            metadata: metadata.clone(),
            kind: self.kind,
            refs: rules.map(Reference::Local).collect(),
            group_by: self.group_by,
            aliases: Vec::new(),
            timespan: self.timespan,
            predicates: vec![self.predicate],
            expression: None,
            fields: self.field.into_iter().collect(),
            percentile: 50.0,
            generate: false,
        }
    }
}
