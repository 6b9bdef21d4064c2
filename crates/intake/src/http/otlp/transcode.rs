//! OTLP requests to the format `otlp`.

use std::io;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use prost::Message;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::weight::fits;

/// A request as OTLP's JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct Records {
    /// The document.
    pub payload: Vec<u8>,
    /// How many log records it holds.
    pub events: u64,
}

/// Why there are no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRecords {
    /// It is no request.
    Broken,
    /// It would become too much.
    TooLarge,
}

/// Takes a request in protobuf: one document, or several of at most `most` bytes each. `memory`: bytes that the request
/// itself may become.
///
/// # Errors
/// It is none, or becomes too much.
pub fn protobuf(body: &[u8], most: usize, memory: usize) -> Result<Vec<Records>, NoRecords> {
    if !fits(body, memory) {
        return Err(NoRecords::TooLarge);
    }
    let request = ExportLogsServiceRequest::decode(body).map_err(|_| NoRecords::Broken)?;
    let mut documents = Vec::new();
    write(request, most, &mut documents)?;
    Ok(documents)
}

/// Adds a request as one document, or its halves where that is too large.
fn write(
    request: ExportLogsServiceRequest,
    most: usize,
    documents: &mut Vec<Records>,
) -> Result<(), NoRecords> {
    let mut document = Document { bytes: Vec::new(), most };
    match serde_json::to_writer(&mut document, &request) {
        Ok(()) => {
            let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
            let events = scopes.map(|scope| scope.log_records.len() as u64).sum();
            documents.push(Records { payload: document.bytes, events });
            Ok(())
        }
        Err(error) if error.is_io() => {
            drop(document);
            let (first, second) = halves(request).ok_or(NoRecords::TooLarge)?;
            write(first, most, documents)?;
            write(second, most, documents)
        }
        Err(_) => Err(NoRecords::Broken),
    }
}

/// The request in two. What is told of all records of a resource or scope is told in both. `None`: it is one record.
fn halves(
    mut request: ExportLogsServiceRequest,
) -> Option<(ExportLogsServiceRequest, ExportLogsServiceRequest)> {
    let several = |many: usize| (many > 1).then_some(many / 2);
    if let Some(half) = several(request.resource_logs.len()) {
        let second = request.resource_logs.split_off(half);
        return Some((request, ExportLogsServiceRequest { resource_logs: second }));
    }
    let resource = request.resource_logs.first_mut()?;
    let second = if let Some(half) = several(resource.scope_logs.len()) {
        resource.scope_logs.split_off(half)
    } else {
        let scope = resource.scope_logs.first_mut()?;
        let half = several(scope.log_records.len())?;
        let log_records = scope.log_records.split_off(half);
        vec![ScopeLogs { log_records, scope: scope.scope.clone(), schema_url: scope.schema_url.clone() }]
    };
    let second = ResourceLogs {
        scope_logs: second,
        resource: resource.resource.clone(),
        schema_url: resource.schema_url.clone(),
    };
    Some((request, ExportLogsServiceRequest { resource_logs: vec![second] }))
}

/// A document that does not grow over its limit.
struct Document {
    bytes: Vec<u8>,
    most: usize,
}

impl io::Write for Document {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
    use opentelemetry_proto::tonic::logs::v1::LogRecord;

    use super::*;

    fn record(number: usize) -> LogRecord {
        let body = AnyValue { value: Some(any_value::Value::StringValue(format!("event {number}"))) };
        LogRecord { body: Some(body), ..LogRecord::default() }
    }

    fn request(resources: usize, scopes: usize, records: usize) -> Vec<u8> {
        let log_records: Vec<LogRecord> = (0..records).map(record).collect();
        let scope = ScopeLogs { log_records, schema_url: "scope".to_owned(), ..ScopeLogs::default() };
        let scope_logs = vec![scope; scopes];
        let resource =
            ResourceLogs { scope_logs, schema_url: "resource".to_owned(), ..ResourceLogs::default() };
        ExportLogsServiceRequest { resource_logs: vec![resource; resources] }.encode_to_vec()
    }

    #[test]
    fn what_is_too_large_for_one_document_becomes_several() {
        for (resources, scopes, records) in [(1, 1, 100), (1, 100, 1), (100, 1, 1), (3, 3, 9)] {
            let all = resources * scopes * records;
            let body = request(resources, scopes, records);
            let whole = protobuf(&body, 1 << 20, 1 << 20).unwrap();
            assert_eq!((whole.len(), whole[0].events), (1, all as u64));
            let parts = protobuf(&body, 10_000, 1 << 20).unwrap();
            assert!(parts.len() > 1 && parts.iter().all(|part| part.payload.len() <= 10_000));
            assert_eq!(parts.iter().map(|part| part.events).sum::<u64>(), all as u64);
            let told: Vec<u8> = parts.into_iter().flat_map(|part| part.payload).collect();
            let told = String::from_utf8(told).unwrap();
            assert_eq!(told.matches("\"event ").count(), all);
        }
        assert_eq!(protobuf(&request(1, 1, 1), 100, 1 << 20), Err(NoRecords::TooLarge));
        assert_eq!(protobuf(&request(1, 1, 100), 1 << 20, 10_000), Err(NoRecords::TooLarge));
        assert_eq!(protobuf(b"\xff", 100, 1 << 20), Err(NoRecords::Broken));
        assert_eq!(protobuf(b"", 100, 100).unwrap()[0].events, 0);
    }
}
