//! The head of a segment: who it is, and how far the segment before it is to be believed.
//!
//! What comes after `before.end` in the earlier segment was refused to its senders, or never answered: it may
//! have reached the disk, and still counts as never written.

use std::io;

use super::Numbers;
use crate::disk::{ReadAt, fill};

/// Bytes of a segment before its first frame: the head, twice.
pub(crate) const HEAD_BYTES: usize = 2 * COPY;

const COPY: usize = 68;
const MAGIC: &[u8; 8] = b"WARDSEG\n";
const VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    /// Number of the first batch, and name of the file.
    pub first: u64,
    /// Stands in each of its frames.
    pub nonce: u64,
    /// The segment before it, whether or not that is still there.
    pub before: Option<Before>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    /// Number of its first batch.
    pub first: u64,
    /// Number of its last batch.
    pub last: u64,
    /// Bytes of it that count.
    pub end: u64,
    /// Latest time of receipt of all batches up to here, microseconds.
    pub latest: i64,
}

/// What stands at the start of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FoundHead {
    /// A head. `whole`: both copies of it are good.
    Head { head: SegmentHead, whole: bool },
    /// A head of a later version than is known here.
    Version(u32),
    /// Nothing that can be read.
    Damaged,
}

impl SegmentHead {
    pub fn encode(&self) -> Vec<u8> {
        let mut copy = Vec::with_capacity(HEAD_BYTES);
        copy.extend_from_slice(MAGIC);
        copy.extend_from_slice(&VERSION.to_le_bytes());
        copy.extend_from_slice(&u32::from(self.before.is_some()).to_le_bytes());
        copy.extend_from_slice(&self.first.to_le_bytes());
        copy.extend_from_slice(&self.nonce.to_le_bytes());
        let before = self.before.unwrap_or(Before { first: 0, last: 0, end: 0, latest: 0 });
        for number in [before.first, before.last, before.end] {
            copy.extend_from_slice(&number.to_le_bytes());
        }
        copy.extend_from_slice(&before.latest.to_le_bytes());
        copy.extend_from_slice(&crc32fast::hash(&copy).to_le_bytes());
        copy.repeat(2)
    }

    /// Reads the head of a file.
    pub fn read(file: &(impl ReadAt + ?Sized)) -> io::Result<FoundHead> {
        let (mut first, mut second) = ([0; COPY], [0; COPY]);
        let (one, two) = (fill(file, 0, &mut first)?, fill(file, COPY as u64, &mut second)?);
        let first = if one { decode(&first) } else { FoundHead::Damaged };
        let second = if two { decode(&second) } else { FoundHead::Damaged };
        Ok(match (first, second) {
            (FoundHead::Head { head, .. }, second) => {
                FoundHead::Head { head, whole: second == FoundHead::Head { head, whole: true } }
            }
            (FoundHead::Damaged, FoundHead::Head { head, .. }) => FoundHead::Head { head, whole: false },
            (FoundHead::Damaged, other) => other,
            (version, _) => version,
        })
    }
}

fn decode(copy: &[u8; COPY]) -> FoundHead {
    read_copy(copy).unwrap_or(FoundHead::Damaged)
}

fn read_copy(copy: &[u8; COPY]) -> Option<FoundHead> {
    let (body, crc) = copy.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mut numbers = Numbers(body);
    if numbers.take::<8>()? != *MAGIC {
        return None;
    }
    let version = numbers.u32()?;
    if version != VERSION {
        return Some(FoundHead::Version(version));
    }
    let follows = numbers.u32()?;
    let (first, nonce) = (numbers.u64()?, numbers.u64()?);
    let before =
        Before { first: numbers.u64()?, last: numbers.u64()?, end: numbers.u64()?, latest: numbers.i64()? };
    let head = SegmentHead { first, nonce, before: (follows == 1).then_some(before) };
    Some(FoundHead::Head { head, whole: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> SegmentHead {
        let before = Before { first: 3, last: 8, end: 4711, latest: -5 };
        SegmentHead { first: 9, nonce: 0xfeed, before: Some(before) }
    }

    #[test]
    fn a_head_survives_damage_to_either_copy_and_tells_of_it() {
        let bytes = head().encode();
        assert_eq!(bytes.len(), HEAD_BYTES);
        let read = |bytes: &[u8]| SegmentHead::read(bytes).unwrap();
        assert_eq!(read(&bytes), FoundHead::Head { head: head(), whole: true });
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert_eq!(read(&damaged), FoundHead::Head { head: head(), whole: false }, "byte {at}");
        }
        for len in 0..bytes.len() {
            let expected = match len >= COPY {
                true => FoundHead::Head { head: head(), whole: false },
                false => FoundHead::Damaged,
            };
            assert_eq!(read(&bytes[..len]), expected, "{len} bytes");
        }
    }

    #[test]
    fn a_later_version_is_not_taken_for_damage() {
        let mut copy = head().encode()[..COPY - 4].to_vec();
        copy[8] = 2;
        copy.extend_from_slice(&crc32fast::hash(&copy).to_le_bytes());
        assert_eq!(SegmentHead::read(&copy.repeat(2)[..]).unwrap(), FoundHead::Version(2));
    }

    #[test]
    fn the_first_segment_has_none_before_it() {
        let first = SegmentHead { before: None, ..head() };
        let read = SegmentHead::read(&first.encode()[..]).unwrap();
        assert_eq!(read, FoundHead::Head { head: first, whole: true });
    }
}
