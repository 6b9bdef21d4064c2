//! Log lines on standard error, as text or JSON.

use tracing_subscriber::EnvFilter;

use super::config::{LogConfig, LogFormat};
use crate::error::Error;

/// Starts logging.
///
/// # Errors
/// The level is none.
pub fn start(config: &LogConfig) -> Result<(), Error> {
    let filter = EnvFilter::builder()
        .parse(&config.level)
        .map_err(|error| Error::Config { path: "log.level".into(), reason: error.to_string() })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, in tests, keeps the first one's.
    let _ = match config.format {
        LogFormat::Text => {
            let coloured = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_target(false).with_ansi(coloured).try_init()
        }
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
