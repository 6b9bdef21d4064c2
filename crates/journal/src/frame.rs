//! What is read from the journal: frames of batches, or what of it is damaged.

use std::ops::Range;
use std::sync::Arc;

use ward_core::{Batch, BatchId, OrganisationId, SourceId, Timestamp};

/// A segment: the number of its first batch, which names its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

/// A place in the journal, between frames. Places are in the order of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The segment.
    pub segment: SegmentId,
    /// Byte of it.
    pub at: u64,
}

/// What a sender calls a batch, so that sending it again is recognised: a hash of its choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchKey(pub [u8; 32]);

/// What comes next in the journal.
#[derive(Debug, Clone)]
pub enum Item {
    /// Batches.
    Frame(Frame),
    /// Bytes that cannot be read, and were left out.
    Damage(Damage),
}

/// What was made durable in one go. Cheap to clone and to hand to other threads.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Where it is.
    pub position: Position,
    /// Where the next one is: the place to go on from once this one is dealt with.
    pub next_position: Position,
    /// Number of its first batch; the others follow without a gap.
    pub first_batch: BatchId,
    pub(crate) body: Arc<FrameBody>,
}

/// Bytes that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where they begin.
    pub position: Position,
    /// How many there are.
    pub bytes: u64,
    /// What is wrong with them.
    pub what: &'static str,
}

/// One batch of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRef<'a> {
    /// Its number.
    pub id: BatchId,
    /// Whose events they are.
    pub organisation: &'a OrganisationId,
    /// Who sent them.
    pub source: &'a SourceId,
    /// When the last byte of them came.
    pub received: Timestamp,
    /// Name of the format of `payload`.
    pub format: &'a str,
    /// The bytes as they came.
    pub payload: &'a [u8],
    /// What the sender called it.
    pub key: Option<BatchKey>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FrameBody {
    pub first: BatchId,
    /// The batches as [`crate::format::batches`] writes them.
    pub plain: Vec<u8>,
    pub entries: Vec<Entry>,
}

/// Where a batch is in the bytes of its frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub organisation: OrganisationId,
    pub source: SourceId,
    pub received: Timestamp,
    pub format: Range<usize>,
    pub payload: Range<usize>,
    pub key: Option<BatchKey>,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self { segment: SegmentId(0), at: 0 };
}

impl Frame {
    /// The segment it is in.
    pub const fn segment(&self) -> SegmentId {
        self.position.segment
    }

    /// Its batches, in order.
    pub fn batches(&self) -> impl ExactSizeIterator<Item = BatchRef<'_>> {
        self.body.batches()
    }

    /// Bytes of its batches, uncompressed.
    pub fn bytes(&self) -> usize {
        self.body.plain.len()
    }
}

impl BatchRef<'_> {
    /// The batch by itself.
    pub fn to_batch(&self) -> Batch {
        Batch {
            organisation: self.organisation.clone(),
            source: self.source.clone(),
            received: self.received,
            format: self.format.to_owned(),
            payload: self.payload.to_vec(),
        }
    }
}

impl SegmentId {
    /// Name of its file.
    pub(crate) fn file_name(self) -> String {
        format!("{:020}.seg", self.0)
    }

    /// The segment whose file has this name.
    pub(crate) fn of_file(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(".seg")?;
        let all_digits = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        all_digits.then(|| digits.parse().ok().map(Self)).flatten()
    }
}

impl FrameBody {
    pub fn batches(&self) -> impl ExactSizeIterator<Item = BatchRef<'_>> {
        self.entries.iter().enumerate().map(|(index, entry)| BatchRef {
            id: BatchId(self.first.0 + index as u64),
            organisation: &entry.organisation,
            source: &entry.source,
            received: entry.received,
            format: std::str::from_utf8(&self.plain[entry.format.clone()]).unwrap_or_default(),
            payload: &self.plain[entry.payload.clone()],
            key: entry.key,
        })
    }
}

impl std::fmt::Display for SegmentId {
    /// The number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position: Position { segment, at }, bytes, what } = self;
        write!(f, "{bytes} bytes of segment {segment} from byte {at} are damaged: {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twenty_digits_name_a_segment() {
        assert_eq!(SegmentId::of_file(&SegmentId(4711).file_name()), Some(SegmentId(4711)));
        for other in
            ["1.seg", "00000000000000000001.tmp", "+0000000000000000001.seg", "99999999999999999999.seg"]
        {
            assert_eq!(SegmentId::of_file(other), None, "{other}");
        }
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let position = Position { segment: SegmentId(7), at: 136 };
        let damage = Damage { position, bytes: 12, what: "no frame begins here" };
        let says = "12 bytes of segment 7 from byte 136 are damaged: no frame begins here";
        assert_eq!(damage.to_string(), says);
    }
}
