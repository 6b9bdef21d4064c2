//! The journal's export format (systemd, "Journal Export Formats") to records as `journalctl -o json` writes
//! them.
//!
//! An entry is fields, then an empty line. A field is `NAME=text` on a line; or `NAME` on a line, eight bytes
//! of length (little endian), that many bytes, and a newline. Text becomes a JSON string, bytes that are not
//! UTF-8 an array of numbers, and a field that comes more than once an array of its values.

use std::collections::HashMap;

use ward_telemetry::input::Format;

use crate::members::{Object, string};
use crate::pipe::Filling;

/// Entries as lines of JSON, being filled.
#[derive(Debug, Default)]
pub struct Lines {
    payload: Vec<u8>,
    events: u64,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exported {
    /// An entry (or nothing of interest), which was added.
    Entry {
        /// Where to go on.
        next: usize,
    },
    /// More bytes are needed: it ends with a newline, and not before there are so many bytes. At the end:
    /// nothing is left.
    More {
        /// So many.
        needs: usize,
    },
    /// It is not in export format.
    Broken,
}

/// Takes the entry that `bytes` begin with. `ended`: no more will come. `longest`: the longest field.
pub fn entry(bytes: &[u8], ended: bool, longest: usize, lines: &mut Lines) -> Exported {
    let blank = bytes.iter().take_while(|byte| **byte == b'\n').count();
    if blank > 0 {
        return Exported::Entry { next: blank };
    }
    let mut fields: Vec<(&str, &[u8])> = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.first() == Some(&b'\n') || (rest.is_empty() && ended) {
            if !fields.is_empty() {
                lines.add(&fields);
            }
            let next = (at + 1).min(bytes.len());
            return if next == 0 { Exported::More { needs: 1 } } else { Exported::Entry { next } };
        }
        match field(rest, longest) {
            Some(Field::Whole { name, value, next }) if fields.len() < MOST_FIELDS => {
                fields.push((name, value));
                at += next;
            }
            Some(Field::Cut { needs }) if !ended => return Exported::More { needs: at + needs },
            _ => return Exported::Broken,
        }
    }
}

enum Field<'a> {
    Whole { name: &'a str, value: &'a [u8], next: usize },
    Cut { needs: usize },
}

/// The field that `bytes` begin with. `None`: it is none.
fn field(bytes: &[u8], longest: usize) -> Option<Field<'_>> {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        // The same limits as for a line that is there as a whole.
        let may_go_on = match memchr::memchr(b'=', bytes) {
            Some(equals) => bytes.len() - equals - 1 <= longest,
            None => bytes.len() <= LONGEST_NAME,
        };
        return may_go_on.then_some(Field::Cut { needs: bytes.len() + 1 });
    };
    let line = bytes.get(..end)?;
    if let Some(equals) = memchr::memchr(b'=', line) {
        let (name, value) = (name(line.get(..equals)?)?, line.get(equals + 1..)?);
        return (value.len() <= longest).then_some(Field::Whole { name, value, next: end + 1 });
    }
    let name = name(line)?;
    let Some(length) = bytes.get(end + 1..end + 9) else { return Some(Field::Cut { needs: end + 10 }) };
    let length = u64::from_le_bytes(length.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|length| *length <= longest)?;
    let start = end + 9;
    match bytes.get(start + length) {
        None => Some(Field::Cut { needs: start + length + 1 }),
        Some(b'\n') => {
            Some(Field::Whole { name, value: bytes.get(start..start + length)?, next: start + length + 1 })
        }
        Some(_) => None,
    }
}

const LONGEST_NAME: usize = 256;
/// Fields of an entry: journald takes 1,024 of a client (`ENTRY_FIELD_COUNT_MAX`) and adds its own to them.
const MOST_FIELDS: usize = 1024 + 128;

/// Names are capital letters, digits and underscores; journald takes at most 64.
fn name(bytes: &[u8]) -> Option<&str> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if bytes.is_empty() || bytes.len() > LONGEST_NAME || !bytes.iter().all(fits) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

impl Lines {
    /// The lines so far.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn add(&mut self, fields: &[(&str, &[u8])]) {
        let mut object = Object::begin(&mut self.payload);
        let mut values: HashMap<&str, Vec<&[u8]>> = HashMap::with_capacity(fields.len());
        for (name, value) in fields {
            values.entry(name).or_default().push(value);
        }
        for (name, _) in fields {
            // Where it comes first it has all its values.
            match values.remove(name).as_deref() {
                None => {}
                Some([value]) => written(value, object.key(name)),
                Some(values) => list(values.iter().copied(), object.key(name), written),
            }
        }
        object.end();
        self.payload.push(b'\n');
        self.events += 1;
    }
}

fn written(value: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(value) {
        Ok(text) => string(text, out),
        Err(_) => list(value.iter(), out, |byte, out| out.extend_from_slice(byte.to_string().as_bytes())),
    }
}

fn list<T>(values: impl Iterator<Item = T>, out: &mut Vec<u8>, write: impl Fn(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (nth, value) in values.enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        write(value, out);
    }
    out.push(b']');
}

impl Filling for Lines {
    fn len(&self) -> usize {
        self.payload.len()
    }

    fn is_empty(&self) -> bool {
        self.events == 0
    }

    fn take(&mut self) -> (&'static str, Vec<u8>, u64) {
        (Format::JsonLines.as_str(), std::mem::take(&mut self.payload), std::mem::take(&mut self.events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &[u8] = b"__CURSOR=s=1\nMESSAGE\n\x04\0\0\0\0\0\0\0a\nb=\nPRIORITY=4\nX=1\nX=2\n\n\nMESSAGE=caf\xc3\xa9\n_BIN\n\x02\0\0\0\0\0\0\0\xff\n\n\n";

    fn read(stream: &[u8], portion: usize, longest: usize) -> (String, bool) {
        let (mut lines, mut held, mut broken) = (Lines::default(), Vec::new(), false);
        let mut portions = stream.chunks(portion.max(1));
        loop {
            let more = portions.next();
            held.extend_from_slice(more.unwrap_or_default());
            loop {
                match entry(&held, more.is_none(), longest, &mut lines) {
                    Exported::Entry { next } => drop(held.drain(..next)),
                    Exported::More { .. } => break,
                    Exported::Broken => {
                        broken = true;
                        break;
                    }
                }
            }
            if more.is_none() || broken {
                return (String::from_utf8(lines.take().1).unwrap(), broken);
            }
        }
    }

    #[test]
    fn entries_become_what_journalctl_writes() {
        let expected = "{\"__CURSOR\":\"s=1\",\"MESSAGE\":\"a\\nb=\",\"PRIORITY\":\"4\",\"X\":[\"1\",\"2\"]}\n\
                        {\"MESSAGE\":\"caf\u{e9}\",\"_BIN\":[255,10]}\n";
        assert_eq!(read(STREAM, usize::MAX, 100), (expected.to_owned(), false));
        assert_eq!(read(b"A=1\n\nB=2\n", 1, 100), ("{\"A\":\"1\"}\n{\"B\":\"2\"}\n".to_owned(), false));
    }

    #[test]
    fn what_is_no_export_is_told_and_what_came_before_is_kept() {
        for bad in [
            &b"no name here\n"[..],
            b"=x\n",
            b"A\n\x01\0\0\0\0\0\0\0xyz",
            b"A\n\xff\xff\xff\xff\xff\xff\xff\xff",
            b"B=cut",
        ] {
            let stream = [b"A=1\n\n", bad].concat();
            assert_eq!(read(&stream, 3, 100), ("{\"A\":\"1\"}\n".to_owned(), true), "{}", bad.escape_ascii());
        }
        assert!(read(b"A=12345678\n\n", 100, 4).1, "longer than the longest field");
        assert!(read(&b"x".repeat(300), 10, 100).1, "a name that never ends");
        let long = [b"N".repeat(90), b"=".to_vec(), b"v".repeat(90), b"\n\n".to_vec()].concat();
        assert_eq!(read(&long, 5, 100), read(&long, usize::MAX, 100), "the name does not count");
        assert!(!read(&long, 5, 100).1);
    }

    #[test]
    fn an_entry_has_no_more_fields_than_journald_writes() {
        let stream = |fields: usize| [b"A=1\n".repeat(fields), b"\n".to_vec()].concat();
        assert!(!read(&stream(MOST_FIELDS), usize::MAX, 100).1);
        assert!(read(&stream(MOST_FIELDS + 1), usize::MAX, 100).1);
    }

    #[test]
    fn no_entry_ends_before_what_it_says_it_needs() {
        for whole in [&STREAM[..STREAM.len() - 1], b"A=1\n\n", b"A\n\x03\0\0\0\0\0\0\0x\ny\n\n"] {
            for cut in 0..whole.len() {
                let mut lines = Lines::default();
                if let Exported::More { needs } = entry(&whole[..cut], false, 100, &mut lines) {
                    assert!(needs > cut, "{cut}");
                    for short in cut..needs.min(whole.len()) {
                        let asked = entry(&whole[..short], false, 100, &mut lines);
                        assert!(matches!(asked, Exported::More { .. }), "{cut} {short}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn entries_do_not_depend_on_how_the_bytes_arrive(portion in 1_usize..40, cut in 0..STREAM.len()) {
            let stream = &STREAM[..cut];
            prop_assert_eq!(read(stream, portion, 100), read(stream, usize::MAX, 100));
        }
    }
}
