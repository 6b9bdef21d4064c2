//! An entry to a record: one line of JSON.
//!
//! All members stay under their names. `@timestamp` is added from the entry's time and `message` from `log`, as
//! Docker and Fluent Bit call it, where the record has none. `fluent` holds the tag, the metadata if there are
//! any, and the time where the record has one of its own; it is `_fluent` if the record has a `fluent`.
//!
//! What JSON does not know: bytes become text, as far as they are; numbers that are none, text; a type of the
//! application, its number and its bytes in base64; a key that is a number, its digits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::messagepack::{DEPTH, Head, NoValue, Reader};
use crate::members::{Object, string};

/// Writes the record of an entry: the reader stands at its time.
pub(super) fn record(
    reader: &mut Reader<'_>,
    tag: &str,
    out: &mut Vec<u8>,
    most: usize,
) -> Result<(), NoValue> {
    let (time, metadata) = time(reader)?;
    let Head::Map(pairs) = reader.head()? else { return Err(NoValue::Broken) };
    let own = Own::of(reader.clone(), pairs)?;
    let mut object = Object::begin(out);
    for _ in 0..pairs {
        let key = key(reader, most)?;
        value(reader, object.key(&key), most, 1)?;
    }
    if let Some(log) = own.log.filter(|_| !own.message) {
        object.text("message", &String::from_utf8_lossy(log));
    }
    if !own.timestamp {
        object.raw("@timestamp", &time);
    }
    let mut fluent = object.object(if own.fluent { "_fluent" } else { "fluent" });
    fluent.text("tag", tag);
    if own.timestamp {
        fluent.raw("time", &time);
    }
    if let Some(mut metadata) = metadata {
        value(&mut metadata, fluent.key("metadata"), most, 1)?;
    }
    fluent.end();
    object.end();
    if out.len() > most { Err(NoValue::TooLarge) } else { Ok(()) }
}

/// The time as a number of seconds, and the metadata that Fluent Bit may put beside it.
fn time<'a>(reader: &mut Reader<'a>) -> Result<(String, Option<Reader<'a>>), NoValue> {
    let head = match reader.head()? {
        Head::Array(2) => {
            let head = reader.head()?;
            let metadata = Reader::new(reader.skip()?);
            let empty = matches!(metadata.clone().head()?, Head::Map(0));
            return Ok((seconds(head)?, (!empty).then_some(metadata)));
        }
        head => head,
    };
    Ok((seconds(head)?, None))
}

fn seconds(head: Head<'_>) -> Result<String, NoValue> {
    match head {
        Head::Unsigned(seconds) => Ok(seconds.to_string()),
        Head::Signed(seconds) => Ok(seconds.to_string()),
        Head::Double(seconds) if seconds.is_finite() => Ok(seconds.to_string()),
        Head::Extension(0, bytes) => event_time(bytes).ok_or(NoValue::Broken),
        _ => Err(NoValue::Broken),
    }
}

/// Seconds and nanoseconds, four bytes each.
fn event_time(bytes: &[u8]) -> Option<String> {
    let (seconds, nanoseconds) = bytes.split_first_chunk::<4>()?;
    let (seconds, nanoseconds) =
        (u32::from_be_bytes(*seconds), u32::from_be_bytes(nanoseconds.try_into().ok()?));
    (nanoseconds < 1_000_000_000).then(|| format!("{seconds}.{nanoseconds:09}"))
}

/// What the record has itself.
#[derive(Debug, Default)]
struct Own<'a> {
    timestamp: bool,
    message: bool,
    fluent: bool,
    log: Option<&'a [u8]>,
}

impl<'a> Own<'a> {
    fn of(mut reader: Reader<'a>, pairs: u32) -> Result<Self, NoValue> {
        let mut own = Self::default();
        for _ in 0..pairs {
            let key = Reader::new(reader.skip()?).head()?;
            let value = Reader::new(reader.skip()?).head()?;
            let (Head::Text(key) | Head::Bytes(key)) = key else { continue };
            match (key, value) {
                (b"@timestamp", _) => own.timestamp = true,
                (b"message", _) => own.message = true,
                (b"fluent", _) => own.fluent = true,
                (b"log", Head::Text(log) | Head::Bytes(log)) => own.log = Some(log),
                _ => {}
            }
        }
        Ok(own)
    }
}

/// A key as text. Arrays and maps are no keys: there is no telling how long they would become.
fn key(reader: &mut Reader<'_>, most: usize) -> Result<String, NoValue> {
    let mut ahead = reader.clone();
    let head = ahead.head()?;
    if let Head::Text(text) | Head::Bytes(text) = head {
        *reader = ahead;
        return Ok(String::from_utf8_lossy(text).into_owned());
    }
    if matches!(head, Head::Array(_) | Head::Map(_)) {
        return Err(NoValue::Broken);
    }
    let mut json = Vec::new();
    value(reader, &mut json, most, 1)?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}

fn value(reader: &mut Reader<'_>, out: &mut Vec<u8>, most: usize, depth: usize) -> Result<(), NoValue> {
    if depth > DEPTH {
        return Err(NoValue::Broken);
    }
    let head = reader.head()?;
    let room = most.checked_sub(out.len()).ok_or(NoValue::TooLarge)?;
    match head {
        Head::Nil => out.extend_from_slice(b"null"),
        Head::Bool(yes) => out.extend_from_slice(if yes { b"true" } else { b"false" }),
        Head::Unsigned(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Head::Signed(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Head::Single(number) => float(number, number.is_finite(), out),
        Head::Double(number) => float(number, number.is_finite(), out),
        Head::Text(text) | Head::Bytes(text) if longest(text) <= room || escaped(text) <= room => {
            string(&String::from_utf8_lossy(text), out);
        }
        Head::Text(_) | Head::Bytes(_) => return Err(NoValue::TooLarge),
        Head::Extension(0, bytes) if let Some(time) = event_time(bytes) => {
            out.extend_from_slice(time.as_bytes());
        }
        Head::Extension(kind, bytes) if bytes.len() <= room => {
            let mut object = Object::begin(out);
            object.raw("type", &kind.to_string());
            object.text("base64", &STANDARD.encode(bytes));
            object.end();
        }
        Head::Extension(..) => return Err(NoValue::TooLarge),
        Head::Array(items) => {
            out.push(b'[');
            for item in 0..items {
                if item > 0 {
                    out.push(b',');
                }
                value(reader, out, most, depth + 1)?;
            }
            out.push(b']');
        }
        Head::Map(pairs) => {
            let mut object = Object::begin(out);
            for _ in 0..pairs {
                let key = key(reader, room)?;
                value(reader, object.key(&key), most, depth + 1)?;
            }
            object.end();
        }
    }
    Ok(())
}

/// The most bytes that text may take as JSON.
const fn longest(text: &[u8]) -> usize {
    text.len().saturating_mul(6)
}

/// The bytes that text takes as JSON, without its quotes, or a few more.
fn escaped(text: &[u8]) -> usize {
    let length = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0x00..0x20 => 6,
        // what is no UTF-8 becomes a character of three bytes
        0x80.. => 3,
        _ => 1,
    };
    text.iter().map(length).sum()
}

fn float(number: impl std::fmt::Display + serde::Serialize, finite: bool, out: &mut Vec<u8>) {
    if finite {
        // Writing to a Vec cannot fail.
        let _ = serde_json::to_writer(out, &number);
    } else {
        string(&number.to_string(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(entry: &[u8]) -> Result<String, NoValue> {
        let mut out = Vec::new();
        record(&mut Reader::new(entry), "app", &mut out, 1 << 12)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn members_stay_and_time_and_tag_stand_beside_them() {
        let entry =
            b"\xd7\x00\x69\x26\xaf\x07\x00\x00\x00\x05\x82\xa3log\xa3hi\n\xa1n\xcb\x3f\xf8\0\0\0\0\0\0";
        let expected = r#"{"log":"hi\n","n":1.5,"message":"hi\n","@timestamp":1764142855.000000005,"fluent":{"tag":"app"}}"#;
        assert_eq!(made(entry).unwrap(), expected);
    }

    #[test]
    fn what_the_record_says_itself_is_not_written_over() {
        let entry = b"\x92\x05\x81\xa1m\x01\x84\xaa@timestamp\x01\xa7message\x02\xa6fluent\x03\xa3log\xa1x";
        let expected = r#"{"@timestamp":1,"message":2,"fluent":3,"log":"x","_fluent":{"tag":"app","time":5,"metadata":{"m":1}}}"#;
        assert_eq!(made(entry).unwrap(), expected);
    }

    #[test]
    fn what_json_does_not_know_is_told_as_well_as_it_can() {
        let entry = b"\x05\x86\x07\xc0\xa1b\xc4\x02\xffA\xa1e\xc7\x03\x09abc\xa1f\xca\x7f\xc0\0\0\x01\x93\xc2\xff\x80\xa1t\xd7\x000000\0\0\0\x01";
        let expected = r#"{"7":null,"b":"�A","e":{"type":9,"base64":"YWJj"},"f":"NaN","1":[false,-1,{}],"t":808464432.000000001,"@timestamp":5,"fluent":{"tag":"app"}}"#;
        assert_eq!(made(entry).unwrap(), expected);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for entry in [&b"\x05\xa1x"[..], b"\xa1x\x80", b"\x05\x81\xa1k", b"\xd7\x00AAAA\xff\xff\xff\xff\x80"]
        {
            assert!(made(entry).is_err(), "{}", entry.escape_ascii());
        }
        let deep = [&b"\x05\x81\xa1k"[..], &[0x91; 100], b"\xc0"].concat();
        assert_eq!(made(&deep), Err(NoValue::Broken));
        let deep_key = [&b"\x05\x81"[..], &b"\x81".repeat(100), b"\xc0"].concat();
        assert!(made(&deep_key).is_err());
        let long = [&b"\x05\x81\xa1k\xdb\x00\x00\x20\x00"[..], &[b'x'; 0x2000]].concat();
        assert_eq!(made(&long), Err(NoValue::TooLarge));
    }
}
