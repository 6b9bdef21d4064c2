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
    /// Its server does not answer, or does not let Ward in.
    #[error("the database at {place} could not be connected to")]
    Away {
        /// Host, port and name of the database.
        place: String,
        /// Why.
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
    /// Whether it is what was to be stored that is wrong, so that trying again does not help.
    pub fn is_about_the_data(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Database { source: sqlx::Error::Database(said), .. } => {
                said.code().is_some_and(|code| is_about_the_data(&code))
            }
            _ => false,
        }
    }

    /// For `map_err`: what the database was asked to do.
    pub(crate) fn doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

/// PostgreSQL's classes 22, data exception, and 54, program limit exceeded; SQLite's `TOOBIG` and `MISMATCH`.
fn is_about_the_data(code: &str) -> bool {
    matches!(code, "18" | "20") || (code.len() == 5 && (code.starts_with("22") || code.starts_with("54")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_data_itself_is_never_tried_again() {
        for code in ["18", "20", "22021", "22P05", "54000"] {
            assert!(is_about_the_data(code), "{code}");
        }
        // busy, disk full, read only; serialization failure, connection lost, disk full, stopped by an operator
        for code in ["5", "13", "8", "2067", "40001", "08006", "53100", "57P01", "22", "54"] {
            assert!(!is_about_the_data(code), "{code}");
        }
    }
}
