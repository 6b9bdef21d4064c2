//! A document with a `detection` to a rule, or to rules and a correlation where its condition aggregates.

use ward_core::{LogSource, Severity};

use super::aggregation::{self, Aggregation, Counting};
use super::condition::{Identifier, Identifiers};
use super::detection::{Lowering, any};
use super::metadata::{self, Metadata};
use super::node::Node;
use super::{LoadOptions, Reader};
use crate::error::Error;
use crate::rule::{Expr, Rule};

/// A rule with what others may call it by.
#[derive(Debug, Clone)]
pub(super) struct ParsedRule {
    pub rule: Rule,
    /// The id of the document, which for a part of an aggregation is not the rule's own.
    pub document_id: String,
}

/// Reads the document into the file.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Error> {
    let metadata = metadata::read(reader)?;
    let node = &reader.document.node;
    let log_source = metadata::log_source(node)?;
    let detection = node.get("detection").ok_or(Error::Missing("detection"))?;
    let lowered = Lowered::read(detection, &["condition", "timeframe"], reader.options)?;
    let conditions = conditions(detection)?;
    let timeframe = detection.get("timeframe").and_then(Node::scalar);
    let State { lowered, made, mut notes } =
        State::read(&metadata, &log_source.clone().unwrap_or_default(), lowered, &conditions, timeframe)?;
    if log_source.is_none() {
        notes.push(Error::NoLogSource);
    }
    let unused = lowered.identifiers.list.iter().filter(|i| !i.used && !i.name.starts_with('_'));
    notes.extend(unused.map(|i| Error::Unused(i.name.to_string())));
    for (rules, counting) in made {
        if let Some(counting) = counting {
            let first = reader.file.rules.len();
            let correlation = counting.over(&metadata, first..first + rules.len());
            reader.file.correlations.push(correlation);
        }
        reader.file.rules.extend(rules);
    }
    notes.into_iter().for_each(|note| reader.note(note));
    lowered.missing.into_iter().for_each(|name| reader.partial(Error::Placeholder(name)));
    Ok(())
}

/// The search identifiers of a detection, lowered.
pub(super) struct Lowered {
    pub identifiers: Identifiers,
    /// Placeholders without values.
    pub missing: Vec<String>,
}

impl Lowered {
    /// Lowers every key of a detection but the `reserved` ones.
    pub(super) fn read(detection: &Node, reserved: &[&str], options: &LoadOptions) -> Result<Self, Error> {
        let wrong = || Error::Shape { what: "detection".to_owned(), wanted: "a map of search identifiers" };
        let entries = detection.as_map().ok_or_else(wrong)?;
        let mut lowering = Lowering::new(&options.placeholders);
        let mut list = Vec::new();
        for (name, content) in entries.iter().filter(|(name, _)| !reserved.contains(&name.as_str())) {
            let content = lowering.detection(name, content)?;
            list.push(Identifier { name: name.as_str().into(), content, used: false });
        }
        Ok(Self { identifiers: Identifiers::new(list), missing: lowering.missing })
    }
}

/// What the conditions of a document come to.
struct State {
    lowered: Lowered,
    /// Rules, and what counts them if they are the parts of an aggregation.
    made: Vec<(Vec<ParsedRule>, Option<Counting>)>,
    notes: Vec<Error>,
}

impl State {
    fn read(
        metadata: &Metadata,
        log_source: &LogSource,
        mut lowered: Lowered,
        conditions: &[&str],
        timeframe: Option<&str>,
    ) -> Result<Self, Error> {
        let (mut made, mut notes, mut parts) = (Vec::new(), Vec::new(), 0);
        let (piped, plain): (Vec<&str>, Vec<&str>) = conditions.iter().partition(|c| aggregation::is_in(c));
        let identifiers = &mut lowered.identifiers;
        if !plain.is_empty() {
            let each = plain.iter().map(|c| identifiers.condition(c)).collect::<Result<_, _>>()?;
            made.push((vec![rule(metadata, log_source, None, any(each))], None));
        }
        match (piped.is_empty(), timeframe) {
            (true, Some(_)) => {
                let why = "only an aggregation has a time frame".to_owned();
                notes.push(Error::Ignored { key: "timeframe".to_owned(), why });
            }
            (false, None) => notes.push(Error::DefaultTimeframe),
            _ => {}
        }
        for condition in piped {
            let aggregation = Aggregation::read(condition, timeframe, identifiers)?;
            let number = |part| {
                parts += 1;
                rule(metadata, log_source, Some(parts), part)
            };
            made.push((aggregation.parts.into_iter().map(number).collect(), Some(aggregation.counting)));
        }
        Ok(Self { lowered, made, notes })
    }
}

/// The rule, or with a number the part of it that a correlation counts.
fn rule(metadata: &Metadata, log_source: &LogSource, part: Option<usize>, condition: Expr) -> ParsedRule {
    let rule = Rule {
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
    };
    ParsedRule { rule, document_id: metadata.id.clone() }
}

fn conditions(detection: &Node) -> Result<Vec<&str>, Error> {
    let wrong = || Error::Shape { what: "condition".to_owned(), wanted: "text or a list of texts" };
    let conditions = detection.get("condition").ok_or(Error::Missing("condition"))?;
    let conditions = conditions.scalars().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
    Ok(conditions)
}
