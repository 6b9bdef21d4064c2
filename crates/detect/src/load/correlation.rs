//! A document with a `correlation`, as far as it can be understood without the rules it refers to.

use rsigma_parser::{ConditionExpr, Timespan};

use super::metadata::{self, Metadata};
use super::node::Node;
use super::{Reader, condition};
use crate::correlation_rule::CorrelationKind;
use crate::error::Error;
use crate::rule::Comparison;

const KEYS: [&str; 8] =
    ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate"];

/// A correlation whose references are names yet.
#[derive(Debug, Clone)]
pub(super) struct ParsedCorrelation {
    pub metadata: Metadata,
    pub kind: CorrelationKind,
    pub refs: Vec<Reference>,
    pub group_by: Vec<String>,
    pub aliases: Vec<ParsedAlias>,
    /// Microseconds.
    pub timespan: i64,
    /// Empty for a temporal kind: as many as there are references.
    pub predicates: Vec<(Comparison, f64)>,
    pub expression: Option<ConditionExpr>,
    pub fields: Vec<String>,
    pub percentile: f64,
    pub generate: bool,
}

/// An alias: its name, and the field it stands for in each of some rules.
pub(super) type ParsedAlias = (String, Vec<(String, String)>);

/// What a correlation refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// By id, name or title, with the line it stands on.
    Named(String, u32),
    /// A rule of the same file, made of an aggregation.
    Local(usize),
}

/// Reads the document into the file.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Error> {
    let document = reader.document;
    let node = document.node.get("correlation").ok_or(Error::Missing("correlation"))?;
    let entries = node.as_map().ok_or(Error::Shape { what: "correlation".to_owned(), wanted: "a map" })?;
    let metadata = metadata::read(reader)?;
    for (key, _) in entries.iter().filter(|(key, _)| !KEYS.contains(&key.as_str())) {
        reader.note(Error::Ignored {
            key: key.clone(),
            why: "Sigma 2.1 has no such part of a correlation".to_owned(),
        });
    }
    let kind = kind(node.get("type").and_then(Node::scalar).ok_or(Error::Missing("type"))?)?;
    let mut names = texts(node, "rules")?;
    let when = When::read(node, kind, &mut names)?;
    if names.is_empty() {
        return Err(Error::Missing("rules"));
    }
    let timespan_node =
        node.get("timespan").or_else(|| node.get("timeframe")).ok_or(Error::Missing("timespan"))?;
    let flag = |node: &Node| match node.get("generate") {
        None | Some(Node::Null) => Ok(false),
        Some(Node::Bool(value)) => Ok(*value),
        Some(_) => Err(Error::Shape { what: "generate".to_owned(), wanted: "true or false" }),
    };
    let generate = flag(&document.node)? || flag(node)?;
    let refs = names.into_iter().map(|name| {
        let line = reader.problem(Error::UnknownReference(name.clone())).line;
        Reference::Named(name, line)
    });
    let correlation = ParsedCorrelation {
        kind,
        refs: refs.collect(),
        group_by: texts(node, "group-by")?,
        aliases: aliases(node)?,
        timespan: timespan("timespan", timespan_node.scalar().unwrap_or_default())?,
        predicates: when.predicates,
        expression: when.expression,
        fields: when.fields,
        percentile: when.percentile,
        generate,
        metadata,
    };
    reader.file.correlations.push(correlation);
    Ok(())
}

/// Reads a length of time such as `15m`, in microseconds.
pub(super) fn timespan(key: &'static str, text: &str) -> Result<i64, Error> {
    let wrong = || Error::Correlation {
        key,
        why: format!("'{text}' is no length of time such as 30s, 15m, 12h or 7d"),
    };
    let seconds = Timespan::parse(text.trim()).map_err(|_| wrong())?.seconds;
    let micros = i64::try_from(seconds).ok().and_then(|s| s.checked_mul(1_000_000));
    micros.filter(|&m| m > 0).ok_or_else(wrong)
}

fn kind(text: &str) -> Result<CorrelationKind, Error> {
    use CorrelationKind as K;
    let kinds = [
        K::EventCount,
        K::ValueCount,
        K::Temporal,
        K::TemporalOrdered,
        K::ValueSum,
        K::ValueAvg,
        K::ValuePercentile,
        K::ValueMedian,
    ];
    let found = kinds.into_iter().find(|kind| kind.as_str() == text.trim());
    found.ok_or_else(|| Error::Correlation { key: "type", why: format!("'{text}' is not known") })
}

/// When it fires.
struct When {
    predicates: Vec<(Comparison, f64)>,
    expression: Option<ConditionExpr>,
    fields: Vec<String>,
    percentile: f64,
}

impl When {
    fn read(node: &Node, kind: CorrelationKind, names: &mut Vec<String>) -> Result<Self, Error> {
        let is_temporal = matches!(kind, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered);
        let wrong = |why: &str| Error::Correlation { key: "condition", why: why.to_owned() };
        let mut when =
            Self { predicates: Vec::new(), expression: None, fields: Vec::new(), percentile: 50.0 };
        match node.get("condition") {
            None | Some(Node::Null) if is_temporal => {}
            None | Some(Node::Null) => return Err(Error::Missing("condition")),
            Some(Node::Text(text)) if is_temporal => {
                let expression = condition::parse(text)?;
                collect_names(&expression, names, node.get("rules").is_none())?;
                when.expression = Some(expression);
            }
            Some(Node::Map(entries)) => {
                for (key, value) in entries {
                    when.entry(key, value)?;
                }
                if when.predicates.is_empty() {
                    return Err(wrong("has none of gt, gte, lt, lte, eq and neq"));
                }
            }
            Some(_) if is_temporal => return Err(wrong("must be a map, or text over the names of rules")),
            Some(_) => return Err(wrong("must be a map such as 'gte: 10'")),
        }
        let many = kind == CorrelationKind::ValueCount;
        match (kind.reads_values(), when.fields.len()) {
            (true, 0) => Err(wrong("has no 'field', which its type needs")),
            (true, 2..) if !many => Err(wrong("has more than one 'field', of which its type takes one")),
            (false, 1..) => Err(wrong("has a 'field', of which its type makes no use")),
            _ => Ok(when),
        }
    }

    fn entry(&mut self, key: &str, value: &Node) -> Result<(), Error> {
        let wrong = |why: String| Error::Correlation { key: "condition", why };
        let number = || {
            let number = value.scalar().and_then(|text| crate::leaf::parse_number(text.as_bytes()));
            number.ok_or_else(|| wrong(format!("has a '{key}' that is no number")))
        };
        let comparison = match key {
            "gt" => Comparison::Greater,
            "gte" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "lte" => Comparison::LessOrEqual,
            "eq" => Comparison::Equal,
            "neq" => Comparison::NotEqual,
            "field" => {
                let fields = value.scalars().filter(|list| !list.is_empty());
                let fields = fields.ok_or_else(|| wrong("has a 'field' that is no name".to_owned()))?;
                self.fields = fields.into_iter().map(str::to_owned).collect();
                return Ok(());
            }
            "percentile" => {
                self.percentile = number()?;
                if !(0.0..=100.0).contains(&self.percentile) {
                    return Err(wrong("has a 'percentile' that is not between 0 and 100".to_owned()));
                }
                return Ok(());
            }
            other => return Err(wrong(format!("has '{other}', which Sigma does not know"))),
        };
        self.predicates.push((comparison, number()?));
        Ok(())
    }
}

/// Checks that an expression names rules only; adds the names where the correlation lists none itself.
fn collect_names(expr: &ConditionExpr, names: &mut Vec<String>, add: bool) -> Result<(), Error> {
    let wrong = |why: String| Error::Correlation { key: "condition", why };
    match expr {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            parts.iter().try_for_each(|part| collect_names(part, names, add))
        }
        ConditionExpr::Not(part) => collect_names(part, names, add),
        ConditionExpr::Identifier(name) if names.contains(name) => Ok(()),
        ConditionExpr::Identifier(name) if add => {
            names.push(name.clone());
            Ok(())
        }
        ConditionExpr::Identifier(name) => Err(wrong(format!("names '{name}', which 'rules' does not list"))),
        ConditionExpr::Selector { .. } => Err(wrong("has 'of', which only detections have".to_owned())),
    }
}

fn texts(node: &Node, key: &'static str) -> Result<Vec<String>, Error> {
    match node.get(key) {
        None | Some(Node::Null) => Ok(Vec::new()),
        Some(value) => {
            let list =
                value.scalars().ok_or(Error::Shape { what: key.to_owned(), wanted: "a list of texts" })?;
            Ok(list.into_iter().map(str::to_owned).collect())
        }
    }
}

fn aliases(node: &Node) -> Result<Vec<ParsedAlias>, Error> {
    let wrong = || Error::Shape {
        what: "aliases".to_owned(),
        wanted: "a map of names, each a map of rules and their fields",
    };
    let Some(aliases) = node.get("aliases").filter(|a| **a != Node::Null) else { return Ok(Vec::new()) };
    let field = |(rule, field): &(String, Node)| Some((rule.clone(), field.scalar()?.to_owned()));
    let alias = |(name, fields): &(String, Node)| {
        Some((name.clone(), fields.as_map()?.iter().map(field).collect::<Option<Vec<_>>>()?))
    };
    aliases.as_map().and_then(|all| all.iter().map(alias).collect()).ok_or_else(wrong)
}
