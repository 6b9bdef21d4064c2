//! The hub's own log records to a collector: OTLP over HTTP, protobuf, in batches, by a thread of its own.
//!
//! Invariant: nothing waits for the collector. Records that it does not take in time are counted and dropped;
//! standard error has them all.

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{LogExporter, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use ureq::Agent;

use crate::error::Error;
use crate::hub::config::LogConfig;
use crate::outbound::agent;
use crate::rule_set::read;

/// What sends to the collector that the configuration names, if it names one.
///
/// # Errors
/// The URL, the authority or the token cannot be used.
pub(super) fn collector(config: &LogConfig) -> Result<Option<SdkLoggerProvider>, Error> {
    let Some(url) = &config.otlp else { return Ok(None) };
    let token = config.otlp_token_file.as_deref().map(read).transpose()?;
    let headers = token.map(|token| ("authorization".to_owned(), format!("Bearer {}", token.trim())));
    let exporter = LogExporter::builder()
        .with_http()
        .with_http_client(Sender(agent(url, config.otlp_ca_file.as_deref(), false)?))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_headers(headers.into_iter().collect())
        .build()
        .map_err(|error| Error::Config { path: "log.otlp".into(), reason: error.to_string() })?;
    let resource = Resource::builder()
        .with_service_name("ward")
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(Some(SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()))
}

#[derive(Debug)]
struct Sender(Agent);

#[async_trait]
impl HttpClient for Sender {
    /// Blocks: the thread that asks does nothing else.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(LONGEST_ANSWER).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

const LONGEST_ANSWER: u64 = 64 << 10;
