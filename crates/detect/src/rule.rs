//! A rule, ready to be matched: what every reader of Sigma is lowered to and every matcher starts from.

use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;
use ward_core::{LogSource, Severity};

/// A detection rule (Sigma specification 2.1).
#[derive(Debug, Clone)]
pub struct Rule {
    /// The rule's `id`; without one, its `name`; without either, its title.
    pub id: String,
    /// The rule's `name`, by which a correlation may refer to it.
    pub name: Option<String>,
    /// What it detects, in a line.
    pub title: String,
    /// The rule's `level`; medium when it has none.
    pub level: Severity,
    /// Tags such as `attack.t1059.001`.
    pub tags: Vec<String>,
    /// The rule's `author`, shown beside its findings where its licence asks for it.
    pub author: Option<String>,
    /// Where its events come from.
    pub log_source: LogSource,
    /// When it fires.
    pub condition: Expr,
    /// Where it was read.
    pub origin: Origin,
    /// Whether a match is itself a finding. `false`: it only feeds correlations.
    pub reports: bool,
}

/// Place of a rule in its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Path as given.
    pub path: Arc<str>,
    /// First line of the document, from 1.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// A condition over one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Always or never.
    Const(bool),
    /// Each must hold. Empty: holds.
    All(Vec<Expr>),
    /// One must hold. Empty: does not hold.
    Any(Vec<Expr>),
    /// Must not hold.
    Not(Box<Expr>),
    /// A search identifier of the rule, kept for explanations. Means what its content means.
    Named(Arc<str>, Box<Expr>),
    /// A question to one field.
    Field(FieldTest),
    /// A keyword: some string value anywhere in the event (in a text record: its text) matches.
    Keyword(TextTest),
    /// As [`Self::Keyword`], with a regular expression.
    KeywordRegex(RegexTest),
}

/// A question to one field of the event.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldTest {
    /// The field's name as the rule gives it.
    pub field: String,
    /// The question. Of a field with many values, one must satisfy it.
    pub test: Test,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Its text matches one of the patterns. Numbers and booleans are compared as they are written.
    Text(TextTest),
    /// Its text matches the regular expression somewhere.
    Regex(RegexTest),
    /// It is an address in one of the networks (an IPv4-mapped IPv6 address counts as IPv4).
    Cidr(Vec<IpNet>),
    /// It is a number that compares so with the given one.
    Number(Comparison, f64),
    /// The field is in the event, whatever its value (`true`), or is not (`false`).
    Exists(bool),
    /// The field is absent or null.
    Null,
    /// It equals, starts, ends or contains another field's value.
    FieldRef(FieldRef),
    /// A part of the time it holds (read as ISO 8601, in the zone it is written in) compares so with
    /// the number.
    TimePart(TimePart, Comparison, i64),
}

/// Patterns of which one must match.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TextTest {
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// Whether case counts. Otherwise Unicode's simple lower case of both is compared.
    pub cased: bool,
}

/// A text pattern that must cover the whole value. Without pieces it matches the empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    /// Its pieces, in order; no two literals and no two [`Piece::Run`] are neighbours.
    pub pieces: Vec<Piece>,
}

/// A piece of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Piece {
    /// This text.
    Literal(String),
    /// Any number of characters: `*`.
    Run,
    /// One character: `?`.
    One,
}

/// A regular expression as the rule wrote it, with the flags its sub-modifiers set.
#[derive(Debug, Clone)]
pub struct RegexTest {
    /// The compiled expression (the flags are part of its pattern). Works on bytes, Unicode on.
    pub regex: regex::bytes::Regex,
}

impl PartialEq for RegexTest {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

/// How numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// Whether `left` compares so with `right`.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }
}

/// A comparison with another field of the same event (`fieldref`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldRef {
    /// The other field's name.
    pub other: String,
    /// The value may go on before the other's value (`endswith`, `contains`).
    pub open_start: bool,
    /// The value may go on after the other's value (`startswith`, `contains`).
    pub open_end: bool,
    /// Whether case counts.
    pub cased: bool,
}

/// Part of a point in time (Sigma 2.1 time modifiers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// Day of the month, 1 to 31.
    Day,
    /// ISO 8601 week, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

impl Pattern {
    /// A pattern from pieces; neighbours that mean the same as one are joined.
    pub fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut joined: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (joined.last_mut(), piece) {
                (_, Piece::Literal(text)) if text.is_empty() => {}
                (Some(Piece::Literal(before)), Piece::Literal(text)) => before.push_str(&text),
                (Some(Piece::Run), Piece::Run) => {}
                (_, piece) => joined.push(piece),
            }
        }
        Self { pieces: joined }
    }

    /// The pattern that matches exactly this text.
    pub fn literal(text: &str) -> Self {
        Self::new([Piece::Literal(text.to_owned())])
    }

    /// The pattern that matches where this text is anywhere in the value.
    pub fn contains(text: &str) -> Self {
        Self::new([Piece::Run, Piece::Literal(text.to_owned()), Piece::Run])
    }
}

impl fmt::Display for Pattern {
    /// As Sigma writes it, so that it reads back as the same pattern: `*` and `?`, literal ones escaped,
    /// and a backslash doubled where a single one would escape what follows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, piece) in self.pieces.iter().enumerate() {
            let text = match piece {
                Piece::Run => "*",
                Piece::One => "?",
                Piece::Literal(text) => text,
            };
            if !matches!(piece, Piece::Literal(_)) {
                f.write_str(text)?;
                continue;
            }
            let wildcard_follows = index + 1 < self.pieces.len();
            let mut letters = text.chars().peekable();
            while let Some(letter) = letters.next() {
                let escapes = match letters.peek() {
                    Some(next) => matches!(next, '*' | '?' | '\\'),
                    None => wildcard_follows,
                };
                if matches!(letter, '*' | '?') || (letter == '\\' && escapes) {
                    f.write_str("\\")?;
                }
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

impl Expr {
    /// Calls `visit` for each field that the condition reads.
    pub fn each_field<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match self {
            Self::Const(_) | Self::Keyword(_) | Self::KeywordRegex(_) => {}
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_field(visit)),
            Self::Not(part) | Self::Named(_, part) => part.each_field(visit),
            Self::Field(test) => {
                visit(&test.field);
                if let Test::FieldRef(reference) = &test.test {
                    visit(&reference.other);
                }
            }
        }
    }
}
