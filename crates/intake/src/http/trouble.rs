//! What can be wrong with a request, whatever protocol it speaks. Each protocol says it in its own words.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::counters::Reason;
use crate::door::NotTaken;
use crate::inbox::Refusal;

/// Why a request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("show a credential of a source that is known here")]
    NoCredential,
    #[error("no source has this credential")]
    UnknownCredential,
    #[error("a token in the URL is not allowed here")]
    TokenInQuery,
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    #[error("the body would become records of more than {0} bytes: send less at a time")]
    RecordsTooLarge(usize),
    #[error("the body came too slowly")]
    Slow,
    #[error("the body broke off")]
    BrokenOff,
    #[error("the content encoding is not known: gzip, deflate, zstd and identity are")]
    Encoding,
    #[error("the compressed body is damaged")]
    Compression,
    #[error("the memory for bodies is in use")]
    Memory,
    #[error("the source sends more events a second than it may")]
    TooFast(Duration),
    #[error("{0}")]
    Refused(Refusal),
}

impl Trouble {
    /// The status that HTTP has for it.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::NoCredential | Self::UnknownCredential => StatusCode::UNAUTHORIZED,
            Self::TokenInQuery | Self::BrokenOff | Self::Compression => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) | Self::RecordsTooLarge(_) | Self::Refused(Refusal::TooLarge) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Memory | Self::Refused(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// When to try again, if that helps.
    pub(crate) fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooFast(wait) => Some(wait),
            Self::Refused(Refusal::TooLarge) => None,
            Self::Refused(refusal) => Some(refusal.retry_after()),
            Self::Memory => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// An answer with this content, and the headers that belong to it.
    pub(crate) fn answer(self, content_type: &'static str, body: impl Into<axum::body::Body>) -> Response {
        let mut answer = (self.status(), body.into()).into_response();
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::NoCredential | Self::UnknownCredential) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"ward\""));
        }
        answer
    }
}

impl From<NotTaken> for Trouble {
    fn from(not: NotTaken) -> Self {
        match not {
            NotTaken::TooFast(wait) => Self::TooFast(wait),
            NotTaken::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::TokenInQuery => Self::TokenInQuery,
            Reason::NoCredential => Self::NoCredential,
            _ => Self::UnknownCredential,
        }
    }
}
