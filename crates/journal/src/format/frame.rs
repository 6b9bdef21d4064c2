//! The head of a frame, and where the next one is when a frame is damaged.

use std::io;

use super::{MAX_FRAME_BYTES, Numbers};
use crate::disk::{ReadAt, fill};

/// Bytes of a frame before its keys and batches.
pub(crate) const FRAME_HEAD_BYTES: usize = 68;

/// Bytes of one key of a frame: which batch, when received, the key.
pub(crate) const KEY_BYTES: usize = 4 + 8 + 32;

const MAGIC: &[u8; 4] = b"WFR\n";

/// How the batches of a frame are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Plain,
    /// As one LZ4 block.
    Lz4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHead {
    /// The segment's random word.
    pub nonce: u64,
    /// Byte of the segment where the frame begins.
    pub at: u64,
    /// Number of its first batch; the others follow.
    pub first: u64,
    /// How many batches.
    pub count: u32,
    /// How many of them have a key.
    pub keys: u32,
    /// Bytes of the batches, uncompressed.
    pub plain: u32,
    /// Bytes of the batches as they are stored.
    pub stored: u32,
    pub form: Form,
    /// Latest time of receipt, microseconds.
    pub latest: i64,
    pub keys_crc: u32,
    pub stored_crc: u32,
}

impl FrameHead {
    pub fn encode(&self) -> [u8; FRAME_HEAD_BYTES] {
        let mut bytes = Vec::with_capacity(FRAME_HEAD_BYTES);
        bytes.extend_from_slice(MAGIC);
        for number in [self.nonce, self.at, self.first] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let form = match self.form {
            Form::Plain => 0,
            Form::Lz4 => 1,
        };
        for number in [self.count, self.keys, self.plain, self.stored, form] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.latest.to_le_bytes());
        bytes.extend_from_slice(&self.keys_crc.to_le_bytes());
        bytes.extend_from_slice(&self.stored_crc.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut head = [0; FRAME_HEAD_BYTES];
        head.copy_from_slice(&bytes);
        head
    }

    /// Bytes of the whole frame.
    pub fn bytes(&self) -> u64 {
        FRAME_HEAD_BYTES as u64 + self.keys_bytes() as u64 + u64::from(self.stored)
    }

    pub fn keys_bytes(&self) -> usize {
        self.keys as usize * KEY_BYTES
    }

    /// Where the frame's keys stand, and the batches behind them.
    pub fn keys_at(&self) -> u64 {
        self.at + FRAME_HEAD_BYTES as u64
    }

    pub fn stored_at(&self) -> u64 {
        self.keys_at() + self.keys_bytes() as u64
    }

    pub fn next(&self) -> u64 {
        self.at + self.bytes()
    }

    /// The number after that of its last batch.
    pub fn next_batch(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    /// The head of the frame at this byte, which ends before `end`. `nonce` `None`: of any segment.
    pub fn read(
        file: &(impl ReadAt + ?Sized),
        at: u64,
        end: u64,
        nonce: Option<u64>,
    ) -> io::Result<Option<Self>> {
        let mut bytes = [0; FRAME_HEAD_BYTES];
        if at.saturating_add(FRAME_HEAD_BYTES as u64) > end || !fill(file, at, &mut bytes)? {
            return Ok(None);
        }
        let right = |head: &Self| {
            head.at == at && nonce.is_none_or(|nonce| nonce == head.nonce) && head.next() <= end
        };
        Ok(decode(&bytes).filter(Self::is_sane).filter(right))
    }

    /// The first head of a frame at or after this byte.
    pub fn find(
        file: &(impl ReadAt + ?Sized),
        mut from: u64,
        end: u64,
        nonce: Option<u64>,
    ) -> io::Result<Option<Self>> {
        let mut window = vec![0; 64 << 10];
        while from < end {
            let len = window.len().min(usize::try_from(end - from).unwrap_or(usize::MAX));
            let read = file.read_at(from, &mut window[..len])?;
            if read < MAGIC.len() {
                return Ok(None);
            }
            for (offset, start) in window[..read].windows(MAGIC.len()).enumerate() {
                if start == MAGIC
                    && let Some(head) = Self::read(file, from + offset as u64, end, nonce)?
                {
                    return Ok(Some(head));
                }
            }
            from += (read - (MAGIC.len() - 1)) as u64;
        }
        Ok(None)
    }

    fn is_sane(&self) -> bool {
        let (plain, stored) = (self.plain as usize, self.stored as usize);
        let fits = match self.form {
            Form::Plain => plain == stored,
            Form::Lz4 => plain / 255 <= stored, // no LZ4 block grows by more
        };
        fits && plain <= MAX_FRAME_BYTES
            && stored <= MAX_FRAME_BYTES
            && self.count > 0
            && self.count as usize <= plain / super::batches::MIN_BATCH_BYTES
            && self.keys <= self.count
            && self.first.checked_add(u64::from(self.count)).is_some()
    }
}

fn decode(bytes: &[u8; FRAME_HEAD_BYTES]) -> Option<FrameHead> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    let mut numbers = Numbers(body);
    if numbers.take::<4>()? != *MAGIC || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    Some(FrameHead {
        nonce: numbers.u64()?,
        at: numbers.u64()?,
        first: numbers.u64()?,
        count: numbers.u32()?,
        keys: numbers.u32()?,
        plain: numbers.u32()?,
        stored: numbers.u32()?,
        form: match numbers.u32()? {
            0 => Form::Plain,
            1 => Form::Lz4,
            _ => return None,
        },
        latest: numbers.i64()?,
        keys_crc: numbers.u32()?,
        stored_crc: numbers.u32()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(at: u64) -> FrameHead {
        FrameHead {
            nonce: 7,
            at,
            first: 5,
            count: 2,
            keys: 1,
            plain: 100,
            stored: 60,
            form: Form::Lz4,
            latest: 1,
            keys_crc: 2,
            stored_crc: 3,
        }
    }

    fn read(bytes: &[u8], at: u64) -> Option<FrameHead> {
        FrameHead::read(bytes, at, 10_000_000, Some(7)).unwrap()
    }

    #[test]
    fn a_head_is_believed_only_at_its_own_place_and_in_its_own_segment() {
        let bytes = head(0).encode();
        assert_eq!(read(&bytes, 0), Some(head(0)));
        assert_eq!(read(&[&[0], &bytes[..]].concat(), 1), None, "it was copied");
        assert_eq!(FrameHead::read(&bytes[..], 0, 10_000, Some(8)).unwrap(), None, "it is another segment's");
        assert_eq!(FrameHead::read(&bytes[..], 0, head(0).bytes() - 1, None).unwrap(), None, "it is cut");
    }

    #[test]
    fn any_damaged_byte_makes_a_head_unreadable() {
        for at in 0..FRAME_HEAD_BYTES {
            let mut bytes = head(0).encode();
            bytes[at] ^= 1;
            assert_eq!(read(&bytes, 0), None, "byte {at}");
        }
    }

    #[test]
    fn lengths_that_would_take_too_much_memory_are_not_believed() {
        let wrong: [fn(&mut FrameHead); 5] = [
            |head| head.plain = 100_000,
            |head| (head.plain, head.stored) = (65 << 20, 65 << 20),
            |head| head.count = u32::MAX,
            |head| head.keys = 3,
            |head| head.first = u64::MAX,
        ];
        for (nth, spoil) in wrong.iter().enumerate() {
            let mut head = head(0);
            spoil(&mut head);
            assert_eq!(read(&head.encode(), 0), None, "{nth}");
        }
    }

    #[test]
    fn the_next_head_is_found_wherever_it_lies() {
        for junk in [1, 67, (64 << 10) - 3, (64 << 10) - 1, 64 << 10, 200_000] {
            let mut bytes = b"WFR\n".repeat(junk / 4 + 1);
            bytes.truncate(junk);
            bytes.extend_from_slice(&head(junk as u64).encode());
            let found = FrameHead::find(&bytes[..], 0, 10_000_000, Some(7)).unwrap();
            assert_eq!(found, Some(head(junk as u64)), "after {junk} bytes");
        }
    }
}
