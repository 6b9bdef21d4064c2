//! `POST /ingest/v1/events`: Ward's own way in.
//!
//! The body is of any format that `ward detect` reads: as `?format=` says, or the content type, or as it is recognised
//! from its first bytes. A file in gzip or zstd is unpacked, whether or not `Content-Encoding` says so. With
//! `Idempotency-Key` the same request may be sent again: it is answered with the batch it made first. The answer, once the
//! batch is on disk: `{"batch":7,"events":3}`, where events are counted as far as that is possible without decoding.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ward_telemetry::input::{Format, Input, Options};

use super::HttpState;
use super::arrival::{Arrival, arrive};
use super::trouble::Trouble;
use crate::counters::Reason;
use crate::digest;
use crate::sources::Sender;

/// Takes a request.
pub(crate) async fn take(State(state): State<HttpState>, request: Request) -> Response {
    let arrival = match arrive(&state, request).await {
        Ok(arrival) => arrival,
        Err(trouble) => return troubled(trouble),
    };
    if let Some(name) = unknown(arrival.parts.uri.query().unwrap_or_default()) {
        state.door().figures.refuse(Reason::Format, 1);
        return wrong(&format!("there is no parameter '{name}'; there is format"));
    }
    let arrival = match arrival.opened(&state).await {
        Ok(arrival) => arrival,
        Err(trouble) => return troubled(trouble),
    };
    match format(&arrival) {
        Ok(Some(format)) => deliver(&state, arrival, format).await.unwrap_or_else(troubled),
        Ok(None) => {
            let set_aside = state.door().set_aside(&arrival.sender, Reason::Format, arrival.body).await;
            match set_aside {
                Ok(()) => wrong(&format!("the body is of no known format; there are {}", Format::list())),
                Err(refusal) => troubled(refusal.into()),
            }
        }
        Err(name) => {
            state.door().figures.refuse(Reason::Format, 1);
            wrong(&format!("there is no format '{name}'; there are {}", Format::list()))
        }
    }
}

async fn deliver(state: &HttpState, arrival: Arrival, format: Format) -> Result<Response, Trouble> {
    let events = count(format, &arrival.body);
    if arrival.body.trim_ascii().is_empty() {
        return Ok(wrong("the body holds no event"));
    }
    let key =
        arrival.parts.headers.get("idempotency-key").map(|key| request_key(&arrival.sender, key.as_bytes()));
    let batch = state.door().deliver(&arrival.sender, format.as_str(), arrival.body, events, key).await?;
    Ok(json(StatusCode::OK, format!("{{\"batch\":{},\"events\":{events}}}", batch.0)))
}

/// The key of a request: that of one source means nothing to another.
fn request_key(sender: &Sender, key: &[u8]) -> [u8; 32] {
    digest(&[sender.id().as_str().as_bytes(), b"\0", key].concat())
}

/// The name of a parameter that means nothing here: a misspelt one would change what the events become.
fn unknown(query: &str) -> Option<String> {
    let mut names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    let name = names.find(|name| !name.is_empty() && *name != "format")?;
    Some(name.chars().filter(|letter| !letter.is_control()).take(40).collect())
}

/// The format of a body. `Ok(None)`: it is not known.
///
/// # Errors
/// The request names one that does not exist.
fn format(arrival: &Arrival) -> Result<Option<Format>, String> {
    let query = arrival.parts.uri.query().unwrap_or_default();
    if let Some(name) = query.split('&').find_map(|pair| pair.strip_prefix("format=")) {
        return name.parse().map(Some).map_err(|_| name.chars().take(40).collect());
    }
    Ok(match arrival.content_type().as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Format::JsonLines),
        "text/csv" => Some(Format::Csv),
        _ => recognised(&arrival.body),
    })
}

/// The format that bytes are recognised as.
pub(crate) fn recognised(bytes: &[u8]) -> Option<Format> {
    let head = bytes.get(..HEAD).unwrap_or(bytes).to_vec();
    let options = Options::default();
    Input::open(Box::new(std::io::Cursor::new(head)), &options).ok().map(|input| input.format())
}

/// As many bytes as are looked at to recognise a format.
const HEAD: usize = 64 << 10;

/// How many events a body holds, as far as lines tell.
pub(crate) fn count(format: Format, body: &[u8]) -> u64 {
    let lines = || lines(body);
    match format {
        Format::Evtx | Format::Otlp => 1,
        Format::Json => serde_json::Deserializer::from_slice(body)
            .into_iter::<Elements>()
            .map_while(Result::ok)
            .map(|elements| elements.0)
            .sum::<u64>()
            .max(1),
        Format::Csv => lines().saturating_sub(1).max(1),
        _ => lines(),
    }
}

/// How many lines there are that are not blank.
fn lines(body: &[u8]) -> u64 {
    let (mut start, mut lines) = (0, 0);
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        // A long line is not blank, and need not be looked at.
        let long = end.saturating_sub(start) > LONG;
        lines += u64::from(long || !body.get(start..end).unwrap_or_default().trim_ascii().is_empty());
        start = end + 1;
    }
    lines
}

const LONG: usize = 64;

/// How many elements a value has: those of an array, or one.
struct Elements(u64);

impl<'de> serde::Deserialize<'de> for Elements {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
        struct Counter;
        impl<'de> Visitor<'de> for Counter {
            type Value = Elements;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elements, A::Error> {
                let mut elements = 0;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    elements += 1;
                }
                Ok(Elements(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Elements, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Elements(1))
            }
        }
        deserializer.deserialize_any(Counter)
    }
}

fn troubled(trouble: Trouble) -> Response {
    trouble.answer("application/json", error(&trouble.to_string()))
}

fn wrong(what: &str) -> Response {
    json(StatusCode::BAD_REQUEST, error(what))
}

fn error(what: &str) -> String {
    serde_json::json!({ "error": what }).to_string()
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    (status, [(axum::http::header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_as_far_as_lines_and_elements_tell() {
        for (format, body, expected) in [
            (Format::JsonLines, "{}\n\n{}\r\n{}", 3),
            (Format::Json, "[{},{},{}]", 3),
            (Format::Json, "{}{}\n[{}]", 3),
            (Format::Json, "{\"a\":", 1),
            (Format::Csv, "a,b\n1,2\n3,4\n", 2),
            (Format::Syslog, "<1>a\n<1>b\n", 2),
            (Format::Evtx, "ElfFile\n\n\n", 1),
        ] {
            assert_eq!(count(format, body.as_bytes()), expected, "{format} {body}");
        }
    }

    #[test]
    fn a_parameter_that_means_nothing_is_named() {
        for (query, name) in [
            ("", None),
            ("format=csv", None),
            ("format=csv&", None),
            ("frmt=csv", Some("frmt")),
            ("format=csv&index", Some("index")),
            ("=csv&Format=csv", Some("Format")),
        ] {
            assert_eq!(unknown(query).as_deref(), name, "{query}");
        }
    }

    #[test]
    fn what_is_recognised_is_what_detect_reads() {
        assert_eq!(recognised(b"{\"a\":1}\n{\"a\":2}\n"), Some(Format::JsonLines));
        assert_eq!(recognised(b"<34>1 - - - - - - x"), Some(Format::Syslog));
        assert_eq!(recognised(b"\x01\x02 nothing"), None);
    }
}
