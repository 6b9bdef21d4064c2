//! Values to other values: `replace_string`, `map_string`, `regex`, `set_value`, `convert_type`, `case`.

use std::collections::HashMap;

use rsigma_parser::{Modifier, SigmaValue};
use yaml_serde::Value;

use super::super::limits::{Loading, Meter};
use super::super::state::Scalar;
use super::super::text::Shown;
use super::super::tree::{Item, Node};
use super::super::yaml::Keys;
use super::pattern::{self, Method};
use super::replace::Replacement;
use super::{Change, one_to_many};

/// How the values of an item change.
#[derive(Debug)]
pub(crate) enum ValueChange {
    /// Parts that match a regular expression are replaced.
    Replace(Replacement),
    /// Whole texts, wildcards as written, become others.
    Map(HashMap<String, Vec<Shown>>),
    /// Letters change case.
    Case(Case),
    /// Texts become regular expressions.
    Regex(Method),
    /// Everything becomes this value.
    Set(SigmaValue),
    /// Numbers and booleans become texts.
    ToText,
    /// Texts become numbers.
    ToNumber,
}

/// A change of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
    Snake,
}

impl ValueChange {
    /// The change of this type from its keys.
    pub(super) fn parse(kind: &str, keys: &mut Keys, loading: &Loading) -> Result<Self, String> {
        Ok(match kind {
            "replace_string" => Self::Replace(Replacement::parse(keys, loading)?),
            "map_string" => {
                let mut mapping = HashMap::new();
                for (from, to) in one_to_many(keys, "mapping")? {
                    let from = from.ok_or("`mapping` maps null, which is not a string")?;
                    if to.is_empty() {
                        return Err(format!(
                            "`mapping` of `{from}` is empty, which would leave no value to match"
                        ));
                    }
                    mapping.insert(from, to.iter().map(|text| Shown::parse(text)).collect());
                }
                Self::Map(mapping)
            }
            "regex" => Self::Regex(keys.choice(
                "method",
                &[
                    ("ignore_case_brackets", Method::Brackets),
                    ("ignore_case_flag", Method::Flag),
                    ("plain", Method::Plain),
                ],
            )?),
            "set_value" => Self::Set(set_value(keys)?),
            "convert_type" => match keys.need_text("target_type")?.as_str() {
                "str" => Self::ToText,
                "num" => Self::ToNumber,
                other => return Err(format!("`target_type` must be one of str, num, not `{other}`")),
            },
            _ => Self::Case(keys.choice(
                "method",
                &[("lower", Case::Lower), ("upper", Case::Upper), ("snake_case", Case::Snake)],
            )?),
        })
    }

    /// Changes the values of an item.
    pub(super) fn change(&self, item: Item, meter: &mut Meter) -> Result<Change, String> {
        match self {
            Self::Replace(replacement) => each_text(item, meter, |shown, meter| {
                Ok(replacement.replace(shown, meter)?.map(|shown| vec![shown]))
            }),
            Self::Map(mapping) => each_text(item, meter, |shown, _| Ok(mapping.get(shown.text()).cloned())),
            Self::Case(case) => each_text(item, meter, |shown, _| {
                Ok(Some(vec![shown.map_plain(|text| case.of_text(text))])
                    .filter(|changed| changed[0] != *shown))
            }),
            Self::Regex(method) => pattern::change(item, *method, meter),
            Self::Set(value) => {
                let mut modifiers = item.spec.modifiers.clone();
                modifiers.retain(|modifier| *modifier == Modifier::Neq);
                Ok(Change::To(Node::Item(item.with(modifiers, vec![value.clone()]))))
            }
            Self::ToText => Ok(to_text(item)),
            Self::ToNumber => to_number(item),
        }
    }
}

impl Case {
    /// The change by its name.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "lower" => Some(Self::Lower),
            "upper" => Some(Self::Upper),
            "snake_case" => Some(Self::Snake),
            _ => None,
        }
    }

    /// A text so changed.
    pub(super) fn of_text(self, text: &str) -> String {
        match self {
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Snake => snake(text),
        }
    }
}

/// Bytes an item's values take.
pub(super) fn size(item: &Item) -> usize {
    item.values
        .iter()
        .map(|value| match value {
            SigmaValue::String(text) => text.original.len() + super::super::limits::NODE,
            _ => super::super::limits::NODE,
        })
        .sum()
}

/// Changes each text of an item. If one changes, all are written with the wildcards they were shown.
fn each_text(
    item: Item,
    meter: &mut Meter,
    mut change: impl FnMut(&Shown, &mut Meter) -> Result<Option<Vec<Shown>>, String>,
) -> Result<Change, String> {
    let mut values = Vec::with_capacity(item.values.len());
    let mut changed = false;
    for value in &item.values {
        let Some(shown) = item.shown(value) else {
            values.push(value.clone());
            continue;
        };
        let to = change(&shown, meter)?;
        changed |= to.is_some();
        for shown in to.unwrap_or_else(|| vec![shown]) {
            meter.spend(shown.text().len())?;
            values.push(SigmaValue::String(shown.to_value()));
        }
    }
    Ok(match changed {
        true => Change::To(Node::Item(item.with(item.modifiers_shown(), values))),
        false => Change::None(item),
    })
}

fn set_value(keys: &mut Keys) -> Result<SigmaValue, String> {
    let value = keys.need("value")?;
    let force = keys.text("force_type")?;
    match (force.as_deref(), &value) {
        (None, Value::Null) => Ok(SigmaValue::Null),
        (None, _) => Scalar::of(&value).map(|_| SigmaValue::from_yaml(&value)),
        (Some("str" | "num"), Value::Sequence(_) | Value::Mapping(_) | Value::Null) => {
            Err("`force_type` needs a text or a number".to_owned())
        }
        (Some("str"), _) => Ok(SigmaValue::String(Shown::parse(&Scalar::of(&value)?.to_string()).to_value())),
        (Some("num"), _) => number(&Scalar::of(&value)?.to_string()),
        (Some(other), _) => Err(format!("`force_type` must be one of str, num, not `{other}`")),
    }
    .map_err(|reason| format!("`value`: {reason}"))
}

fn to_text(item: Item) -> Change {
    if !item.is_text() {
        return Change::None(item);
    }
    let convert = |value: &SigmaValue| match value {
        SigmaValue::Integer(_) | SigmaValue::Float(_) | SigmaValue::Bool(_) => {
            SigmaValue::String(Shown::parse(&value.to_string()).to_value())
        }
        other => other.clone(),
    };
    let values: Vec<_> = item.values.iter().map(convert).collect();
    match values == item.values {
        true => Change::None(item),
        false => Change::To(Node::Item(item.with(item.spec.modifiers.clone(), values))),
    }
}

fn to_number(item: Item) -> Result<Change, String> {
    let mut values = Vec::with_capacity(item.values.len());
    for value in &item.values {
        values.push(match item.shown(value) {
            Some(shown) => number(shown.text())?,
            None => value.clone(),
        });
    }
    Ok(match values == item.values {
        true => Change::None(item),
        false => Change::To(Node::Item(item.with(item.modifiers_shown(), values))),
    })
}

fn number(text: &str) -> Result<SigmaValue, String> {
    if let Ok(number) = text.parse() {
        return Ok(SigmaValue::Integer(number));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(SigmaValue::Float(number)),
        _ => Err(format!("`{text}` is not a number")),
    }
}

/// `ParentProcessName` as `parent_process_name`: an underscore before each capital that follows a
/// small letter or digit, or that begins a new word after capitals.
fn snake(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 4);
    for (index, &c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| chars[before]);
        let starts_word = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && chars.get(index + 1).is_some_and(|next| next.is_lowercase()))
            });
        if starts_word {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case_splits_at_capitals() {
        assert_eq!(snake("ParentProcessName"), "parent_process_name");
        assert_eq!(snake("HTTPServer2Go"), "http_server2_go");
        assert_eq!(snake("process.name"), "process.name");
    }
}
