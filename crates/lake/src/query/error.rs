//! What is wrong with a query, and where.

/// Why a text is no query. The text finishes "could not ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the query at column {column}: expected {expected}")]
pub struct QueryError {
    /// The character of the text at which it went wrong, from 1.
    pub column: usize,
    /// What was expected there.
    pub expected: String,
}

impl QueryError {
    pub(crate) fn new(column: usize, expected: impl Into<String>) -> Self {
        Self { column, expected: expected.into() }
    }
}
