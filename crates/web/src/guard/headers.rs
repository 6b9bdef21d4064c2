//! The headers that every answer carries, and the number of a request.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

use crate::state::Shared;

/// What every answer carries: nothing is kept by anybody on the way, guessed at, framed or run.
pub(super) const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
];

const NUMBER: HeaderName = HeaderName::from_static("x-request-id");

/// The number that a request brings, if it is fit for a log; else one of ours.
pub(crate) fn number(shared: &Shared, headers: &HeaderMap) -> Arc<str> {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let brought = headers.get(&NUMBER).and_then(|value| value.to_str().ok());
    match brought.filter(|text| (1..=64).contains(&text.len()) && text.bytes().all(fit)) {
        Some(brought) => brought.into(),
        None => {
            let nth = shared.requests.fetch_add(1, Relaxed);
            format!("{:x}-{nth:x}", shared.now().micros()).into()
        }
    }
}

/// Adds what every answer carries.
pub(crate) fn complete(mut answer: Response, number: &str) -> Response {
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    numbered(&mut answer, number);
    answer
}

/// Adds the number of the request.
pub(crate) fn numbered(answer: &mut Response, number: &str) {
    if let Ok(number) = HeaderValue::from_str(number) {
        answer.headers_mut().insert(NUMBER, number);
    }
}
