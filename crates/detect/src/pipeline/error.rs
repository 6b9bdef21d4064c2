//! What can go wrong with a pipeline: at loading ([`PipelineError`]) and at a rule ([`Refusal`]).

use std::fmt;
use std::sync::Arc;

/// A pipeline that could not be loaded. Nothing of it is in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// The text is larger than a pipeline may be.
    #[error("could not load pipeline {path}: it has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// The path as given.
        path: Arc<str>,
        /// Bytes of the text.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The text is not YAML, or too much once its aliases are followed, or not a pipeline at the top.
    #[error("could not load pipeline {path}{}: {reason}", Line(*line))]
    Document {
        /// The path as given.
        path: Arc<str>,
        /// The line, from 1, where known.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
    /// One of its transformations is unknown, incomplete or has no meaning here.
    #[error("could not load pipeline {place}: {reason}")]
    Step {
        /// Which transformation.
        place: Box<Place>,
        /// What is wrong.
        reason: String,
    },
}

/// A rule that a pipeline would not let pass. The rule is left as it was before the first step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The transformation that refused, unless it was the placeholders the caller gave.
    pub place: Option<Place>,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "refused by pipeline {place}: {}", self.reason),
            None => write!(f, "refused by its placeholders: {}", self.reason),
        }
    }
}

/// Where a transformation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path of the pipeline as given.
    pub path: Arc<str>,
    /// Line of the transformation, from 1, where it could be found.
    pub line: Option<usize>,
    /// Number of the transformation, from 1; inside `nest` one number a level.
    pub number: Vec<usize>,
    /// Its `id`.
    pub id: Option<Arc<str>>,
    /// Its `type`, as far as read.
    pub kind: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: transformation ", self.path, Line(self.line))?;
        for (level, number) in self.number.iter().enumerate() {
            write!(f, "{}{number}", if level == 0 { "" } else { "." })?;
        }
        if let Some(id) = &self.id {
            write!(f, " `{id}`")?;
        }
        if !self.kind.is_empty() {
            write!(f, " ({})", self.kind)?;
        }
        Ok(())
    }
}

/// A line number as it follows a path.
struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}
