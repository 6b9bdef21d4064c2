//! Lumberjack frames: a version, a kind, then what the kind says; all numbers big endian.
//!
//! | kind | then |
//! |---|---|
//! | `W` window | number of events |
//! | `J` event (version 2) | sequence number, length, JSON |
//! | `D` event (version 1) | sequence number, number of pairs, each: length, key, length, value |
//! | `C` packed | length, zlib of further frames |

use std::io::Read;

use crate::members::{Object, one_line};

/// What bytes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// A window of so many events is announced.
    Window(u32),
    /// An event, which was added to the records; its sequence number.
    Event(u32),
    /// Further frames, packed, in these places.
    Packed {
        /// Where they start.
        start: usize,
        /// Where they end.
        end: usize,
    },
}

/// Why there is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFrame {
    /// More bytes are needed.
    More,
    /// It is none.
    Broken,
    /// It is longer than the limit.
    TooLarge,
}

/// The longest frame and the most bytes packed frames may become.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Bytes of one event.
    pub event: usize,
    /// Bytes of a packed frame.
    pub packed: usize,
    /// Bytes that packed frames may become.
    pub unpacked: usize,
}

/// How far a frame of pairs has been followed whose end is still to come, so that its beginning is not read
/// again with each byte.
#[derive(Debug, Clone, Copy, Default)]
pub struct Followed {
    at: usize,
    /// Keys and values that are still to come.
    left: u64,
}

/// The frame that `bytes` begin with and where the next one starts; an event is added to `records` as a
/// line. `followed` is of the same frame with fewer bytes, or new.
///
/// # Errors
/// There is none.
pub fn frame(
    bytes: &[u8],
    sizes: Sizes,
    records: &mut Vec<u8>,
    followed: &mut Followed,
) -> Result<(Frame, usize), NoFrame> {
    let found = begun(bytes, sizes, records, followed);
    if found != Err(NoFrame::More) {
        *followed = Followed::default();
    }
    found
}

fn begun(
    bytes: &[u8],
    sizes: Sizes,
    records: &mut Vec<u8>,
    followed: &mut Followed,
) -> Result<(Frame, usize), NoFrame> {
    let mut rest = Rest { bytes, at: 0 };
    let version = rest.byte()?;
    if !matches!(version, b'1' | b'2') {
        return Err(NoFrame::Broken);
    }
    let frame = match (rest.byte()?, version) {
        (b'W', _) => Frame::Window(rest.number()?),
        (b'J', b'2') => {
            let sequence = rest.number()?;
            event(rest.counted(sizes.event)?, records)?;
            Frame::Event(sequence)
        }
        (b'D', _) => {
            let (sequence, pairs) = (rest.number()?, rest.number()?);
            follow(bytes, rest.at, pairs, sizes.event, followed)?;
            data(&mut rest, pairs, sizes, records)?;
            Frame::Event(sequence)
        }
        (b'C', _) => {
            let length = rest.counted(sizes.packed)?.len();
            Frame::Packed { start: rest.at - length, end: rest.at }
        }
        _ => return Err(NoFrame::Broken),
    };
    Ok((frame, rest.at))
}

/// Unpacks the inside of a packed frame.
///
/// # Errors
/// It is damaged, or more than the limit.
pub fn unpack(packed: &[u8], sizes: Sizes) -> Result<Vec<u8>, NoFrame> {
    let mut out = Vec::with_capacity(packed.len().saturating_mul(4).min(sizes.unpacked).min(4 << 20));
    let most = sizes.unpacked as u64 + 1;
    flate2::bufread::ZlibDecoder::new(packed)
        .take(most)
        .read_to_end(&mut out)
        .map_err(|_| NoFrame::Broken)?;
    if out.len() > sizes.unpacked { Err(NoFrame::TooLarge) } else { Ok(out) }
}

/// Adds a JSON event. What is no JSON is for the decoder to tell; here it must only stay on its line.
fn event(json: &[u8], records: &mut Vec<u8>) -> Result<(), NoFrame> {
    one_line(json.trim_ascii(), records);
    records.push(b'\n');
    Ok(())
}

/// Goes on to the end of the pairs that begin at `from`, without reading them.
fn follow(
    bytes: &[u8],
    from: usize,
    pairs: u32,
    longest: usize,
    followed: &mut Followed,
) -> Result<(), NoFrame> {
    if followed.at == 0 {
        *followed = Followed { at: from, left: u64::from(pairs) * 2 };
    }
    let mut rest = Rest { bytes, at: followed.at };
    while followed.left > 0 {
        rest.counted(longest)?;
        if rest.at - from > longest {
            return Err(NoFrame::TooLarge);
        }
        *followed = Followed { at: rest.at, left: followed.left - 1 };
    }
    Ok(())
}

fn data(rest: &mut Rest<'_>, pairs: u32, sizes: Sizes, records: &mut Vec<u8>) -> Result<(), NoFrame> {
    let start = records.len();
    let mut object = Object::begin(records);
    let result = (0..pairs).try_for_each(|_| {
        let key = String::from_utf8_lossy(rest.counted(sizes.event)?);
        let value = String::from_utf8_lossy(rest.counted(sizes.event)?);
        object.text(if key == "line" { "message" } else { &key }, &value);
        Ok(())
    });
    object.end();
    records.push(b'\n');
    // What text has to be escaped is longer than it came.
    let result =
        result.and(if records.len() - start > sizes.unpacked { Err(NoFrame::TooLarge) } else { Ok(()) });
    if result.is_err() {
        records.truncate(start);
    }
    result
}

struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Result<u8, NoFrame> {
        let byte = *self.bytes.get(self.at).ok_or(NoFrame::More)?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u32, NoFrame> {
        let bytes = self.bytes.get(self.at..self.at + 4).ok_or(NoFrame::More)?;
        self.at += 4;
        Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    fn counted(&mut self, longest: usize) -> Result<&'a [u8], NoFrame> {
        let length = self.number()? as usize;
        if length > longest {
            return Err(NoFrame::TooLarge);
        }
        let bytes = self.bytes.get(self.at..self.at + length).ok_or(NoFrame::More)?;
        self.at += length;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const SIZES: Sizes = Sizes { event: 100, packed: 100, unpacked: 1000 };

    fn read(bytes: &[u8]) -> (Result<(Frame, usize), NoFrame>, String) {
        let mut records = Vec::new();
        let frame = frame(bytes, SIZES, &mut records, &mut Followed::default());
        (frame, String::from_utf8(records).unwrap())
    }

    #[test]
    fn each_kind_of_frame_is_read_when_it_is_whole() {
        let json = b"2J\0\0\0\x07\0\0\0\x09{\"a\":\n1 }";
        let data = b"1D\0\0\0\x01\0\0\0\x02\0\0\0\x04line\0\0\0\x02hi\0\0\0\x01k\0\0\0\x01\xff";
        for (bytes, expected, record) in [
            (&b"2W\0\0\x01\0"[..], Frame::Window(256), ""),
            (json, Frame::Event(7), "{\"a\":1 }\n"),
            (data, Frame::Event(1), "{\"message\":\"hi\",\"k\":\"\u{fffd}\"}\n"),
            (b"2C\0\0\0\x03xyz", Frame::Packed { start: 6, end: 9 }, ""),
        ] {
            let (frame, said) = read(&[bytes, b"2W"].concat());
            assert_eq!((frame, said.as_str()), (Ok((expected, bytes.len())), record));
            for cut in 0..bytes.len() {
                assert_eq!(read(&bytes[..cut]), (Err(NoFrame::More), String::new()), "{cut}");
            }
        }
    }

    #[test]
    fn a_frame_of_pairs_is_the_same_however_its_bytes_come() {
        let data = b"1D\0\0\0\x01\0\0\0\x03\0\0\0\x04line\0\0\0\x02hi\0\0\0\x01k\0\0\0\x01v\0\0\0\0\0\0\0\0";
        let (mut records, mut followed, mut at) = (Vec::new(), Followed::default(), 0);
        for come in 0..data.len() {
            assert_eq!(frame(&data[..come], SIZES, &mut records, &mut followed), Err(NoFrame::More));
            assert!(followed.at >= at, "it went back");
            at = followed.at;
        }
        assert!(at > 30, "{at}");
        let found = frame(data, SIZES, &mut records, &mut followed);
        assert_eq!((found, followed.at), (Ok((Frame::Event(1), data.len())), 0));
        assert_eq!(String::from_utf8(records).unwrap(), read(data).1);
    }

    #[test]
    fn what_is_no_frame_or_too_long_is_told_before_it_is_held() {
        for (bytes, expected) in [
            (&b"3W\0\0\0\x01"[..], NoFrame::Broken),
            (b"GET / HTTP/1.1", NoFrame::Broken),
            (b"2X", NoFrame::Broken),
            (b"1J", NoFrame::Broken),
            (b"2J\0\0\0\x01\0\0\0\x65", NoFrame::TooLarge),
            (b"2C\xff\xff\xff\xff", NoFrame::TooLarge),
        ] {
            assert_eq!(read(bytes).0, Err(expected), "{}", bytes.escape_ascii());
        }
        let pair = b"\0\0\0\x28kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\0\0\0\0";
        let many = [&b"2D\0\0\0\x01\0\0\0\x09"[..], &pair.repeat(9)].concat();
        assert_eq!(read(&many), (Err(NoFrame::TooLarge), String::new()));
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&[b'x'; 1001]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(unpack(&packed, SIZES), Err(NoFrame::TooLarge));
        assert_eq!(unpack(&packed, Sizes { unpacked: 1001, ..SIZES }).unwrap().len(), 1001);
        assert_eq!(unpack(b"xyz", SIZES), Err(NoFrame::Broken));
    }
}
