//! Why something is not answered, and how that is told.
//!
//! Invariant: what failed in Ward itself is logged under the request's number, and only that number is told.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use ward_lake::{LakeError, QueryError};
use ward_people::{Permission, Role};
use ward_store::StoreError;
use ward_store::auth::Shown;

/// A refusal: the answer when there is no other.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// Finishes "could not ...".
    message: String,
    hint: Option<String>,
    /// The character of a query at which it went wrong, from 1.
    column: Option<usize>,
    /// Seconds after which it may be tried again.
    retry_after: Option<u32>,
    /// For the log, never for whoever asked.
    cause: Option<String>,
}

/// What is told of a refusal.
pub(crate) struct Told {
    /// Finishes "could not ...".
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Seconds after which it may be tried again.
    pub retry_after: Option<u32>,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None, column: None, retry_after: None, cause: None }
    }

    /// 400: it was asked in a way that has no meaning.
    pub fn unclear(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404: there is no such thing, or it may not be seen. The same answer for both.
    pub fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("could not find it: there is no such {what}"))
    }

    /// 401: nobody is known by this token, or there is none.
    pub fn unknown() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "could not tell who is asking")
            .hint("send 'Authorization: Bearer TOKEN' with an access token that is in force")
    }

    /// 403: known, and not let do this.
    pub fn forbidden(permission: Permission, shown: &Shown) -> Self {
        match (shown, Role::least_of_tokens(permission)) {
            (Shown::Token { .. }, Some(least)) => {
                Self::new(StatusCode::FORBIDDEN, "could not do this with the role of your token")
                    .hint(format!("it takes the role {}", least.name()))
            }
            (Shown::Token { .. }, None) => Self::new(StatusCode::FORBIDDEN, "could not do this with a token")
                .hint("it takes a person who is signed in"),
            (Shown::Session(_), _) => Self::new(StatusCode::FORBIDDEN, "could not do this with your roles")
                .hint(format!("none of them lets you {}", permission.name().replace('_', " "))),
        }
    }

    /// 403: let do this, once the second factor has been shown again.
    pub fn second_factor() -> Self {
        Self::new(StatusCode::FORBIDDEN, "could not do this before you show your second factor once more")
            .hint("it was shown too long ago for something of such effect")
    }

    /// 503: not now.
    pub fn busy(message: impl Into<String>, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message) }
    }

    /// 500: the cause is logged.
    pub fn failed(cause: &dyn std::error::Error) -> Self {
        let failed =
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "could not answer: something failed in Ward");
        Self { cause: Some(chain(cause)), ..failed }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is told of it, under the request's number; what is not, is logged under it.
    pub fn told(&self, number: &str) -> Told {
        if let Some(cause) = &self.cause {
            tracing::error!(number, cause, "a request could not be answered");
        }
        let hint = match &self.cause {
            Some(_) => Some(format!("the hub's log has more under {number}")),
            None => self.hint.clone(),
        };
        Told { message: self.message.clone(), hint, retry_after: self.retry_after }
    }

    /// What is told of it, as programs read it.
    pub fn body(&self, number: &str) -> serde_json::Value {
        let Told { message, hint, .. } = self.told(number);
        let mut body = json!({ "status": self.status.as_u16(), "message": message });
        if let Some(hint) = hint {
            body["hint"] = hint.into();
        }
        if let Some(column) = self.column {
            body["column"] = column.into();
        }
        body
    }

    pub fn answer(self, number: &str) -> Response {
        let body = json!({ "error": self.body(number) }).to_string();
        let mut answer = (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"ward\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::missing(what),
            StoreError::Refused(why) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, why),
            other => Self::failed(&other),
        }
    }
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        let QueryError { column, expected } = error;
        let message = format!("could not read the query at column {column}");
        Self { column: Some(column), ..Self::unclear(message).hint(format!("expected {expected}")) }
    }
}

impl From<LakeError> for Refusal {
    fn from(error: LakeError) -> Self {
        let message = format!("could not {error}");
        match error {
            LakeError::OutOfTime(_) | LakeError::OutOfMemory(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
                    .hint("ask about less time, fewer organisations, or for fewer rows")
            }
            LakeError::TooComplex(_) | LakeError::Refused(_) => Self::unclear(message),
            LakeError::Failed(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, message),
            LakeError::Cancelled => Self::busy(message, 1),
            other => Self::failed(&other),
        }
    }
}

/// An error with all that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_in_ward_tells_its_number_and_nothing_else() {
        let refusal = Refusal::from(StoreError::Damaged("secret inner thing"));
        assert_eq!(refusal.status(), 500);
        let body = refusal.body("4711").to_string();
        assert!(body.contains("4711") && !body.contains("secret"), "{body}");
    }

    #[test]
    fn a_query_is_refused_with_the_place_and_what_was_expected() {
        let refusal = Refusal::from(QueryError { column: 7, expected: "a value".to_owned() });
        assert_eq!(refusal.status(), 400);
        assert_eq!(refusal.body("1")["column"], 7);
        assert_eq!(refusal.body("1")["hint"], "expected a value");
    }

    #[test]
    fn each_way_of_asking_too_much_says_what_would_help() {
        for error in [LakeError::OutOfMemory(5), LakeError::OutOfTime(std::time::Duration::from_secs(1))] {
            let refusal = Refusal::from(error);
            assert_eq!(refusal.status(), 422);
            assert!(refusal.body("1")["hint"].as_str().is_some_and(|hint| hint.contains("less time")));
        }
    }
}
