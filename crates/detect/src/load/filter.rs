//! A document with a `filter`: a condition laid over rules that are written elsewhere.
//!
//! As pySigma does it, a rule under a filter matches where its own condition and the filter's both hold;
//! a filter that is to exclude says `condition: not selection`.

use ward_core::LogSource;

use super::Reader;
use super::metadata::{self, Metadata};
use super::rule::{Lowered, ParsedRule};
use crate::error::Error;
use crate::rule::Expr;

/// A filter, ready to be laid over rules.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub metadata: Metadata,
    /// Rules must have at least these parts in their log source.
    pub log_source: LogSource,
    /// Ids, names or titles of rules, each with the line it stands on; `None` means every rule.
    pub rules: Option<Vec<(String, u32)>>,
    pub condition: Expr,
}

/// Reads the document into the file.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Error> {
    let document = reader.document;
    let node = document.node.get("filter").ok_or(Error::Missing("filter"))?;
    if node.as_map().is_none() {
        return Err(Error::Shape { what: "filter".to_owned(), wanted: "a map" });
    }
    let metadata = metadata::read(reader)?;
    let log_source = metadata::log_source(&document.node)?;
    let listed = node.get("rules").ok_or(Error::Missing("rules"))?.scalars();
    let listed = listed.ok_or(Error::Shape { what: "rules".to_owned(), wanted: "any or a list of rules" })?;
    let is_every = |name: &str| name.eq_ignore_ascii_case("any") || name.eq_ignore_ascii_case("all");
    let rules = match &listed[..] {
        [] => None,
        [every] if is_every(every) => None,
        names => Some(
            names
                .iter()
                .map(|name| {
                    let line = reader.problem(Error::UnknownReference((*name).to_owned())).line;
                    ((*name).to_owned(), line)
                })
                .collect(),
        ),
    };
    let mut lowered = Lowered::read(node, &["condition", "rules"], reader.options)?;
    let condition = node.get("condition").ok_or(Error::Missing("condition"))?;
    let condition =
        condition.scalar().ok_or(Error::Shape { what: "condition".to_owned(), wanted: "text" })?;
    let condition = lowered.identifiers.condition(condition)?;
    for identifier in lowered.identifiers.list.iter().filter(|i| !i.used) {
        reader.note(Error::Unused(identifier.name.to_string()));
    }
    lowered.missing.into_iter().for_each(|name| reader.partial(Error::Placeholder(name)));
    let log_source = log_source.unwrap_or_default();
    reader.file.filters.push(Filter { metadata, log_source, rules, condition });
    Ok(())
}

impl Filter {
    /// Lays the filter over the rules it is meant for. Gives the references that no rule answers to.
    pub(super) fn lay_over(&self, rules: &mut [ParsedRule]) -> Vec<(String, u32)> {
        let mut answered = vec![false; self.rules.as_ref().map_or(0, Vec::len)];
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
            if applies && self.log_source.covers(&parsed.rule.log_source) {
                let own = std::mem::replace(&mut parsed.rule.condition, Expr::Const(true));
                let name = format!("filter {}", self.metadata.title);
                let filter = Expr::Named(name.into(), Box::new(self.condition.clone()));
                parsed.rule.condition = Expr::All(vec![own, filter]);
            }
        }
        let unanswered = self.rules.iter().flatten().zip(answered).filter(|(_, answered)| !answered);
        unanswered.map(|(reference, _)| reference.clone()).collect()
    }
}
