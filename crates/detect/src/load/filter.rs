//! A document with a `filter`: a condition laid over rules that are written elsewhere.
//!
//! As pySigma does it, a rule under a filter matches where its own condition and the filter's both hold;
//! a filter that is to exclude says `condition: not selection`.

use std::collections::{BTreeSet, HashMap};

use ward_core::LogSource;

use super::draft::{Draft, Lowered};
use super::metadata::{self, Metadata};
use super::node::Node;
use super::rule::ParsedRule;
use super::{LoadOptions, Reader, ast, condition};
use crate::error::Error;
use crate::rule::{Expr, Rule};

/// A filter, ready to be laid over rules.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(super) metadata: Metadata,
    /// Rules must have at least these parts in their log source.
    pub(super) log_source: LogSource,
    /// Ids, names or titles of rules, each with the line it stands on; `None` means every rule.
    pub(super) rules: Option<Vec<(String, u32)>>,
    condition: Condition,
}

/// A filter's condition.
#[derive(Debug, Clone)]
enum Condition {
    /// The same for every rule.
    Lowered(Expr),
    /// Pipelines make a different one of it for each log source of the rules under it.
    PerSource(Box<PerSource>),
}

#[derive(Debug, Clone)]
struct PerSource {
    document: Node,
    options: LoadOptions,
}

/// Reads the document into the file.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Error> {
    let document = &reader.document.node;
    let node = document.get("filter").ok_or(Error::Missing("filter"))?;
    if node.as_map().is_none() {
        return Err(Error::Shape { what: "filter".to_owned(), wanted: "a map" });
    }
    let metadata = metadata::read(reader)?;
    let log_source = metadata::log_source(document)?.unwrap_or_default();
    let listed = node.get("rules").ok_or(Error::Missing("rules"))?.scalars();
    let listed = listed.ok_or(Error::Shape { what: "rules".to_owned(), wanted: "any or a list of rules" })?;
    let is_every = |name: &str| name.eq_ignore_ascii_case("any") || name.eq_ignore_ascii_case("all");
    let with_line = |name: &&str| {
        let line = reader.problem(Error::UnknownReference((*name).to_owned())).line;
        ((*name).to_owned(), line)
    };
    let rules = match &listed[..] {
        [] => None,
        [every] if is_every(every) => None,
        names => Some(names.iter().map(with_line).collect()),
    };
    // Lowered once as it stands even where pipelines will change it: what is wrong is told here.
    let Lowered { mut conditions, unused, mut missing } = draft(document)?.lower(reader.options)?;
    let condition = if reader.options.pipelines.is_empty() {
        Condition::Lowered(conditions.remove(0))
    } else {
        missing.clear(); // a pipeline may fill them; what it leaves is told per log source
        Condition::PerSource(Box::new(PerSource {
            document: document.clone(),
            options: reader.options.clone(),
        }))
    };
    unused.into_iter().for_each(|name| reader.note(Error::Unused(name)));
    missing.into_iter().for_each(|name| reader.partial(Error::Placeholder(name)));
    reader.file.filters.push(Filter { metadata, log_source, rules, condition });
    Ok(())
}

fn draft(document: &Node) -> Result<Draft<'_>, Error> {
    let node = document.get("filter").ok_or(Error::Missing("filter"))?;
    let condition = node.get("condition").ok_or(Error::Missing("condition"))?;
    let condition =
        condition.scalar().ok_or(Error::Shape { what: "condition".to_owned(), wanted: "text" })?;
    Draft::new(node, &["condition", "rules"], vec![condition::parse(condition)?])
}

impl PerSource {
    /// The condition for rules of this log source.
    fn lower(&self, title: &str, source: &LogSource) -> Result<Lowered, Error> {
        let LoadOptions { pipelines, placeholders } = &self.options;
        let mut draft = draft(&self.document)?;
        let mut filter = ast::filter(&self.document, title, draft.to_ast()?);
        pipelines
            .apply_to_filter_given(&mut filter, Some(&ast::to_log_source(source)), placeholders)
            .map_err(|refusal| Error::Pipeline(refusal.to_string()))?;
        draft.take_ast(filter.detection)?;
        draft.lower(&self.options)
    }
}

/// What came of laying a filter over rules.
#[derive(Default)]
pub(super) struct Laid {
    /// References that no rule answers to.
    pub unanswered: Vec<(String, u32)>,
    /// Over how many rules it was laid.
    pub count: usize,
    /// Why it was not laid over rules of some log source, each reason once.
    pub refused: Vec<Error>,
    /// Placeholders without values that pipelines left in it.
    pub missing: BTreeSet<String>,
}

impl Filter {
    /// Whether it is meant for this rule.
    pub(crate) fn is_for(&self, rule: &Rule) -> bool {
        let is_called =
            |name: &str| rule.id == name || rule.name.as_deref() == Some(name) || rule.title == name;
        let is_named = self.rules.as_ref().is_none_or(|names| names.iter().any(|(name, _)| is_called(name)));
        is_named && self.log_source.covers(&rule.log_source)
    }

    /// What must hold beside the rule's own condition, if it is meant for the rule.
    pub(crate) fn condition_for(&self, rule: &Rule) -> Option<Expr> {
        match &self.condition {
            _ if !self.is_for(rule) => None,
            Condition::Lowered(condition) => Some(condition.clone()),
            Condition::PerSource(source) => {
                let lowered = source.lower(&self.metadata.title, &rule.log_source).ok();
                lowered.map(|mut lowered| lowered.conditions.remove(0))
            }
        }
    }

    /// Lays the filter over the rules it is meant for.
    pub(super) fn lay_over(&self, rules: &mut [ParsedRule]) -> Laid {
        let mut laid = Laid::default();
        let mut answered = vec![false; self.rules.as_ref().map_or(0, Vec::len)];
        let mut per_source: HashMap<LogSource, Option<Expr>> = HashMap::new();
        for parsed in rules {
            let is_called = |name: &str| {
                let rule = &parsed.rule;
                parsed.document_id == name || rule.name.as_deref() == Some(name) || rule.title == name
            };
            let mut applies = self.rules.is_none();
            for (at, (name, _)) in self.rules.iter().flatten().enumerate() {
                if is_called(name) {
                    (answered[at], applies) = (true, true);
                }
            }
            if !applies || !self.log_source.covers(&parsed.read_source) {
                continue;
            }
            let condition = match &self.condition {
                Condition::Lowered(condition) => Some(condition.clone()),
                Condition::PerSource(source) => per_source
                    .entry(parsed.read_source.clone())
                    .or_insert_with(|| match source.lower(&self.metadata.title, &parsed.read_source) {
                        Ok(mut lowered) => {
                            laid.missing.extend(lowered.missing);
                            Some(lowered.conditions.remove(0))
                        }
                        Err(reason) => {
                            if !laid.refused.contains(&reason) {
                                laid.refused.push(reason);
                            }
                            None
                        }
                    })
                    .clone(),
            };
            if let Some(condition) = condition {
                laid.count += 1;
                let own = std::mem::replace(&mut parsed.rule.condition, Expr::Const(true));
                let name = format!("filter {}", self.metadata.title);
                parsed.rule.condition = Expr::All(vec![own, Expr::Named(name.into(), Box::new(condition))]);
            }
        }
        let references = self.rules.iter().flatten().zip(answered);
        laid.unanswered = references.filter(|(_, answered)| !answered).map(|(r, _)| r.clone()).collect();
        laid
    }
}
