//! HEC's raw way in: lines, and what is true of all of them in the URL.
//!
//! Lines that are JSON objects, or of no known format, become records as [`envelope`](super::envelope) makes
//! them, with the parameters `host`, `source`, `sourcetype`, `index` and `time` of the URL as the envelope.
//! Lines of any other format that `ward detect` reads (syslog, CEF, access logs) stay as they are, and say
//! themselves what the URL would.

use ward_telemetry::input::Format;

use super::envelope::record;
use crate::http::events::{count, recognised};
use crate::members::{Members, Object};

/// Format, payload and number of events of a body that came with this query. `None`: what the URL says, once for
/// each line, would be more than `most` bytes.
pub fn records(body: Vec<u8>, query: &str, most: usize) -> Option<(Format, Vec<u8>, u64)> {
    match recognised(&body) {
        Some(Format::JsonLines) | None => wrapped(&body, query, most),
        Some(format) => {
            let events = count(format, &body);
            Some((format, body, events))
        }
    }
}

fn wrapped(body: &[u8], query: &str, most: usize) -> Option<(Format, Vec<u8>, u64)> {
    let mut envelope = Vec::new();
    let mut object = Object::begin(&mut envelope);
    for (key, value) in parameters(query) {
        let known = matches!(key.as_str(), "host" | "source" | "sourcetype" | "index" | "time");
        match known && key == "time" && value.parse::<f64>().is_ok_and(f64::is_finite) {
            true if serde_json::from_str::<serde_json::Number>(&value).is_ok() => object.raw(&key, &value),
            _ if known => object.text(&key, &value),
            _ => {}
        }
    }
    object.end();
    let envelope = String::from_utf8(envelope).unwrap_or_default();
    let envelope = Members::of(&envelope).unwrap_or_default();
    let mut payload = Vec::with_capacity(body.len() + body.len() / 2);
    let mut events = 0;
    for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let line = String::from_utf8_lossy(line);
        record(&envelope, &line, Some(&line), &mut payload);
        payload.push(b'\n');
        events += 1;
        if payload.len() > most {
            return None;
        }
    }
    Some((Format::JsonLines, payload, events))
}

/// The parameters of a query, decoded.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    })
}

/// Undoes percent encoding; what is none stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', ..) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(body: &str, query: &str) -> (Format, String, u64) {
        let (format, payload, events) = records(body.as_bytes().to_vec(), query, 1000).unwrap();
        (format, String::from_utf8(payload).unwrap(), events)
    }

    #[test]
    fn plain_lines_and_json_get_what_the_url_says() {
        let (format, payload, events) =
            made("hello\r\n\n\"world\"\n", "host=ws%201&channel=x&sourcetype=a+b&time=12");
        assert_eq!((format, events), (Format::JsonLines, 2));
        let hec = r#""host":"ws 1","@timestamp":12,"hec":{"host":"ws 1","sourcetype":"a b","time":12}}"#;
        assert_eq!(
            payload,
            format!("{{\"message\":\"hello\",{hec}\n{{\"message\":\"\\\"world\\\"\",{hec}\n")
        );
        let (_, payload, _) = made("{\"a\":1}\n", "source=%zz%");
        assert_eq!(payload, "{\"a\":1,\"hec\":{\"source\":\"%zz%\"}}\n");
    }

    #[test]
    fn what_the_url_says_is_not_repeated_without_end() {
        let query = format!("source={}", "x".repeat(100));
        assert!(records(b"a\n".repeat(5), &query, 1000).is_some());
        assert_eq!(records(b"a\n".repeat(50), &query, 1000), None);
    }

    #[test]
    fn lines_of_a_known_format_stay_as_they_are() {
        let line = "<34>1 2026-11-23T09:26:51Z h app - - - x\n";
        assert_eq!(made(line, "host=other"), (Format::Syslog, line.to_owned(), 1));
    }
}
