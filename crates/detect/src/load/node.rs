//! A YAML document as a plain tree.
//!
//! Invariant: reading a document stops with an error once its tree, aliases written out, outgrows
//! [`MAX_NODES`] or [`MAX_BYTES`]; nesting is limited by the YAML reader. So no later step needs a limit
//! on depth or size of its own.
//! Invariant: keys of a map are different, and in the order written.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::yaml::{self, Budget, Unreadable};

/// Nodes that one document may have.
pub(super) const MAX_NODES: usize = 200_000;
/// Bytes of text that one document may have.
pub(super) const MAX_BYTES: usize = 4 << 20;
/// Keys that one map may have.
const MAX_KEYS: usize = 2_000;

/// A node of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// As text in its usual form (`1.50` is `1.5`: the YAML reader does not tell how it was written).
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads one document.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        yaml::read(text, Builder(&Budget::new(MAX_NODES, MAX_BYTES)))
    }

    /// The value of a key, if this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    pub(super) fn as_map(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text of a scalar; `None` for null, lists and maps.
    pub(super) fn scalar(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The scalars of a list, or the one scalar there is. `None` if anything else is in it.
    pub(super) fn scalars(&self) -> Option<Vec<&str>> {
        match self {
            Self::List(items) => items.iter().map(Self::scalar).collect(),
            other => Some(vec![other.scalar()?]),
        }
    }

    /// The nodes of a list, and of lists in it; of anything else, itself.
    pub(super) fn flatten<'n>(&'n self, into: &mut Vec<&'n Self>) {
        match self {
            Self::List(items) => items.iter().for_each(|item| item.flatten(into)),
            other => into.push(other),
        }
    }

    /// Takes a key out of a map.
    pub(super) fn take(&mut self, key: &str) -> Option<Self> {
        let Self::Map(entries) = self else { return None };
        let at = entries.iter().position(|(k, _)| k == key)?;
        Some(entries.remove(at).1)
    }

    /// How many nodes there are.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Self::Map(entries) => 1 + entries.iter().map(|(_, value)| value.size()).sum::<usize>(),
            _ => 1,
        }
    }

    /// `over` laid over this: maps are merged key by key, anything else is replaced.
    pub(super) fn overlaid(self, over: Self) -> Self {
        match (self, over) {
            (Self::Map(mut base), Self::Map(over)) => {
                for (key, value) in over {
                    match base.iter_mut().find(|(k, _)| *k == key) {
                        Some((_, slot)) => {
                            let before = std::mem::replace(slot, Self::Null);
                            *slot = before.overlaid(value);
                        }
                        None => base.push((key, value)),
                    }
                }
                Self::Map(base)
            }
            (_, over) => over,
        }
    }
}

/// Builds a node, charging its budget.
#[derive(Clone, Copy)]
struct Builder<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for Builder<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Builder<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a list or a map, without a YAML tag")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Node, E> {
        self.visit_number(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        self.visit_number(value)
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Node, E> {
        self.visit_number(value)
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Node, E> {
        self.visit_number(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        self.visit_number(value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Node, E> {
        self.0.spend(value.len())?;
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Node, E> {
        self.0.spend(value.len())?;
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        self.0.spend(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        self.0.spend(0)?;
        let mut map: Vec<(String, Node)> = Vec::new();
        let mut merged = None;
        while let Some(key) = entries.next_key_seed(self)? {
            let key = match key {
                Node::Text(key) | Node::Number(key) => key,
                Node::Bool(key) => key.to_string(),
                _ => return Err(A::Error::custom("a key must be text")),
            };
            let value = entries.next_value_seed(self)?;
            if key == "<<" {
                merged = Some(value);
            } else if map.iter().any(|(k, _)| *k == key) {
                return Err(A::Error::custom(format_args!("the key '{key}' is there twice")));
            } else if map.len() == MAX_KEYS {
                return Err(A::Error::custom(format_args!("a map has more than {MAX_KEYS} keys")));
            } else {
                map.push((key, value));
            }
        }
        let bases = match merged {
            None => return Ok(Node::Map(map)),
            Some(Node::List(bases)) => bases,
            Some(base) => vec![base],
        };
        for base in bases {
            let Node::Map(base) = base else { return Err(A::Error::custom("'<<' must merge maps")) };
            for (key, value) in base {
                if map.len() < MAX_KEYS && !map.iter().any(|(k, _)| *k == key) {
                    map.push((key, value));
                }
            }
        }
        Ok(Node::Map(map))
    }
}

impl Builder<'_> {
    fn visit_number<E: serde::de::Error>(self, value: impl fmt::Display) -> Result<Node, E> {
        self.0.spend(0)?;
        Ok(Node::Number(value.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Node {
        Node::Text(value.to_owned())
    }

    #[test]
    fn scalars_keep_their_kind_and_maps_their_order() {
        let node = Node::read("z: [1, 1.5, true, ~, '1']\na: x").unwrap();
        let number = |n: &str| Node::Number(n.to_owned());
        let list = vec![number("1"), number("1.5"), Node::Bool(true), Node::Null, text("1")];
        assert_eq!(node, Node::Map(vec![("z".to_owned(), Node::List(list)), ("a".to_owned(), text("x"))]));
    }

    #[test]
    fn a_key_may_be_there_once() {
        assert!(Node::read("a: 1\na: 2").unwrap_err().to_string().contains("'a' is there twice"));
        let many: String = (0..=MAX_KEYS).map(|i| format!("k{i}: 1\n")).collect();
        assert!(Node::read(&many).is_err());
    }

    #[test]
    fn merge_keys_fill_in_what_is_missing() {
        let node = Node::read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}").unwrap();
        let used = node.get("use").unwrap();
        assert_eq!(used.get("x").and_then(Node::scalar), Some("1"));
        assert_eq!(used.get("y").and_then(Node::scalar), Some("3"));
        let node = Node::read("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nuse: {<<: [*a, *b], z: 3}").unwrap();
        let used = node.get("use").unwrap();
        assert_eq!(["x", "y", "z"].map(|k| used.get(k).and_then(Node::scalar).unwrap()), ["1", "2", "3"]);
    }

    #[test]
    fn alias_bombs_and_deep_nesting_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(Node::read(&bomb).is_err());
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(100_000), "*a, ".repeat(1000));
        assert!(Node::read(&long).unwrap_err().to_string().contains("too large"));
        assert!(Node::read(&"[".repeat(100_000)).is_err());
        assert!(Node::read("x: !tagged y").is_err());
    }
}
