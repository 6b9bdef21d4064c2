//! The content of a search identifier to an [`Expr`].
//!
//! A map holds when each of its items does, a list when one of its elements does; a list of plain values
//! is looked for in the whole event (keywords). Values of an item are alternatives unless `all` is given.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use rsigma_parser::Detection;

use super::ast;
use super::modifiers::{Chain, Kind, Step};
use super::node::Node;
use super::pcre;
use super::value::{Expanded, MAX_EXPANSIONS, Text, expand};
use crate::error::{Error, shortened};
use crate::rule::{Expr, FieldRef, FieldTest, Pattern, Piece, RegexTest, Test, TextTest, TimePart};

/// Patterns that one rule may have.
const MAX_PATTERNS: usize = 50_000;
/// Regular expressions that one rule may have.
const MAX_EXPRESSIONS: usize = 100;

/// Lowers the search identifiers of one rule.
pub(super) struct Lowering<'a> {
    placeholders: &'a BTreeMap<String, Vec<String>>,
    patterns: usize,
    expressions: usize,
    /// Placeholders that have no values.
    pub missing: Vec<String>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(placeholders: &'a BTreeMap<String, Vec<String>>) -> Self {
        Self { placeholders, patterns: 0, expressions: 0, missing: Vec::new() }
    }

    /// The content of the search identifier `name`.
    pub(super) fn detection(&mut self, name: &str, content: &Node) -> Result<Expr, Error> {
        let is_plain = |node: &Node| !matches!(node, Node::Map(_) | Node::List(_));
        match content {
            Node::Map(items) if !items.is_empty() => {
                Ok(all(items.iter().map(|(key, value)| self.item(key, value)).collect::<Result<_, _>>()?))
            }
            Node::List(items) if !items.is_empty() => {
                if items.iter().all(is_plain) {
                    return self.keywords(name, content);
                }
                Ok(any(items.iter().map(|item| self.detection(name, item)).collect::<Result<_, _>>()?))
            }
            Node::Map(_) | Node::List(_) | Node::Null => {
                Err(Error::Shape { what: name.to_owned(), wanted: "a map or a list that is not empty" })
            }
            _ => self.keywords(name, content),
        }
    }

    /// The content of the search identifier `name` as pipelines left it.
    pub(super) fn ast(&mut self, name: &str, content: &Detection) -> Result<Expr, Error> {
        let mut each =
            |parts: &[Detection]| parts.iter().map(|part| self.ast(name, part)).collect::<Result<_, _>>();
        match content {
            Detection::And(parts) => Ok(all(each(parts)?)),
            Detection::AnyOf(parts) => Ok(any(each(parts)?)),
            Detection::AllOf(items) => {
                let mut each = |item| {
                    let (key, values) = ast::key_and_values(item)?;
                    self.item(&key, &values)
                };
                Ok(all(items.iter().map(&mut each).collect::<Result<_, _>>()?))
            }
            Detection::Keywords(values) => {
                self.keywords(name, &Node::List(values.iter().map(ast::node).collect()))
            }
            Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
                Err(Error::Pipeline(format!("'{name}' asks for members of a list, which Sigma 2.1 has not")))
            }
        }
    }

    fn keywords(&mut self, name: &str, content: &Node) -> Result<Expr, Error> {
        let mut chain = Chain::parse("")?;
        chain.key = name;
        self.lower(&chain, content)
    }

    fn item(&mut self, key: &str, value: &Node) -> Result<Expr, Error> {
        let chain = Chain::parse(key)?;
        self.lower(&chain, value)
    }

    fn lower(&mut self, chain: &Chain<'_>, value: &Node) -> Result<Expr, Error> {
        let mut values = Vec::new();
        value.flatten(&mut values);
        if values.is_empty() {
            values.push(&Node::Null); // an empty list is null, as pySigma has it
        }
        let tests = values.into_iter().map(|v| self.tests(chain, v)).collect::<Result<Vec<_>, _>>()?;
        let expr = if chain.all {
            all(tests.into_iter().map(|tests| any(bound(chain, tests))).collect())
        } else {
            any(bound(chain, merged(tests.into_iter().flatten())))
        };
        Ok(if chain.negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    /// What one value asks: one of these tests must hold. None if a placeholder has no values.
    fn tests(&mut self, chain: &Chain<'_>, value: &Node) -> Result<Vec<Test>, Error> {
        if let (Node::Null, Kind::Text, Some(_), [], false) =
            (value, chain.kind, chain.field, &chain.steps[..], chain.expand)
        {
            return Ok(vec![Test::Null]);
        }
        let wrong = |why: &str| {
            let value = value.scalar().map_or_else(|| kind_of(value).to_owned(), shortened);
            Error::Value { key: chain.key.to_owned(), value, why: why.to_owned() }
        };
        let text = value.scalar().ok_or_else(|| wrong("cannot be compared with"))?;
        Ok(vec![match chain.kind {
            Kind::Text => {
                let Some(patterns) = self.patterns(chain, value, text)? else { return Ok(Vec::new()) };
                Test::Text(TextTest { patterns, cased: chain.cased })
            }
            Kind::Regex(flags) => {
                let texts = if chain.expand {
                    self.expanded(chain, text, regex_escape)?
                } else {
                    vec![text.to_owned()]
                };
                self.expressions += texts.len();
                if self.expressions > MAX_EXPRESSIONS {
                    let what = "the number of the rule's regular expressions".to_owned();
                    return Err(Error::Limit { what, limit: MAX_EXPRESSIONS });
                }
                let compile = |pattern: String| match pcre::compile(&pattern, flags) {
                    Ok(regex) => Ok(Test::Regex(RegexTest { regex })),
                    Err(why) => {
                        Err(Error::Regex { key: chain.key.to_owned(), pattern: shortened(&pattern), why })
                    }
                };
                return texts.into_iter().map(compile).collect();
            }
            Kind::Cidr => Test::Cidr(vec![network(text).ok_or_else(|| wrong("is no IP network"))?]),
            Kind::Number(comparison) => {
                let number =
                    crate::leaf::parse_number(text.as_bytes()).ok_or_else(|| wrong("is no number"))?;
                Test::Number(comparison, number)
            }
            Kind::Exists => match text {
                "true" => Test::Exists(true),
                "false" => Test::Exists(false),
                _ => return Err(wrong("must be true or false")),
            },
            Kind::FieldRef(sides) => {
                let other = Text::parse(text).bytes().and_then(|name| String::from_utf8(name).ok());
                let other = other.filter(|name| !name.is_empty());
                let other = other.ok_or_else(|| wrong("is no field name: it has a wildcard or is empty"))?;
                Test::FieldRef(FieldRef {
                    other,
                    open_start: sides.start,
                    open_end: sides.end,
                    cased: chain.cased,
                })
            }
            Kind::Time(part, comparison) => {
                let number = text.parse().ok().filter(|n| range(part).contains(n));
                Test::TimePart(
                    part,
                    comparison,
                    number.ok_or_else(|| wrong("is outside that part of the time"))?,
                )
            }
        }])
    }

    /// The patterns of one text value; `None` if a placeholder has no values.
    fn patterns(
        &mut self,
        chain: &Chain<'_>,
        value: &Node,
        text: &str,
    ) -> Result<Option<Vec<Pattern>>, Error> {
        let wrong = |why: &str| Error::Value {
            key: chain.key.to_owned(),
            value: shortened(text),
            why: why.to_owned(),
        };
        let mut texts = match value {
            Node::Text(_) if chain.expand => {
                let expanded = self.expanded(chain, text, str::to_owned)?;
                if expanded.is_empty() {
                    return Ok(None);
                }
                expanded.iter().map(|text| Text::parse(text)).collect()
            }
            Node::Text(_) => vec![Text::parse(text)],
            _ => vec![Text::plain(text)],
        };
        for step in &chain.steps {
            texts = stepped(*step, texts).map_err(wrong)?;
            if texts.len() > MAX_EXPANSIONS {
                return Err(wrong("has too many forms"));
            }
        }
        self.patterns += texts.len();
        if self.patterns > MAX_PATTERNS {
            let what = "the number of the rule's patterns".to_owned();
            return Err(Error::Limit { what, limit: MAX_PATTERNS });
        }
        if chain.field.is_none() && !chain.is_anchored() {
            texts = texts.into_iter().map(|text| text.open_start().open_end()).collect();
        }
        let patterns: Option<Vec<_>> = texts.into_iter().map(Text::pattern).collect();
        patterns.map(Some).ok_or_else(|| wrong("is not UTF-8 when encoded, so no field can hold it"))
    }

    fn expanded(
        &mut self,
        chain: &Chain<'_>,
        text: &str,
        adapt: impl Fn(&str) -> String,
    ) -> Result<Vec<String>, Error> {
        match expand(text, self.placeholders, adapt) {
            Expanded::Texts(texts) => Ok(texts),
            Expanded::NoValues(name) => {
                if !self.missing.contains(&name) {
                    self.missing.push(name);
                }
                Ok(Vec::new())
            }
            Expanded::TooMany => Err(Error::Value {
                key: chain.key.to_owned(),
                value: shortened(text),
                why: "has too many forms".to_owned(),
            }),
        }
    }
}

/// All of these; just the one if there is one.
pub(super) fn all(mut parts: Vec<Expr>) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { Expr::All(parts) }
}

/// One of these; just the one if there is one.
pub(super) fn any(mut parts: Vec<Expr>) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { Expr::Any(parts) }
}

fn stepped(step: Step, texts: Vec<Text>) -> Result<Vec<Text>, &'static str> {
    const WILDCARD: &str = "has a wildcard, which cannot be encoded as Base64";
    let mut out = Vec::with_capacity(texts.len());
    for text in texts {
        match step {
            Step::Open(sides) => {
                let text = if sides.start { text.open_start() } else { text };
                out.push(if sides.end { text.open_end() } else { text });
            }
            Step::Utf16(order) => out.push(text.utf16(order).ok_or("is no text that UTF-16 could encode")?),
            Step::Base64 => out.push(text.base64().ok_or(WILDCARD)?),
            Step::Base64Offset => out.extend(text.base64_offsets().ok_or(WILDCARD)?),
            Step::Windash => out.extend(text.windash().ok_or("has too many dashes for 'windash'")?),
        }
    }
    Ok(out)
}

/// Tests with one question to the same field in one: patterns with patterns, networks with networks.
fn merged(tests: impl Iterator<Item = Test>) -> Vec<Test> {
    let mut out: Vec<Test> = Vec::new();
    for test in tests {
        match test {
            Test::Text(more) => match out.iter_mut().find_map(as_text) {
                Some(patterns) => patterns.extend(more.patterns),
                None => out.push(Test::Text(more)),
            },
            Test::Cidr(more) => match out.iter_mut().find_map(as_cidr) {
                Some(networks) => networks.extend(more),
                None => out.push(Test::Cidr(more)),
            },
            other if out.contains(&other) => {}
            other => out.push(other),
        }
    }
    out
}

fn as_text(test: &mut Test) -> Option<&mut Vec<Pattern>> {
    if let Test::Text(text) = test { Some(&mut text.patterns) } else { None }
}

fn as_cidr(test: &mut Test) -> Option<&mut Vec<IpNet>> {
    if let Test::Cidr(networks) = test { Some(networks) } else { None }
}

/// Puts tests to the chain's field, or to the whole event.
fn bound(chain: &Chain<'_>, tests: Vec<Test>) -> Vec<Expr> {
    let bind = |test| match (chain.field, test) {
        (Some(field), test) => Expr::Field(FieldTest { field: field.to_owned(), test }),
        (None, Test::Regex(regex)) => Expr::KeywordRegex(regex),
        (None, Test::Text(text)) => Expr::Keyword(text),
        (None, _) => Expr::Const(false), // Chain::parse lets only text and expressions do without a field
    };
    tests.into_iter().map(bind).collect()
}

fn kind_of(node: &Node) -> &'static str {
    match node {
        Node::Null => "null",
        Node::Map(_) => "a map",
        _ => "a list",
    }
}

fn regex_escape(value: &str) -> String {
    let pieces = Text::parse(value).pattern().unwrap_or_default().pieces;
    let piece = |piece: &Piece| match piece {
        Piece::Literal(text) => regex::escape(text),
        Piece::Run => ".*".to_owned(),
        Piece::One => ".".to_owned(),
    };
    pieces.iter().map(piece).collect()
}

/// A network, or an address as a network of one; IPv4 in IPv6 is taken as IPv4.
fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    match (network, network.addr().to_canonical()) {
        (IpNet::V6(v6), IpAddr::V4(v4)) if v6.prefix_len() >= 96 => {
            Some(IpNet::V4(ipnet::Ipv4Net::new(v4, v6.prefix_len() - 96).ok()?))
        }
        _ => Some(network),
    }
}

const fn range(part: TimePart) -> std::ops::RangeInclusive<i64> {
    match part {
        TimePart::Minute => 0..=59,
        TimePart::Hour => 0..=23,
        TimePart::Day => 1..=31,
        TimePart::Week => 1..=53,
        TimePart::Month => 1..=12,
        TimePart::Year => 0..=9999,
    }
}
