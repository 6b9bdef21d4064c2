//! OTLP over gRPC: one unary call, so the framing of gRPC over HTTP/2 is read here, within the same limits as
//! every other request, and what cannot be decoded is set aside like every other body.
//!
//! A client that must wait, for its rate or for the journal, gets `UNAVAILABLE`: the one code that all exporters
//! repeat without being told more (OTLP specification 1.x, "OTLP/gRPC Throttling").

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};

use super::{Form, deliver, records};
use crate::counters::Reason;
use crate::http::HttpState;
use crate::http::arrival::{Encoding, Unpack, arrive_from, sender, unpack};
use crate::http::trouble::Trouble;
use crate::inbox::Refusal;

/// The path of the call.
pub(crate) const PATH: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Takes a call.
pub(crate) async fn export(State(state): State<HttpState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match take(&state, parts, body).await {
        Ok(()) => done(),
        Err(Failed { code, message }) => failed(code, &message),
    }
}

async fn take(state: &HttpState, parts: Parts, body: Body) -> Result<(), Failed> {
    let sender = sender(state, &parts, None)?;
    let packing = parts.headers.get("grpc-encoding").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let arrival = arrive_from(state, Arc::clone(&sender), parts, body).await?;
    let door = state.door();
    let records = match message(&arrival.body, packing.as_deref(), door.limits.unpacked_bytes) {
        Ok(message) => {
            let (message, records) = records(state, message, Form::Protobuf).await?;
            records.map(|records| (message, records))
        }
        Err(Wrong::TooLarge) => {
            door.figures.refuse(Reason::TooLarge, 1);
            return Err(Trouble::TooLarge(door.limits.unpacked_bytes).into());
        }
        Err(Wrong::Packing) => {
            door.figures.refuse(Reason::Encoding, 1);
            return Err(Failed {
                code: UNIMPLEMENTED,
                message: "only gzip and identity are known".to_owned(),
            });
        }
        Err(Wrong::Frame) => None,
    };
    let Some((message, records)) = records else {
        door.set_aside(&sender, Reason::Otlp, arrival.body).await.map_err(Trouble::from)?;
        return Err(Failed { code: INVALID_ARGUMENT, message: "the request cannot be decoded".to_owned() });
    };
    deliver(state, &sender, &message, records).await.map_err(Trouble::from)?;
    Ok(())
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Frame,
    Packing,
    TooLarge,
}

/// The one message of a call: a flag, four bytes of length, the message (gRPC over HTTP/2,
/// `Length-Prefixed-Message`).
fn message(body: &[u8], packing: Option<&str>, limit: usize) -> Result<Vec<u8>, Wrong> {
    let [flag, a, b, c, d, message @ ..] = body else { return Err(Wrong::Frame) };
    if u32::from_be_bytes([*a, *b, *c, *d]) as usize != message.len() {
        return Err(Wrong::Frame);
    }
    let encoding = match (flag, packing) {
        (0, _) => Encoding::Identity,
        (1, Some("gzip")) => Encoding::Gzip,
        (1, _) => return Err(Wrong::Packing),
        _ => return Err(Wrong::Frame),
    };
    unpack(encoding, message, limit).map_err(|wrong| match wrong {
        Unpack::Damaged => Wrong::Frame,
        Unpack::TooLarge => Wrong::TooLarge,
    })
}

struct Failed {
    code: u8,
    message: String,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self { code: code(trouble), message: trouble.to_string() }
    }
}

const INVALID_ARGUMENT: u8 = 3;
const DEADLINE_EXCEEDED: u8 = 4;
const UNIMPLEMENTED: u8 = 12;
const UNAVAILABLE: u8 = 14;
const UNAUTHENTICATED: u8 = 16;

/// The code of gRPC for a trouble.
pub(super) const fn code(trouble: Trouble) -> u8 {
    match trouble {
        Trouble::NoCredential | Trouble::UnknownCredential | Trouble::TokenInQuery => UNAUTHENTICATED,
        Trouble::Slow => DEADLINE_EXCEEDED,
        // sent again it would be no smaller
        Trouble::TooLarge(_) | Trouble::RecordsTooLarge(_) | Trouble::Refused(Refusal::TooLarge) => {
            INVALID_ARGUMENT
        }
        Trouble::TooFast(_) | Trouble::Memory | Trouble::Refused(_) => UNAVAILABLE,
        Trouble::BrokenOff | Trouble::Encoding | Trouble::Compression => INVALID_ARGUMENT,
    }
}

/// An empty message, and that all is well.
fn done() -> Response {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let message = Full::new(Bytes::from_static(&[0; 5]));
    respond(Body::new(message.with_trailers(async { Some(Ok(trailers)) })))
}

/// What is wrong, without a message.
fn failed(code: u8, message: &str) -> Response {
    let mut response = respond(Body::empty());
    response.headers_mut().insert("grpc-status", HeaderValue::from(u16::from(code)));
    if let Ok(message) = HeaderValue::from_str(&message.replace('%', "%25")) {
        response.headers_mut().insert("grpc-message", message);
    }
    response
}

fn respond(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_frame_holds_one_message_packed_or_not() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(b"hello").unwrap();
        let packed = encoder.finish().unwrap();
        let frame = |flag: u8, message: &[u8]| {
            [&[flag], (message.len() as u32).to_be_bytes().as_slice(), message].concat()
        };
        assert_eq!(message(&frame(0, b"hello"), None, 9).unwrap(), b"hello");
        assert_eq!(message(&frame(1, &packed), Some("gzip"), 9).unwrap(), b"hello");
        assert_eq!(message(&frame(1, &packed), Some("gzip"), 4), Err(Wrong::TooLarge));
        assert_eq!(message(&frame(1, &packed), Some("snappy"), 9), Err(Wrong::Packing));
        assert_eq!(message(&frame(1, b"hello"), Some("gzip"), 9), Err(Wrong::Frame));
        assert_eq!(message(&frame(7, b"hello"), None, 9), Err(Wrong::Frame));
        assert_eq!(message(&[0, 0, 0, 0, 9, 1], None, 9), Err(Wrong::Frame));
        assert_eq!(message(&[0, 0], None, 9), Err(Wrong::Frame));
    }
}
