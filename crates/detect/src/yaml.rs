//! What reading YAML from outside may cost: the one guard in front of rules and pipelines.
//!
//! The YAML reader looks at every open bracket at each token, and builds what an alias stands for as
//! often as it is named; a short text could cost minutes or memory without end. So brackets are counted
//! before reading, and a [`Budget`] is charged for every node while reading.
//!
//! Invariant: a text that passes costs time and memory in proportion to its size and its budget.

use std::cell::Cell;
use std::fmt;

use serde::de::DeserializeSeed;

/// Brackets times bytes of a text: at 1 MiB some 500 brackets, at 16 KiB any number. Measured: under
/// half a second at the limit.
const BRACKETS: usize = 2 << 30;

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The line, from 1, where known.
    pub(crate) line: Option<usize>,
    /// What is wrong.
    pub(crate) reason: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<yaml_serde::Error> for Unreadable {
    fn from(error: yaml_serde::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        Self { line: error.location().map(|place| place.line()), reason: reason.to_owned() }
    }
}

/// Reads the one document in `text`. `seed` builds it and charges a [`Budget`] for each node.
pub(crate) fn read<'t, S: DeserializeSeed<'t>>(text: &'t str, seed: S) -> Result<S::Value, Unreadable> {
    if bracket_cost(text) > BRACKETS {
        let reason = "it has too many brackets for its size".to_owned();
        return Err(Unreadable { line: None, reason });
    }
    Ok(seed.deserialize(yaml_serde::Deserializer::from_str(text))?)
}

/// What may still be built: an alias costs as much as what it stands for.
pub(crate) struct Budget {
    nodes: Cell<usize>,
    bytes: Cell<usize>,
}

impl Budget {
    /// For so many nodes and bytes of text in them.
    pub(crate) fn new(nodes: usize, bytes: usize) -> Self {
        Self { nodes: Cell::new(nodes), bytes: Cell::new(bytes) }
    }

    /// Takes the price of a node with so many bytes of text.
    pub(crate) fn spend<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        match (self.nodes.get().checked_sub(1), self.bytes.get().checked_sub(bytes)) {
            (Some(nodes), Some(bytes)) => {
                self.nodes.set(nodes);
                self.bytes.set(bytes);
                Ok(())
            }
            _ => Err(E::custom("the document is too large once its aliases are followed")),
        }
    }
}

/// Upper bound of what reading brackets costs. Which ones are closed again, or stand in a text, would
/// take a reader to tell, so all count that may open: those after white space (in YAML not only ASCII's),
/// another bracket, or a mark that may come before one.
fn bracket_cost(text: &str) -> usize {
    let before = std::iter::once(b'\n').chain(text.bytes());
    let may_open = |before: u8| {
        before.is_ascii_whitespace()
            || !before.is_ascii()
            || matches!(before, b'[' | b'{' | b',' | b':' | b'?' | b'"' | b'\'')
    };
    let opens =
        before.zip(text.bytes()).filter(|&(before, byte)| matches!(byte, b'[' | b'{') && may_open(before));
    opens.count().saturating_mul(text.len())
}
