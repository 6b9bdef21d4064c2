//! What the steps over one rule tell each other: values set, ids of steps applied, names mapped.
//! It begins empty at each rule and is shared by all pipelines.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use yaml_serde::Value;

use super::yaml;

/// A value of the state: what `set_state` sets and `processing_state` compares.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    AtLeast,
    More,
    AtMost,
    Less,
    In,
    NotIn,
}

/// The words for [`Op`] in conditions.
pub(super) const OPS: [(&str, Op); 8] = [
    ("eq", Op::Equal),
    ("ne", Op::NotEqual),
    ("gte", Op::AtLeast),
    ("gt", Op::More),
    ("lte", Op::AtMost),
    ("lt", Op::Less),
    ("in", Op::In),
    ("not_in", Op::NotIn),
];

/// What is known while the steps run over one rule.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Values by key.
    pub(super) values: BTreeMap<String, Scalar>,
    /// Ids of the steps applied to the rule.
    pub(super) applied: BTreeSet<Arc<str>>,
    /// Ids of the steps that made a field name what it is.
    names: HashMap<String, HashSet<Arc<str>>>,
    /// Field names of detections that were mapped, or mapped to.
    mapped: HashSet<String>,
}

impl State {
    /// Whether a step mapped this field name, or another to it.
    pub(super) fn name_touched(&self, name: &str, id: &str) -> bool {
        self.names.get(name).is_some_and(|ids| ids.contains(id))
    }

    /// Notes that the step `id` mapped one name to others.
    pub(super) fn map_name(&mut self, from: &str, to: &[String], id: Option<&Arc<str>>) {
        let mut ids = match to.iter().any(|name| name == from) {
            true => self.names.get(from).cloned().unwrap_or_default(),
            false => self.names.remove(from).unwrap_or_default(),
        };
        ids.extend(id.cloned());
        for name in to {
            self.names.entry(name.clone()).or_default().extend(ids.iter().cloned());
        }
    }

    /// Notes that a detection's field was mapped.
    pub(super) fn map_field(&mut self, from: Option<&str>, to: &[String]) {
        self.mapped.extend(from.map(str::to_owned));
        self.mapped.extend(to.iter().cloned());
    }

    /// Whether a detection's field was mapped or is the result of a mapping.
    pub(super) fn is_mapped(&self, name: &str) -> bool {
        self.mapped.contains(name)
    }
}

impl Op {
    /// Whether an order of two values satisfies it. `None`: they cannot be ordered, so are not equal.
    pub(super) fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal | Self::In => order == Some(Ordering::Equal),
            Self::NotEqual | Self::NotIn => order != Some(Ordering::Equal),
            Self::AtLeast => matches!(order, Some(Ordering::Equal | Ordering::Greater)),
            Self::More => order == Some(Ordering::Greater),
            Self::AtMost => matches!(order, Some(Ordering::Equal | Ordering::Less)),
            Self::Less => order == Some(Ordering::Less),
        }
    }
}

impl Scalar {
    /// The scalar of a YAML node.
    pub(super) fn of(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(Self::Text(text.clone())),
            Value::Number(number) => Ok(Self::Number(number.as_f64().unwrap_or(f64::NAN))),
            Value::Bool(flag) => Ok(Self::Flag(*flag)),
            other => Err(format!("{} where a text, number or boolean should be", yaml::kind(other))),
        }
    }

    /// The order of two values of one kind.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            (Self::Number(left), Self::Number(right)) => left.partial_cmp(right),
            (Self::Flag(left), Self::Flag(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}
