//! OTLP, over HTTP and gRPC, as far as what is kept is what `ward detect` reads.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, KeyValueList, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use ward_core::FieldNames;
use ward_intake::{Reason, Refusal};
use ward_telemetry::input::{Decoded, Decoder, Format, Input, Options};

use crate::events::gzip;
use crate::kit::{Hub, LEEDS};

const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn value(value: Value) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}

fn attribute(key: &str, it: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value(it), ..KeyValue::default() }
}

fn request() -> ExportLogsServiceRequest {
    let nested = KeyValueList { values: vec![attribute("name", Value::StringValue("u0".into()))] };
    let record = LogRecord {
        time_unix_nano: 1_764_142_487_123_456_789,
        severity_number: 13,
        severity_text: "WARN".to_owned(),
        body: value(Value::StringValue("record accessed outside care relationship".into())),
        attributes: vec![
            attribute("event.action", Value::StringValue("break-glass".into())),
            attribute("user", Value::KvlistValue(nested)),
            attribute("count", Value::IntValue(7)),
            attribute("raw", Value::BytesValue(vec![1, 2])),
        ],
        trace_id: vec![0xab; 16],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![record.clone(), record], ..ScopeLogs::default() }];
    let resource = Resource {
        attributes: vec![attribute("host.name", Value::StringValue("epr-01".into()))],
        ..Resource::default()
    };
    let resource_logs =
        vec![ResourceLogs { resource: Some(resource), scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }
}

/// The fields that are read from a payload, as `name=value`.
fn fields(payload: &[u8], wanted: &[&str]) -> Vec<Vec<String>> {
    let mut names = FieldNames::default();
    for name in wanted {
        names.intern(name).unwrap();
    }
    let options = Options { format: Some(Format::Otlp), ..Options::default() };
    let mut input = Input::open(Box::new(std::io::Cursor::new(payload.to_vec())), &options).unwrap();
    let mut decoder = Decoder::new(&options);
    let mut events = Vec::new();
    while let Some(mut block) = input.next_block(Vec::new()).unwrap() {
        decoder.decode(&mut block, &names, &mut |decoded| match decoded {
            Decoded::Event { event, .. } => {
                let mut scratch = Vec::new();
                let read = event.fields.iter().map(|span| {
                    let text = String::from_utf8_lossy(event.text_of(span, &mut scratch)).into_owned();
                    format!("{}={text}", names.name(span.field))
                });
                let mut read: Vec<String> = read.collect();
                read.sort();
                events.push(read);
            }
            Decoded::Bad { error, .. } => panic!("{error}"),
        });
    }
    events
}

#[tokio::test]
async fn protobuf_becomes_what_detect_reads_as_otlp() {
    let hub = Hub::with("http", "").await;
    let answer = hub.ask("POST", "/v1/logs", &[LEEDS, PROTOBUF], &request().encode_to_vec()).await;
    assert_eq!((answer.status, answer.header("content-type").as_str()), (200, "application/x-protobuf"));
    assert!(answer.body.is_empty());
    let batch = &hub.batches()[0];
    assert_eq!((batch.format.as_str(), hub.figures().events.get()), ("otlp", 2));
    let wanted = [
        "host.name",
        "event.action",
        "user.name",
        "count",
        "message",
        "severityText",
        "timestamp",
        "traceId",
    ];
    let events = fields(&batch.payload, &wanted);
    let expected = [
        "count=7",
        "event.action=break-glass",
        "host.name=epr-01",
        "message=record accessed outside care relationship",
        "severityText=WARN",
        "timestamp=1764142487123456789",
        "traceId=abababababababababababababababab",
        "user.name=u0",
    ];
    assert_eq!(events, [expected, expected]);
}

#[tokio::test]
async fn json_is_kept_as_it_came_and_answered_in_json() {
    let hub = Hub::with("http", "").await;
    let body = r#"{"x":1,"resourceLogs":[{"resource":{},"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hi"}},{}]}]}]}"#;
    let headers = [LEEDS, ("Content-Type", "application/json; charset=utf-8"), ("Content-Encoding", "gzip")];
    let answer = hub.ask("POST", "/v1/logs", &headers, &gzip(body.as_bytes())).await;
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.header("content-type").as_str()),
        (200, "{}", "application/json")
    );
    assert_eq!(hub.figures().events.get(), 2);
    assert_eq!(fields(&hub.batches()[0].payload, &["message"])[0], ["message=hi"]);
}

#[tokio::test]
async fn nothing_to_keep_is_well_and_what_cannot_be_decoded_is_set_aside() {
    let hub = Hub::with("http", "").await;
    assert_eq!(hub.ask("POST", "/v1/logs", &[LEEDS, PROTOBUF], b"").await.status, 200);
    assert_eq!(hub.ask("POST", "/v1/logs", &[LEEDS, JSON], b"{}").await.status, 200);
    assert!(hub.batches().is_empty());
    for (form, body) in [(PROTOBUF, "not protobuf"), (JSON, "{\"resourceLogs\":[{\"scopeLogs\":1}]}")] {
        let answer = hub.ask("POST", "/v1/logs", &[LEEDS, form], body.as_bytes()).await;
        assert_eq!((answer.status, answer.header("content-type").as_str()), (400, form.1));
        assert_eq!(hub.letters().last().unwrap().bytes, body.as_bytes());
    }
    assert_eq!(hub.ask("POST", "/v1/logs", &[LEEDS, ("Content-Type", "text/xml")], b"x").await.status, 415);
    assert_eq!(hub.figures().set_aside(Reason::Otlp), 2);
}

#[tokio::test]
async fn refusals_and_other_signals_are_told_as_the_specification_has_it() {
    let hub = Hub::with("http", "").await;
    hub.refuse(&[Refusal::Busy { retry_after: Duration::from_secs(4) }]);
    let answer = hub
        .ask(
            "POST",
            "/v1/logs",
            &[LEEDS, JSON],
            b"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{}]}]}]}",
        )
        .await;
    assert_eq!(
        (answer.status, answer.header("retry-after").as_str(), answer.json()["code"].as_i64()),
        (503, "4", Some(14))
    );
    for path in ["/v1/metrics", "/v1/traces"] {
        let answer = hub.ask("POST", path, &[LEEDS, JSON], b"{}").await;
        assert_eq!(answer.status, 404);
        assert!(answer.json()["message"].as_str().unwrap().contains("/v1/logs"));
    }
}

/// A call as it stands on HTTP/1.1, which the router does not tell apart; real clients are tried with their
/// own HTTP/2.
#[tokio::test]
async fn a_call_of_grpc_is_taken_packed_or_not() {
    let hub = Hub::with("otlp_grpc", "").await;
    let path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    let call =
        |flag: u8, message: &[u8]| [&[flag][..], &(message.len() as u32).to_be_bytes(), message].concat();
    let message = request().encode_to_vec();
    let grpc = ("Content-Type", "application/grpc");
    let answer = hub.ask("POST", path, &[LEEDS, grpc, ("TE", "trailers")], &call(0, &message)).await;
    assert_eq!((answer.status, answer.header("content-type").as_str()), (200, "application/grpc"));
    assert!(answer.body.starts_with(&[0, 0, 0, 0, 0]), "{answer:?}");
    let packed = [LEEDS, grpc, ("grpc-encoding", "gzip")];
    hub.ask("POST", path, &packed, &call(1, &gzip(&message))).await;
    assert_eq!(hub.figures().events.get(), 4);
    hub.refuse(&[Refusal::Failing]);
    for (headers, body, status) in [
        (&[grpc][..], call(0, &message), "16"),
        (&[LEEDS, grpc], call(0, b"not protobuf"), "3"),
        (&[LEEDS, grpc], call(1, &message), "12"),
        (&[LEEDS, grpc], call(0, &message), "14"),
    ] {
        let answer = hub.ask("POST", path, headers, &body).await;
        assert_eq!((answer.status, answer.header("grpc-status").as_str()), (200, status), "{answer:?}");
    }
    assert_eq!(hub.figures().set_aside(Reason::Otlp), 1);
}
