//! Field names to other field names, wherever a rule has them: in detections, in field references, in
//! its list of fields, and in what a correlation groups by and counts.
//!
//! One name to many asks each of them: one must match. A question that says no (`neq`,
//! `exists: false`, null) is put to each, and each must say so; else a field of the data model not in
//! use, being absent, would always satisfy it.

use std::collections::HashMap;

use rsigma_parser::{CorrelationCondition, Modifier, SigmaString, SigmaValue};

use super::super::limits::Meter;
use super::super::state::State;
use super::super::step::Step;
use super::super::subject::Subject;
use super::super::text::Shown;
use super::super::tree::{Item, Node};
use super::super::yaml::Keys;
use super::{one_to_many, touched, values};

/// How names are mapped.
#[derive(Debug)]
pub(crate) enum FieldMap {
    /// A name to others; `None` stands for keywords.
    Names(HashMap<Option<String>, Vec<String>>),
    /// The first of these prefixes to others.
    Prefixes(Vec<(String, Vec<String>)>),
    /// Some names to others, any other by a function.
    Function(HashMap<Option<String>, Vec<String>>, values::Case),
    /// Something before each.
    Prefix(String),
    /// Something after each.
    Suffix(String),
}

impl FieldMap {
    /// The mapping of this type from its keys.
    pub(super) fn parse(kind: &str, keys: &mut Keys) -> Result<Self, String> {
        Ok(match kind {
            "field_name_mapping" => Self::Names(one_to_many(keys, "mapping")?.into_iter().collect()),
            "field_name_prefix_mapping" => {
                let prefixes = one_to_many(keys, "mapping")?.into_iter();
                let named = prefixes.map(|(from, to)| Some((from?, to))).collect::<Option<_>>();
                Self::Prefixes(named.ok_or("null is not a prefix")?)
            }
            "field_name_transform" => {
                let function = keys.need_text("transform_func")?;
                let case = values::Case::of(&function).ok_or_else(|| {
                    format!("`transform_func` must be one of lower, upper, snake_case, not `{function}`")
                })?;
                if keys.flag("apply_keyword")? {
                    return Err(
                        "`apply_keyword` has no meaning: keywords have no name to transform".to_owned()
                    );
                }
                let mapping = match keys.take("mapping") {
                    None => HashMap::new(),
                    Some(value) => {
                        let mut keys = Keys::of(
                            yaml_serde::Value::Mapping([("mapping".into(), value)].into_iter().collect()),
                            "",
                        )?;
                        one_to_many(&mut keys, "mapping")?.into_iter().collect()
                    }
                };
                Self::Function(mapping, case)
            }
            "field_name_prefix" => Self::Prefix(keys.need_text("prefix")?),
            _ => Self::Suffix(keys.need_text("suffix")?),
        })
    }

    /// What a name is mapped to; `None` if it stays.
    fn map(&self, name: Option<&str>) -> Option<Vec<String>> {
        match self {
            Self::Names(mapping) => mapping.get(&name.map(str::to_owned)).cloned(),
            Self::Prefixes(prefixes) => {
                let name = name?;
                prefixes.iter().find_map(|(from, to)| {
                    let rest = name.strip_prefix(from.as_str())?;
                    Some(to.iter().map(|prefix| format!("{prefix}{rest}")).collect())
                })
            }
            Self::Function(mapping, case) => {
                let name = name?;
                Some(mapping.get(&Some(name.to_owned())).cloned().unwrap_or_else(|| vec![case.of_text(name)]))
            }
            Self::Prefix(prefix) => Some(vec![format!("{prefix}{}", name?)]),
            Self::Suffix(suffix) => Some(vec![format!("{}{suffix}", name?)]),
        }
    }

    /// Maps every name of the subject that the step's conditions let pass.
    pub(super) fn apply(&self, step: &Step, subject: &mut Subject<'_>) -> Result<(), String> {
        let Subject { fields, correlation, state, meter, .. } = subject;
        let mut mapped = Vec::with_capacity(fields.len());
        for name in fields.drain(..) {
            mapped.extend(self.map_name(&name, step, state, meter)?);
        }
        *fields = mapped;
        if let Some(names) = correlation {
            let mut single = |name: &mut String, what: &str| -> Result<(), String> {
                let mut to = self.map_name(name, step, state, meter)?;
                match to.len() {
                    1 => *name = to.remove(0),
                    count => {
                        return Err(format!(
                            "{what} `{name}` of the correlation is mapped to {count} fields"
                        ));
                    }
                }
                Ok(())
            };
            for alias in &mut names.aliases {
                for name in alias.mapping.values_mut() {
                    single(name, "the aliased field")?;
                }
            }
            if let CorrelationCondition::Threshold { field: Some(counted), .. } = &mut names.condition {
                for name in counted {
                    single(name, "the condition's field")?;
                }
            }
            let mut grouped = Vec::with_capacity(names.group_by.len());
            for name in names.group_by.drain(..) {
                match names.aliases.iter().any(|alias| alias.alias == name) {
                    true => grouped.push(name),
                    false => grouped.extend(self.map_name(&name, step, state, meter)?),
                }
            }
            names.group_by = grouped;
        }
        for (_, node) in &mut subject.named {
            node.rename_arrays(&mut |name| {
                let mut to = self.map_name(name, step, &mut subject.state, &mut subject.meter)?;
                match to.len() {
                    1 => Ok(to.remove(0)),
                    count => Err(format!("the array `{name}` is mapped to {count} fields")),
                }
            })?;
        }
        subject.rewrite(|item, state, meter| match step.lets_item(&item, state) {
            true => self.map_item(item, step, state, meter),
            false => Ok(Some(Node::Item(item))),
        })
    }

    /// The names for one outside of detections: itself, if it is not mapped or not let pass.
    fn map_name(
        &self,
        name: &str,
        step: &Step,
        state: &mut State,
        meter: &mut Meter,
    ) -> Result<Vec<String>, String> {
        match self.map(Some(name)) {
            Some(to) if step.lets_name(Some(name), state) => {
                for name in &to {
                    meter.spend(name.len())?;
                }
                state.map_name(name, &to, step.place.id.as_ref());
                Ok(to)
            }
            _ => Ok(vec![name.to_owned()]),
        }
    }

    fn map_item(
        &self,
        mut item: Item,
        step: &Step,
        state: &mut State,
        meter: &mut Meter,
    ) -> Result<Option<Node>, String> {
        let mut changed = false;
        if item.spec.has_modifier(Modifier::FieldRef) {
            let mut values = Vec::with_capacity(item.values.len());
            for value in &item.values {
                match value {
                    SigmaValue::String(name) => {
                        let to = self.map_name(&name.original, step, state, meter)?;
                        changed |= to != [name.original.as_str()];
                        values.extend(to.iter().map(|name| SigmaValue::String(SigmaString::new(name))));
                    }
                    other => values.push(other.clone()),
                }
            }
            item.values = values;
        }
        let from = item.name().map(|name| name.into_owned());
        let to = self.map(from.as_deref()).filter(|_| step.lets_name(from.as_deref(), state));
        let Some(to) = to else {
            let node = Node::Item(item);
            return Ok(Some(if changed { touched(node, step.place.id.as_ref()) } else { node }));
        };
        state.map_field(from.as_deref(), &to);
        if let Some(from) = &from {
            state.map_name(from, &to, step.place.id.as_ref());
        } else {
            as_keywords(&mut item);
        }
        let all = item.is_negative();
        let mut nodes = Vec::with_capacity(to.len());
        for name in &to {
            meter.spend(name.len() + values::size(&item))?;
            let mut renamed = item.clone();
            renamed.rename(name);
            nodes.push(touched(Node::Item(renamed), step.place.id.as_ref()));
        }
        Ok(match nodes.len() {
            0 => None,
            1 => nodes.pop(),
            _ if all => Some(Node::All(nodes)),
            _ => Some(Node::Any(nodes)),
        })
    }
}

/// Keywords that become a field's values keep matching anywhere in it.
fn as_keywords(item: &mut Item) {
    let values = item
        .values
        .iter()
        .map(|value| match item.shown(value) {
            Some(mut shown) => {
                shown.open_start();
                shown.open_end();
                SigmaValue::String(Shown::to_value(&shown))
            }
            None => value.clone(),
        })
        .collect();
    *item = item.with(item.modifiers_shown(), values);
}
