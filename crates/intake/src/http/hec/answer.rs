//! What HEC answers: codes and texts as Splunk's documentation lists them.

use axum::http::StatusCode;
use axum::response::Response;

use crate::http::events::json;
use crate::http::trouble::Trouble;
use crate::inbox::Refusal;

/// An answer of HEC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// No body.
    NoData,
    /// Not JSON, or no envelope.
    InvalidData,
    /// The envelope of this number, from 0, has no `event`.
    NoEvent(usize),
    /// The `event` of this envelope is empty.
    BlankEvent(usize),
    /// No channel, where one is needed.
    NoChannel,
    /// All is well.
    Healthy,
}

impl Said {
    pub(super) fn answer(self) -> Response {
        let (status, code, text) = match self {
            Self::NoData => (StatusCode::BAD_REQUEST, 5, "No data"),
            Self::InvalidData => (StatusCode::BAD_REQUEST, 6, "Invalid data format"),
            Self::NoChannel => (StatusCode::BAD_REQUEST, 10, "Data channel is missing"),
            Self::NoEvent(_) => (StatusCode::BAD_REQUEST, 12, "Event field is required"),
            Self::BlankEvent(_) => (StatusCode::BAD_REQUEST, 13, "Event field cannot be blank"),
            Self::Healthy => (StatusCode::OK, 17, "HEC is healthy"),
        };
        let number = match self {
            Self::NoEvent(number) | Self::BlankEvent(number) => {
                format!(",\"invalid-event-number\":{number}")
            }
            _ => String::new(),
        };
        json(status, format!("{{\"text\":\"{text}\",\"code\":{code}{number}}}"))
    }
}

/// It is on disk.
pub(super) fn success(ack: Option<u64>) -> Response {
    let ack = ack.map(|id| format!(",\"ackId\":{id}")).unwrap_or_default();
    json(StatusCode::OK, format!("{{\"text\":\"Success\",\"code\":0{ack}}}"))
}

/// It was not taken.
pub(super) fn troubled(trouble: Trouble) -> Response {
    let (status, code, text) = match trouble {
        Trouble::NoCredential => (trouble.status(), 2, "Token is required".to_owned()),
        Trouble::UnknownCredential => (StatusCode::FORBIDDEN, 4, "Invalid token".to_owned()),
        Trouble::TokenInQuery => {
            (trouble.status(), 16, "Query string authorization is not enabled".to_owned())
        }
        Trouble::Refused(Refusal::TooLarge) => {
            (trouble.status(), 6, format!("Invalid data format: {trouble}"))
        }
        Trouble::TooFast(_) | Trouble::Memory | Trouble::Refused(_) => {
            (trouble.status(), 9, format!("Server is busy: {trouble}"))
        }
        _ => (trouble.status(), 6, format!("Invalid data format: {trouble}")),
    };
    let body = serde_json::json!({ "text": text, "code": code }).to_string();
    let mut answer = trouble.answer("application/json", body);
    *answer.status_mut() = status;
    answer
}
