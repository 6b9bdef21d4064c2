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

/// Brackets that may be open at once times marks of a text: 250 for a mebibyte of nothing but marks.
/// Measured: under half a second for the costliest text at the limit.
const BRACKETS: usize = 32 << 20;

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

/// Upper bound of what reading brackets costs: those that may be open at once, times the tokens there
/// may be.
fn bracket_cost(text: &str) -> usize {
    let (mut left_open, mut deepest) = (0_usize, 0);
    for line in text.split('\n') {
        let mut brackets = Brackets::default();
        brackets.read(line.as_bytes());
        left_open += brackets.left_open + brackets.open;
        deepest = deepest.max(brackets.deepest);
    }
    let marks = text.bytes().filter(|&byte| is_mark(byte)).count();
    left_open.saturating_add(deepest).saturating_mul(marks)
}

/// The brackets of a line. One counts as closed only where nothing but plain text, quoted texts and
/// closed brackets stand between it and its end, on its line: then it is closed if it was opened at all.
/// Otherwise (a comment, an escape, a tag) it counts as open for good, as the end may be text.
#[derive(Default)]
struct Brackets {
    open: usize,
    deepest: usize,
    left_open: usize,
    quote: Option<u8>,
    /// Where the line stands is not known any more: no end counts.
    lost: bool,
}

impl Brackets {
    fn read(&mut self, line: &[u8]) {
        let (mut before, mut mark_before) = (b' ', b' ');
        for (at, &byte) in line.iter().enumerate() {
            match (byte, self.quote) {
                (b'[' | b'{', quote) if may_open(before) => {
                    if quote.is_some() || self.lost {
                        self.left_open += 1;
                    } else {
                        self.open += 1;
                        self.deepest = self.deepest.max(self.open);
                    }
                }
                (b'\\', Some(b'"')) => self.lose(),
                (_, Some(quote)) if byte == quote => self.quote = None,
                (_, Some(_)) => {}
                (b']' | b'}', None) => self.open = self.open.saturating_sub(1),
                (b'\'' | b'"', None) if self.open > 0 => {
                    let begins = matches!(mark_before, b'[' | b'{' | b',' | b':')
                        && (before == b' ' || matches!(before, b'[' | b'{'));
                    match begins {
                        // A quote in a quoted text is doubled.
                        true if line.get(at + 1) != Some(&byte) => self.quote = Some(byte),
                        false if before.is_ascii_alphanumeric() => {}
                        _ => self.lose(),
                    }
                }
                (b'#' | b'!' | b'|' | b'>' | b'%' | b'@' | b'`', None) if self.open > 0 => self.lose(),
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                mark_before = byte;
            }
            before = byte;
        }
    }

    fn lose(&mut self) {
        self.left_open += std::mem::take(&mut self.open);
        (self.quote, self.lost) = (None, true);
    }
}

/// Whether a bracket behind this byte may open: behind white space (in YAML not only ASCII's), another
/// bracket, or a mark.
fn may_open(before: u8) -> bool {
    !before.is_ascii() || before.is_ascii_whitespace() || is_mark(before)
}

/// Whether a token of YAML may begin or end with it: no two tokens are without one between them.
fn is_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'\n'
            | b'\r'
            | b'-'
            | b'?'
            | b':'
            | b','
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'#'
            | b'&'
            | b'*'
            | b'!'
            | b'|'
            | b'>'
            | b'\''
            | b'"'
            | b'%'
            | b'@'
            | b'`'
    )
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    /// The shapes that make the reader look back at many brackets, filled up to a mebibyte.
    #[test]
    fn brackets_are_refused_however_they_open() {
        let full = |unit: &str| unit.repeat((1 << 20) / unit.len());
        let units = ["[", "{a: ", "{?", "[{", "'x'[", "!t [", "\u{85}[", "\u{2028}[", "- [\n"];
        for unit in
            units.map(full).into_iter().chain(["{a: ".repeat(2_000) + &full("a,"), "{a: ".repeat(200_000)])
        {
            let refused = read(&unit, std::marker::PhantomData::<IgnoredAny>).unwrap_err();
            assert_eq!(refused.to_string(), "it has too many brackets for its size", "{}", &unit[..8]);
        }
    }

    #[test]
    fn lists_in_brackets_as_people_write_them_are_read() {
        let text = "- {field: [Image, 'a b', \"don't\"], to: [process.executable], not: {}}\n".repeat(10_000);
        assert!(read(&text, std::marker::PhantomData::<IgnoredAny>).is_ok());
    }

    #[test]
    fn a_budget_ends() {
        let budget = Budget::new(2, 10);
        let spend = |bytes| budget.spend::<yaml_serde::Error>(bytes);
        assert!(spend(10).is_ok() && spend(1).is_err() && spend(0).is_ok() && spend(0).is_err());
    }
}
