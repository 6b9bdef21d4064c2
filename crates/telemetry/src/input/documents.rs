//! Where the objects of a JSON text are: one after another, in arrays, or in documents that wrap the array
//! (`{"Records":[...]}` of AWS CloudTrail, `{"records":[...]}` and `{"value":[...]}` of Azure,
//! `{"resourceLogs":[...]}` of OTLP). Between objects, white space, commas and RS (RFC 7464) are passed over.
//!
//! Only brackets and strings are looked at. A newline inside of a string is no JSON: there, and where
//! brackets do not match or an object is too long, the next object is searched for at the start of a line
//! with the indentation of the one before, so that one damaged object does not take the others with it.

use super::frame::{Frame, Framer};
use crate::Error;
use crate::json::MAX_DEPTH;

/// Finds the objects of a JSON text.
#[derive(Debug, Default)]
pub(super) struct Documents {
    place: Place,
    /// What stands before the first byte of objects in their line.
    indent: Vec<u8>,
    /// An object counts as the OTLP log records in it.
    otlp: bool,
}

/// Where in the text the next frame starts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    /// In an array that is a document of its own.
    Array,
    /// In the array of a wrapper.
    Wrapper,
    /// After the array of a wrapper.
    WrapperEnd,
}

impl Documents {
    /// Finds the elements of `resourceLogs`, each counted as the log records in it.
    pub fn otlp() -> Self {
        Self { otlp: true, ..Self::default() }
    }
}

impl Framer for Documents {
    fn frame(&mut self, bytes: &[u8], all: bool) -> Frame {
        let start = bytes.iter().position(|b| !is_space(*b)).unwrap_or(bytes.len());
        let Some(first) = bytes.get(start) else {
            return if all || start > LONGEST_SPACE { Frame::Skip(start) } else { Frame::More { start } };
        };
        match (self.place, first) {
            (Place::WrapperEnd, _) => self.wrapper_end(bytes, start, all),
            (Place::Outside, b'[') => self.enter(Place::Array, start + 1),
            (Place::Array, b']') => self.enter(Place::Outside, start + 1),
            (Place::Wrapper, b']') => self.enter(Place::WrapperEnd, start + 1),
            (Place::Outside, b'{') => match wrapped(bytes, start) {
                Wrapped::Yes(at) => self.enter(Place::Wrapper, at),
                Wrapped::Unknown if !all => Frame::More { start },
                _ => self.object(bytes, start, all),
            },
            (_, b'{') => self.object(bytes, start, all),
            _ => stray(bytes, start, all),
        }
    }

    fn resume(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let start = [b"\n", self.indent.as_slice(), b"{"].concat();
        let at = from + memchr::memmem::find(bytes.get(from..)?, &start)?;
        if self.place == Place::WrapperEnd {
            self.place = Place::Wrapper;
        }
        Some(at + 1)
    }

    fn missing(&self) -> Option<Error> {
        (self.place != Place::Outside).then_some(Error::Cut { before: "the end of the array of records" })
    }
}

impl Documents {
    fn enter(&mut self, place: Place, next: usize) -> Frame {
        self.place = place;
        Frame::Skip(next)
    }

    fn object(&mut self, bytes: &[u8], start: usize, all: bool) -> Frame {
        match object_end(bytes, start) {
            Extent::End { end, deep, inner } => {
                self.note_indent(bytes, start);
                if deep {
                    return Frame::Broken { error: Error::TooDeep { limit: MAX_DEPTH }, next: end };
                }
                Frame::Record { start, end, count: if self.otlp { inner } else { 1 } }
            }
            Extent::Open if !all => Frame::More { start },
            Extent::Open => {
                Frame::Lost { start, looked: bytes.len() - start, what: "the object does not end" }
            }
            Extent::Wrong { at, what } => Frame::Lost { start, looked: at - start, what },
        }
    }

    fn note_indent(&mut self, bytes: &[u8], start: usize) {
        let before = bytes.get(..start).unwrap_or_default();
        if let Some(newline) = memchr::memrchr(b'\n', before) {
            let indent = before.get(newline + 1..).unwrap_or_default();
            if indent.iter().all(|b| matches!(b, b' ' | b'\t')) && indent.len() <= LONGEST_SPACE {
                self.indent = indent.to_vec();
            }
        }
    }

    /// The rest of a wrapper after its array, up to its `}`.
    fn wrapper_end(&mut self, bytes: &[u8], start: usize, all: bool) -> Frame {
        match close(bytes, start) {
            Extent::End { end, .. } => self.enter(Place::Outside, end),
            Extent::Open if !all => Frame::More { start },
            _ => {
                self.place = Place::Outside;
                let what = "the document around the records does not end";
                Frame::Lost { start, looked: bytes.len() - start, what }
            }
        }
    }
}

const LONGEST_SPACE: usize = 4096;

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e)
}

/// Something that is no object where one should be: passed over up to the end of the value or line.
fn stray(bytes: &[u8], start: usize, all: bool) -> Frame {
    let rest = bytes.get(start..).unwrap_or_default();
    let length = match rest.first() {
        Some(b'"') => string_end(rest, 1).ok(),
        Some(b'[') => match object_end(rest, 0) {
            Extent::End { end, .. } => Some(end),
            _ => None,
        },
        _ => rest.iter().skip(1).position(|b| matches!(b, b',' | b']' | b'\n' | b'{')).map(|at| at + 1),
    };
    match length {
        None if !all => Frame::More { start },
        length => {
            let next = start + length.unwrap_or(rest.len()).max(1);
            Frame::Broken { error: Error::NotAnObject, next }
        }
    }
}

/// Whether the object at `start` wraps an array of records, and where that array's inside starts.
pub(super) fn wrapped(bytes: &[u8], start: usize) -> Wrapped {
    let mut at = start + 1;
    loop {
        let Some(quote) = next_solid(bytes, at) else { return Wrapped::Unknown };
        if bytes.get(quote) != Some(&b'"') {
            return Wrapped::No;
        }
        let Ok(end) = string_end(bytes, quote + 1) else { return open_or_no(bytes, quote) };
        let key = bytes.get(quote + 1..end - 1).unwrap_or_default();
        let Some(colon) = next_solid(bytes, end) else { return Wrapped::Unknown };
        let Some(value) = next_solid(bytes, colon + 1) else { return Wrapped::Unknown };
        match bytes.get(value) {
            Some(b'[') if WRAPPERS.contains(&key) => {
                let Some(inside) = next_solid(bytes, value + 1) else { return Wrapped::Unknown };
                let holds = matches!(bytes.get(inside), Some(b'{' | b']'));
                return if holds { Wrapped::Yes(value + 1) } else { Wrapped::No };
            }
            // Microsoft Graph writes its own keys before the array.
            Some(b'"') if key.starts_with(b"@odata.") => {
                let Ok(end) = string_end(bytes, value + 1) else { return open_or_no(bytes, value) };
                let Some(comma) = next_solid(bytes, end) else { return Wrapped::Unknown };
                if bytes.get(comma) != Some(&b',') {
                    return Wrapped::No;
                }
                at = comma + 1;
            }
            _ => return Wrapped::No,
        }
    }
}

/// Keys whose array holds the records.
const WRAPPERS: [&[u8]; 4] = [b"Records", b"records", b"value", b"resourceLogs"];

/// Whether an object is a wrapper.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrapped {
    /// The inside of its array starts here.
    Yes(usize),
    No,
    /// Too few bytes to tell.
    Unknown,
}

fn open_or_no(bytes: &[u8], quote: usize) -> Wrapped {
    if bytes.len() - quote < LONGEST_SPACE { Wrapped::Unknown } else { Wrapped::No }
}

fn next_solid(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).map(|at| from + at)
}

/// Where something that starts with a bracket ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// One past its last byte; whether it nests too deep; OTLP log records in it.
    End { end: usize, deep: bool, inner: u64 },
    /// Not in these bytes.
    Open,
    /// It cannot end well, as is seen at this place.
    Wrong { at: usize, what: &'static str },
}

/// The extent of the object or array at `start`.
pub(super) fn object_end(bytes: &[u8], start: usize) -> Extent {
    Nesting::default().walk(bytes, start)
}

/// The extent from inside of an object, before one of its keys or commas, to its end.
fn close(bytes: &[u8], start: usize) -> Extent {
    let mut inside = Nesting::default();
    inside.open(true);
    inside.walk(bytes, start)
}

/// The open brackets: one bit each, set for an object.
#[derive(Default)]
struct Nesting {
    depth: usize,
    kinds: u128,
    deep: bool,
    inner: u64,
}

impl Nesting {
    fn walk(mut self, bytes: &[u8], start: usize) -> Extent {
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => match string_end(bytes, at) {
                    Ok(end) => at = end,
                    Err(extent) => return extent,
                },
                b'{' | b'[' => self.open(byte == b'{'),
                b'}' | b']' => {
                    if !self.shut(byte == b'}') {
                        return Extent::Wrong { at, what: "a bracket closes what another kind opened" };
                    }
                    if self.depth == 0 {
                        return Extent::End { end: at, deep: self.deep, inner: self.inner };
                    }
                }
                _ => {}
            }
        }
        Extent::Open
    }

    fn open(&mut self, object: bool) {
        self.kinds = self.kinds << 1 | u128::from(object);
        self.depth += 1;
        self.deep |= self.depth > MAX_DEPTH;
        // {"scopeLogs":[{"logRecords":[{: an object in an array in an object in an array in an object.
        self.inner += u64::from(self.depth == 5 && self.kinds & 0b11111 == 0b10101);
    }

    fn shut(&mut self, object: bool) -> bool {
        // Deeper than the bits reach, kinds are not known.
        let fits = self.deep || (self.kinds & 1 == 1) == object;
        self.kinds >>= 1;
        self.depth = self.depth.saturating_sub(1);
        fits
    }
}

/// One past the quote that ends the string whose inside starts at `from`.
fn string_end(bytes: &[u8], mut from: usize) -> Result<usize, Extent> {
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        let at = from + memchr::memchr3(b'"', b'\\', b'\n', rest).ok_or(Extent::Open)?;
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => from = at + 2,
            _ => return Err(Extent::Wrong { at, what: "a string does not end in its line" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_mind_strings_and_kinds() {
        let end = |text: &str| object_end(text.as_bytes(), 0);
        assert_eq!(end(r#"{"a":"}\"","b":[{}]} x"#), Extent::End { end: 20, deep: false, inner: 0 });
        assert_eq!(end(r#"{"a":"#), Extent::Open);
        assert!(matches!(end(r#"{"a":]"#), Extent::Wrong { .. }));
        assert!(matches!(end("{\"a\n"), Extent::Wrong { .. }));
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(end(&deep), Extent::End { end: 200_000, deep: true, inner: 0 });
    }

    #[test]
    fn otlp_log_records_are_counted_and_nothing_else() {
        let text = r#"{"resource":{"attributes":[{"key":"a","value":{"arrayValue":{"values":[{},{}]}}}]},
            "scopeLogs":[{"scope":{"attributes":[{}]},"logRecords":[{"attributes":[{}]},{}]},{"logRecords":[{}]}]}"#;
        assert!(matches!(object_end(text.as_bytes(), 0), Extent::End { inner: 3, .. }));
    }

    #[test]
    fn wrappers_are_known_by_their_first_key() {
        let yes = |text: &str| matches!(wrapped(text.as_bytes(), 0), Wrapped::Yes(_));
        assert!(yes(r#"{"Records":[{"a":1}"#));
        assert!(yes(r#"{ "@odata.context": "x", "@odata.nextLink": "y", "value" : [ ] }"#));
        assert!(!yes(r#"{"value":[1,2]}"#));
        assert!(!yes(r#"{"a":1,"Records":[{}]}"#));
        assert_eq!(wrapped(br#"{"Rec"#, 0), Wrapped::Unknown);
    }
}
