//! A correlation, ready to be run: what the loader resolves and the correlation engine starts from.
//!
//! Invariant: every [`RuleRef`] is in range of the rule set it came with, and following references of
//! correlations never comes back to where it began.

use ward_core::Severity;

use crate::rule::{Comparison, Origin};

/// A correlation over matches of rules or of other correlations (Sigma correlation specification 2.1).
#[derive(Debug, Clone, PartialEq)]
pub struct CorrelationRule {
    /// Its `id`; without one, its `name`; without either, its title.
    pub id: String,
    /// Its `name`, by which another correlation may refer to it.
    pub name: Option<String>,
    /// What it detects, in a line.
    pub title: String,
    /// Its `level`; without one, the highest level of what it refers to.
    pub level: Severity,
    /// Tags such as `attack.t1110`.
    pub tags: Vec<String>,
    /// Its `author`.
    pub author: Option<String>,
    /// Where it was read.
    pub origin: Origin,
    /// What is counted or looked for.
    pub kind: CorrelationKind,
    /// What it correlates, in the order written. Never empty.
    pub refs: Vec<RuleRef>,
    /// Fields (or aliases) that must have the same value: one state per distinct tuple. Empty: one
    /// state for all. The field to read for a match of `refs[i]` is told by [`Self::field_for`].
    pub group_by: Vec<String>,
    /// Names in `group_by` or `fields` that stand for different fields of different references.
    pub aliases: Vec<Alias>,
    /// Length of the window, in microseconds. Greater than zero.
    pub timespan: i64,
    /// When it fires.
    pub condition: CorrelationCondition,
    /// The fields whose values are counted, summed or averaged. At least one for `value_*` kinds, exactly
    /// one but for `value_count`; empty for the others.
    pub fields: Vec<String>,
    /// Which percentile `value_percentile` computes: 0 to 100, 50 unless the rule says otherwise.
    pub percentile: f64,
    /// Whether what it refers to also reports findings of its own.
    pub generate: bool,
    /// Whether it is itself a finding when it fires. `false`: it only feeds other correlations.
    pub reports: bool,
}

/// What a correlation computes over its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CorrelationKind {
    /// Number of matches.
    EventCount,
    /// Number of distinct values (tuples, if several fields) of its fields.
    ValueCount,
    /// Number of different references that matched.
    Temporal,
    /// As [`Self::Temporal`], and in the order of the references.
    TemporalOrdered,
    /// Sum of its field.
    ValueSum,
    /// Mean of its field.
    ValueAvg,
    /// A percentile of its field.
    ValuePercentile,
    /// Median of its field.
    ValueMedian,
}

impl CorrelationKind {
    /// The word Sigma writes for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EventCount => "event_count",
            Self::ValueCount => "value_count",
            Self::Temporal => "temporal",
            Self::TemporalOrdered => "temporal_ordered",
            Self::ValueSum => "value_sum",
            Self::ValueAvg => "value_avg",
            Self::ValuePercentile => "value_percentile",
            Self::ValueMedian => "value_median",
        }
    }

    /// Whether it looks at the values of [`CorrelationRule::fields`].
    pub const fn reads_values(self) -> bool {
        !matches!(self, Self::EventCount | Self::Temporal | Self::TemporalOrdered)
    }
}

/// What a correlation refers to, as an index into its rule set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleRef {
    /// A detection rule.
    Rule(usize),
    /// Another correlation.
    Correlation(usize),
}

/// A name that stands for one field in matches of one reference and for another in those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name, as `group_by` uses it.
    pub name: String,
    /// The field it stands for in matches of `refs[i]`; `None` where the alias does not say.
    pub fields: Vec<Option<String>>,
}

/// When a correlation fires.
#[derive(Debug, Clone, PartialEq)]
pub enum CorrelationCondition {
    /// Each of these must hold of what [`CorrelationKind`] computes. Never empty. A temporal kind without
    /// a condition has `>=` the number of its references here.
    Threshold(Vec<(Comparison, f64)>),
    /// Which references must have matched within the window (temporal kinds only).
    Refs(RefExpr),
}

/// A condition over which references have matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefExpr {
    /// Each must hold.
    All(Vec<RefExpr>),
    /// One must hold.
    Any(Vec<RefExpr>),
    /// Must not hold.
    Not(Box<RefExpr>),
    /// `refs[i]` has matched.
    Matched(usize),
}

impl RefExpr {
    /// Whether it holds, given which references have matched.
    pub fn holds(&self, matched: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(matched)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(matched)),
            Self::Not(part) => !part.holds(matched),
            Self::Matched(index) => matched(*index),
        }
    }
}

impl CorrelationRule {
    /// The field to read for `name` (of `group_by` or `fields`) in a match of `refs[reference]`: what
    /// the alias says, or the name itself.
    pub fn field_for<'a>(&'a self, name: &'a str, reference: usize) -> &'a str {
        self.aliases
            .iter()
            .find(|alias| alias.name == name)
            .and_then(|alias| alias.fields.get(reference)?.as_deref())
            .unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_over_references_is_plain_logic() {
        let condition = RefExpr::All(vec![
            RefExpr::Matched(0),
            RefExpr::Any(vec![RefExpr::Matched(1), RefExpr::Not(Box::new(RefExpr::Matched(2)))]),
        ]);
        assert!(condition.holds(&|i| i == 0));
        assert!(condition.holds(&|_| true));
        assert!(!condition.holds(&|i| i != 0));
        assert!(!condition.holds(&|i| i != 1));
    }
}
