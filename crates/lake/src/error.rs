//! What can go wrong in the lake.

use std::io;
use std::time::Duration;

use crate::QueryError;

/// Why the lake could not do something. The texts finish "could not ...".
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A segment's name would not be safe as a file name.
    #[error("name a segment '{0}': only letters, digits, '.', '_' and '-' are safe")]
    BadSegment(String),
    /// A path that is not where the lake keeps a file of that organisation and day.
    #[error("use '{0}': the lake keeps no file there")]
    BadPath(String),
    /// A column of a file is not what the lake writes.
    #[error("read '{path}': its column {column} is not what the lake writes")]
    ForeignColumn {
        /// The file.
        path: String,
        /// The column.
        column: &'static str,
    },
    /// Files of more than one organisation and day, or none, were to become one.
    #[error("merge files that are not of one organisation and day")]
    MixedFiles,
    /// Reading or writing a file.
    #[error("{doing} '{path}'")]
    File {
        /// `read`, `write`, `delete`, `make`.
        doing: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file is torn or damaged, or could not be encoded.
    #[cfg(feature = "engine")]
    #[error("{doing} '{path}'")]
    Parquet {
        /// `read`, `write`.
        doing: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        source: parquet::errors::ParquetError,
    },
    /// A batch of rows could not be laid out.
    #[error("lay out rows as columns: {0}")]
    Layout(String),
    /// A file's bytes are not those that were written.
    #[error("trust '{0}': its bytes are not those that were written")]
    Altered(String),
    /// A query that is within its limits, and still too much to be looked for.
    #[error("look for this: {0}")]
    TooComplex(QueryError),
    /// SQL that is not one reading statement over `events`.
    #[error("run this SQL: {0}")]
    Refused(String),
    /// The statement failed while it ran.
    #[error("finish this SQL: {0}")]
    Failed(String),
    /// The time of a question was up.
    #[error("finish within {0:?}")]
    OutOfTime(Duration),
    /// The memory of a question was used up.
    #[error("finish within {0} bytes of memory")]
    OutOfMemory(usize),
    /// Whoever asked no longer wants the answer.
    #[error("finish: it was cancelled")]
    Cancelled,
}

impl LakeError {
    /// A failure of the file system, at a path.
    pub(crate) fn file(doing: &'static str, path: impl Into<String>, source: io::Error) -> Self {
        Self::File { doing, path: path.into(), source }
    }

    /// A failure of Parquet, at a path.
    #[cfg(feature = "engine")]
    pub(crate) fn parquet(
        doing: &'static str,
        path: impl Into<String>,
        source: parquet::errors::ParquetError,
    ) -> Self {
        Self::Parquet { doing, path: path.into(), source }
    }
}
