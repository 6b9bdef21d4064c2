//! YAML text to a tree of bounded size, and the reading of its mappings key by key.
//!
//! Invariant: a key nobody asked for is an error that names it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use yaml_serde::{Mapping, Number, Value};

use super::limits;
use crate::yaml::{self, Budget, Unreadable};

/// The document in `text`, merge keys applied.
pub(super) fn read(text: &str) -> Result<Value, Unreadable> {
    read_within(text, &Budget::new(limits::NODES, limits::DOCUMENT))
}

/// The same, charging this budget.
pub(crate) fn read_within(text: &str, budget: &Budget) -> Result<Value, Unreadable> {
    let mut value = yaml::read(text, Node(budget))?;
    value.apply_merge()?;
    Ok(value)
}

/// The mapping of a transformation, a condition or the document, read key by key.
pub(super) struct Keys(Mapping);

impl Keys {
    /// The mapping in `value`; `what` names it in the error.
    pub(super) fn of(value: Value, what: &str) -> Result<Self, String> {
        match value {
            Value::Mapping(mapping) => Ok(Self(mapping)),
            other => Err(format!("{what} must be a mapping, not {}", kind(&other))),
        }
    }

    /// The value of a key, whatever it is.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key)
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &str) -> Result<Value, String> {
        self.take(key).ok_or_else(|| format!("`{key}` is missing"))
    }

    /// A text; numbers and booleans count as they are written, null as absent.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match scalar(&value) {
                Some(text) => Ok(Some(text)),
                None => Err(format!("`{key}` must be a text, not {}", kind(&value))),
            },
        }
    }

    /// A text that must be there.
    pub(super) fn need_text(&mut self, key: &str) -> Result<String, String> {
        self.text(key)?.ok_or_else(|| format!("`{key}` is missing"))
    }

    /// `true` or `false`; false when absent.
    pub(super) fn flag(&mut self, key: &str) -> Result<bool, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(format!("`{key}` must be true or false, not {}", kind(&other))),
        }
    }

    /// Texts: a list of them or one alone. Absent and null are told apart from empty.
    pub(super) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => texts(value).map(Some).map_err(|reason| format!("`{key}`: {reason}")),
        }
    }

    /// Texts that must be there.
    pub(super) fn need_texts(&mut self, key: &str) -> Result<Vec<String>, String> {
        self.texts(key)?.ok_or_else(|| format!("`{key}` is missing"))
    }

    /// One of a few words; the first when absent.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Result<T, String> {
        let words = || choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        match (self.text(key)?, choices) {
            (Some(text), _) => choices
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, choice)| *choice)
                .ok_or_else(|| format!("`{key}` must be one of {}, not `{text}`", words())),
            (None, [(_, first), ..]) => Ok(*first),
            (None, []) => Err(format!("`{key}` is missing")),
        }
    }

    /// Errs if a key is left that nobody asked for.
    pub(super) fn finish(self) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => {
                Err(format!("unknown key `{}`", scalar(key).unwrap_or_else(|| kind(key).to_owned())))
            }
        }
    }
}

/// A scalar as it is written; `None` of null and of what is not scalar.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A list of scalars or one alone, as they are written.
pub(super) fn texts(value: Value) -> Result<Vec<String>, String> {
    let list = match value {
        Value::Sequence(list) => list,
        one => vec![one],
    };
    list.iter()
        .map(|one| scalar(one).ok_or_else(|| format!("{} where a text should be", kind(one))))
        .collect()
}

/// What a node is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Tagged(_) => "a tagged value",
    }
}

/// Builds a node, charging its budget.
#[derive(Clone, Copy)]
struct Node<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, number, boolean, null, list or mapping without a tag")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        self.0.spend(0).map(|()| Value::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.0.spend(0).map(|()| Value::Number(Number::from(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.0.spend(0).map(|()| Value::Number(Number::from(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        self.0.spend(0).map(|()| Value::Number(Number::from(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.0.spend(text.len()).map(|()| Value::String(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.spend(0).map(|()| Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.spend(0)?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Value::Sequence(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.0.spend(0)?;
        let mut mapping = Mapping::new();
        while let Some(key) = access.next_key_seed(self)? {
            if mapping.contains_key(&key) {
                let name = scalar(&key).unwrap_or_else(|| kind(&key).to_owned());
                return Err(A::Error::custom(format!("key `{name}` is there twice")));
            }
            let value = access.next_value_seed(self)?;
            mapping.insert(key, value);
        }
        Ok(Value::Mapping(mapping))
    }
}
