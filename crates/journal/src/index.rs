//! Which segments there are, how far they are durable, and the newest frames.
//!
//! Invariant: what it tells readers of is durable.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use ward_core::BatchId;

use crate::error::JournalError;
use crate::format::head::HEAD_BYTES;
use crate::format::walk::Extent;
use crate::frame::{Frame, FrameBody, Position, SegmentId};
use crate::sync::{lock, wait_for};

/// A segment, as [`crate::Journal::segments`] tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its name.
    pub id: SegmentId,
    /// Whether nothing comes to it any more.
    pub sealed: bool,
    /// Bytes of it that count.
    pub bytes: u64,
    /// Number of its first batch.
    pub first: BatchId,
    /// Number of its last batch.
    pub last: BatchId,
}

impl SegmentInfo {
    /// Whether all of it lies before this place: sealed, and dealt with by whoever got to that place.
    pub fn is_behind(&self, position: Position) -> bool {
        self.sealed && position >= Position { segment: self.id, at: self.bytes }
    }
}

/// A segment, as the journal knows it.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub nonce: u64,
    pub sealed: bool,
    /// Where the durable bytes end.
    pub end: u64,
    /// Number of the last batch.
    pub last: u64,
    /// Latest time of receipt, microseconds.
    pub latest: i64,
    /// The file has refused bytes behind `end`.
    pub untrimmed: bool,
}

/// What there is for a reader at a place.
pub(crate) enum Look {
    /// A frame, from memory.
    Frame(Frame),
    /// It stands at this place of the file.
    Read(Position, Extent),
    /// Nothing yet.
    Nothing(Position),
}

pub(crate) struct Index {
    state: Mutex<State>,
    durable: Condvar,
    ring_bytes: usize,
}

#[derive(Default)]
struct State {
    segments: BTreeMap<SegmentId, Segment>,
    ring: VecDeque<Frame>,
    ring_bytes: usize,
    /// Rises with every change that a reader may wait for.
    changes: u64,
    /// Files that hold nothing that counts and could not be removed.
    voids: Vec<SegmentId>,
}

impl Index {
    pub fn new(segments: BTreeMap<SegmentId, Segment>, ring_bytes: usize) -> Self {
        let state = State { segments, ..State::default() };
        Self { state: Mutex::new(state), durable: Condvar::new(), ring_bytes }
    }

    /// A frame of this segment, which is as it is now, has become durable.
    pub fn add(&self, id: SegmentId, segment: Segment, at: u64, body: Arc<FrameBody>) {
        let mut state = lock(&self.state);
        let frame = Frame {
            position: Position { segment: id, at },
            next_position: Position { segment: id, at: segment.end },
            first_batch: body.first,
            body,
        };
        state.ring_bytes += frame.bytes();
        state.ring.push_back(frame);
        while state.ring_bytes > self.ring_bytes
            && let Some(oldest) = state.ring.pop_front()
        {
            state.ring_bytes -= oldest.bytes();
        }
        state.segments.insert(id, segment);
        state.changes += 1;
        self.durable.notify_all();
    }

    /// Nothing comes to this segment any more.
    pub fn seal(&self, id: SegmentId, untrimmed: bool) {
        let mut state = lock(&self.state);
        if let Some(segment) = state.segments.get_mut(&id) {
            (segment.sealed, segment.untrimmed) = (true, untrimmed);
        }
        state.changes += 1;
        self.durable.notify_all();
    }

    /// What there is at this place.
    pub fn look(&self, position: Position) -> Look {
        let state = lock(&self.state);
        let mut at = position;
        for (id, segment) in state.segments.range(position.segment..) {
            if *id != at.segment {
                at = Position { segment: *id, at: 0 };
            }
            at.at = at.at.max(HEAD_BYTES as u64);
            if at.at >= segment.end {
                if segment.sealed {
                    continue;
                }
                return Look::Nothing(at);
            }
            let in_ring = state.ring.binary_search_by_key(&at, |frame| frame.position);
            return match in_ring.ok().and_then(|nth| state.ring.get(nth)) {
                Some(frame) => Look::Frame(frame.clone()),
                None => Look::Read(at, Extent { nonce: segment.nonce, end: segment.end }),
            };
        }
        Look::Nothing(at)
    }

    /// A number that is another after anything has become durable or sealed.
    pub fn changes(&self) -> u64 {
        lock(&self.state).changes
    }

    /// Waits until the number is another than this, but no longer than until then. `false`: it is not.
    pub fn wait(&self, seen: u64, until: Instant) -> bool {
        let mut state = lock(&self.state);
        while state.changes == seen {
            let now = Instant::now();
            if until <= now {
                return false;
            }
            state = wait_for(&self.durable, state, until - now);
        }
        true
    }

    pub fn segments(&self) -> Vec<SegmentInfo> {
        let info = |(id, segment): (&SegmentId, &Segment)| SegmentInfo {
            id: *id,
            sealed: segment.sealed,
            bytes: segment.end,
            first: BatchId(id.0),
            last: BatchId(segment.last),
        };
        lock(&self.state).segments.iter().map(info).collect()
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        lock(&self.state).segments.values().map(|segment| segment.end).sum()
    }

    /// Bytes of durable frames from this place on.
    pub fn bytes_after(&self, position: Position) -> u64 {
        let state = lock(&self.state);
        let after = |(id, segment): (&SegmentId, &Segment)| {
            let from = if *id == position.segment { position.at } else { 0 };
            segment.end.saturating_sub(from.max(HEAD_BYTES as u64))
        };
        state.segments.range(position.segment..).map(after).sum()
    }

    /// The place behind everything that is durable.
    pub fn end(&self) -> Position {
        let state = lock(&self.state);
        let last = state.segments.last_key_value();
        last.map_or(Position::START, |(id, segment)| Position { segment: *id, at: segment.end })
    }

    /// Whether the segment may be removed; gives the one before it when its file is longer than what counts.
    pub fn removable(&self, id: SegmentId) -> Result<Option<(SegmentId, u64)>, JournalError> {
        let state = lock(&self.state);
        match state.segments.get(&id) {
            None => return Err(JournalError::NoSegment(id)),
            Some(segment) if !segment.sealed => return Err(JournalError::NotSealed(id)),
            Some(_) => {}
        }
        let before = state.segments.range(..id).next_back();
        Ok(before.filter(|(_, segment)| segment.untrimmed).map(|(id, segment)| (*id, segment.end)))
    }

    pub fn trimmed(&self, id: SegmentId) {
        if let Some(segment) = lock(&self.state).segments.get_mut(&id) {
            segment.untrimmed = false;
        }
    }

    pub fn remove(&self, id: SegmentId) {
        let mut state = lock(&self.state);
        state.segments.remove(&id);
        state.ring.retain(|frame| frame.segment() != id);
        state.ring_bytes = state.ring.iter().map(Frame::bytes).sum();
    }

    pub fn voids(&self) -> Vec<SegmentId> {
        lock(&self.state).voids.clone()
    }

    pub fn add_void(&self, id: SegmentId) {
        lock(&self.state).voids.push(id);
    }

    pub fn drop_void(&self, id: SegmentId) {
        lock(&self.state).voids.retain(|void| *void != id);
    }
}
