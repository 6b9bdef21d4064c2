//! Elasticsearch and OpenSearch, as far as shippers need them.
//!
//! `POST` and `PUT` on `/_bulk` and `/INDEX/_bulk` take documents, see [`bulk`]; the rest is what clients ask
//! before they send, see `handshake`. All answers carry `X-Elastic-Product`, without which Elastic's own
//! clients refuse to talk, and the content type that was asked for. Paths are also served below `/elastic`,
//! for hubs whose `/` belongs to the console.

pub mod bulk;
mod handshake;

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ward_telemetry::input::Format;

pub(super) use handshake::answer;

use super::HttpState;
use super::arrival::{Arrival, arrive};
use super::trouble::Trouble;
use crate::counters::Reason;

/// Takes documents.
pub(crate) async fn take(State(state): State<HttpState>, request: Request) -> Response {
    let content_type = content_type(request.headers());
    let arrival = match arrive(&state, request).await {
        Ok(arrival) => arrival,
        Err(trouble) => return troubled(trouble, content_type),
    };
    let result = keep(&state, arrival).await;
    match result {
        Ok(Ok(answer)) => said(StatusCode::OK, answer, content_type),
        Ok(Err(wrong)) => failed(StatusCode::BAD_REQUEST, "illegal_argument_exception", &wrong, content_type),
        Err(trouble) => troubled(trouble, content_type),
    }
}

/// The answer; within it what is wrong with the request as a whole.
async fn keep(state: &HttpState, arrival: Arrival) -> Result<Result<String, String>, Trouble> {
    let index = index_of(arrival.parts.uri.path());
    let most = state.door().limits.records_bytes();
    let mut taken = match bulk::documents(&arrival.body, index, most) {
        Ok(taken) => taken,
        Err(bulk::Broken::TooLarge) => {
            state.door().figures.refuse(Reason::TooLarge, 1);
            return Err(Trouble::RecordsTooLarge(most));
        }
        Err(broken) => {
            state.door().set_aside(&arrival.sender, Reason::BulkAction, arrival.body).await?;
            return Ok(Err(broken.to_string()));
        }
    };
    if !taken.broken.is_empty() {
        let broken: Vec<&[u8]> =
            taken.broken.iter().map(|place| arrival.body.get(place.clone()).unwrap_or_default()).collect();
        state.door().set_aside(&arrival.sender, Reason::BulkDocument, broken.join(&b'\n')).await?;
    }
    let batch = if taken.events > 0 {
        let (format, payload) = (Format::JsonLines.as_str(), std::mem::take(&mut taken.payload));
        Some(state.door().deliver(&arrival.sender, format, payload, taken.events, None).await?)
    } else {
        None
    };
    Ok(Ok(taken.answer(batch)))
}

/// `INDEX` of `/INDEX/_bulk`.
fn index_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/elastic").unwrap_or(path);
    let index = path.strip_suffix("/_bulk")?.trim_matches('/');
    (!index.is_empty()).then_some(index)
}

/// The content type of the answer: what is accepted, or what was sent, in Elastic's own types; else JSON.
fn content_type(headers: &HeaderMap) -> HeaderValue {
    let own = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        let first = value.split(',').next()?.trim();
        first.starts_with("application/vnd.elasticsearch+").then(|| first.replace("+x-ndjson", "+json"))
    };
    // `x-ndjson` is a form of requests only; but a client that accepts nothing else gets its own type back.
    let asked = own(ACCEPT).or_else(|| own(CONTENT_TYPE));
    asked.and_then(|asked| HeaderValue::from_str(&asked).ok()).unwrap_or(HeaderValue::from_static(JSON))
}

const JSON: &str = "application/json";

fn said(status: StatusCode, body: String, content_type: HeaderValue) -> Response {
    let product = (HeaderName::from_static("x-elastic-product"), HeaderValue::from_static("Elasticsearch"));
    (status, [(CONTENT_TYPE, content_type), product], body).into_response()
}

fn failed(status: StatusCode, kind: &str, reason: &str, content_type: HeaderValue) -> Response {
    said(status, error(status, kind, reason), content_type)
}

fn error(status: StatusCode, kind: &str, reason: &str) -> String {
    let cause = serde_json::json!({ "type": kind, "reason": reason });
    let error = serde_json::json!({ "root_cause": [cause], "type": kind, "reason": reason });
    serde_json::json!({ "error": error, "status": status.as_u16() }).to_string()
}

fn troubled(trouble: Trouble, content_type: HeaderValue) -> Response {
    let kind = match trouble {
        Trouble::NoCredential | Trouble::UnknownCredential | Trouble::TokenInQuery => "security_exception",
        Trouble::TooFast(_) | Trouble::Memory | Trouble::Refused(_) => "es_rejected_execution_exception",
        _ => "parse_exception",
    };
    let body = error(trouble.status(), kind, &trouble.to_string());
    let mut answer = trouble.answer(JSON, body);
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer.headers_mut().insert("x-elastic-product", HeaderValue::from_static("Elasticsearch"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_told_by_the_path() {
        for (path, index) in [
            ("/_bulk", None),
            ("/elastic/_bulk", None),
            ("/logs/_bulk", Some("logs")),
            ("/elastic/logs-x/_bulk", Some("logs-x")),
        ] {
            assert_eq!(index_of(path), index, "{path}");
        }
    }

    #[test]
    fn elastics_own_content_types_are_given_back() {
        let typed = |name, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            content_type(&headers).to_str().unwrap().to_owned()
        };
        let own = "application/vnd.elasticsearch+json; compatible-with=9";
        assert_eq!(typed(CONTENT_TYPE, "application/vnd.elasticsearch+x-ndjson; compatible-with=9"), own);
        assert_eq!(typed(ACCEPT, "application/vnd.elasticsearch+json; compatible-with=9,text/plain"), own);
        for other in ["application/x-ndjson", "text/plain", "application/vnd.other+json"] {
            assert_eq!(typed(CONTENT_TYPE, other), JSON);
        }
    }
}
