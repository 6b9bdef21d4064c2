//! UTF-16 text, as Windows PowerShell writes files, to UTF-8. It is known by its byte order mark.
//! What is no character becomes U+FFFD. Offsets are then those in the UTF-8 text.

use super::compression::Source;
use std::io::{self, Read};

/// Reads UTF-16 as UTF-8.
pub(super) struct Utf16 {
    source: Source,
    big_endian: bool,
    /// Bytes read and not decoded: half a unit, or the first unit of a pair.
    raw: Vec<u8>,
    text: String,
    given: usize,
}

/// Whether a text that starts so is UTF-16, and then whether it is big-endian.
pub(super) fn detect(mark: &[u8]) -> Option<bool> {
    match mark {
        [0xff, 0xfe, ..] => Some(false),
        [0xfe, 0xff, ..] => Some(true),
        _ => None,
    }
}

impl Utf16 {
    /// `source` starts after the byte order mark.
    pub fn new(source: Source, big_endian: bool) -> Self {
        Self { source, big_endian, raw: Vec::new(), text: String::new(), given: 0 }
    }

    fn refill(&mut self) -> io::Result<()> {
        let kept = self.raw.len();
        self.raw.resize(kept + STEP, 0);
        let read = self.source.read(self.raw.get_mut(kept..).unwrap_or_default());
        self.raw.truncate(kept + *read.as_ref().unwrap_or(&0));
        let ended = read? == 0;
        let mut units: Vec<u16> = self.raw.as_chunks::<2>().0.iter().map(|unit| self.unit(*unit)).collect();
        let pair_cut = !ended && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        if pair_cut {
            units.pop();
        }
        self.text.clear();
        self.given = 0;
        let letters = char::decode_utf16(units.iter().copied());
        self.text.extend(letters.map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)));
        self.raw.drain(..units.len() * 2);
        if ended && !self.raw.is_empty() {
            self.raw.clear();
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        Ok(())
    }

    fn unit(&self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }
}

const STEP: usize = 32 << 10;

impl Read for Utf16 {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() {
            let before = self.raw.len();
            self.refill()?;
            // Nothing came, and nothing was left to decode.
            if self.text.is_empty() && self.raw.len() == before {
                return Ok(0);
            }
        }
        let mut rest = self.text.as_bytes().get(self.given..).unwrap_or_default();
        let read = rest.read(out)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytewise(Vec<u8>);

    impl Read for Bytewise {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1);
            out[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    #[test]
    fn both_byte_orders_pairs_and_halves_are_read_however_they_arrive() {
        let text = "a é 😀\r\n".repeat(3);
        for big_endian in [false, true] {
            let to_bytes = if big_endian { u16::to_be_bytes } else { u16::to_le_bytes };
            let mut bytes: Vec<u8> = text.encode_utf16().flat_map(to_bytes).collect();
            bytes.push(b'x');
            let sources: [Source; 2] = [Box::new(Bytewise(bytes.clone())), Box::new(io::Cursor::new(bytes))];
            for source in sources {
                let mut out = String::new();
                Utf16::new(source, big_endian).read_to_string(&mut out).unwrap();
                assert_eq!(out, text.clone() + "\u{fffd}");
            }
        }
    }
}
