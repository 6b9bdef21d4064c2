//! A Forward message: an array that begins with a tag.
//!
//! | after the tag | mode |
//! |---|---|
//! | time, record | Message |
//! | an array of `[time, record]` | Forward |
//! | bytes: `[time, record]` one after another | PackedForward |
//! | the same, packed as the option `compressed` says | CompressedPackedForward |
//!
//! Last may come a map of options. `chunk` names the message, so that it can be acknowledged. A nil in place of a
//! message is a sign of life.
//!
//! Invariant: a message is read as a whole or not at all.

use std::borrow::Cow;

use super::messagepack::{Head, NoValue, Reader};
use super::record::record;
use crate::http::arrival::{Encoding, Unpack, unpack};

/// What a message brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is to be acknowledged by.
    pub chunk: Option<String>,
    /// Its records, one a line, and how many they are.
    ///
    /// # Errors
    /// It holds what are none.
    pub records: Result<(Vec<u8>, u64), NoValue>,
}

/// Reads a message. `most`: bytes that packed entries, and the records of all of them, may become. `None`: a sign
/// of life.
///
/// # Errors
/// It is none.
pub fn message(bytes: &[u8], most: usize) -> Result<Option<Message>, NoValue> {
    read(bytes, most, None)
}

/// Reads a message whose records together may be more than `most`, part after part: each has little more than
/// `part` bytes of records, one a line, and says how many they are. `give` says whether to go on.
///
/// # Errors
/// It holds what are no records, or records without end.
pub fn in_parts(
    bytes: &[u8],
    most: usize,
    part: usize,
    give: &mut dyn FnMut(Vec<u8>, u64) -> bool,
) -> Result<(), NoValue> {
    let mut parts = Parts { part, left: most.saturating_mul(PARTS), give };
    let message = read(bytes, most, Some(&mut parts))?;
    let (lines, events) = message.map_or(Ok((Vec::new(), 0)), |message| message.records)?;
    if events > 0 {
        (parts.give)(lines, events);
    }
    Ok(())
}

fn read(bytes: &[u8], most: usize, parts: Option<&mut Parts<'_>>) -> Result<Option<Message>, NoValue> {
    let mut reader = Reader::new(bytes);
    let items = match reader.head()? {
        Head::Nil => return Ok(None),
        Head::Array(items) => items,
        _ => return Err(NoValue::Broken),
    };
    let (Head::Text(tag) | Head::Bytes(tag)) = reader.head()? else { return Err(NoValue::Broken) };
    let tag = String::from_utf8_lossy(tag).into_owned();
    let mut records = Records { tag, most, lines: Vec::new(), events: 0, parts };
    let entries = reader.clone();
    let head = reader.clone().head()?;
    let several = matches!(head, Head::Array(_) | Head::Text(_) | Head::Bytes(_));
    let taken = if several { 2 } else { 3 };
    for _ in 1..taken {
        reader.skip()?;
    }
    let options = match items.checked_sub(taken) {
        Some(0) => Options::default(),
        Some(1) => Options::of(reader)?,
        _ => return Err(NoValue::Broken),
    };
    let read = match head {
        Head::Array(items) => records.forward(entries, items),
        Head::Text(packed) | Head::Bytes(packed) => records.packed(packed, &options),
        _ => records.entry(&mut entries.clone()),
    };
    // what breaks off inside a whole message does not come later
    let read = read.map_err(|why| if why == NoValue::More { NoValue::Broken } else { why });
    Ok(Some(Message { chunk: options.chunk, records: read.map(|()| (records.lines, records.events)) }))
}

/// What of the options is looked at.
#[derive(Debug, Default)]
struct Options {
    chunk: Option<String>,
    compressed: Option<String>,
}

impl Options {
    fn of(mut reader: Reader<'_>) -> Result<Self, NoValue> {
        let mut options = Self::default();
        let pairs = match reader.head()? {
            Head::Nil => 0,
            Head::Map(pairs) => pairs,
            _ => return Err(NoValue::Broken),
        };
        for _ in 0..pairs {
            let key = Reader::new(reader.skip()?).head()?;
            let value = Reader::new(reader.skip()?).head()?;
            match key {
                Head::Text(b"chunk") => options.chunk = text(value)?,
                Head::Text(b"compressed") => options.compressed = text(value)?,
                _ => {}
            }
        }
        Ok(options)
    }
}

fn text(value: Head<'_>) -> Result<Option<String>, NoValue> {
    match value {
        Head::Nil => Ok(None),
        Head::Text(text) if text.len() <= LONGEST_NAME => {
            let text = std::str::from_utf8(text).map_err(|_| NoValue::Broken)?;
            Ok(Some(text.to_owned()))
        }
        _ => Err(NoValue::Broken),
    }
}

/// Bytes of a chunk's name, which is sent back.
const LONGEST_NAME: usize = 1024;
/// How many times what a message may become at a time it may become in all.
const PARTS: usize = 16;

/// Where records go that are more than should be held.
struct Parts<'a> {
    part: usize,
    /// Bytes that may still come.
    left: usize,
    give: &'a mut dyn FnMut(Vec<u8>, u64) -> bool,
}

struct Records<'a, 'b> {
    tag: String,
    most: usize,
    lines: Vec<u8>,
    events: u64,
    parts: Option<&'a mut Parts<'b>>,
}

impl Records<'_, '_> {
    fn forward(&mut self, mut entries: Reader<'_>, items: u32) -> Result<(), NoValue> {
        entries.head()?;
        (0..items).try_for_each(|_| self.pair(&mut entries))
    }

    fn packed(&mut self, packed: &[u8], options: &Options) -> Result<(), NoValue> {
        let entries = match options.compressed.as_deref() {
            None | Some("text") => Cow::Borrowed(packed),
            Some(name) => {
                let encoding = Encoding::named(name).ok_or(NoValue::Broken)?;
                let unpacked = unpack(encoding, packed, self.most).map_err(|why| match why {
                    Unpack::Damaged => NoValue::Broken,
                    Unpack::TooLarge => NoValue::TooLarge,
                })?;
                Cow::Owned(unpacked)
            }
        };
        let mut entries = Reader::new(&entries);
        while !entries.is_done() {
            self.pair(&mut entries)?;
        }
        Ok(())
    }

    fn pair(&mut self, reader: &mut Reader<'_>) -> Result<(), NoValue> {
        match reader.head()? {
            Head::Array(2) => self.entry(reader),
            _ => Err(NoValue::Broken),
        }
    }

    fn entry(&mut self, reader: &mut Reader<'_>) -> Result<(), NoValue> {
        let before = if self.parts.is_some() { self.lines.len() } else { 0 };
        record(reader, &self.tag, &mut self.lines, before + self.most)?;
        self.lines.push(b'\n');
        self.events += 1;
        match &mut self.parts {
            Some(parts) if self.lines.len() >= parts.part => {
                parts.left = parts.left.checked_sub(self.lines.len()).ok_or(NoValue::TooLarge)?;
                let (lines, events) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.events));
                if (parts.give)(lines, events) { Ok(()) } else { Err(NoValue::TooLarge) }
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ENTRIES: &[u8] = b"\x92\x05\x81\xa1a\x01\x92\x06\x81\xa1a\x02";
    const LINES: &str = "{\"a\":1,\"@timestamp\":5,\"fluent\":{\"tag\":\"t\"}}\n{\"a\":2,\"@timestamp\":6,\"fluent\":{\"tag\":\"t\"}}\n";

    fn read(bytes: &[u8]) -> (Option<String>, Result<(String, u64), NoValue>) {
        let message = message(bytes, 1 << 12).unwrap().unwrap();
        let records = message.records.map(|(lines, events)| (String::from_utf8(lines).unwrap(), events));
        (message.chunk, records)
    }

    fn packed(entries: &[u8], options: &[u8]) -> Vec<u8> {
        [b"\x93\xa1t\xc6", &(entries.len() as u32).to_be_bytes()[..], entries, options].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn all_modes_bring_the_same_records() {
        let forward = [b"\x92\xa1t\x92", ENTRIES].concat();
        let plain = packed(ENTRIES, b"\x80");
        let (first, second) = ENTRIES.split_at(6);
        let members = [gzip(first), gzip(second)].concat();
        let compressed = packed(&members, b"\x82\xa5chunk\xa2c1\xaacompressed\xa4gzip");
        let expected = || Ok((LINES.to_owned(), 2));
        assert_eq!(read(&forward), (None, expected()));
        assert_eq!(read(&plain), (None, expected()));
        assert_eq!(read(&compressed), (Some("c1".to_owned()), expected()));
        let one = b"\x94\xa1t\x05\x81\xa1a\x01\x81\xa5chunk\xa1c";
        let first = LINES.lines().next().unwrap().to_owned() + "\n";
        assert_eq!(read(one), (Some("c".to_owned()), Ok((first, 1))));
    }

    #[test]
    fn many_records_come_in_parts_and_are_the_same() {
        let entries = ENTRIES.repeat(50);
        let bytes = packed(&entries, b"\x80");
        let (mut all, mut most, mut total) = (String::new(), 0, 0);
        in_parts(&bytes, 1000, 200, &mut |lines, events| {
            assert_eq!(lines.split_inclusive(|byte| *byte == b'\n').count() as u64, events);
            most = most.max(lines.len());
            total += events;
            all += &String::from_utf8(lines).unwrap();
            true
        })
        .unwrap();
        assert_eq!((all, total), (LINES.repeat(50), 100));
        assert!(most < 300, "{most}");
        assert_eq!(read(&bytes).1, Err(NoValue::TooLarge), "as a whole they are too many");
        let mut parts = 0;
        let endless = packed(&ENTRIES.repeat(500), b"\x80");
        let end = in_parts(&endless, 1000, 200, &mut |_, _| {
            parts += 1;
            true
        });
        assert_eq!(end, Err(NoValue::TooLarge));
        assert!((10..100).contains(&parts), "{parts}");
        assert!(in_parts(&bytes, 1000, 200, &mut |_, _| false).is_err());
    }

    #[test]
    fn a_message_is_read_as_a_whole_or_not_at_all() {
        let chunk = b"\x81\xa5chunk\xa1c";
        let broken = [ENTRIES, b"\x92\x07"].concat();
        assert_eq!(read(&packed(&broken, chunk)), (Some("c".to_owned()), Err(NoValue::Broken)));
        let unknown = b"\x82\xa5chunk\xa1c\xaacompressed\xa3lzo";
        assert_eq!(read(&packed(ENTRIES, unknown)).1, Err(NoValue::Broken));
        let damaged = b"\x81\xaacompressed\xa4gzip";
        assert_eq!(read(&packed(ENTRIES, damaged)).1, Err(NoValue::Broken));
        let bomb = packed(&gzip(&[0x90; 5000]), damaged);
        assert_eq!(read(&bomb).1, Err(NoValue::TooLarge));
    }

    #[test]
    fn what_is_no_message_is_told_from_a_sign_of_life() {
        assert_eq!(message(b"\xc0", 100), Ok(None));
        for wrong in [
            &b"\x05"[..],
            b"\x90",
            b"\x91\xa1t",
            b"\x92\xa1t\x05",
            b"\x92\x05\x90",
            b"\x94\xa1t\x90\x80\x80",
            b"\x93\xa1t\x90\x05",
            b"\x93\xa1t\x90\x81\xa5chunk\x05",
        ] {
            assert!(message(wrong, 100).is_err(), "{}", wrong.escape_ascii());
        }
    }
}
