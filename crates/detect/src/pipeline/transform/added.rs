//! `add_condition`: what an event must (or, negated, must not) be beside what the rule says.

use rsigma_parser::{
    ConditionExpr, DetectionItem, LogSource, Modifier, Quantifier, SelectorPattern, SigmaValue,
    parse_field_spec,
};
use yaml_serde::Value;

use super::super::subject::{Kind, Subject};
use super::super::tree::{Item, Node};
use super::super::yaml::{self, Keys};

/// A condition to add.
#[derive(Debug)]
pub(crate) struct AddedCondition {
    items: Vec<DetectionItem>,
    /// The search identifier to add; made up when `None`.
    name: Option<String>,
    negated: bool,
    /// Its texts name parts of the log source, as in `logs-$product`.
    template: bool,
}

impl AddedCondition {
    /// The condition from its keys.
    pub(super) fn parse(keys: &mut Keys) -> Result<Self, String> {
        let Value::Mapping(conditions) = keys.need("conditions")? else {
            return Err("`conditions` must be a mapping from fields to values".to_owned());
        };
        if conditions.is_empty() {
            return Err("`conditions` is empty".to_owned());
        }
        let items =
            conditions.into_iter().map(|(field, value)| item(&field, value)).collect::<Result<_, _>>()?;
        let name = keys.text("name")?;
        let is_name = |name: &String| name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if let Some(name) = name.as_ref().filter(|name| name.is_empty() || !is_name(name)) {
            return Err(format!("`{name}` cannot name a part of a condition"));
        }
        Ok(Self { items, name, negated: keys.flag("negated")?, template: keys.flag("template")? })
    }

    /// Adds it to each condition of a detection rule. A filter needs it not: the rule it is part of has it.
    pub(super) fn apply(&self, subject: &mut Subject<'_>) -> Result<(), String> {
        if subject.kind != Kind::Rule {
            return Ok(());
        }
        let source = subject.log_sources.first().cloned().unwrap_or_default();
        let mut items = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let mut values = Vec::with_capacity(item.values.len());
            for value in &item.values {
                let value = match value {
                    SigmaValue::String(text) if self.template => {
                        let filled = fill(&text.original, &source)?;
                        typed(&Value::String(filled), item.field.has_modifier(Modifier::Re))
                    }
                    other => other.clone(),
                };
                subject.meter.spend(value.to_string().len())?;
                values.push(value);
            }
            items.push(Node::Item(Item::new(item.field.clone(), values)));
        }
        let taken = |name: &str| subject.named.iter().any(|(taken, _)| taken == name);
        let name = match &self.name {
            Some(name) if taken(name) => return Err(format!("it already has a search identifier `{name}`")),
            Some(name) => name.clone(),
            None => (1..).map(|n| format!("_cond_{n}")).find(|name| !taken(name)).unwrap_or_default(),
        };
        let names: Vec<String> = subject.named.iter().map(|(name, _)| name.clone()).collect();
        let added = ConditionExpr::Identifier(name.clone());
        let added = if self.negated { ConditionExpr::Not(Box::new(added)) } else { added };
        for condition in &mut subject.conditions {
            let old = unselect(std::mem::replace(condition, added.clone()), &name, &names)?;
            let parts = match old {
                ConditionExpr::And(parts) => parts,
                other => vec![other],
            };
            *condition = ConditionExpr::And(std::iter::once(added.clone()).chain(parts).collect());
        }
        subject.named.push((name, Node::All(items)));
        Ok(())
    }
}

/// One field and its values.
fn item(field: &Value, value: Value) -> Result<DetectionItem, String> {
    let key =
        yaml::scalar(field).ok_or_else(|| format!("`conditions` has {} as a field", yaml::kind(field)))?;
    let spec = parse_field_spec(&key).map_err(|error| format!("`conditions`: {error}"))?;
    let raw = spec.has_modifier(Modifier::Re);
    let list = match value {
        Value::Sequence(list) => list,
        one => vec![one],
    };
    if list.is_empty() {
        return Err(format!("`conditions` has no value for `{key}`"));
    }
    if let Some(wrong) = list.iter().find(|value| matches!(value, Value::Sequence(_) | Value::Mapping(_))) {
        return Err(format!("`conditions` has {} for `{key}`", yaml::kind(wrong)));
    }
    Ok(DetectionItem { field: spec, values: list.iter().map(|value| typed(value, raw)).collect() })
}

fn typed(value: &Value, raw: bool) -> SigmaValue {
    match value {
        Value::String(text) if raw => SigmaValue::from_raw_string(text),
        other => SigmaValue::from_yaml(other),
    }
}

/// Fills `$category`, `${product}` and the like; `$$` is a dollar sign, anything else stays.
fn fill(text: &str, source: &LogSource) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let inner = rest.strip_prefix('{').unwrap_or(rest);
        let braced = inner.len() != rest.len();
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let after = &inner[end..];
        let (after, closed) = match (braced, after.strip_prefix('}')) {
            (true, Some(after)) => (after, true),
            (braced, _) => (after, !braced),
        };
        let part = match &inner[..end] {
            "category" => &source.category,
            "product" => &source.product,
            "service" => &source.service,
            _ => {
                out.push('$');
                continue;
            }
        };
        if !closed {
            out.push('$');
            continue;
        }
        out.push_str(
            part.as_deref().ok_or_else(|| format!("its log source has no {} to fill in", &inner[..end]))?,
        );
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The condition with every selector that would also select `added` spelled out, so that it goes on
/// meaning the identifiers it meant.
fn unselect(expr: ConditionExpr, added: &str, names: &[String]) -> Result<ConditionExpr, String> {
    let each = |parts: Vec<ConditionExpr>| -> Result<Vec<ConditionExpr>, String> {
        parts.into_iter().map(|part| unselect(part, added, names)).collect()
    };
    Ok(match expr {
        ConditionExpr::And(parts) => ConditionExpr::And(each(parts)?),
        ConditionExpr::Or(parts) => ConditionExpr::Or(each(parts)?),
        ConditionExpr::Not(inner) => ConditionExpr::Not(Box::new(unselect(*inner, added, names)?)),
        ConditionExpr::Selector { quantifier, pattern } if pattern.matches_detection_name(added) => {
            spelled_out(&quantifier, &pattern, names)
                .ok_or_else(|| format!("`{quantifier} of {pattern}` would count the condition to add"))?
        }
        other => other,
    })
}

fn spelled_out(
    quantifier: &Quantifier,
    pattern: &SelectorPattern,
    names: &[String],
) -> Option<ConditionExpr> {
    let selected = names.iter().filter(|name| pattern.matches_detection_name(name));
    let parts: Vec<_> = selected.map(|name| ConditionExpr::Identifier(name.clone())).collect();
    match (quantifier, parts.len()) {
        (_, 0) => None,
        (Quantifier::Any | Quantifier::All, 1) => parts.into_iter().next(),
        (Quantifier::Any, _) => Some(ConditionExpr::Or(parts)),
        (Quantifier::All, _) => Some(ConditionExpr::And(parts)),
        (Quantifier::Count(_), _) => None,
    }
}
