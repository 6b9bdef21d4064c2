//! The second thread: frames to the disk, and only then the answer to their senders.
//!
//! Invariant: a sender hears of a number after the sync of its frame, and of the segment's name, succeeded.
//! Invariant: after anything failed, nothing is written to that segment again. The next one says how far it
//! counts.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ward_core::BatchId;

use crate::disk::DiskFile;
use crate::error::Refused;
use crate::format::frame::FRAME_HEAD_BYTES;
use crate::format::head::{Before, HEAD_BYTES, SegmentHead};
use crate::frame::SegmentId;
use crate::group::Group;
use crate::index::Segment;
use crate::keys::Done;
use crate::shared::Shared;
use crate::slot::Work;
use crate::sync::lock;

pub(crate) struct Writer<'a> {
    shared: &'a Shared,
    open: Option<OpenSegment>,
    /// The last segment that has something that counts.
    before: Option<Before>,
    /// After a failure: until when nothing is tried, and what senders are told.
    pause: Option<(Instant, Refused)>,
    pause_for: Duration,
}

struct OpenSegment {
    id: SegmentId,
    file: Box<dyn DiskFile>,
    since: Instant,
    /// As it is durable. `None`: nothing of it is yet.
    durable: Option<Segment>,
    nonce: u64,
}

impl<'a> Writer<'a> {
    pub fn new(shared: &'a Shared, before: Option<Before>) -> Self {
        Self { shared, open: None, before, pause: None, pause_for: shared.options.retry_first }
    }

    /// Writes until nothing comes any more.
    pub fn run(mut self) {
        loop {
            let seal_at = self.open.as_ref().map(|open| open.since + self.shared.options.seal_after);
            match self.shared.slot.next(seal_at) {
                Work::Write(group) => self.commit(*group),
                Work::Seal => {
                    self.seal();
                    self.shared.slot.sealed();
                }
                Work::Wake => {}
                Work::End => break,
            }
            let full = |open: &OpenSegment| {
                open.end() >= self.shared.options.seal_bytes
                    || open.since.elapsed() >= self.shared.options.seal_after
            };
            if self.open.as_ref().is_some_and(full) {
                self.seal();
            }
        }
        self.seal();
    }

    fn commit(&mut self, mut group: Group) {
        let stored = self.store(&mut group);
        let counters = &self.shared.counters;
        *lock(&counters.refusing) = stored.as_ref().err().cloned();
        let mut told: Vec<(Done, Result<BatchId, Refused>)> = Vec::with_capacity(group.dones.len());
        self.shared.queue.keys(|keys| {
            for ((done, since), batch) in group.dones.into_iter().zip(group.body.batches()) {
                let answer = stored.clone().map(|()| batch.id);
                let others = match (batch.key, &stored) {
                    (Some(key), Ok(())) => keys.settle(key, batch.id, batch.received),
                    (Some(key), Err(_)) => keys.forget(key),
                    (None, _) => Vec::new(),
                };
                match &answer {
                    Ok(_) => {
                        counters.acknowledge.add(since.elapsed());
                        counters.batches.add(1);
                        counters.known_again.add(others.len() as u64);
                    }
                    Err(_) => counters.refused.add(1 + others.len() as u64),
                }
                told.push((done, answer.clone()));
                told.extend(others.into_iter().map(|other| (other, answer.clone())));
            }
        });
        self.shared.reuse(group.bytes);
        for (done, answer) in told {
            tell(done, answer);
        }
    }

    /// Makes the frame durable.
    fn store(&mut self, group: &mut Group) -> Result<(), Refused> {
        if let Some((until, reason)) = &self.pause
            && Instant::now() < *until
        {
            return Err(reason.clone());
        }
        let bytes = group.head.bytes() + HEAD_BYTES as u64;
        self.check_room(bytes)?;
        let begun = Instant::now();
        match self.write(group) {
            Ok(()) => {
                self.pause = None;
                self.pause_for = self.shared.options.retry_first;
                self.shared.counters.sync.add(begun.elapsed());
                self.shared.counters.frames.add(1);
                self.shared.counters.plain_bytes.add(u64::from(group.head.plain));
                self.shared.counters.stored_bytes.add(group.head.bytes());
                Ok(())
            }
            Err(error) => {
                self.abandon();
                let refused = Refused::by(&error);
                self.pause = Some((Instant::now() + self.pause_for, refused.clone()));
                self.pause_for = (self.pause_for * 2).min(self.shared.options.retry_most);
                Err(refused)
            }
        }
    }

    /// Whether what the journal may use of the disk has room for so many bytes.
    fn check_room(&self, bytes: u64) -> Result<(), Refused> {
        let options = &self.shared.options;
        if self.shared.index.bytes().saturating_add(bytes) > options.max_bytes {
            return Err(Refused::Full);
        }
        match self.shared.disk.free_bytes() {
            Ok(free) if free < options.reserve_bytes.saturating_add(bytes) => Err(Refused::Full),
            Ok(_) | Err(_) => Ok(()), // a disk that cannot say is found out by writing
        }
    }

    fn write(&mut self, group: &mut Group) -> io::Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(begin(self.shared, group.head.first, self.before)?),
        };
        let at = open.end();
        (group.head.nonce, group.head.at) = (open.nonce, at);
        group.bytes[..FRAME_HEAD_BYTES].copy_from_slice(&group.head.encode());
        open.file.write_at(at, &group.bytes[..group.head.bytes() as usize])?;
        open.file.sync()?;
        let latest = open.durable.as_ref().map_or(i64::MIN, |durable| durable.latest);
        let durable = Segment {
            nonce: open.nonce,
            sealed: false,
            end: group.head.next(),
            last: group.head.next_batch() - 1,
            latest: latest.max(group.head.latest),
            untrimmed: false,
        };
        self.shared.index.add(open.id, durable.clone(), at, group.body.clone());
        open.durable = Some(durable);
        Ok(())
    }

    fn seal(&mut self) {
        if let Some(open) = self.open.take() {
            self.before = open.before().or(self.before);
            self.shared.index.seal(open.id, false);
        }
    }

    /// Leaves the segment as far as it is durable.
    fn abandon(&mut self) {
        let Some(open) = self.open.take() else { return };
        if let Some(before) = open.before() {
            self.before = Some(before);
            let trimmed = open.file.truncate(before.end).and_then(|()| open.file.sync());
            self.shared.index.seal(open.id, trimmed.is_err());
        } else if self.shared.disk.remove(&open.id.file_name()).is_err() {
            self.shared.index.add_void(open.id);
        }
    }
}

impl OpenSegment {
    /// Where the next frame goes.
    fn end(&self) -> u64 {
        self.durable.as_ref().map_or(HEAD_BYTES as u64, |durable| durable.end)
    }

    /// What the next segment says of this one.
    fn before(&self) -> Option<Before> {
        let durable = self.durable.as_ref()?;
        Some(Before { first: self.id.0, last: durable.last, end: durable.end, latest: durable.latest })
    }
}

/// Makes the file of a segment. Its head and name are durable before any frame comes, so that a head that cannot
/// be read, with frames behind it, is damage and no crash.
fn begin(shared: &Shared, first: u64, before: Option<Before>) -> io::Result<OpenSegment> {
    let id = SegmentId(first);
    let file = shared.disk.create(&id.file_name())?;
    let nonce = RandomState::new().build_hasher().finish();
    let head = SegmentHead { first, nonce, before };
    let durable = || {
        file.write_at(0, &head.encode())?;
        file.sync()?;
        shared.disk.sync_folder()
    };
    if let Err(error) = durable() {
        if shared.disk.remove(&id.file_name()).is_err() {
            shared.index.add_void(id);
        }
        return Err(error);
    }
    Ok(OpenSegment { id, file, since: Instant::now(), durable: None, nonce })
}

/// Tells the sender. What it does with that is no reason to stop writing.
fn tell(done: Done, answer: Result<BatchId, Refused>) {
    drop(catch_unwind(AssertUnwindSafe(|| done(answer))));
}
