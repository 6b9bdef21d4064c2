//! What was filled into a form: `application/x-www-form-urlencoded`.
//!
//! Invariant: fields are read by their names; what a page did not ask for is never looked at.

use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;

use crate::refusal::Refusal;

/// The fields of a form.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

/// Most fields.
const MOST: usize = 2_000;

impl Form {
    /// Reads a form.
    ///
    /// # Errors
    /// 400: it has too many fields. 415: it is no form.
    pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Refusal> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !body.is_empty() && !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "could not read what was sent")
                .hint("it is not a form of this page"));
        }
        let fields: Vec<_> = form_urlencoded::parse(body)
            .take(MOST + 1)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if fields.len() > MOST {
            return Err(Refusal::unclear(format!("could not take a form of more than {MOST} fields")));
        }
        Ok(Self(fields))
    }

    /// What was typed into a field. Nothing is the empty text.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// What was typed into a field, without the white space around it.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// What was ticked of several.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(kind: &'static str, body: &str) -> Result<Form, Refusal> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        Form::read(&headers, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn fields_are_read_by_their_names() {
        let form = read("application/x-www-form-urlencoded; charset=utf-8", "a=+x%26y+&b=1&b=2&c").unwrap();
        assert_eq!((form.text("a"), form.raw("a")), ("x&y", " x&y "));
        assert_eq!(form.all("b").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((form.text("c"), form.text("d")), ("", ""));
    }

    #[test]
    fn what_is_no_form_or_too_large_a_one_is_refused() {
        assert_eq!(read("text/plain", "a=1").unwrap_err().status(), 415);
        assert_eq!(read("multipart/form-data; boundary=x", "a=1").unwrap_err().status(), 415);
        let many = "a=1&".repeat(MOST + 1);
        assert_eq!(read("application/x-www-form-urlencoded", &many).unwrap_err().status(), 400);
        assert!(Form::read(&HeaderMap::new(), &Bytes::new()).is_ok(), "a button alone");
    }
}
