//! What a step does: every transformation of pySigma's processing pipelines that has a meaning where
//! rules are evaluated rather than translated. The others are refused at loading, by name.

mod added;
mod fields;
mod hashes;
mod pattern;
mod placeholders;
mod replace;
mod values;

use std::sync::Arc;

use rsigma_parser::LogSource;
use yaml_serde::Value;

use super::limits::{Loading, Meter};
use super::state::Scalar;
use super::step::{Step, Values};
use super::subject::{Kind, Subject};
use super::tree::{Item, Node};
use super::yaml::{self, Keys};
use added::AddedCondition;
use fields::FieldMap;
use hashes::Hashes;
pub(super) use placeholders::{Filling, Placeholders};
use values::ValueChange;

/// What a step does.
#[derive(Debug)]
pub(super) enum Transformation {
    Fields(FieldMap),
    DropItem,
    Hashes(Hashes),
    Values(ValueChange),
    Placeholders(Placeholders),
    AddCondition(AddedCondition),
    ChangeLogSource { category: Option<String>, product: Option<String>, service: Option<String> },
    AddFields(Vec<String>),
    RemoveFields(Vec<String>),
    SetFields(Vec<String>),
    SetState(String, Scalar),
    SetAttribute(String, Value),
    RuleFailure(String),
    ItemFailure(String),
    StrictFields,
}

/// What becomes of an item.
pub(super) enum Change {
    /// It stays as it was.
    None(Item),
    /// This stands in its place.
    To(Node),
    /// It goes.
    Gone,
}

impl Transformation {
    /// The transformation of this type from its keys.
    pub(super) fn parse(kind: &str, keys: &mut Keys, loading: &Loading) -> Result<Self, String> {
        Ok(match kind {
            "field_name_mapping"
            | "field_name_prefix_mapping"
            | "field_name_transform"
            | "field_name_suffix"
            | "field_name_prefix" => Self::Fields(FieldMap::parse(kind, keys)?),
            "drop_detection_item" => Self::DropItem,
            "hashes_fields" => Self::Hashes(Hashes::parse(keys)?),
            "replace_string" | "map_string" | "regex" | "set_value" | "convert_type" | "case" => {
                Self::Values(ValueChange::parse(kind, keys, loading)?)
            }
            "value_placeholders" | "wildcard_placeholders" => {
                Self::Placeholders(Placeholders::parse(kind, keys)?)
            }
            "add_condition" => Self::AddCondition(AddedCondition::parse(keys)?),
            "change_logsource" => Self::ChangeLogSource {
                category: keys.text("category")?,
                product: keys.text("product")?,
                service: keys.text("service")?,
            },
            "add_field" => Self::AddFields(keys.need_texts("field")?),
            "remove_field" => Self::RemoveFields(keys.need_texts("field")?),
            "set_field" => Self::SetFields(keys.need_texts("fields")?),
            "set_state" => {
                let value = keys.need("val")?;
                let value = Scalar::of(&value).map_err(|reason| format!("`val`: {reason}"))?;
                Self::SetState(keys.need_text("key")?, value)
            }
            "set_custom_attribute" => Self::SetAttribute(keys.need_text("attribute")?, keys.need("value")?),
            "rule_failure" => Self::RuleFailure(keys.need_text("message")?),
            "detection_item_failure" => Self::ItemFailure(keys.need_text("message")?),
            "strict_field_mapping_failure" => Self::StrictFields,
            "query_expression_placeholders" => {
                return Err(
                    "it puts text of a query language into the rule, and there is none here".to_owned()
                );
            }
            "file_placeholders" | "http_placeholders" | "command_placeholders" => {
                return Err("a pipeline may not fetch values by itself; give them as `vars` or as placeholders of the caller".to_owned());
            }
            _ => return Err("unknown type of transformation".to_owned()),
        })
    }

    /// Whether it asks the conditions on items or field names.
    pub(super) fn uses_items(&self) -> bool {
        matches!(
            self,
            Self::Fields(_)
                | Self::DropItem
                | Self::Hashes(_)
                | Self::Values(_)
                | Self::Placeholders(_)
                | Self::ItemFailure(_)
        )
    }

    /// Does it. The error is the reason to refuse the rule.
    pub(super) fn apply(
        &self,
        step: &Step,
        subject: &mut Subject<'_>,
        given: Values<'_>,
    ) -> Result<(), String> {
        match self {
            Self::Fields(map) => map.apply(step, subject)?,
            Self::DropItem => rewrite(step, subject, |_, _| Ok(Change::Gone))?,
            Self::Hashes(hashes) => rewrite(step, subject, |item, meter| hashes.change(item, meter))?,
            Self::Values(change) => rewrite(step, subject, |item, meter| change.change(item, meter))?,
            Self::Placeholders(filling) => {
                rewrite(step, subject, |item, meter| filling.change(item, given, meter))?;
            }
            Self::AddCondition(added) => added.apply(subject)?,
            Self::ChangeLogSource { category, product, service }
                if subject.kind != Kind::Correlation && !subject.log_sources.is_empty() =>
            {
                let (category, product, service) = (category.clone(), product.clone(), service.clone());
                subject.log_sources = vec![LogSource { category, product, service, ..LogSource::default() }];
            }
            Self::ChangeLogSource { .. } => {}
            Self::AddFields(names) => {
                for name in names {
                    subject.meter.spend(name.len())?;
                    subject.fields.push(name.clone());
                }
            }
            Self::RemoveFields(names) => {
                for name in names {
                    if let Some(index) = subject.fields.iter().position(|field| field == name) {
                        subject.fields.remove(index);
                    }
                }
            }
            Self::SetFields(names) => subject.fields.clone_from(names),
            Self::SetState(key, value) => {
                subject.state.values.insert(key.clone(), value.clone());
            }
            Self::SetAttribute(name, value) => {
                subject.custom.insert(name.clone(), value.clone());
            }
            Self::RuleFailure(message) => return Err(message.clone()),
            Self::ItemFailure(message) => rewrite(step, subject, |_, _| Err(message.clone()))?,
            Self::StrictFields => strict(subject)?,
        }
        Ok(())
    }
}

/// Changes each item that the step's conditions let pass, and notes the step's id where it did.
fn rewrite(
    step: &Step,
    subject: &mut Subject<'_>,
    mut change: impl FnMut(Item, &mut Meter) -> Result<Change, String>,
) -> Result<(), String> {
    let id = step.place.id.as_ref();
    subject.rewrite(|item, state, meter| {
        if !step.lets_item(&item, state) {
            return Ok(Some(Node::Item(item)));
        }
        Ok(match change(item, meter)? {
            Change::None(item) => Some(Node::Item(item)),
            Change::To(node) => Some(touched(node, id)),
            Change::Gone => None,
        })
    })
}

/// The node with the id of the step noted at each item.
fn touched(node: Node, id: Option<&Arc<str>>) -> Node {
    let each = |parts: Vec<Node>| parts.into_iter().map(|part| touched(part, id)).collect();
    match node {
        Node::Item(mut item) => {
            item.touched.extend(id.cloned());
            Node::Item(item)
        }
        Node::All(parts) => Node::All(each(parts)),
        Node::Any(parts) => Node::Any(each(parts)),
        other => other,
    }
}

/// Refuses a rule with a field that no mapping knew.
fn strict(subject: &Subject<'_>) -> Result<(), String> {
    let mut unmapped: Vec<String> = Vec::new();
    for (_, node) in &subject.named {
        node.any_item(&mut |item| {
            if let Some(name) = item.name()
                && !subject.state.is_mapped(&name)
                && !unmapped.iter().any(|known| *known == *name)
            {
                unmapped.push(name.into_owned());
            }
            false
        });
    }
    match unmapped.is_empty() {
        true => Ok(()),
        false => Err(format!("no mapping for its fields {}", unmapped.join(", "))),
    }
}

/// Names, null for keywords, and what each is mapped to.
type OneToMany = Vec<(Option<String>, Vec<String>)>;

/// A mapping from names to one or more, in the order it is written. A null name stands for keywords.
fn one_to_many(keys: &mut Keys, key: &str) -> Result<OneToMany, String> {
    let Value::Mapping(mapping) = keys.need(key)? else {
        return Err(format!("`{key}` must be a mapping"));
    };
    mapping
        .into_iter()
        .map(|(from, to)| {
            let name = match &from {
                Value::Null => None,
                other => {
                    Some(yaml::scalar(other).ok_or_else(|| format!("`{key}` maps {}", yaml::kind(other)))?)
                }
            };
            let to = yaml::texts(to)
                .map_err(|reason| format!("`{key}` of `{}`: {reason}", name.as_deref().unwrap_or("null")))?;
            Ok((name, to))
        })
        .collect()
}
