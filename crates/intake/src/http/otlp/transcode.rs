//! OTLP requests to the format `otlp`.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A request as OTLP's JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct Records {
    /// The document.
    pub payload: Vec<u8>,
    /// How many log records it holds.
    pub events: u64,
}

/// Takes a request in protobuf. `None`: it is none.
pub fn protobuf(body: &[u8]) -> Option<Records> {
    let request = ExportLogsServiceRequest::decode(body).ok()?;
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    let events = scopes.map(|scope| scope.log_records.len() as u64).sum();
    Some(Records { payload: serde_json::to_vec(&request).ok()?, events })
}

/// Takes a request in JSON. `None`: it is none.
pub fn json(body: &[u8]) -> Option<Records> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Request<'a> {
        #[serde(borrow, default)]
        resource_logs: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Resource {
        #[serde(default, alias = "instrumentationLibraryLogs")]
        scope_logs: Vec<Scope>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Scope {
        #[serde(default)]
        log_records: Vec<IgnoredAny>,
    }
    let request: Request<'_> = serde_json::from_slice(body).ok()?;
    let mut events = 0;
    for resource in &request.resource_logs {
        let resource: Resource = serde_json::from_str(resource.get()).ok()?;
        events += resource.scope_logs.iter().map(|scope| scope.log_records.len() as u64).sum::<u64>();
    }
    // As readers of the format know it: nothing stands before `resourceLogs`.
    let resources: Vec<&str> = request.resource_logs.iter().map(|resource| resource.get()).collect();
    Some(Records { payload: format!("{{\"resourceLogs\":[{}]}}", resources.join(",")).into_bytes(), events })
}
