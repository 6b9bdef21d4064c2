//! A document with a `detection` to a rule, or to rules and a correlation where its condition aggregates.

use rsigma_parser::ConditionExpr;
use ward_core::{LogSource, Severity};

use super::aggregation::{self, Aggregation};
use super::detection::any;
use super::draft::{Draft, Lowered};
use super::metadata::{self, Metadata};
use super::node::Node;
use super::{LoadOptions, Reader, ast, condition};
use crate::error::Error;
use crate::rule::{Expr, Rule};

/// A rule with what others may call it by.
#[derive(Debug, Clone)]
pub(super) struct ParsedRule {
    pub rule: Rule,
    /// The id of the document, which for a part of an aggregation is not the rule's own.
    pub document_id: String,
    /// The log source before pipelines changed it: what filters and correlations go by.
    pub read_source: LogSource,
}

/// Reads the document into the file.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Error> {
    let metadata = metadata::read(reader)?;
    let document = &reader.document.node;
    let read_source = metadata::log_source(document)?;
    let detection = document.get("detection").ok_or(Error::Missing("detection"))?;
    let mut notes = Vec::new();
    let Conditions { plain, aggregations } = Conditions::read(detection, &mut notes)?;
    // One list for pipelines and lowering; it is taken apart again below.
    let parts = aggregations.iter().flat_map(|aggregation| aggregation.parts.iter().cloned());
    let conditions = plain.iter().cloned().chain(parts).collect();
    let mut draft = Draft::new(detection, &RESERVED, conditions)?;
    let mut log_source = read_source.clone().unwrap_or_default();
    let LoadOptions { pipelines, placeholders } = reader.options;
    if !pipelines.is_empty() {
        let mut rule = ast::rule(document, &metadata.title, draft.to_ast()?);
        pipelines
            .apply_given(&mut rule, placeholders)
            .map_err(|refusal| Error::Pipeline(refusal.to_string()))?;
        draft.take_ast(rule.detection)?;
        log_source = ast::from_log_source(rule.logsource);
    }
    if log_source == LogSource::default() {
        notes.push(Error::NoLogSource);
    }
    let Lowered { conditions, unused, missing } = draft.lower(reader.options)?;
    notes.extend(unused.into_iter().map(Error::Unused));
    let mut conditions = conditions.into_iter();
    let made = |part, condition| {
        let rule = rule(&metadata, &log_source, part, condition);
        ParsedRule {
            rule,
            document_id: metadata.id.clone(),
            read_source: read_source.clone().unwrap_or_default(),
        }
    };
    if !plain.is_empty() {
        reader.file.rules.push(made(None, any(conditions.by_ref().take(plain.len()).collect())));
    }
    let mut number = 0;
    for Aggregation { parts, counting } in aggregations {
        let first = reader.file.rules.len();
        for condition in conditions.by_ref().take(parts.len()) {
            number += 1;
            reader.file.rules.push(made(Some(number), condition));
        }
        let correlation = counting.over(&metadata, first..reader.file.rules.len());
        reader.file.correlations.push(correlation);
    }
    notes.into_iter().for_each(|note| reader.note(note));
    missing.into_iter().for_each(|name| reader.partial(Error::Placeholder(name)));
    Ok(())
}

const RESERVED: [&str; 2] = ["condition", "timeframe"];

/// The conditions of a detection.
struct Conditions {
    plain: Vec<ConditionExpr>,
    aggregations: Vec<Aggregation>,
}

impl Conditions {
    fn read(detection: &Node, notes: &mut Vec<Error>) -> Result<Self, Error> {
        if detection.as_map().is_none() {
            return Err(Error::Shape { what: "detection".to_owned(), wanted: "a map of search identifiers" });
        }
        let wrong = || Error::Shape { what: "condition".to_owned(), wanted: "text or a list of texts" };
        let texts = detection.get("condition").ok_or(Error::Missing("condition"))?;
        let texts = texts.scalars().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
        let timeframe = detection.get("timeframe").and_then(Node::scalar);
        let names = detection.as_map().unwrap_or_default().iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.filter(|name| !RESERVED.contains(name)).collect();
        let (piped, plain): (Vec<&str>, Vec<&str>) = texts.iter().partition(|c| aggregation::is_in(c));
        match (piped.is_empty(), timeframe) {
            (true, Some(_)) => {
                let why = "only an aggregation has a time frame".to_owned();
                notes.push(Error::Ignored { key: "timeframe".to_owned(), why });
            }
            (false, None) => notes.push(Error::DefaultTimeframe),
            _ => {}
        }
        let aggregation = |text| Aggregation::read(text, timeframe, &names);
        Ok(Self {
            plain: plain.into_iter().map(condition::parse).collect::<Result<_, _>>()?,
            aggregations: piped.into_iter().map(aggregation).collect::<Result<_, _>>()?,
        })
    }
}

/// The rule, or with a number the part of it that a correlation counts.
fn rule(metadata: &Metadata, log_source: &LogSource, part: Option<usize>, condition: Expr) -> Rule {
    Rule {
        id: part.map_or_else(|| metadata.id.clone(), |n| format!("{}/{n}", metadata.id)),
        name: metadata.name.clone().filter(|_| part.is_none()),
        title: metadata.title.clone(),
        level: metadata.level.unwrap_or(Severity::Medium),
        tags: metadata.tags.clone(),
        author: metadata.author.clone(),
        log_source: log_source.clone(),
        condition,
        origin: metadata.origin.clone(),
        reports: part.is_none(),
    }
}
