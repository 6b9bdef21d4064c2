//! What can go wrong between Ward and its database.

/// Why something could not be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database that Ward can use.
    #[error("'{0}' is no database: it starts with neither 'sqlite:' nor 'postgres://'")]
    NoDatabase(String),
    /// The database did not do what it was asked to.
    #[error("the database could not {doing}")]
    Database {
        /// What it was asked to do.
        doing: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
    /// A file of the database could not be made.
    #[error("the database could not make its file {path}")]
    File {
        /// Where.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A newer Ward has been here.
    #[error(
        "the database has schema {found}, newer than {known}, the newest this program knows: it needs a newer ward"
    )]
    Newer {
        /// Schema of the database.
        found: i64,
        /// Newest schema of the program.
        known: i64,
    },
    /// A migration that the database has seen is not the one this program has.
    #[error("schema {number} of the database is not the one this program knows: it comes from another ward")]
    Foreign {
        /// Number of the migration.
        number: i64,
    },
    /// There is no such thing, or it may not be seen: the same answer for both.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It contradicts what is there.
    #[error("{0}")]
    Refused(String),
    /// A stored value is none that Ward writes.
    #[error("the stored {0} could not be understood")]
    Damaged(&'static str),
    /// This kind of database cannot do it.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The operating system gave no random bytes.
    #[error("a secret could not be made: the system gave no random bytes")]
    NoRandomness,
}

impl StoreError {
    /// For `map_err`: what the database was asked to do.
    pub(crate) fn doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
