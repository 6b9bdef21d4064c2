//! OpenTelemetry logs (OTLP specification 1.x).
//!
//! - HTTP: `POST /v1/logs`, protobuf or JSON, the answer in the same form.
//! - gRPC: `opentelemetry.proto.collector.logs.v1.LogsService/Export`.
//!
//! Protobuf becomes OTLP's JSON, which is what the format `otlp` is; JSON stays as it came. Metrics and
//! traces are not events: they are answered with 404 and the reason, which exporters log and do not repeat.

mod grpc;
mod status;
pub mod transcode;
mod weight;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ward_telemetry::input::Format;

pub(super) use grpc::{PATH as GRPC_PATH, export};

use self::status::Status;
use self::transcode::{NoRecords, Records};
use super::HttpState;
use super::arrival::{Arrival, arrive, content_type};
use super::trouble::Trouble;
use crate::counters::Reason;
use crate::digest;
use crate::door::NotTaken;
use crate::sources::Sender;

/// In which form a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

/// Takes logs.
pub(crate) async fn logs(State(state): State<HttpState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = match content_type(&parts).as_str() {
        "application/json" => Form::Json,
        "application/x-protobuf" | "application/protobuf" => Form::Protobuf,
        other => {
            state.door().figures.refuse(Reason::Format, 1);
            let text =
                format!("'{}' is neither application/x-protobuf nor application/json", other.escape_debug());
            return form_free(StatusCode::UNSUPPORTED_MEDIA_TYPE, &text);
        }
    };
    match arrive(&state, Request::from_parts(parts, body)).await {
        Ok(arrival) => keep(&state, arrival, form).await,
        Err(trouble) => troubled(trouble, form),
    }
}

/// Says that this is not the place for metrics and traces.
pub(crate) async fn not_events(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let form = if content_type(&parts) == "application/json" { Form::Json } else { Form::Protobuf };
    said(form, StatusCode::NOT_FOUND, &Status::new(5, "only logs are taken here: send them to /v1/logs"))
}

async fn keep(state: &HttpState, mut arrival: Arrival, form: Form) -> Response {
    let body = std::mem::take(&mut arrival.body);
    let (body, records) = match records(state, body, form).await {
        Ok(read) => read,
        Err(trouble) => return troubled(trouble, form),
    };
    let Some(records) = records else {
        let set_aside = state.door().set_aside(&arrival.sender, Reason::Otlp, body).await;
        return match set_aside {
            Ok(()) => said(form, StatusCode::BAD_REQUEST, &Status::new(3, "the request cannot be decoded")),
            Err(refusal) => troubled(refusal.into(), form),
        };
    };
    if let Err(not) = deliver(state, &arrival.sender, &body, records).await {
        return troubled(not.into(), form);
    }
    // An empty response message: nothing was rejected.
    let body = match form {
        Form::Protobuf => Body::empty(),
        Form::Json => Body::from("{}"),
    };
    (StatusCode::OK, [(CONTENT_TYPE, form.content_type())], body).into_response()
}

/// The records of a body. `None`: it holds none, and is given back.
///
/// # Errors
/// They are too large.
async fn records(
    state: &HttpState,
    body: Vec<u8>,
    form: Form,
) -> Result<(Vec<u8>, Option<Vec<Records>>), Trouble> {
    let door = state.door();
    let most = door.limits.records_bytes();
    let read = move |body: Vec<u8>| {
        let records = match form {
            Form::Protobuf => transcode::protobuf(&body, most, most.saturating_mul(6)),
            Form::Json => transcode::json(&body).map(|records| vec![records]).ok_or(NoRecords::Broken),
        };
        (body, records)
    };
    let read = door.memory.unpack(body.len(), move || read(body)).await;
    let (body, records) = read.ok_or(Trouble::RecordsTooLarge(most))?;
    match records {
        Ok(records) => Ok((body, Some(records))),
        Err(NoRecords::Broken) => Ok((body, None)),
        Err(NoRecords::TooLarge) => {
            door.figures.refuse(Reason::TooLarge, 1);
            Err(Trouble::RecordsTooLarge(most))
        }
    }
}

/// Hands the records of a body over. Where they are several batches each has a key, so that those that were taken are
/// known again when the body is sent again for the sake of the others.
///
/// # Errors
/// Not all were taken.
async fn deliver(
    state: &HttpState,
    sender: &Sender,
    body: &[u8],
    records: Vec<Records>,
) -> Result<(), NotTaken> {
    let whole = if records.len() > 1 { digest(body) } else { [0; 32] };
    let key = |number: usize| {
        let parts = [sender.id().as_str().as_bytes(), b"\0otlp\0", &whole, &number.to_be_bytes()];
        (records.len() > 1).then(|| digest(&parts.concat()))
    };
    let keys: Vec<_> = (0..records.len()).map(key).collect();
    for (Records { payload, events }, key) in records.into_iter().zip(keys) {
        if events > 0 {
            state.door().deliver(sender, Format::Otlp.as_str(), payload, events, key).await?;
        }
    }
    Ok(())
}

impl Form {
    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Protobuf => HeaderValue::from_static("application/x-protobuf"),
            Self::Json => HeaderValue::from_static("application/json"),
        }
    }
}

fn said(form: Form, code: StatusCode, status: &Status) -> Response {
    (code, [(CONTENT_TYPE, form.content_type())], status.written(form == Form::Json)).into_response()
}

fn form_free(code: StatusCode, text: &str) -> Response {
    (code, [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text.to_owned())
        .into_response()
}

fn troubled(trouble: Trouble, form: Form) -> Response {
    let status = Status::new(grpc::code(trouble).into(), trouble.to_string());
    let mut answer = trouble.answer("application/json", status.written(form == Form::Json));
    answer.headers_mut().insert(CONTENT_TYPE, form.content_type());
    answer
}
