//! Statements with their values apart, and rows read by position.
//!
//! Invariant: what comes from outside is bound, never written into a statement's text. The only texts that
//! are put together hold placeholders, names of columns of ours, and nothing else.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{AssertSqlSafe, Row};
use ward_core::{OrganisationId, Severity, SourceId, Timestamp};
use ward_ledger::Hash;

use crate::StoreError;

/// A value to bind. PostgreSQL wants to know the type of what is absent, too.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

/// A statement under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    pub text: String,
    pub values: Vec<Value>,
}

impl Sql {
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds text of ours.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a placeholder and its value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds `(value, value, ...)`.
    pub fn tuple(&mut self, values: impl IntoIterator<Item = Value>) -> &mut Self {
        self.text.push('(');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.text.push_str(", ");
            }
            self.bind(value);
        }
        self.text.push(')');
        self
    }

    /// Adds `(...), (...)`, one for each row.
    pub fn tuples(&mut self, rows: impl IntoIterator<Item = Vec<Value>>) -> &mut Self {
        for (at, row) in rows.into_iter().enumerate() {
            if at > 0 {
                self.text.push_str(", ");
            }
            self.tuple(row);
        }
        self
    }

    pub fn query(self) -> sqlx::query::Query<'static, sqlx::Any, AnyArguments> {
        let mut query = sqlx::query(AssertSqlSafe(self.text));
        for value in self.values {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
                Value::Bytes(value) => query.bind(value),
            };
        }
        query
    }
}

/// A statement whose text is known when Ward is built.
pub(crate) fn sql(text: &'static str, values: impl IntoIterator<Item = Value>) -> Sql {
    Sql { text: text.to_owned(), values: values.into_iter().collect() }
}

/// How many rows of so many columns go into one statement: SQLite takes 32,766 values, but the time to bind
/// one grows with their number, and short statements are found again in its cache.
pub(crate) const fn rows_a_statement(columns: usize) -> usize {
    let rows = 300 / columns;
    if rows > 0 { rows } else { 1 }
}

/// `[a.into(), b.into()]`, for values of different types.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$(crate::sql::Value::from($value)),*] };
}
pub(crate) use values;

/// Reading a row by position; what is not as Ward writes it is `Damaged`.
pub(crate) trait Columns {
    fn int(&self, at: usize) -> Result<i64, StoreError>;
    fn maybe_int(&self, at: usize) -> Result<Option<i64>, StoreError>;
    fn text(&self, at: usize) -> Result<String, StoreError>;
    fn maybe_text(&self, at: usize) -> Result<Option<String>, StoreError>;
    fn bytes(&self, at: usize) -> Result<Vec<u8>, StoreError>;

    fn count(&self, at: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(at)?).map_err(|_| StoreError::Damaged("number"))
    }

    fn flag(&self, at: usize) -> Result<bool, StoreError> {
        Ok(self.int(at)? != 0)
    }

    fn time(&self, at: usize) -> Result<Timestamp, StoreError> {
        self.int(at).map(Timestamp::from_micros)
    }

    fn maybe_time(&self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_int(at)?.map(Timestamp::from_micros))
    }

    fn organisation(&self, at: usize) -> Result<OrganisationId, StoreError> {
        OrganisationId::new(&self.text(at)?).map_err(|_| StoreError::Damaged("code of an organisation"))
    }

    fn maybe_organisation(&self, at: usize) -> Result<Option<OrganisationId>, StoreError> {
        let id = self.maybe_text(at)?.map(|id| OrganisationId::new(&id)).transpose();
        id.map_err(|_| StoreError::Damaged("code of an organisation"))
    }

    fn id<T: std::str::FromStr>(&self, at: usize, what: &'static str) -> Result<T, StoreError> {
        self.text(at)?.parse().map_err(|_| StoreError::Damaged(what))
    }

    fn source(&self, at: usize) -> Result<SourceId, StoreError> {
        SourceId::new(&self.text(at)?).map_err(|_| StoreError::Damaged("name of a source"))
    }

    fn hash(&self, at: usize) -> Result<Hash, StoreError> {
        self.text(at)?.parse().map_err(|_| StoreError::Damaged("hash"))
    }

    fn level(&self, at: usize) -> Result<Severity, StoreError> {
        let level = usize::try_from(self.int(at)?).ok().and_then(|level| Severity::ALL.get(level));
        level.copied().ok_or(StoreError::Damaged("level"))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, at: usize, what: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(at)?).map_err(|_| StoreError::Damaged(what))
    }
}

impl Columns for AnyRow {
    fn int(&self, at: usize) -> Result<i64, StoreError> {
        self.try_get(at).map_err(|_| StoreError::Damaged("number"))
    }

    fn maybe_int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        self.try_get(at).map_err(|_| StoreError::Damaged("number"))
    }

    fn text(&self, at: usize) -> Result<String, StoreError> {
        self.try_get(at).map_err(|_| StoreError::Damaged("text"))
    }

    fn maybe_text(&self, at: usize) -> Result<Option<String>, StoreError> {
        self.try_get(at).map_err(|_| StoreError::Damaged("text"))
    }

    fn bytes(&self, at: usize) -> Result<Vec<u8>, StoreError> {
        self.try_get(at).map_err(|_| StoreError::Damaged("bytes"))
    }
}

/// Position of a level in [`Severity::ALL`]: what is stored, so that a database can sort by it.
pub(crate) fn rank(level: Severity) -> i64 {
    Severity::ALL.iter().position(|each| *each == level).unwrap_or(0) as i64
}

/// Text that both databases can hold: PostgreSQL takes no NUL.
pub(crate) fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text.to_owned() }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

/// Counts stay far below 2^63; one that does not is stored as the largest that fits.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.micros()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::micros))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(storable(value)))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        value.as_str().into()
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        value.as_str().into()
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(storable))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        value.as_deref().into()
    }
}

impl From<&OrganisationId> for Value {
    fn from(value: &OrganisationId) -> Self {
        value.as_str().into()
    }
}

impl From<&SourceId> for Value {
    fn from(value: &SourceId) -> Self {
        value.as_str().into()
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_never_reaches_the_text_of_a_statement() {
        let mut sql = Sql::new("SELECT 1 FROM t WHERE a = ");
        sql.bind("'; DROP TABLE t; --").push(" AND b IN ").tuple(values![1_i64, "x"]);
        assert_eq!(sql.text, "SELECT 1 FROM t WHERE a = $1 AND b IN ($2, $3)");
        assert_eq!(sql.values.len(), 3);
    }

    #[test]
    fn a_nul_is_shown_as_something_that_was_not_text() {
        assert_eq!(storable("a\0b"), "a\u{FFFD}b");
    }

    #[test]
    fn levels_sort_as_they_are_severe() {
        let ranks: Vec<i64> = Severity::ALL.into_iter().map(rank).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4]);
    }
}
