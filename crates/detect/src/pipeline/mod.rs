//! Processing pipelines: YAML that renames fields, changes values and adds conditions, so that rules
//! written for one way of naming events fit another. The format and its meaning are pySigma's.
//!
//! The way of a pipeline: [`Pipeline::parse`] reads its text; [`Pipelines`] puts several in order of
//! priority and applies their steps to a rule, a correlation or a filter between parsing and lowering.
//! A rule becomes a tree that notes which steps touched what, because later steps may ask; the tree
//! becomes the rule again at the end.
//!
//! Invariant: a step is carried out as written, or the pipeline does not load.
//! Invariant: a rule that a step refuses is left as it was, and says which step and why.
//! Invariant: what a pipeline of [`MAX_BYTES`] can cost is bounded; going over a bound is an error.
//!
//! Where this differs from pySigma, it is because rules are evaluated here, not translated:
//! post-processing and finalizers shape query text and are noted, not run; a negative question mapped
//! to many fields must hold for each; a regular expression made of text is anchored; hashes without a
//! field of their own stay where they were; steps inside `nest` see the state outside of it; an item
//! dropped asks nothing any more, and a rule of which nothing is left is refused.

mod error;
mod gate;
mod item_condition;
mod limits;
mod rule_condition;
mod state;
mod step;
mod subject;
mod text;
mod transform;
mod tree;
pub(crate) mod yaml;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rsigma_parser::{CorrelationRule, FilterRule, LogSource, SigmaRule};
use yaml_serde::Value;

pub use error::{PipelineError, Place, Refusal};
pub use state::Scalar;

use limits::{Loading, Meter};
use step::{Given, Step, Values, Vars};
use subject::Subject;
use transform::{Change, Filling, Placeholders};
use tree::Node;
use yaml::Keys;

/// Most bytes of a pipeline's text.
pub const MAX_BYTES: usize = limits::TEXT;

/// A processing pipeline, read and checked.
#[derive(Debug)]
pub struct Pipeline {
    name: String,
    priority: i64,
    vars: Vars,
    steps: Vec<Step>,
    notes: Vec<String>,
}

/// Pipelines in the order they apply. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pipelines {
    steps: Arc<[Step]>,
    vars: Arc<Vars>,
    /// Names among `vars` that the caller gave: filled in even if no step asks for it.
    given: Arc<[String]>,
    notes: Arc<[String]>,
}

/// What the pipelines did to a rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// Ids of the steps that applied; steps without an id are not named.
    pub steps: BTreeSet<Arc<str>>,
    /// What `set_state` left.
    pub state: BTreeMap<String, Scalar>,
}

impl Pipeline {
    /// Reads a pipeline. `path` names it in errors.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its line where known.
    pub fn parse(path: &str, text: &str) -> Result<Self, PipelineError> {
        let path: Arc<str> = Arc::from(path);
        if text.len() > MAX_BYTES {
            return Err(PipelineError::TooLarge { path, bytes: text.len(), limit: MAX_BYTES });
        }
        let document = |line, reason| PipelineError::Document { path: path.clone(), line, reason };
        let value = yaml::read(text).map_err(|error| document(error.line, error.reason))?;
        let head = Head::parse(value, &path).map_err(|reason| document(None, reason))?;
        let mut pipeline = head.pipeline;
        let loading = Loading::default();
        for (index, value) in head.transformations.into_iter().enumerate() {
            let place = Place {
                path: path.clone(),
                line: line_of_step(text, index),
                number: vec![index + 1],
                id: None,
                kind: String::new(),
            };
            pipeline.steps.push(Step::parse(value, place, &loading, &mut pipeline.notes)?);
        }
        Ok(pipeline)
    }

    /// Its name; without one, its path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its priority: lower ones apply first.
    pub fn priority(&self) -> i64 {
        self.priority
    }

    /// What it says that has no effect here, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Pipelines {
    /// Puts pipelines in order: by priority, and as given where that is the same. Where two give a
    /// variable, the later one counts.
    pub fn new(mut pipelines: Vec<Pipeline>) -> Self {
        pipelines.sort_by_key(Pipeline::priority);
        let (mut steps, mut vars, mut notes) = (Vec::new(), Vars::new(), Vec::new());
        for pipeline in pipelines {
            steps.extend(pipeline.steps);
            vars.extend(pipeline.vars);
            notes.extend(pipeline.notes);
        }
        Self { steps: steps.into(), vars: vars.into(), given: Arc::default(), notes: notes.into() }
    }

    /// What the pipelines say that has no effect here, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds values for placeholders by name, before those of the pipelines' `vars`. They are filled in
    /// after the last step too, so a rule with placeholders needs no pipeline that fills them.
    #[must_use]
    pub fn with_placeholders(mut self, placeholders: BTreeMap<String, Vec<String>>) -> Self {
        self.given = self.given.iter().cloned().chain(placeholders.keys().cloned()).collect();
        let given = placeholders.into_iter().map(|(name, values)| (name, Some(values)));
        Arc::make_mut(&mut self.vars).extend(given);
        self
    }

    /// Whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.given.is_empty()
    }

    /// Applies every step to a detection rule.
    ///
    /// # Errors
    /// The step that refused the rule and why; the rule is then as it was.
    pub fn apply(&self, rule: &mut SigmaRule) -> Result<Applied, Refusal> {
        self.apply_given(rule, &Given::new())
    }

    /// As [`apply`](Self::apply), with values of placeholders that steps which fill them may use.
    ///
    /// # Errors
    /// As of [`apply`](Self::apply).
    pub fn apply_given(
        &self,
        rule: &mut SigmaRule,
        placeholders: &BTreeMap<String, Vec<String>>,
    ) -> Result<Applied, Refusal> {
        let mut subject = Subject::rule(rule);
        self.run(&mut subject, placeholders)?;
        let Subject { log_sources, fields, custom, named, conditions, state, .. } = subject;
        rule.detection = Subject::detections(named, conditions, &rule.detection);
        rule.logsource = log_sources.into_iter().next().unwrap_or_default();
        rule.fields = fields;
        rule.custom_attributes = custom;
        Ok(Applied { steps: state.applied, state: state.values })
    }

    /// Applies every step to a correlation: the names it groups by, aliases and counts are mapped.
    /// `log_sources` are those of the rules it refers to, which `logsource` conditions ask.
    ///
    /// # Errors
    /// As of [`apply`](Self::apply).
    pub fn apply_to_correlation(
        &self,
        rule: &mut CorrelationRule,
        log_sources: &[LogSource],
    ) -> Result<Applied, Refusal> {
        let mut subject = Subject::correlation(rule, log_sources);
        self.run(&mut subject, &Given::new())?;
        let Subject { fields, custom, correlation, state, .. } = subject;
        if let Some(names) = correlation {
            rule.group_by = names.group_by;
            rule.aliases = names.aliases;
            rule.condition = names.condition;
        }
        rule.fields = fields;
        rule.custom_attributes = custom;
        Ok(Applied { steps: state.applied, state: state.values })
    }

    /// Applies every step to a filter, as to the rules it will be part of; `add_condition` leaves it
    /// alone, since those rules have the condition. `logsource` conditions ask `rule_source`, the log
    /// source of such a rule as it was read, because that decides what happens to the rule's fields;
    /// `None`: the filter's own. A filter for any log source stays one.
    ///
    /// # Errors
    /// As of [`apply`](Self::apply).
    pub fn apply_to_filter(
        &self,
        rule: &mut FilterRule,
        rule_source: Option<&LogSource>,
    ) -> Result<Applied, Refusal> {
        self.apply_to_filter_given(rule, rule_source, &Given::new())
    }

    /// As [`apply_to_filter`](Self::apply_to_filter), with values of placeholders that steps which fill
    /// them may use.
    ///
    /// # Errors
    /// As of [`apply`](Self::apply).
    pub fn apply_to_filter_given(
        &self,
        rule: &mut FilterRule,
        rule_source: Option<&LogSource>,
        placeholders: &BTreeMap<String, Vec<String>>,
    ) -> Result<Applied, Refusal> {
        let mut subject = Subject::filter(rule, rule_source.or(rule.logsource.as_ref()));
        self.run(&mut subject, placeholders)?;
        let Subject { log_sources, fields, custom, named, conditions, state, .. } = subject;
        rule.detection = Subject::detections(named, conditions, &rule.detection);
        rule.logsource = rule.logsource.take().and(log_sources.into_iter().next());
        rule.fields = fields;
        rule.custom_attributes = custom;
        Ok(Applied { steps: state.applied, state: state.values })
    }

    fn run(&self, subject: &mut Subject<'_>, given: &Given) -> Result<(), Refusal> {
        let values = Values { vars: &self.vars, given };
        for step in &*self.steps {
            step.apply(subject, values)?;
        }
        if self.given.is_empty() {
            return Ok(());
        }
        let rest = Placeholders {
            filling: Filling::Values,
            include: Some(self.given.to_vec()),
            exclude: Vec::new(),
        };
        subject.meter = Meter::new();
        subject
            .rewrite(|item, _, meter| {
                Ok(Some(match rest.change(item, values, meter)? {
                    Change::To(node) => node,
                    Change::None(item) => Node::Item(item),
                    Change::Gone => return Ok(None),
                }))
            })
            .map_err(|reason| Refusal { place: None, reason })
    }
}

/// A pipeline without its steps, and these as they are written.
struct Head {
    pipeline: Pipeline,
    transformations: Vec<Value>,
}

impl Head {
    fn parse(value: Value, path: &str) -> Result<Self, String> {
        let mut keys = Keys::of(value, "a pipeline")?;
        let name = keys.text("name")?.unwrap_or_else(|| path.to_owned());
        let priority = match keys.take("priority") {
            None | Some(Value::Null) => 0,
            Some(value) => value.as_i64().ok_or("`priority` must be a whole number")?,
        };
        let vars = match keys.take("vars") {
            None | Some(Value::Null) => Vars::new(),
            Some(Value::Mapping(mapping)) => mapping
                .into_iter()
                .filter_map(|(name, value)| Some((yaml::scalar(&name)?, yaml::texts(value).ok())))
                .collect(),
            Some(_) => return Err("`vars` must be a mapping".to_owned()),
        };
        keys.take("allowed_backends");
        let transformations = list(&mut keys, "transformations")?;
        let mut notes = Vec::new();
        for key in ["postprocessing", "finalizers"] {
            let count = list(&mut keys, key)?.len();
            if count > 0 {
                notes.push(format!(
                    "{path}: `{key}` ({count}) has no effect: it shapes the text of queries, and there are none here"
                ));
            }
        }
        keys.finish()?;
        Ok(Self { pipeline: Pipeline { name, priority, vars, steps: Vec::new(), notes }, transformations })
    }
}

fn list(keys: &mut Keys, key: &str) -> Result<Vec<Value>, String> {
    match keys.take(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Sequence(list)) => Ok(list),
        Some(other) => Err(format!("`{key}` must be a list, not {}", yaml::kind(&other))),
    }
}

/// The line (from 1) on which a transformation begins, told by its indentation: good for the way
/// pipelines are written, `None` for lists in brackets.
fn line_of_step(text: &str, index: usize) -> Option<usize> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| !line.starts_with("transformations:"));
    lines.next()?;
    let mut indent = None;
    let mut seen = 0;
    for (number, line) in lines {
        let body = line.trim_start();
        let depth = line.len() - body.len();
        if body.is_empty() || body.starts_with('#') || indent.is_some_and(|indent| depth > indent) {
            continue;
        }
        if !(body == "-" || body.starts_with("- ")) || indent.is_some_and(|indent| depth < indent) {
            return None;
        }
        indent = Some(depth);
        if seen == index {
            return Some(number + 1);
        }
        seen += 1;
    }
    None
}
