//! Conditions on one detection item (`detection_item_conditions`) and on one field name
//! (`field_name_conditions`).

use regex::Regex;
use rsigma_parser::SigmaValue;

use super::limits::Loading;
use super::rule_condition::{StateCondition, same_value};
use super::state::{Scalar, State};
use super::tree::Item;
use super::yaml::Keys;

/// A condition on a detection item.
#[derive(Debug)]
pub(super) enum ItemCondition {
    /// Values, of which any or all must be so.
    Values { every: bool, test: ValueTest },
    /// A step with this id changed the item.
    Applied(String),
    /// The state compares so.
    State(StateCondition),
}

/// What is asked of a value as steps see it.
#[derive(Debug)]
pub(super) enum ValueTest {
    /// It is text whose start matches, or, negated, anything else.
    Matches { regex: Regex, negated: bool },
    /// It is this value.
    Is(SigmaValue),
    /// It is text with a wildcard.
    HasWildcard,
    /// It is null.
    IsNull,
}

/// A condition on a field name.
#[derive(Debug)]
pub(super) enum FieldCondition {
    /// The name is (or is not) one of these. Keywords, which have none, are not.
    Listed { names: Names, included: bool },
    /// A step with this id made the name what it is.
    Applied(String),
    /// The state compares so.
    State(StateCondition),
}

/// Names given plainly, or by a regular expression that matches their start.
#[derive(Debug)]
pub(super) enum Names {
    Plain(Vec<String>),
    Pattern(Regex),
}

impl ItemCondition {
    /// The condition of this type from its keys.
    pub(super) fn parse(kind: &str, keys: &mut Keys, loading: &Loading) -> Result<Self, String> {
        let test = match kind {
            "match_string" => ValueTest::Matches {
                regex: loading.regex(&format!("^(?:{})", keys.need_text("pattern")?))?,
                negated: keys.flag("negate")?,
            },
            "match_value" => {
                let value = keys.need("value")?;
                Scalar::of(&value)?;
                ValueTest::Is(SigmaValue::from_yaml(&value))
            }
            "contains_wildcard" => ValueTest::HasWildcard,
            "is_null" => ValueTest::IsNull,
            "processing_item_applied" => return Ok(Self::Applied(keys.need_text("processing_item_id")?)),
            "processing_state" => return Ok(Self::State(StateCondition::parse(keys)?)),
            other => return Err(format!("unknown detection item condition `{other}`")),
        };
        let every = match keys.need_text("cond")?.as_str() {
            "any" => false,
            "all" => true,
            other => return Err(format!("`cond` must be any or all, not `{other}`")),
        };
        Ok(Self::Values { every, test })
    }

    /// Whether it holds of the item.
    pub(super) fn holds(&self, item: &Item, state: &State) -> bool {
        match self {
            Self::Values { every: true, test } => item.values.iter().all(|value| test.holds(item, value)),
            Self::Values { every: false, test } => item.values.iter().any(|value| test.holds(item, value)),
            Self::Applied(id) => item.touched.iter().any(|touched| **touched == **id),
            Self::State(condition) => condition.holds_of(state),
        }
    }
}

impl ValueTest {
    fn holds(&self, item: &Item, value: &SigmaValue) -> bool {
        match self {
            Self::Matches { regex, negated } => {
                item.shown(value).is_some_and(|shown| regex.is_match(shown.text())) != *negated
            }
            Self::Is(wanted) => same_value(item, value, wanted),
            Self::HasWildcard => item.shown(value).is_some_and(|shown| shown.has_wildcard()),
            Self::IsNull => *value == SigmaValue::Null,
        }
    }
}

impl FieldCondition {
    /// The condition of this type from its keys.
    pub(super) fn parse(kind: &str, keys: &mut Keys, loading: &Loading) -> Result<Self, String> {
        Ok(match kind {
            "include_fields" | "exclude_fields" => {
                let names = keys.need_texts("fields")?;
                let names = match keys.choice("mode", &[("plain", false), ("re", true)])? {
                    false => Names::Plain(names),
                    true => Names::Pattern(loading.regex(&format!("^(?:(?:{}))", names.join(")|(?:")))?),
                };
                Self::Listed { names, included: kind == "include_fields" }
            }
            "processing_item_applied" => Self::Applied(keys.need_text("processing_item_id")?),
            "processing_state" => Self::State(StateCondition::parse(keys)?),
            other => return Err(format!("unknown field name condition `{other}`")),
        })
    }

    /// Whether it holds of a field name; `None` stands for keywords.
    pub(super) fn holds_of_name(&self, name: Option<&str>, state: &State) -> bool {
        match self {
            Self::Listed { names, included } => name.is_some_and(|name| names.have(name)) == *included,
            Self::Applied(id) => name.is_some_and(|name| state.name_touched(name, id)),
            Self::State(condition) => condition.holds_of(state),
        }
    }

    /// Whether it holds of an item: of its field, or of a field that one of its values refers to.
    pub(super) fn holds_of_item(&self, item: &Item, state: &State) -> bool {
        match self {
            Self::Applied(id) => item.touched.iter().any(|touched| **touched == **id),
            _ => {
                self.holds_of_name(item.name().as_deref(), state)
                    || item.references().any(|name| self.holds_of_name(Some(&name.original), state))
            }
        }
    }
}

impl Names {
    fn have(&self, name: &str) -> bool {
        match self {
            Self::Plain(names) => names.iter().any(|listed| listed == name),
            Self::Pattern(regex) => regex.is_match(name),
        }
    }
}
