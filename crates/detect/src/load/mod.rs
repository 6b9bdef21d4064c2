//! Sigma YAML to rules.
//!
//! Two steps, so that callers may read files on several threads: [`parse`] takes one file as far as it
//! goes by itself, [`link`] puts files together: filters meet their rules, correlations what they refer
//! to, and what is there twice is found.
//!
//! Invariant: every document ends up as a rule, correlation or filter in force, or in
//! [`LoadReport::refused`] with its place and reason. What is in force only in part is in
//! [`LoadReport::partial`], what an author should look at in [`LoadReport::notes`].
//! Invariant: no input makes loading panic or take memory or time out of proportion to
//! its size; each limit is a constant beside the code it guards.
//!
//! Where there are pipelines ([`LoadOptions::pipelines`]), a document takes a way round between reading and
//! lowering, as the syntax tree they work on.
//!
//! Of `rsigma-parser` its condition grammar and its list of modifiers are used. Its document reader is
//! not: it keeps search identifiers in no order, drops what it does not expect without a word, takes only
//! whole numbers as thresholds and does not tell where in the file something is.

mod aggregation;
mod ast;
mod condition;
mod correlation;
mod detection;
mod document;
mod draft;
mod filter;
mod link;
mod metadata;
mod modifiers;
mod node;
mod pcre;
mod refs;
mod rule;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::correlation_rule::CorrelationRule;
use crate::error::Error;
use crate::pipeline::Pipelines;
use crate::rule::Rule;

pub(crate) use filter::Filter;
pub use link::link;

/// What loading needs to know beside the files.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Values of placeholders (`%name%` with the modifier `expand`). Values may have wildcards.
    pub placeholders: BTreeMap<String, Vec<String>>,
    /// Pipelines that rules, correlations and filters go through. `value_placeholders` steps know the
    /// `placeholders` here too.
    pub pipelines: Pipelines,
}

/// Rules and correlations that work together.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// The rules, in the order of the files.
    pub rules: Vec<Rule>,
    /// The correlations over them.
    pub correlations: Vec<CorrelationRule>,
    /// How many filters were laid over rules.
    pub filters: usize,
    /// What was refused, and what else there is to say.
    pub report: LoadReport,
}

/// What there is to say about the files, sorted by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Not in force at all.
    pub refused: Vec<Problem>,
    /// In force, but part of it cannot match.
    pub partial: Vec<Problem>,
    /// In force; the author should have a look.
    pub notes: Vec<Problem>,
}

/// Something to say about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the file, as given.
    pub path: Arc<str>,
    /// The line it is about, from 1; the document's first where nothing closer is known.
    pub line: u32,
    /// The rule's id, if it has one.
    pub id: Option<String>,
    /// The rule's title, if it has one.
    pub title: Option<String>,
    /// What it is.
    pub reason: Error,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.path, self.line)?;
        if let Some(name) = self.title.as_ref().or(self.id.as_ref()) {
            write!(f, "{name}: ")?;
        }
        write!(f, "{}", self.reason)
    }
}

/// A file, understood as far as one file can be. Made by [`parse`], used by [`link`].
#[derive(Debug, Clone, Default)]
pub struct ParsedFile {
    rules: Vec<rule::ParsedRule>,
    correlations: Vec<correlation::ParsedCorrelation>,
    filters: Vec<filter::Filter>,
    pipelines: Pipelines,
    report: LoadReport,
}

impl ParsedFile {
    /// Its filters and what there is to say; no filters where there is something else too.
    pub(crate) fn into_filters(self) -> (Vec<Filter>, LoadReport) {
        let others = self.rules.len() + self.correlations.len();
        let filters = if others == 0 { self.filters } else { Vec::new() };
        (filters, self.report)
    }
}

/// Reads one file. `path` is only used to name it.
pub fn parse(path: &str, text: &str, options: &LoadOptions) -> ParsedFile {
    let path: Arc<str> = path.into();
    let mut file = ParsedFile { pipelines: options.pipelines.clone(), ..ParsedFile::default() };
    let (documents, broken) = document::documents(text);
    let last_line = text.lines().count().max(1) as u32;
    for (line, reason) in broken {
        let line = line.min(last_line); // the YAML reader may point behind the end
        file.report.refused.push(Problem { path: path.clone(), line, id: None, title: None, reason });
    }
    for document in &documents {
        let mut reader = Reader { path: &path, file_text: text, document, options, file: &mut file };
        if let Err(reason) = reader.read() {
            let problem = reader.problem(reason);
            reader.file.report.refused.push(problem);
        }
    }
    file
}

/// Reads and links files of which path and text are given.
pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, options: &LoadOptions) -> RuleSet {
    link(files.into_iter().map(|(path, text)| parse(path, text, options)).collect())
}

/// Reads one document into the file it is part of.
struct Reader<'a, 'd> {
    path: &'a Arc<str>,
    file_text: &'a str,
    document: &'a document::Document<'d>,
    options: &'a LoadOptions,
    file: &'a mut ParsedFile,
}

impl Reader<'_, '_> {
    fn read(&mut self) -> Result<(), Error> {
        let node = &self.document.node;
        if node.get("correlation").is_some() {
            correlation::read(self)
        } else if node.get("filter").is_some() {
            filter::read(self)
        } else {
            rule::read(self)
        }
    }

    fn problem(&self, reason: Error) -> Problem {
        let text_of = |key: &str| self.document.node.get(key).and_then(|n| n.scalar()).map(str::to_owned);
        let line = reason.near().and_then(|near| {
            // What `action: global` adds stands elsewhere in the file.
            document::line_of(self.document.text, self.document.line, near)
                .or_else(|| document::line_of(self.file_text, 1, near))
        });
        Problem {
            path: self.path.clone(),
            line: line.unwrap_or(self.document.line),
            id: text_of("id"),
            title: text_of("title"),
            reason,
        }
    }

    fn note(&mut self, reason: Error) {
        let problem = self.problem(reason);
        self.file.report.notes.push(problem);
    }

    fn partial(&mut self, reason: Error) {
        let problem = self.problem(reason);
        self.file.report.partial.push(problem);
    }
}
