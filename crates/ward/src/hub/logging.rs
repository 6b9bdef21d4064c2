//! Log lines on standard error, as text or JSON, and, if it is wished, records to a collector of OpenTelemetry.

mod otlp;

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use super::config::{LogConfig, LogFormat};
use crate::error::Error;

/// Logging; what the collector has not got yet is sent when this goes.
#[derive(Debug)]
pub struct Logging {
    collector: Option<SdkLoggerProvider>,
}

/// Starts logging.
///
/// # Errors
/// The level is none, or the collector cannot be spoken to.
pub fn start(config: &LogConfig) -> Result<Logging, Error> {
    let filter = EnvFilter::builder()
        .parse(&config.level)
        .map_err(|error| Error::Config { path: "log.level".into(), reason: error.to_string() })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => {
            let coloured = std::io::IsTerminal::is_terminal(&std::io::stderr());
            lines.with_target(false).with_ansi(coloured).boxed()
        }
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let collector = otlp::collector(config)?;
    let records = collector.as_ref().map(|collector| {
        // what sending a record says must not become a record
        let of_sending =
            |target: &str| ["opentelemetry", "ureq", "rustls"].iter().any(|it| target.starts_with(it));
        OpenTelemetryTracingBridge::new(collector).with_filter(filter_fn(move |it| !of_sending(it.target())))
    });
    // A second start, in tests, keeps the first one's.
    let _ = tracing_subscriber::registry().with(filter).with(lines).with(records).try_init();
    Ok(Logging { collector })
}

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(collector) = &self.collector {
            // It has said on standard error why it could not.
            let _ = collector.shutdown();
        }
    }
}
