//! Values of placeholders (`%name%` with the modifier `expand`) from a user's file: names, each with a value
//! or a list of values, in YAML or TOML.
//!
//! Invariant: no text costs memory or time out of proportion to its size; each limit is here.

use std::collections::BTreeMap;

use crate::pipeline::yaml;
use crate::yaml::Budget;

/// Names and their values, as [`LoadOptions`](crate::LoadOptions) has them.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// What is wrong with a file of placeholder values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderError {
    /// The text is larger than it may be.
    #[error("it has {bytes} bytes, more than {TEXT}")]
    TooLarge {
        /// Bytes of the text.
        bytes: usize,
    },
    /// It is not TOML.
    #[error("it is not TOML: {0}")]
    Toml(String),
    /// It is not YAML, or too much once its aliases are followed.
    #[error("it is not YAML as it is wanted here: {0}")]
    Yaml(String),
    /// The YAML is no mapping.
    #[error("it must have names, each with a value or a list of values")]
    Names,
    /// A value is neither a text, a number nor a list of these.
    #[error("'{0}' must be a value or a list of values")]
    Value(String),
}

/// Reads YAML.
///
/// # Errors
/// What is wrong with it.
pub fn from_yaml(text: &str) -> Result<Placeholders, PlaceholderError> {
    let budget = Budget::new(NODES, TEXT);
    let document =
        yaml::read_within(measured(text)?, &budget).map_err(|e| PlaceholderError::Yaml(e.to_string()))?;
    let yaml_serde::Value::Mapping(mapping) = document else { return Err(PlaceholderError::Names) };
    let mut placeholders = Placeholders::new();
    for (name, value) in mapping {
        let name = yaml::scalar(&name).ok_or(PlaceholderError::Names)?;
        match yaml_values(&value) {
            Some(values) => placeholders.insert(name, values),
            None => return Err(PlaceholderError::Value(name)),
        };
    }
    Ok(placeholders)
}

/// Reads TOML.
///
/// # Errors
/// What is wrong with it.
pub fn from_toml(text: &str) -> Result<Placeholders, PlaceholderError> {
    let wrong = |error: toml::de::Error| PlaceholderError::Toml(error.to_string().trim_end().to_owned());
    let table: toml::Table = measured(text)?.parse().map_err(wrong)?;
    let named = |(name, value)| match toml_values(&value) {
        Some(values) => Ok((name, values)),
        None => Err(PlaceholderError::Value(name)),
    };
    table.into_iter().map(named).collect()
}

/// Most bytes of a file, and of its texts once aliases are followed.
const TEXT: usize = 16 << 20;
/// Most values and names once aliases are followed.
const NODES: usize = 1_000_000;

fn measured(text: &str) -> Result<&str, PlaceholderError> {
    let bytes = text.len();
    if bytes > TEXT { Err(PlaceholderError::TooLarge { bytes }) } else { Ok(text) }
}

/// The values of a value or a list, lists in it too.
fn yaml_values(value: &yaml_serde::Value) -> Option<Vec<String>> {
    match value {
        yaml_serde::Value::Sequence(list) => flat(list.iter().map(yaml_values)),
        one => yaml::scalar(one).map(|text| vec![text]),
    }
}

fn toml_values(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::Array(list) => flat(list.iter().map(toml_values)),
        toml::Value::Table(_) => None,
        toml::Value::String(text) => Some(vec![text.clone()]),
        other => Some(vec![other.to_string()]),
    }
}

fn flat(lists: impl Iterator<Item = Option<Vec<String>>>) -> Option<Vec<String>> {
    let mut values = Vec::new();
    for list in lists {
        values.append(&mut list?);
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_toml_say_the_same() {
        let yaml = from_yaml("admins:\n  - root\n  - [5, true]\nhost: pacs01\n").unwrap();
        let toml = from_toml("admins = [\"root\", [5, true]]\nhost = \"pacs01\"\n").unwrap();
        assert_eq!(yaml["admins"], ["root", "5", "true"]);
        assert_eq!(yaml["host"], ["pacs01"]);
        assert_eq!(yaml, toml);
    }

    #[test]
    fn what_is_no_value_is_refused_by_name() {
        for text in ["admins:\n  a: b\n", "admins: [[{a: b}]]", "admins: ~"] {
            assert_eq!(from_yaml(text), Err(PlaceholderError::Value("admins".to_owned())), "{text}");
        }
        assert_eq!(from_toml("[admins]\na = 1\n"), Err(PlaceholderError::Value("admins".to_owned())));
        for text in ["", "- a", "text", "{[a]: b}"] {
            assert_eq!(from_yaml(text), Err(PlaceholderError::Names), "{text}");
        }
        assert!(matches!(from_yaml("a: [1"), Err(PlaceholderError::Yaml(_))));
        assert!(matches!(from_toml("a = [1"), Err(PlaceholderError::Toml(_))));
    }

    #[test]
    fn aliases_and_sizes_have_a_limit() {
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), ["*a"; 20].join(", "));
        let error = from_yaml(&text).unwrap_err().to_string();
        assert!(error.contains("too large once its aliases are followed"), "{error}");
        let large = "#".repeat(TEXT + 1);
        assert_eq!(from_toml(&large), Err(PlaceholderError::TooLarge { bytes: TEXT + 1 }));
    }
}
