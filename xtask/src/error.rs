//! Why a command could not do its work.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a command could not do its work.
#[derive(Debug, Error)]
pub enum TaskError {
    /// No such subcommand.
    #[error("no command named '{0}'; see cargo xtask --help")]
    UnknownCommand(String),
    /// An argument that the command does not know, or whose value it cannot use.
    #[error("argument '{argument}': {reason}")]
    Argument {
        /// As given.
        argument: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A program could not be started.
    #[error("could not run {program}")]
    Program {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("{0} failed")]
    Failed(String),
    /// A file or folder could not be read or written.
    #[error("could not use {}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a program or file says is not what was expected.
    #[error("could not understand {what}: {reason}")]
    Unexpected {
        /// Whose words.
        what: String,
        /// What is wrong with them.
        reason: String,
    },
}

impl TaskError {
    /// Names the file that an I/O error is about.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// An argument that cannot be used.
    pub fn argument(argument: &str, reason: impl Into<String>) -> Self {
        Self::Argument { argument: argument.to_owned(), reason: reason.into() }
    }
}
