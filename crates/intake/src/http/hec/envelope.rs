//! HEC envelopes to records.
//!
//! A body is envelopes one after another, with or without white space or commas between them, or arrays of
//! them. Each becomes one line of JSON in which a rule finds the event's fields by their own names:
//!
//! - an `event` that is an object, or text that is a JSON object: its members at the top;
//! - any other `event`: `message`, as text;
//! - `hec`: all else of the envelope as it came (`time`, `host`, `source`, `sourcetype`, `index`, `fields`,
//!   and what nobody knows); `_hec` if the event has a `hec` of its own;
//! - `host` from the envelope and `@timestamp` from its `time`, where the event has none.
//!
//! The members of `fields` are looked up as if they stood at the top (taxonomy: `hec.fields`).

use serde::Deserialize as _;
use serde_json::value::RawValue;

pub use super::answer::Said;
use crate::members::{Members, Object, text};

/// Records, one a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The lines.
    pub payload: Vec<u8>,
    /// How many they are.
    pub events: u64,
}

/// The records of a body.
///
/// # Errors
/// It is no sequence of envelopes: what HEC says of that.
pub fn records(body: &[u8]) -> Result<Records, Said> {
    let body = std::str::from_utf8(body).map_err(|_| Said::InvalidData)?;
    let mut records = Records { payload: Vec::with_capacity(body.len() + body.len() / 8), events: 0 };
    let mut rest = between(body);
    while !rest.is_empty() {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let value = values.next().and_then(Result::ok).ok_or(Said::InvalidData)?;
        let end = values.byte_offset();
        if value.get().starts_with('[') {
            let mut all = serde_json::Deserializer::from_str(value.get());
            let all = Vec::<&RawValue>::deserialize(&mut all).map_err(|_| Said::InvalidData)?;
            for value in all {
                records.add(value)?;
            }
        } else {
            records.add(value)?;
        }
        rest = between(rest.get(end..).unwrap_or_default());
    }
    if records.events == 0 { Err(Said::NoData) } else { Ok(records) }
}

impl Records {
    fn add(&mut self, envelope: &RawValue) -> Result<(), Said> {
        let number = usize::try_from(self.events).unwrap_or(usize::MAX);
        let envelope = Members::of(envelope.get()).ok_or(Said::InvalidData)?;
        let event = envelope.get("event").ok_or(Said::NoEvent(number))?;
        if matches!(event.get(), "null" | "\"\"") {
            return Err(Said::BlankEvent(number));
        }
        let said = text(event);
        let inner = said.as_deref().map_or(event.get(), str::trim);
        record(&envelope, inner, said.as_deref(), &mut self.payload);
        self.payload.push(b'\n');
        self.events += 1;
        Ok(())
    }
}

/// Writes the record of an envelope whose `event` is `inner`, or the text `said`.
pub(super) fn record(envelope: &Members<'_>, inner: &str, said: Option<&str>, out: &mut Vec<u8>) {
    let own = inner.starts_with('{').then(|| Members::of(inner)).flatten();
    let has = |key| own.as_ref().is_some_and(|own| own.has(key));
    let mut object = Object::begin(out);
    match (&own, said) {
        (Some(own), _) => object.members(own, &[]),
        (None, Some(said)) => object.text("message", said),
        (None, None) => object.text("message", inner),
    }
    if !has("host")
        && let Some(host) = envelope.get("host")
    {
        object.raw("host", host.get());
    }
    if !has("@timestamp")
        && let Some(time) = envelope.get("time")
    {
        object.raw("@timestamp", time.get());
    }
    if envelope.0.len() > 1 || !envelope.has("event") {
        let mut hec = object.object(if has("hec") { "_hec" } else { "hec" });
        hec.members(envelope, &["event"]);
        hec.end();
    }
    object.end();
}

fn between(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &str) -> Result<Vec<String>, Said> {
        let records = records(body.as_bytes())?;
        let text = String::from_utf8(records.payload).unwrap();
        assert_eq!(text.lines().count() as u64, records.events);
        Ok(text.lines().map(str::to_owned).collect())
    }

    #[test]
    fn an_object_gives_its_members_and_the_envelope_stays_beside_them() {
        let body =
            r#"{"time":1764142487.5,"host":"ws-1","index":"main","event":{"Image":"C:\\a.exe","n":1.10}}"#;
        let expected = r#"{"Image":"C:\\a.exe","n":1.10,"host":"ws-1","@timestamp":1764142487.5,"hec":{"time":1764142487.5,"host":"ws-1","index":"main"}}"#;
        assert_eq!(lines(body).unwrap(), [expected]);
    }

    #[test]
    fn text_is_a_message_unless_it_is_json() {
        let body = r#"{"event":"{'src': '1.2.3.4'}"}{"event":" {\"src\": \"1.2.3.4\"}\n"}{"event":42}{"event":[1,2]}"#;
        let expected = [
            r#"{"message":"{'src': '1.2.3.4'}"}"#,
            r#"{"src":"1.2.3.4"}"#,
            r#"{"message":"42"}"#,
            r#"{"message":"[1,2]"}"#,
        ];
        assert_eq!(lines(body).unwrap(), expected);
    }

    #[test]
    fn what_the_event_says_itself_stays() {
        let body = r#"{"time":1,"host":"a","more":[1],"event":{"host":"b","@timestamp":2,"hec":3}}"#;
        let expected = r#"{"host":"b","@timestamp":2,"hec":3,"_hec":{"time":1,"host":"a","more":[1]}}"#;
        assert_eq!(lines(body).unwrap(), [expected]);
    }

    #[test]
    fn envelopes_stand_one_after_another_however_they_are_parted() {
        for body in [
            r#"{"event":"a"}{"event":"b"}"#,
            "{\"event\":\"a\"}\n\n{\"event\" : \"b\"}\r\n",
            r#"[{"event":"a"},{"event":"b"}]"#,
            r#"{"event":"a"},{"event":"b"}"#,
            "{\n \"event\": \"a\"\n}\n[{\n\"event\":\"b\"}]",
        ] {
            assert_eq!(lines(body).unwrap(), [r#"{"message":"a"}"#, r#"{"message":"b"}"#], "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_splunk_says_it() {
        for (body, said) in [
            ("{\"event\":\"a\"}{\"event\":", Said::InvalidData),
            ("hello", Said::InvalidData),
            ("{\"event\":\"a\"}{\"time\":1}", Said::NoEvent(1)),
            ("{\"event\":\"\"}", Said::BlankEvent(0)),
            ("{\"event\":null}", Said::BlankEvent(0)),
            ("[1]", Said::InvalidData),
            ("[]", Said::NoData),
        ] {
            assert_eq!(lines(body), Err(said), "{body}");
        }
        assert_eq!(records(b"{\"event\":\"\xff\"}"), Err(Said::InvalidData));
    }
}
