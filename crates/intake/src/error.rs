//! What keeps listeners from starting.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the listeners could not be started.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The address is taken or not ours.
    #[error("could not listen on {address} for '{name}'")]
    Bind {
        /// The listener.
        name: String,
        /// Where it should listen.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Plain text would leave this machine.
    #[error(
        "could not start '{name}': it would take plain text on {address}; give it `tls`, or say \
         `plain_text_off_loopback = \"accepted\"`"
    )]
    PlainText {
        /// The listener.
        name: String,
        /// Where it should listen.
        address: SocketAddr,
    },
    /// A protocol whose clients show nothing needs a source of its own.
    #[error("could not start '{name}': its clients show no credential, so it needs a `source`")]
    NoSource {
        /// The listener.
        name: String,
    },
    /// Two listeners have one name.
    #[error("could not start '{name}': another listener has this name")]
    SameName {
        /// The name.
        name: String,
    },
    /// A listener that must have TLS has none.
    #[error("could not start '{name}': it needs `tls`")]
    NoTls {
        /// The listener.
        name: String,
    },
    /// A figure of a listener is too small or too large.
    #[error("could not start '{name}': its {key} is {value}, and must be from {least} to {most}")]
    OutOfBounds {
        /// The listener.
        name: String,
        /// The setting.
        key: &'static str,
        /// What it is.
        value: u64,
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
    /// A certificate, key or list of authorities cannot be used.
    #[error("could not use {}: {reason}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
