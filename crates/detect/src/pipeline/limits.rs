//! How much a pipeline may cost: at loading, and at each step over a rule.
//!
//! A small text can be made to cost much: by aliases, by regular expressions, by mappings of one name
//! to many that follow each other. Each of these has a number here, and going over it is named.

use std::cell::Cell;

use regex::{Regex, RegexBuilder};

/// Bytes of a pipeline's text.
pub(super) const TEXT: usize = 1 << 20;
/// Nodes the document may have once aliases are followed.
pub(super) const NODES: usize = 500_000;
/// Bytes of text the document may have once aliases are followed.
pub(super) const DOCUMENT: usize = 32 << 20;
/// Bytes a value of a rule counts beside its text.
pub(super) const NODE: usize = 64;
/// How deep `nest` may go.
pub(super) const NESTING: usize = 8;
/// How deep a condition expression may go.
pub(super) const EXPRESSION_DEPTH: usize = 64;
/// How deep steps may nest a rule's detections.
pub(super) const DETECTION_DEPTH: usize = 64;
/// Transformations of a pipeline, nested ones too.
const STEPS: usize = 5_000;
/// Regular expressions of a pipeline.
const REGEXES: usize = 500;
/// Bytes of a regular expression as written.
const REGEX_TEXT: usize = 4 << 10;
/// Bytes of a regular expression, compiled.
const REGEX_SIZE: usize = 256 << 10;
/// Bytes one step may write into one rule.
const STEP_BYTES: usize = 16 << 20;

/// What loading one pipeline has used so far.
#[derive(Default)]
pub(super) struct Loading {
    steps: Cell<usize>,
    regexes: Cell<usize>,
}

impl Loading {
    /// Counts a transformation.
    pub(super) fn step(&self) -> Result<(), String> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS {
            return Err(format!("the pipeline has more than {STEPS} transformations"));
        }
        Ok(())
    }

    /// Compiles a regular expression of the pipeline.
    pub(super) fn regex(&self, pattern: &str) -> Result<Regex, String> {
        self.regexes.set(self.regexes.get() + 1);
        if self.regexes.get() > REGEXES {
            return Err(format!("the pipeline has more than {REGEXES} regular expressions"));
        }
        if pattern.len() > REGEX_TEXT {
            return Err(format!("a regular expression has more than {REGEX_TEXT} bytes"));
        }
        RegexBuilder::new(pattern).size_limit(REGEX_SIZE).nest_limit(64).build().map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("regular expression `{pattern}`: {}", last.trim_start_matches("error: "))
        })
    }
}

/// What a step may still write into a rule.
pub(super) struct Meter {
    left: usize,
}

impl Meter {
    /// A full one, for one step over one rule.
    pub(super) fn new() -> Self {
        Self { left: STEP_BYTES }
    }

    /// Takes the price of a value or a name of so many bytes.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(bytes.saturating_add(NODE))
            .ok_or_else(|| format!("the step would write more than {STEP_BYTES} bytes into the rule"))?;
        Ok(())
    }
}
