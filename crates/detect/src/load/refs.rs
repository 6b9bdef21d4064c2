//! What correlations refer to: names to indices, without circles and without gaps.

use std::collections::{HashMap, HashSet};

use rsigma_parser::ConditionExpr;
use ward_core::Severity;

use super::correlation::{ParsedCorrelation, Reference};
use super::link::problem;
use super::rule::ParsedRule;
use super::{LoadReport, ast};
use crate::correlation_rule::{Alias, CorrelationCondition, CorrelationRule, RefExpr, RuleRef};
use crate::error::Error;
use crate::pipeline::Pipelines;
use crate::rule::Comparison;

/// Finds what correlations refer to. What cannot be found, or leads in a circle, is refused.
pub(super) fn resolve(
    rules: &[ParsedRule],
    mut parsed: Vec<ParsedCorrelation>,
    pipelines: &Pipelines,
    report: &mut LoadReport,
) -> Vec<CorrelationRule> {
    let names = Names::of(rules, &parsed);
    let mut fates: Vec<Fate> = parsed.iter().map(|c| found(c, &names, report)).collect();
    refuse_cycles(&parsed, &mut fates);
    if !pipelines.is_empty() {
        for index in 0..parsed.len() {
            let mut rule = ast::correlation(&parsed[index]);
            let sources = log_sources(index, &fates, rules);
            match pipelines.apply_to_correlation(&mut rule, &sources) {
                Ok(_) => ast::take_correlation(&mut parsed[index], rule),
                Err(refusal) if fates[index].is_ok() => {
                    let reason = Error::Pipeline(refusal.to_string());
                    fates[index] = Err((parsed[index].metadata.origin.line, reason));
                }
                Err(_) => {}
            }
        }
    }
    refuse_dependents(&parsed, &mut fates);
    // Refused ones leave gaps, which the indices of the others close.
    let mut left = 0;
    let new_index: Vec<usize> =
        fates.iter().map(|fate| (left, left += usize::from(fate.is_ok())).0).collect();
    let levels: Vec<Option<Severity>> = parsed.iter().map(|c| c.metadata.level).collect();
    let levels = inherited(levels, &fates, rules);
    let mut correlations = Vec::with_capacity(left);
    for ((correlation, fate), level) in parsed.into_iter().zip(fates).zip(levels) {
        match fate {
            Ok(mut found) => {
                for target in &mut found.refs {
                    if let RuleRef::Correlation(index) = target {
                        *index = new_index[*index];
                    }
                }
                correlations.push(built(correlation, found, level));
            }
            Err((line, reason)) => report.refused.push(problem(&correlation.metadata, line, reason)),
        }
    }
    correlations
}

/// What names lead to: by id, by name, by title.
struct Names {
    maps: [HashMap<String, (RuleRef, bool)>; 3],
}

impl Names {
    fn of(rules: &[ParsedRule], correlations: &[ParsedCorrelation]) -> Self {
        let mut names = Self { maps: Default::default() };
        if correlations.is_empty() {
            return names;
        }
        // Parts of aggregations have no names: the correlation made of them has.
        for (index, parsed) in rules.iter().enumerate().filter(|(_, p)| p.rule.id == p.document_id) {
            let rule = &parsed.rule;
            names.add([Some(&rule.id), rule.name.as_ref(), Some(&rule.title)], RuleRef::Rule(index));
        }
        for (index, correlation) in correlations.iter().enumerate() {
            let metadata = &correlation.metadata;
            let keys = [Some(&metadata.id), metadata.name.as_ref(), Some(&metadata.title)];
            names.add(keys, RuleRef::Correlation(index));
        }
        names
    }

    fn add(&mut self, keys: [Option<&String>; 3], target: RuleRef) {
        for (map, key) in self.maps.iter_mut().zip(keys) {
            if let Some(key) = key {
                map.entry(key.clone()).and_modify(|(_, more)| *more = true).or_insert((target, false));
            }
        }
    }

    /// What a name leads to, and whether it could lead elsewhere too.
    fn get(&self, name: &str) -> Option<(RuleRef, bool)> {
        self.maps.iter().find_map(|map| map.get(name).copied())
    }
}

/// What a correlation refers to.
struct Found {
    refs: Vec<RuleRef>,
    /// Places in `refs` of the names that aliases and the condition use.
    places: HashMap<String, usize>,
}

/// What is known of a correlation's references, or where and why it is refused.
type Fate = Result<Found, (u32, Error)>;

fn found(correlation: &ParsedCorrelation, names: &Names, report: &mut LoadReport) -> Fate {
    let mut found = Found { refs: Vec::new(), places: HashMap::new() };
    for reference in &correlation.refs {
        let target = match reference {
            Reference::Local(index) => RuleRef::Rule(*index),
            Reference::Named(name, line) => {
                let (target, ambiguous) =
                    names.get(name).ok_or_else(|| (*line, Error::UnknownReference(name.clone())))?;
                if ambiguous {
                    let reason = Error::AmbiguousReference(name.clone());
                    report.notes.push(problem(&correlation.metadata, *line, reason));
                }
                found.places.entry(name.clone()).or_insert(found.refs.len());
                target
            }
        };
        found.refs.push(target);
    }
    for (alias, fields) in &correlation.aliases {
        for (name, _) in fields {
            if found.places.contains_key(name) {
                continue;
            }
            // An alias may call a rule by its name that `rules` lists by its id.
            let target = names.get(name).map(|(target, _)| target);
            match found.refs.iter().position(|r| Some(*r) == target) {
                Some(place) => {
                    found.places.insert(name.clone(), place);
                }
                None => {
                    let why = format!("it is an alias for '{name}', which 'rules' does not list");
                    let reason = Error::Ignored { key: alias.clone(), why };
                    let line = correlation.metadata.origin.line;
                    report.notes.push(problem(&correlation.metadata, line, reason));
                }
            }
        }
    }
    Ok(found)
}

/// Refuses every correlation from which references lead back to it.
fn refuse_cycles(parsed: &[ParsedCorrelation], fates: &mut [Fate]) {
    let mut in_cycle = Vec::new();
    for start in 0..fates.len() {
        // Walk everything that can be reached; remember from where, to tell the way.
        let mut reached_from: HashMap<usize, usize> = HashMap::new();
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            for target in fates[at].as_ref().map(|found| &found.refs[..]).unwrap_or_default() {
                if let RuleRef::Correlation(to) = *target {
                    reached_from.entry(to).or_insert_with(|| {
                        open.push(to);
                        at
                    });
                }
            }
        }
        let Some(&last) = reached_from.get(&start) else { continue };
        let mut way = vec![start, last];
        while let Some(&at) = way.last().filter(|&&at| at != start) {
            way.extend(reached_from.get(&at));
        }
        let titles = way.iter().rev().map(|&index| &*parsed[index].metadata.title);
        in_cycle.push((start, titles.collect::<Vec<_>>().join(" -> ")));
    }
    for (index, way) in in_cycle {
        fates[index] = Err((parsed[index].metadata.origin.line, Error::Cycle(way)));
    }
}

/// The log sources of all rules that a correlation is over: as they were read and as pipelines left them,
/// since steps may ask for either.
fn log_sources(index: usize, fates: &[Fate], rules: &[ParsedRule]) -> Vec<rsigma_parser::LogSource> {
    let mut sources = Vec::new();
    let mut seen = HashSet::from([index]);
    let mut open = vec![index];
    while let Some(at) = open.pop() {
        for target in fates[at].as_ref().map(|found| &found.refs[..]).unwrap_or_default() {
            match *target {
                RuleRef::Rule(rule) => {
                    for source in [&rules[rule].read_source, &rules[rule].rule.log_source] {
                        let source = ast::to_log_source(source);
                        if !sources.contains(&source) {
                            sources.push(source);
                        }
                    }
                }
                RuleRef::Correlation(to) if seen.insert(to) => open.push(to),
                RuleRef::Correlation(_) => {}
            }
        }
    }
    sources
}

/// Refuses what refers to something refused, until nothing does.
fn refuse_dependents(parsed: &[ParsedCorrelation], fates: &mut [Fate]) {
    loop {
        let refused: Vec<bool> = fates.iter().map(Result::is_err).collect();
        let mut changed = false;
        for (correlation, fate) in parsed.iter().zip(fates.iter_mut()) {
            let Ok(found) = fate else { continue };
            let lost = found.refs.iter().position(|r| matches!(r, RuleRef::Correlation(i) if refused[*i]));
            if let Some(Reference::Named(name, line)) = lost.map(|at| &correlation.refs[at]) {
                *fate = Err((*line, Error::UnknownReference(name.clone())));
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// Gives correlations without a level the highest level of what they refer to.
fn inherited(own: Vec<Option<Severity>>, fates: &[Fate], rules: &[ParsedRule]) -> Vec<Severity> {
    let mut levels: Vec<Severity> =
        own.iter().map(|level| level.unwrap_or(Severity::Informational)).collect();
    // Levels only rise, and references lead in no circle, so this ends.
    loop {
        let mut changed = false;
        for (index, fate) in fates.iter().enumerate() {
            let (None, Ok(found)) = (own[index], fate) else { continue };
            let level_of = |target: &RuleRef| match *target {
                RuleRef::Rule(rule) => rules[rule].rule.level,
                RuleRef::Correlation(correlation) => levels[correlation],
            };
            let highest = found.refs.iter().map(level_of).max().unwrap_or(Severity::Medium);
            changed |= levels[index] != highest;
            levels[index] = highest;
        }
        if !changed {
            return levels;
        }
    }
}

fn built(parsed: ParsedCorrelation, found: Found, level: Severity) -> CorrelationRule {
    let Found { refs, places } = found;
    let aliases = parsed.aliases.into_iter().map(|(name, of_rules)| {
        let mut fields = vec![None; refs.len()];
        for (rule, field) in of_rules {
            if let Some(&place) = places.get(&rule) {
                fields[place] = Some(field);
            }
        }
        Alias { name, fields }
    });
    let condition = match &parsed.expression {
        Some(expression) => CorrelationCondition::Refs(over_refs(expression, &places)),
        None if parsed.predicates.is_empty() => {
            CorrelationCondition::Threshold(vec![(Comparison::GreaterOrEqual, refs.len() as f64)])
        }
        None => CorrelationCondition::Threshold(parsed.predicates),
    };
    CorrelationRule {
        aliases: aliases.collect(),
        condition,
        id: parsed.metadata.id,
        name: parsed.metadata.name,
        title: parsed.metadata.title,
        level,
        tags: parsed.metadata.tags,
        author: parsed.metadata.author,
        origin: parsed.metadata.origin,
        kind: parsed.kind,
        refs,
        group_by: parsed.group_by,
        timespan: parsed.timespan,
        fields: parsed.fields,
        percentile: parsed.percentile,
        generate: parsed.generate,
        reports: true,
    }
}

fn over_refs(expr: &ConditionExpr, places: &HashMap<String, usize>) -> RefExpr {
    let each = |parts: &[ConditionExpr]| parts.iter().map(|part| over_refs(part, places)).collect();
    match expr {
        ConditionExpr::And(parts) => RefExpr::All(each(parts)),
        ConditionExpr::Or(parts) => RefExpr::Any(each(parts)),
        ConditionExpr::Not(part) => RefExpr::Not(Box::new(over_refs(part, places))),
        ConditionExpr::Identifier(name) => {
            places.get(name).map_or(RefExpr::Any(Vec::new()), |&place| RefExpr::Matched(place))
        }
        ConditionExpr::Selector { .. } => RefExpr::Any(Vec::new()), // refused when it was read
    }
}
