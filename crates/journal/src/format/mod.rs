//! The bytes of a segment: a head, twice, then frames. `docs/journal-format.md` has the tables.
//!
//! Invariant: nothing is believed before its checksum was right, and no length allocates more than its
//! limit or the file's own size allows.
//! Invariant: what a client sends cannot pass for a frame. Each segment has a random word that stands in all
//! its frames' heads, and a frame names the place where it stands.

pub(crate) mod batches;
pub(crate) mod frame;
pub(crate) mod head;
pub(crate) mod walk;

/// Bytes that a batch may have, its names included.
pub const MAX_BATCH_BYTES: usize = 32 << 20;

/// Bytes that the batches of one frame may have, uncompressed.
pub(crate) const MAX_FRAME_BYTES: usize = 64 << 20;

/// Little-endian numbers off the front of bytes whose length was checked before.
pub(crate) struct Numbers<'a>(pub &'a [u8]);

impl<'a> Numbers<'a> {
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    pub fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }
}
