//! Conditions on a whole rule: `rule_conditions`.

use std::cmp::Ordering;

use jiff::civil::Date;
use rsigma_parser::{Level, LogSource, SigmaValue, Status};
use yaml_serde::Value;

use super::state::{OPS, Op, Scalar};
use super::subject::{Attribute, Kind, Subject};
use super::text::Shown;
use super::tree::Item;
use super::yaml::{self, Keys};

/// A condition on a whole rule.
#[derive(Debug)]
pub(super) enum RuleCondition {
    /// The log source has these parts; of a correlation that of one of its rules.
    LogSource { category: Option<String>, product: Option<String>, service: Option<String> },
    /// A detection asks this field for this value.
    ContainsItem(String, SigmaValue),
    /// A detection asks this field.
    ContainsField(String),
    /// The step with this id was applied.
    Applied(String),
    /// The state has under this key what compares so.
    State(StateCondition),
    /// A detection rule, or a filter, which is a part of rules.
    IsRule,
    /// A correlation.
    IsCorrelation,
    /// An attribute compares so.
    Attribute { name: String, op: Op, value: Expected },
    /// It has this tag.
    Tag(String),
}

/// A comparison with the state; false where the key is not set.
#[derive(Debug)]
pub(super) struct StateCondition {
    key: String,
    op: Op,
    value: Scalar,
}

/// What an attribute is compared with.
#[derive(Debug)]
pub(super) enum Expected {
    Level(Level),
    Status(Status),
    Date(Date),
    /// Compared with texts, lists and custom attributes.
    Scalar(Scalar),
}

impl RuleCondition {
    /// The condition of this type from its keys.
    pub(super) fn parse(kind: &str, keys: &mut Keys) -> Result<Self, String> {
        Ok(match kind {
            "logsource" => {
                let (category, product, service) =
                    (keys.text("category")?, keys.text("product")?, keys.text("service")?);
                if category.is_none() && product.is_none() && service.is_none() {
                    return Err("one of `category`, `product`, `service` is needed".to_owned());
                }
                Self::LogSource { category, product, service }
            }
            "contains_detection_item" => {
                let value = keys.need("value")?;
                Scalar::of(&value)?;
                Self::ContainsItem(keys.need_text("field")?, SigmaValue::from_yaml(&value))
            }
            "contains_field" => Self::ContainsField(keys.need_text("field")?),
            "processing_item_applied" => Self::Applied(keys.need_text("processing_item_id")?),
            "processing_state" => Self::State(StateCondition::parse(keys)?),
            "is_sigma_rule" => Self::IsRule,
            "is_sigma_correlation_rule" => Self::IsCorrelation,
            "rule_attribute" => attribute(keys)?,
            "tag" => Self::Tag(keys.need_text("tag")?),
            other => return Err(format!("unknown rule condition `{other}`")),
        })
    }

    /// Whether it holds of the rule as it is now.
    pub(super) fn holds(&self, rule: &Subject<'_>) -> bool {
        match self {
            Self::LogSource { category, product, service } => rule.log_sources.iter().any(|source| {
                let LogSource { category: has_category, product: has_product, service: has_service, .. } =
                    source;
                fits(category, has_category) && fits(product, has_product) && fits(service, has_service)
            }),
            Self::ContainsItem(field, value) => any_item(rule, field, |item| has_value(item, value)),
            Self::ContainsField(field) => any_item(rule, field, |_| true),
            Self::Applied(id) => rule.state.applied.contains(id.as_str()),
            Self::State(condition) => condition.holds(rule),
            Self::IsRule => rule.kind != Kind::Correlation,
            Self::IsCorrelation => rule.kind == Kind::Correlation,
            Self::Attribute { name, op, value } => attribute_holds(rule, name, *op, value),
            Self::Tag(tag) => {
                matches!(rule.attributes.get("tags"), Some(Attribute::List(tags)) if tags.contains(tag))
            }
        }
    }
}

impl StateCondition {
    /// The condition from its keys.
    pub(super) fn parse(keys: &mut Keys) -> Result<Self, String> {
        let key = keys.need_text("key")?;
        let op = keys.choice("op", &OPS[..6])?;
        Ok(Self {
            key,
            op,
            value: Scalar::of(&keys.need("val")?).map_err(|reason| format!("`val`: {reason}"))?,
        })
    }

    /// Whether it holds now.
    pub(super) fn holds(&self, rule: &Subject<'_>) -> bool {
        self.holds_of(&rule.state)
    }

    /// Whether it holds of this state.
    pub(super) fn holds_of(&self, state: &super::state::State) -> bool {
        state.values.get(&self.key).is_some_and(|value| self.op.holds(value.order(&self.value)))
    }
}

/// Whether a part of a log source is as wanted.
fn fits(wanted: &Option<String>, has: &Option<String>) -> bool {
    wanted.is_none() || wanted == has
}

fn any_item(rule: &Subject<'_>, field: &str, test: impl Fn(&Item) -> bool) -> bool {
    rule.named.iter().any(|(_, node)| {
        node.any_item(&mut |item| item.name().is_some_and(|name| name == field) && test(item))
    })
}

/// Whether one of the item's values, as steps see them, is this one.
pub(super) fn has_value(item: &Item, wanted: &SigmaValue) -> bool {
    item.values.iter().any(|value| same_value(item, value, wanted))
}

/// Whether a value of the item, as steps see it, is this one.
pub(super) fn same_value(item: &Item, value: &SigmaValue, wanted: &SigmaValue) -> bool {
    match wanted {
        SigmaValue::String(text) => item
            .shown(value)
            .is_some_and(|shown| shown.to_value().parts == Shown::parse(&text.original).to_value().parts),
        _ => value == wanted,
    }
}

/// Reads a `rule_attribute` condition, and what it compares with as the attribute's kind.
fn attribute(keys: &mut Keys) -> Result<RuleCondition, String> {
    let name = keys.need_text("attribute")?;
    let op = keys.choice("op", &OPS)?;
    let scalar = Scalar::of(&keys.need("value")?).map_err(|reason| format!("`value`: {reason}"))?;
    let text = scalar.to_string();
    let orders = matches!(op, Op::AtLeast | Op::More | Op::AtMost | Op::Less);
    let member = matches!(op, Op::In | Op::NotIn);
    let value = match name.as_str() {
        "level" => Expected::Level(text.parse().map_err(|()| format!("`{text}` is not a level"))?),
        "status" => Expected::Status(text.parse().map_err(|()| format!("`{text}` is not a status"))?),
        "date" | "modified" => {
            Expected::Date(date(&text).ok_or_else(|| format!("`{text}` is not a date such as 2026-01-31"))?)
        }
        "title" | "id" | "name" | "taxonomy" | "description" | "license" | "author" if orders || member => {
            return Err(format!("attribute `{name}` is a text, which only eq and ne compare"));
        }
        _ => Expected::Scalar(scalar),
    };
    if member && !matches!(value, Expected::Scalar(_)) {
        return Err(format!("attribute `{name}` is not a list, so in and not_in have no meaning"));
    }
    Ok(RuleCondition::Attribute { name, op, value })
}

/// Whether an attribute compares so. An attribute that is not there compares with nothing.
fn attribute_holds(rule: &Subject<'_>, name: &str, op: Op, expected: &Expected) -> bool {
    let list_holds = |contains: bool| match op {
        Op::In => contains,
        Op::NotIn => !contains,
        _ => op == Op::NotEqual,
    };
    match (rule.attributes.get(name), expected) {
        (Some(Attribute::Level(has)), Expected::Level(wanted)) => {
            op.holds(Some((*has as u8).cmp(&(*wanted as u8))))
        }
        (Some(Attribute::Status(has)), Expected::Status(wanted)) => {
            op.holds(Some(maturity(*has).cmp(&maturity(*wanted))))
        }
        (Some(Attribute::Date(has)), Expected::Date(wanted)) => {
            date(has).is_some_and(|has| op.holds(Some(has.cmp(wanted))))
        }
        (Some(Attribute::Text(has)), Expected::Scalar(wanted)) => op.holds(same(has, wanted)),
        (Some(Attribute::List(has)), Expected::Scalar(wanted)) => {
            list_holds(has.contains(&wanted.to_string()))
        }
        (None, Expected::Scalar(wanted)) if name == "fields" => {
            list_holds(rule.fields.contains(&wanted.to_string()))
        }
        (None, Expected::Scalar(wanted)) => match rule.custom.get(name) {
            None => false,
            Some(Value::Sequence(list)) => {
                let wanted = wanted.to_string();
                list_holds(list.iter().any(|value| yaml::scalar(value).is_some_and(|value| value == wanted)))
            }
            Some(value) => Scalar::of(value).is_ok_and(|has| op.holds(has.order(wanted))),
        },
        _ => false,
    }
}

fn same(has: &str, wanted: &Scalar) -> Option<Ordering> {
    (has == wanted.to_string()).then_some(Ordering::Equal)
}

/// A date as rules write it.
fn date(text: &str) -> Option<Date> {
    text.replace('/', "-").parse().ok()
}

/// The order of statuses: the more a rule is trusted the greater.
fn maturity(status: Status) -> u8 {
    match status {
        Status::Unsupported => 0,
        Status::Deprecated => 1,
        Status::Experimental => 2,
        Status::Test => 3,
        Status::Stable => 4,
    }
}
