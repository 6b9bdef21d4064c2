//! Files put together: what is there twice is found, filters are laid over rules, correlations meet what
//! they refer to.
//!
//! A reference is looked for among ids, then names, then titles. A rule or correlation that another one
//! refers to does not report by itself, unless one that refers to it says `generate: true`.

use std::collections::HashMap;

use super::correlation::{ParsedCorrelation, Reference};
use super::metadata::Metadata;
use super::rule::ParsedRule;
use super::{LoadReport, ParsedFile, Problem, RuleSet, refs};
use crate::correlation_rule::{CorrelationRule, RuleRef};
use crate::error::Error;
use crate::rule::{Origin, Rule};

/// Puts files together. Their order decides the order of the rules, and which of two equal ones is kept.
pub fn link(files: Vec<ParsedFile>) -> RuleSet {
    let mut all = ParsedFile::default();
    for file in files {
        if all.pipelines.is_empty() {
            all.pipelines = file.pipelines;
        }
        let first = all.rules.len();
        let moved = file.correlations.into_iter().map(|mut correlation| {
            for reference in &mut correlation.refs {
                if let Reference::Local(index) = reference {
                    *index += first;
                }
            }
            correlation
        });
        all.correlations.extend(moved);
        all.rules.extend(file.rules);
        all.filters.extend(file.filters);
        all.report.refused.extend(file.report.refused);
        all.report.partial.extend(file.report.partial);
        all.report.notes.extend(file.report.notes);
    }
    let mut report = std::mem::take(&mut all.report);
    let (mut rules, parsed) = without_duplicates(all.rules, all.correlations, &mut report);
    for filter in &all.filters {
        let laid = filter.lay_over(&mut rules);
        for (name, line) in laid.unanswered {
            report.partial.push(problem(&filter.metadata, line, Error::UnknownReference(name)));
        }
        let line = filter.metadata.origin.line;
        let problem = |reason| problem(&filter.metadata, line, reason);
        report.partial.extend(laid.missing.into_iter().map(|name| problem(Error::Placeholder(name))));
        let refused = if laid.count == 0 { &mut report.refused } else { &mut report.partial };
        refused.extend(laid.refused.into_iter().map(problem));
    }
    let mut correlations = refs::resolve(&rules, parsed, &all.pipelines, &mut report);
    let mut rules: Vec<Rule> = rules.into_iter().map(|parsed| parsed.rule).collect();
    silence(&mut rules, &mut correlations);
    for problems in [&mut report.refused, &mut report.partial, &mut report.notes] {
        problems.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    }
    RuleSet { rules, correlations, filters: all.filters.len(), report }
}

pub(super) fn problem(metadata: &Metadata, line: u32, reason: Error) -> Problem {
    Problem {
        path: metadata.origin.path.clone(),
        line,
        id: Some(metadata.id.clone()),
        title: Some(metadata.title.clone()),
        reason,
    }
}

/// Drops rules and correlations that are there twice, and notes different ones with the same id.
fn without_duplicates(
    rules: Vec<ParsedRule>,
    correlations: Vec<ParsedCorrelation>,
    report: &mut LoadReport,
) -> (Vec<ParsedRule>, Vec<ParsedCorrelation>) {
    let mut kept: Vec<ParsedRule> = Vec::with_capacity(rules.len());
    let mut by_id: HashMap<String, usize> = HashMap::with_capacity(rules.len());
    let mut new_index = Vec::with_capacity(rules.len());
    for parsed in rules {
        let rule = &parsed.rule;
        let is_part = rule.id != parsed.document_id;
        let before = by_id.get(&rule.id).map(|&index| (index, &kept[index].rule));
        let said = |reason| Problem {
            path: rule.origin.path.clone(),
            line: rule.origin.line,
            id: Some(rule.id.clone()),
            title: Some(rule.title.clone()),
            reason,
        };
        match before {
            Some((index, first)) if first.title == rule.title && first.condition == rule.condition => {
                if !is_part {
                    report.refused.push(said(Error::Duplicate(first.origin.to_string())));
                }
                new_index.push(index);
                continue;
            }
            Some((_, first)) if !is_part => {
                report.notes.push(said(Error::DuplicateId(first.origin.to_string())))
            }
            Some(_) => {}
            None => {
                by_id.insert(rule.id.clone(), kept.len());
            }
        }
        new_index.push(kept.len());
        kept.push(parsed);
    }
    let mut kept_correlations: Vec<ParsedCorrelation> = Vec::with_capacity(correlations.len());
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for mut parsed in correlations {
        for reference in &mut parsed.refs {
            if let Reference::Local(index) = reference {
                *index = new_index[*index];
            }
        }
        let origin = |index: &usize| -> &Origin { &kept_correlations[*index].metadata.origin };
        match by_id.get(&parsed.metadata.id) {
            Some(index) if is_same(&kept_correlations[*index], &parsed) => {
                let reason = Error::Duplicate(origin(index).to_string());
                report.refused.push(problem(&parsed.metadata, parsed.metadata.origin.line, reason));
                continue;
            }
            Some(index) => {
                let reason = Error::DuplicateId(origin(index).to_string());
                report.notes.push(problem(&parsed.metadata, parsed.metadata.origin.line, reason));
            }
            None => {
                by_id.insert(parsed.metadata.id.clone(), kept_correlations.len());
            }
        }
        kept_correlations.push(parsed);
    }
    (kept, kept_correlations)
}

fn is_same(a: &ParsedCorrelation, b: &ParsedCorrelation) -> bool {
    let names = |c: &ParsedCorrelation| -> Vec<Result<String, usize>> {
        let name = |r: &Reference| match r {
            Reference::Named(name, _) => Ok(name.clone()),
            Reference::Local(index) => Err(*index),
        };
        c.refs.iter().map(name).collect()
    };
    let rest = |c: &ParsedCorrelation| {
        (c.kind, c.timespan, c.group_by.clone(), c.predicates.clone(), c.fields.clone(), c.expression.clone())
    };
    a.metadata.title == b.metadata.title && names(a) == names(b) && rest(a) == rest(b)
}

/// Lets what is referred to report only where a correlation says `generate: true`.
fn silence(rules: &mut [Rule], correlations: &mut [CorrelationRule]) {
    // `None`: nothing refers to it. Otherwise whether anything that does lets it report.
    let mut of_rules: Vec<Option<bool>> = vec![None; rules.len()];
    let mut of_correlations: Vec<Option<bool>> = vec![None; correlations.len()];
    for correlation in correlations.iter() {
        for reference in &correlation.refs {
            let generates = match *reference {
                RuleRef::Rule(index) => &mut of_rules[index],
                RuleRef::Correlation(index) => &mut of_correlations[index],
            };
            *generates = Some(generates.unwrap_or(false) || correlation.generate);
        }
    }
    for (rule, generates) in rules.iter_mut().zip(of_rules) {
        rule.reports = generates.unwrap_or(rule.reports);
    }
    for (correlation, generates) in correlations.iter_mut().zip(of_correlations) {
        correlation.reports = generates.unwrap_or(true);
    }
}
