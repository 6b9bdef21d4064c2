//! What can be wrong with a rule, in words that its author understands.

use thiserror::Error;

/// Why a rule is refused, or in force only in part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not YAML, or not YAML as Sigma uses it.
    #[error("could not read the YAML: {0}")]
    Yaml(String),
    /// A limit that keeps hostile files from using up memory or time.
    #[error("{what} is beyond the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: String,
        /// How much there may be.
        limit: usize,
    },
    /// A part that must be there is not.
    #[error("there is no '{0}'")]
    Missing(&'static str),
    /// A part is of another kind than Sigma wants.
    #[error("'{what}' must be {wanted}")]
    Shape {
        /// The key.
        what: String,
        /// What should stand there.
        wanted: &'static str,
    },
    /// A document's `action` is not one of Sigma's.
    #[error("unknown action '{0}': Sigma has global, reset and repeat")]
    Action(String),
    /// `action: repeat` with nothing to repeat.
    #[error("'action: repeat' without a document before it")]
    NothingToRepeat,
    /// A modifier that Sigma does not have.
    #[error("unknown modifier '{modifier}' in '{key}'")]
    UnknownModifier {
        /// The modifier.
        modifier: String,
        /// The key it stands in.
        key: String,
    },
    /// Modifiers that do not go together.
    #[error("the modifiers of '{key}' make no sense together: {why}")]
    Modifiers {
        /// The key they stand in.
        key: String,
        /// What does not fit.
        why: String,
    },
    /// A value that its modifiers cannot use.
    #[error("the value '{value}' of '{key}' {why}")]
    Value {
        /// The key.
        key: String,
        /// The value, shortened.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// A regular expression that cannot be used.
    #[error("the regular expression '{pattern}' of '{key}' {why}")]
    Regex {
        /// The key.
        key: String,
        /// The expression, shortened.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A condition that cannot be parsed.
    #[error("the condition '{condition}' {why}")]
    Condition {
        /// The condition, shortened.
        condition: String,
        /// What is wrong with it.
        why: String,
    },
    /// A condition names a search identifier that the rule does not have.
    #[error("the condition names '{0}', which the rule does not define")]
    UnknownIdentifier(String),
    /// A pattern of a condition that no search identifier fits.
    #[error("the condition's '{0}' fits no search identifier of the rule")]
    NothingSelected(String),
    /// A way to aggregate (Sigma 1) that no correlation can express.
    #[error("the aggregation '{aggregation}' cannot be expressed as a correlation: {why}")]
    Aggregation {
        /// The text behind the pipe, shortened.
        aggregation: String,
        /// What does not fit.
        why: &'static str,
    },
    /// An aggregation without a time frame.
    #[error("the aggregation has no 'timeframe'; one hour is used")]
    DefaultTimeframe,
    /// Something in a correlation is wrong.
    #[error("the correlation's '{key}' {why}")]
    Correlation {
        /// Its key.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A correlation or filter refers to a rule that is not there.
    #[error("it refers to '{0}', which is not loaded")]
    UnknownReference(String),
    /// A name that more than one rule has.
    #[error("it refers to '{0}', which more than one rule is called; the first is taken")]
    AmbiguousReference(String),
    /// Correlations that refer to each other in a circle.
    #[error("it refers to itself by way of {0}")]
    Cycle(String),
    /// The same rule twice.
    #[error("it is the same rule as the one at {0}")]
    Duplicate(String),
    /// Two rules with one id.
    #[error("it has the id of another rule, at {0}")]
    DuplicateId(String),
    /// A placeholder without values: what needs it cannot match.
    #[error("the placeholder '%{0}%' has no values, so what needs it cannot match")]
    Placeholder(String),
    /// A pipeline does not let it pass.
    #[error("{0}")]
    Pipeline(String),
    /// A search identifier that no condition uses.
    #[error("the search identifier '{0}' is not used by the condition")]
    Unused(String),
    /// A part that is not understood and left out of account.
    #[error("'{key}' is left out of account: {why}")]
    Ignored {
        /// The key.
        key: String,
        /// Why it is.
        why: String,
    },
    /// The rule does not say where its events come from.
    #[error("there is no log source, so it applies to every event")]
    NoLogSource,
}

impl Error {
    /// The text in the document to point at, if the error is about one.
    pub(crate) fn near(&self) -> Option<&str> {
        match self {
            Self::Shape { what: text, .. }
            | Self::UnknownModifier { key: text, .. }
            | Self::Modifiers { key: text, .. }
            | Self::Value { key: text, .. }
            | Self::Regex { key: text, .. }
            | Self::Ignored { key: text, .. }
            | Self::Unused(text)
            | Self::UnknownReference(text)
            | Self::AmbiguousReference(text)
            | Self::Placeholder(text) => Some(text),
            Self::Correlation { key, .. } => Some(key),
            Self::Action(_) | Self::NothingToRepeat => Some("action"),
            Self::Condition { .. } | Self::UnknownIdentifier(_) | Self::NothingSelected(_) => {
                Some("condition")
            }
            Self::Aggregation { .. } | Self::DefaultTimeframe => Some("condition"),
            Self::DuplicateId(_) => Some("id"),
            _ => None,
        }
    }
}

/// At most the first 80 characters of a text, for a message.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
