//! The grammar: `or := and (OR and)*`, `and := not ((AND)? not)*`, `not := NOT not | (or) | term`.

use super::cursor::Cursor;
use super::{Column, DEEPEST, LONGEST, MOST_TERMS, Node, Op, QueryError, Term, value};

/// Reads a whole query.
pub(crate) fn query(text: &str) -> Result<Node, QueryError> {
    if text.len() > LONGEST {
        return Err(QueryError::new(1, format!("at most {LONGEST} bytes, not {}", text.len())));
    }
    let mut parser = Parser { cursor: Cursor::new(text), depth: 0, terms: 0 };
    parser.cursor.blank();
    if parser.cursor.rest().is_empty() {
        return Ok(Node::All);
    }
    let node = parser.or()?;
    match parser.cursor.peek() {
        None => Ok(node),
        Some(_) => Err(parser.cursor.error("no ')' without a '('")),
    }
}

#[derive(Debug)]
struct Parser<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    terms: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Node, QueryError> {
        let mut parts = vec![self.and()?];
        while self.cursor.takes_word("OR") {
            self.cursor.blank();
            parts.push(self.and()?);
        }
        Ok(Node::or(parts))
    }

    fn and(&mut self) -> Result<Node, QueryError> {
        let mut parts = vec![self.not()?];
        loop {
            self.cursor.blank();
            let ended = matches!(self.cursor.peek(), None | Some(')')) || self.cursor.next_is_word("OR");
            if ended {
                return Ok(Node::and(parts));
            }
            if self.cursor.takes_word("AND") {
                self.cursor.blank();
            }
            parts.push(self.not()?);
        }
    }

    fn not(&mut self) -> Result<Node, QueryError> {
        let place = self.cursor.clone();
        if self.cursor.takes_word("NOT") {
            self.cursor.blank();
            let part = self.deeper(&place, Self::not)?;
            return Ok(Node::Not(Box::new(part)));
        }
        if self.cursor.takes("(") {
            self.cursor.blank();
            let part = self.deeper(&place, Self::or)?;
            if !self.cursor.takes(")") {
                return Err(self.cursor.error("a ')'"));
            }
            return Ok(part);
        }
        for word in ["AND", "OR"] {
            if self.cursor.next_is_word(word) {
                return Err(self
                    .cursor
                    .error(format!("a word or field before '{word}' (as a word: \"{word}\")")));
            }
        }
        match self.cursor.peek() {
            None => Err(self.cursor.error("a word or field")),
            Some(')') => Err(self.cursor.error("a word or field before ')'")),
            Some(':') if !self.cursor.rest().starts_with("::") => {
                Err(self.cursor.error("the name of a field before ':' (as a word: \":...\")"))
            }
            Some(_) => self.term(),
        }
    }

    fn deeper(
        &mut self,
        place: &Cursor<'_>,
        read: fn(&mut Self) -> Result<Node, QueryError>,
    ) -> Result<Node, QueryError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(place.error(format!("at most {DEEPEST} parentheses and NOT inside each other")));
        }
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn term(&mut self) -> Result<Node, QueryError> {
        let quoted = self.cursor.peek() == Some('"');
        if quoted {
            let text = self.cursor.quoted()?;
            if !self.cursor.rest().starts_with([':', '<', '>']) {
                return self.counted(super::Pattern::literal(text), |pattern| Ok(raw(pattern)));
            }
            // a name in quotation marks is always that of a field of the event
            return self.tests(&Name::Field(text));
        }
        match name(self.cursor.rest()) {
            Some(name) => {
                self.cursor.skip(name.len());
                let name = Column::named(name).map_or_else(|| Name::Field(name.to_owned()), Name::Column);
                self.tests(&name)
            }
            None => {
                let pattern = self.cursor.word(&[]);
                self.counted(pattern, |pattern| Ok(raw(pattern)))
            }
        }
    }

    /// What is asked of a field, from the sign after its name.
    fn tests(&mut self, name: &Name) -> Result<Node, QueryError> {
        let mut op = self.sign();
        if op == Op::Equal {
            if self.cursor.takes("(") {
                return self.list(name);
            }
            if self.cursor.takes("[") {
                return self.range(name);
            }
            if self.cursor.rest().starts_with(['<', '>']) {
                op = self.sign();
            }
        }
        let place = self.cursor.clone();
        let pattern = self.value(name, &[])?;
        if let Some((from, to)) = place.rest().split_whitespace().next().and_then(other_range) {
            return Err(place.error(format!("[{from} TO {to}] for a range (as a text: \"{from}..{to}\")")));
        }
        self.counted(pattern, |pattern| {
            value::test(name, op, pattern).map_err(|expected| place.error(expected))
        })
    }

    fn sign(&mut self) -> Op {
        for op in [Op::AtMost, Op::AtLeast, Op::Less, Op::More] {
            if self.cursor.takes(op.sign()) {
                return op;
            }
        }
        self.cursor.takes(":");
        Op::Equal
    }

    fn list(&mut self, name: &Name) -> Result<Node, QueryError> {
        let mut parts = Vec::new();
        loop {
            self.cursor.blank();
            let place = self.cursor.clone();
            let pattern = self.value(name, &[])?;
            let test =
                |pattern| value::test(name, Op::Equal, pattern).map_err(|expected| place.error(expected));
            parts.push(self.counted(pattern, test)?);
            self.cursor.blank();
            if self.cursor.takes(")") {
                return Ok(Node::or(parts));
            }
            if !self.cursor.takes_word("OR") {
                return Err(self.cursor.error("OR and another value, or a ')'"));
            }
        }
    }

    fn range(&mut self, name: &Name) -> Result<Node, QueryError> {
        let mut parts = Vec::new();
        for (op, end) in [(Op::AtLeast, "TO"), (Op::AtMost, "]")] {
            self.cursor.blank();
            let place = self.cursor.clone();
            let pattern = self.value(name, &[']'])?;
            if pattern.pieces() != [super::Piece::Any] {
                let test = |pattern| value::test(name, op, pattern).map_err(|expected| place.error(expected));
                parts.push(self.counted(pattern, test)?);
            }
            self.cursor.blank();
            let ended = if end == "TO" { self.cursor.takes_word(end) } else { self.cursor.takes(end) };
            if !ended {
                return Err(self.cursor.error(format!("'{end}': a range is [a TO b], and * is an open end")));
            }
        }
        match parts.is_empty() {
            true => value::test(name, Op::Equal, any()).map_err(|expected| self.cursor.error(expected)),
            false => Ok(Node::and(parts)),
        }
    }

    fn value(&mut self, name: &Name, ends: &[char]) -> Result<super::Pattern, QueryError> {
        match self.cursor.peek() {
            Some('"') => self.cursor.quoted().map(super::Pattern::literal),
            None | Some('(' | ')') => Err(self.cursor.error(format!("a value of {name}"))),
            Some(character) if character.is_whitespace() || ends.contains(&character) => {
                Err(self.cursor.error(format!("a value of {name}")))
            }
            Some(_) => Ok(self.cursor.word(ends)),
        }
    }

    fn counted(
        &mut self,
        pattern: super::Pattern,
        make: impl FnOnce(super::Pattern) -> Result<Node, QueryError>,
    ) -> Result<Node, QueryError> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(self.cursor.error(format!("at most {MOST_TERMS} words, fields and values")));
        }
        make(pattern)
    }
}

/// What a name before `:`, `<` or `>` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// What the lake has a column of.
    Column(Column),
    /// A field in the original bytes.
    Field(String),
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column(column) => f.write_str(column.name()),
            Self::Field(name) => f.write_str(name),
        }
    }
}

/// The name of a field that the text begins with, if a sign follows it. `https://`, `C:\` and `fe80::1` are
/// words.
pub(crate) fn name(text: &str) -> Option<&str> {
    let inner = |character: char| character.is_alphanumeric() || "_@.-".contains(character);
    let name = &text[..text.find(|character| !inner(character)).unwrap_or(text.len())];
    let begins = name.starts_with(|first: char| first.is_alphabetic() || "_@".contains(first));
    let after = &text[name.len()..];
    let drive = name.len() == 1 && after.starts_with(":\\");
    let word = after.starts_with("://") || after.starts_with("::") || drive;
    (begins && !word && after.starts_with([':', '<', '>'])).then_some(name)
}

/// The ends of what other languages write for a range, `2..3`. An address of the net is none.
fn other_range(text: &str) -> Option<(&str, &str)> {
    let (from, to) = text.trim_end_matches(')').split_once("..")?;
    let number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    (number(from) && number(to)).then_some((from, to))
}

fn raw(pattern: super::Pattern) -> Node {
    let inner = pattern.inner();
    if inner.pieces().is_empty() { Node::All } else { Node::Term(Term::Raw(inner)) }
}

fn any() -> super::Pattern {
    let mut pattern = super::Pattern::default();
    pattern.push_wildcard(super::Piece::Any);
    pattern
}
