//! A correlation as the engine runs it: ticks instead of microseconds, and what follows from its
//! condition.

use super::{CorrelateError, Limits, fingerprint};
use crate::correlation_rule::{CorrelationCondition, CorrelationKind, CorrelationRule, RefExpr, RuleRef};
use crate::rule::{Comparison, Rule};

/// How one correlation is run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub id: String,
    pub kind: CorrelationKind,
    pub condition: CorrelationCondition,
    /// Decided when its window is over, not at each sighting.
    pub at_close: bool,
    /// Microseconds in a tick.
    pub unit: i64,
    /// Ticks in the window.
    pub span: u32,
    /// Fingerprint of all that its state depends on.
    pub definition: u64,
    pub references: usize,
    /// The lowest count that fulfils the condition, if only a lower bound is asked for.
    pub need: Option<usize>,
    /// Most sightings kept for a key.
    pub most: usize,
    /// Percentile as a share: 0 to 1.
    pub rank: f64,
    pub reports: bool,
    pub group_by: Vec<String>,
}

/// What a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Measured {
    pub value: f64,
    /// Bit set of the references seen.
    pub seen: u64,
}

impl Plan {
    pub fn new(rule: &CorrelationRule, rules: &[Rule], limits: &Limits) -> Result<Self, CorrelateError> {
        let temporal = matches!(rule.kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered);
        let most = if temporal { u64::BITS as usize } else { usize::from(u16::MAX) };
        if rule.refs.len() > most {
            return Err(CorrelateError::TooManyReferences {
                id: rule.id.clone(),
                count: rule.refs.len(),
                most,
            });
        }
        if !(MILLISECOND..=TEN_YEARS).contains(&rule.timespan) {
            return Err(CorrelateError::Timespan { id: rule.id.clone(), micros: rule.timespan });
        }
        let lateness = limits.lateness.clamp(0, TEN_YEARS);
        let unit = if (rule.timespan + lateness) / MILLISECOND < i64::from(HORIZON) {
            MILLISECOND
        } else {
            1000 * MILLISECOND
        };
        let need = lower_bound(rule);
        let distinct = rule.kind == CorrelationKind::ValueCount;
        let bound = if distinct { highest_bound(&rule.condition) } else { 0.0 };
        if bound > MOST_DISTINCT as f64 {
            return Err(CorrelateError::Threshold {
                id: rule.id.clone(),
                need: bound as u64,
                most: MOST_DISTINCT,
            });
        }
        Ok(Self {
            id: rule.id.clone(),
            kind: rule.kind,
            condition: rule.condition.clone(),
            at_close: !only_grows(&rule.condition),
            unit,
            span: (rule.timespan / unit) as u32,
            definition: definition(rule, rules),
            references: rule.refs.len(),
            need,
            most: limits.key_sightings.max(16).max(bound as usize * 4),
            rank: match rule.kind {
                CorrelationKind::ValueMedian => 0.5,
                _ => (rule.percentile / 100.0).clamp(0.0, 1.0),
            },
            reports: rule.reports,
            group_by: rule.group_by.clone(),
        })
    }

    /// Whether a window that holds this fulfils the condition.
    pub fn holds(&self, measured: Measured) -> bool {
        match &self.condition {
            CorrelationCondition::Threshold(bounds) => {
                bounds.iter().all(|(comparison, bound)| comparison.holds(measured.value, *bound))
            }
            CorrelationCondition::Refs(expr) => expr.holds(&|i| i < 64 && measured.seen & (1 << i) != 0),
        }
    }

    /// Ticks since the epoch.
    pub fn tick(&self, micros: i64) -> i64 {
        micros.div_euclid(self.unit)
    }

    /// Whether only the times of sightings are kept: their number is what counts, and few suffice.
    pub fn only_times(&self) -> bool {
        self.kind == CorrelationKind::EventCount && self.need.is_some_and(|need| need <= self.most / 2)
    }

    /// Where a window that ends at `end` begins: its first tick.
    pub fn start(&self, end: u32) -> u32 {
        (end + 1).saturating_sub(self.span)
    }
}

/// Longest window and lateness in ticks, and distance of a shard's base from its zero.
pub(super) const HORIZON: u32 = 1 << 30;
const MILLISECOND: i64 = 1000;
const TEN_YEARS: i64 = 10 * 366 * 86_400 * 1_000_000;
const MOST_DISTINCT: u64 = 1_000_000;

/// Whether a condition that holds still holds when more is seen (of counts), so that it can be decided
/// at each sighting.
fn only_grows(condition: &CorrelationCondition) -> bool {
    fn without_not(expr: &RefExpr) -> bool {
        match expr {
            RefExpr::All(parts) | RefExpr::Any(parts) => parts.iter().all(without_not),
            RefExpr::Not(_) => false,
            RefExpr::Matched(_) => true,
        }
    }
    match condition {
        CorrelationCondition::Threshold(bounds) => {
            bounds.iter().all(|(c, _)| matches!(c, Comparison::Greater | Comparison::GreaterOrEqual))
        }
        CorrelationCondition::Refs(expr) => without_not(expr),
    }
}

fn lower_bound(rule: &CorrelationRule) -> Option<usize> {
    let CorrelationCondition::Threshold(bounds) = &rule.condition else { return None };
    if !only_grows(&rule.condition) {
        return None;
    }
    let lowest = |(comparison, bound): &(Comparison, f64)| match comparison {
        Comparison::Greater => bound.floor() + 1.0,
        _ => bound.ceil(),
    };
    let need = bounds.iter().map(lowest).fold(1.0, f64::max);
    Some(need.min(f64::from(u32::MAX)) as usize)
}

fn highest_bound(condition: &CorrelationCondition) -> f64 {
    match condition {
        CorrelationCondition::Threshold(bounds) => {
            bounds.iter().map(|(_, bound)| bound.ceil() + 1.0).fold(1.0, f64::max)
        }
        CorrelationCondition::Refs(_) => 1.0,
    }
}

/// Fingerprint of what a state means: the correlation and the detection rules it refers to.
fn definition(rule: &CorrelationRule, rules: &[Rule]) -> u64 {
    let own = format!(
        "{:?}",
        (
            &rule.id,
            rule.kind,
            &rule.group_by,
            &rule.aliases,
            rule.timespan,
            &rule.condition,
            &rule.fields,
            rule.percentile
        )
    );
    let mut hash = fingerprint::extend(0, 0, own.as_bytes());
    for reference in &rule.refs {
        let target = match reference {
            RuleRef::Rule(index) => match rules.get(*index) {
                Some(rule) => format!("{:?}", (&rule.id, &rule.log_source, &rule.condition)),
                None => format!("rule {index}"),
            },
            RuleRef::Correlation(index) => format!("correlation {index}"),
        };
        hash = fingerprint::extend(0, hash, target.as_bytes());
    }
    hash
}
