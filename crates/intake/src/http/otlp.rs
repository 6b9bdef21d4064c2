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

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ward_telemetry::input::Format;

pub(super) use grpc::{PATH as GRPC_PATH, export};

use self::status::Status;
use self::transcode::Records;
use super::HttpState;
use super::arrival::{Arrival, arrive, content_type};
use super::trouble::Trouble;
use crate::counters::Reason;

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

async fn keep(state: &HttpState, arrival: Arrival, form: Form) -> Response {
    let records = match form {
        Form::Protobuf => transcode::protobuf(&arrival.body),
        Form::Json => transcode::json(&arrival.body),
    };
    let Some(Records { payload, events }) = records else {
        let set_aside = state.door().set_aside(&arrival.sender, Reason::Otlp, arrival.body).await;
        return match set_aside {
            Ok(()) => said(form, StatusCode::BAD_REQUEST, &Status::new(3, "the request cannot be decoded")),
            Err(refusal) => troubled(refusal.into(), form),
        };
    };
    if events > 0 {
        let format = Format::Otlp.as_str();
        let delivered = state.door().deliver(&arrival.sender, format, payload, events, None).await;
        if let Err(not) = delivered {
            return troubled(not.into(), form);
        }
    }
    // An empty response message: nothing was rejected.
    let body = match form {
        Form::Protobuf => Body::empty(),
        Form::Json => Body::from("{}"),
    };
    (StatusCode::OK, [(CONTENT_TYPE, form.content_type())], body).into_response()
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
