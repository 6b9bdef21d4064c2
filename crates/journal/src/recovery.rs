//! What is found when a journal is opened, and what is made of it.
//!
//! Invariant: what was acknowledged is kept, also behind damage; what the next segment's head says was refused
//! is not.
//! Invariant: what the disk does not give is kept as it is, for a later start, and told as damage: the journal goes
//! on behind it.
//! Invariant: numbering goes on above every number that was ever given out.

use std::collections::BTreeMap;
use std::io;

use ward_core::{BatchId, Timestamp};

use crate::disk::{Disk, DiskFile};
use crate::error::JournalError;
use crate::format::frame::FrameHead;
use crate::format::head::{Before, FoundHead, HEAD_BYTES, SegmentHead};
use crate::format::walk::{Extent, Step, Want, keys_of, step};
use crate::frame::{BatchKey, Damage, Position, SegmentId};
use crate::index::Segment;
use crate::options::Options;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// The number that the next batch gets, or a higher one.
    pub next_batch: u64,
    /// Segments that were kept.
    pub segments: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// Ends that were cut off: never acknowledged, or damaged with nothing readable behind.
    pub torn: Vec<Damage>,
    /// Damage found on the way. The last segment is read whole, of the others no more than needed.
    pub damage: Vec<Damage>,
    /// Files that were removed, since nothing in them counts.
    pub removed: Vec<SegmentId>,
    /// Files that are not the journal's and were left alone.
    pub strangers: Vec<String>,
    /// Keys of the batches of late, oldest first.
    pub keys: Vec<KnownKey>,
}

/// A key, and the batch that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownKey {
    /// What the sender called it.
    pub key: BatchKey,
    /// The batch.
    pub batch: BatchId,
    /// When it was received.
    pub received: Timestamp,
}

/// What the journal goes on with.
pub(crate) struct Found {
    pub segments: BTreeMap<SegmentId, Segment>,
    /// For the head of the next segment.
    pub before: Option<Before>,
    pub recovery: Recovery,
}

/// Looks through the folder, cuts what is torn and removes what does not count.
pub(crate) fn recover(disk: &dyn Disk, options: &Options) -> Result<Found, JournalError> {
    let mut search = Search { disk, recovery: Recovery::default(), segments: BTreeMap::new(), next: 1 };
    search.next = options.floor.0.saturating_add(1);
    let mut ids = Vec::new();
    for name in disk.list().map_err(JournalError::disk("list the files of the journal"))? {
        match SegmentId::of_file(&name) {
            Some(id) => ids.push(id),
            None => search.recovery.strangers.push(name),
        }
    }
    ids.sort_unstable();
    let mut after = After::Nothing;
    for id in ids.into_iter().rev() {
        if let Some(says) = search.judge(id, after)? {
            after = says;
        }
    }
    disk.sync_folder().map_err(JournalError::disk("make the names of the segments durable"))?;
    search.find_keys(options)?;
    let Search { mut recovery, segments, next, .. } = search;
    recovery.next_batch = next;
    recovery.segments = segments.len();
    recovery.bytes = segments.values().map(|segment| segment.end).sum();
    recovery.torn.reverse();
    recovery.damage.sort_by_key(|damage| damage.position);
    let before = segments.last_key_value().map(|(id, segment)| Before {
        first: id.0,
        last: segment.last,
        end: segment.end,
        latest: segment.latest,
    });
    Ok(Found { segments, before, recovery })
}

struct Search<'a> {
    disk: &'a dyn Disk,
    recovery: Recovery,
    segments: BTreeMap<SegmentId, Segment>,
    /// Above every number met.
    next: u64,
}

/// A segment that could be opened.
struct Opened {
    id: SegmentId,
    file: Box<dyn DiskFile>,
    len: u64,
    nonce: u64,
}

/// What the next segment that was kept says of the one before it.
#[derive(Debug, Clone, Copy)]
enum After {
    /// There is no next segment.
    Nothing,
    /// Its head is damaged.
    Unknown,
    /// There was none before it.
    First,
    Before(Before),
}

impl Search<'_> {
    /// Takes the segment in, or removes it. Gives what it says of the one before it, if it was kept.
    fn judge(&mut self, id: SegmentId, after: After) -> Result<Option<After>, JournalError> {
        let read = || JournalError::disk(format!("read segment {id}"));
        self.met(id.0);
        let said = match after {
            // The next segment was begun as if this one were not there.
            After::First => return self.remove(id).map(|()| None),
            After::Before(said) if said.first < id.0 => return self.remove(id).map(|()| None),
            After::Before(said) if said.first == id.0 => Some(said),
            After::Before(_) | After::Unknown | After::Nothing => None,
        };
        let is_last = matches!(after, After::Nothing);
        let file = self.disk.open(&id.file_name()).map_err(read())?;
        let len = file.len().map_err(read())?;
        let any_frame = || FrameHead::find(&*file, HEAD_BYTES as u64, len, None);
        let mut is_given = true;
        let (nonce, says, wrong) = match SegmentHead::read(&*file) {
            Ok(FoundHead::Version(version)) => return Err(JournalError::Version { segment: id, version }),
            Ok(FoundHead::Head { head, whole }) if head.first == id.0 => {
                let wrong = (!whole).then_some("a copy of the segment's head is damaged");
                (Some(head.nonce), head.before.map_or(After::First, After::Before), wrong)
            }
            found => match (found, any_frame()) {
                (Ok(_), Ok(frame)) => {
                    let nonce = frame.map(|frame| frame.nonce).or((!is_last).then_some(0));
                    (nonce, After::Unknown, Some("the segment's head is damaged"))
                }
                (_, frame) => {
                    is_given = false;
                    let nonce = frame.ok().flatten().map_or(0, |frame| frame.nonce);
                    (Some(nonce), After::Unknown, Some(NOT_GIVEN))
                }
            },
        };
        if let After::Before(before) = says {
            self.met(before.last.saturating_add(1));
        }
        let Some(nonce) = nonce else {
            self.torn(id, 0, len);
            return self.remove(id).map(|()| None); // its making was cut short
        };
        let opened = Opened { id, file, len, nonce };
        let kept = match said {
            Some(said) => Some(self.take_said(&opened, said)),
            None if !is_given => Some(self.take_whole(&opened)),
            None => self.walk(&opened, is_last).map_err(read())?,
        };
        let Some(segment) = kept else {
            if wrong.is_some() {
                self.torn(id, 0, len.min(HEAD_BYTES as u64));
            }
            return self.remove(id).map(|()| None);
        };
        if let Some(what) = wrong {
            self.damage(id, 0, len.min(HEAD_BYTES as u64), what);
        }
        self.met(segment.last.saturating_add(1));
        self.segments.insert(id, segment);
        Ok(Some(says))
    }

    /// Takes a segment as the next one says it is.
    fn take_said(&mut self, opened: &Opened, said: Before) -> Segment {
        if opened.len < said.end {
            self.damage(opened.id, opened.len, said.end - opened.len, "the end of the segment is missing");
        }
        Segment {
            nonce: opened.nonce,
            sealed: true,
            end: said.end.min(opened.len),
            last: said.last,
            latest: said.latest,
            untrimmed: opened.len > said.end,
        }
    }

    /// Takes a segment that the disk does not give, with all that may be in it.
    fn take_whole(&mut self, opened: &Opened) -> Segment {
        self.met_bytes(opened.len);
        Segment {
            nonce: opened.nonce,
            sealed: true,
            end: opened.len,
            last: self.next - 1,
            latest: i64::MIN,
            untrimmed: false,
        }
    }

    /// Goes through a segment of which nothing is said. `is_last`: its end may be torn. `None`: nothing is in it.
    fn walk(&mut self, opened: &Opened, is_last: bool) -> io::Result<Option<Segment>> {
        let extent = Extent { nonce: opened.nonce, end: opened.len };
        let mut segment = Segment {
            nonce: opened.nonce,
            sealed: true,
            end: HEAD_BYTES as u64,
            last: opened.id.0,
            latest: i64::MIN,
            untrimmed: false,
        };
        let (mut at, mut damaged) = (HEAD_BYTES as u64, Vec::new());
        let mut any = false;
        loop {
            let want = if is_last { Want::Checked } else { Want::Head };
            let Ok(found) = step(&*opened.file, extent, at, want) else {
                self.damage(opened.id, at, opened.len - at, NOT_GIVEN);
                let latest = segment.latest;
                segment = self.take_whole(opened);
                segment.latest = latest;
                opened.file.sync()?;
                return Ok(Some(segment));
            };
            match found {
                Step::End => break,
                Step::Frame(head, _) => {
                    (at, any) = (head.next(), true);
                    segment.end = at;
                    segment.last = segment.last.max(head.next_batch() - 1);
                    segment.latest = segment.latest.max(head.latest);
                    for (at, bytes, what) in damaged.drain(..) {
                        self.damage(opened.id, at, bytes, what);
                    }
                }
                Step::Damage { bytes, what, head } => {
                    damaged.push((at, bytes, what));
                    self.met(head.map_or(0, |head| head.next_batch()));
                    at += bytes;
                }
            }
        }
        if !is_last {
            for (at, bytes, what) in damaged {
                self.damage(opened.id, at, bytes, what);
            }
            segment.end = opened.len;
            return Ok(Some(segment));
        }
        if opened.len > segment.end {
            self.torn(opened.id, segment.end, opened.len - segment.end);
            segment.untrimmed = opened.file.truncate(segment.end).is_err();
        }
        // A crash may have left in memory what was never made durable, and the reader is told that it is.
        opened.file.sync()?;
        Ok(any.then_some(segment))
    }

    fn find_keys(&mut self, options: &Options) -> Result<(), JournalError> {
        let Some(newest) = self.segments.values().map(|segment| segment.latest).max() else { return Ok(()) };
        let keep = i64::try_from(options.keep_keys.as_micros()).unwrap_or(i64::MAX);
        let oldest = newest.saturating_sub(keep);
        let mut found = Vec::new(); // newest segment first
        let (mut count, mut missing) = (0, Vec::new());
        for (id, segment) in self.segments.iter().rev().filter(|(_, segment)| segment.latest >= oldest) {
            let read = || JournalError::disk(format!("read segment {id}"));
            let file = self.disk.open(&id.file_name()).map_err(read())?;
            let mut keys = Vec::new();
            let (extent, mut at) = (Extent { nonce: segment.nonce, end: segment.end }, HEAD_BYTES as u64);
            loop {
                at += match step(&*file, extent, at, Want::Head) {
                    Ok(Step::End) => break,
                    Ok(Step::Damage { bytes, .. }) => bytes,
                    Ok(Step::Frame(head, _)) => {
                        if head.keys > 0 && head.latest >= oldest {
                            keys.extend(keys_of(&*file, &head).unwrap_or_default());
                        }
                        head.bytes()
                    }
                    Err(_) => {
                        missing.push((*id, at, segment.end - at));
                        break;
                    }
                };
            }
            keys.retain(|key| key.received.micros() >= oldest);
            count += keys.len();
            found.push(keys);
            if count >= options.max_keys {
                break;
            }
        }
        for (id, at, bytes) in missing {
            self.damage(id, at, bytes, NOT_GIVEN);
        }
        let keys = found.into_iter().rev().flatten();
        self.recovery.keys = keys.skip(count.saturating_sub(options.max_keys)).collect();
        Ok(())
    }

    fn remove(&mut self, id: SegmentId) -> Result<(), JournalError> {
        self.disk.remove(&id.file_name()).map_err(JournalError::disk(format!("remove segment {id}")))?;
        self.recovery.removed.push(id);
        Ok(())
    }

    fn met(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    fn damage(&mut self, segment: SegmentId, at: u64, bytes: u64, what: &'static str) {
        self.recovery.damage.push(Damage { position: Position { segment, at }, bytes, what });
    }

    fn torn(&mut self, segment: SegmentId, at: u64, bytes: u64) {
        let what = "the end is not whole";
        self.recovery.torn.push(Damage { position: Position { segment, at }, bytes, what });
        self.met_bytes(bytes);
    }

    /// Unreadable bytes may have held numbers that were given out. No batch takes fewer bytes than this, however
    /// well compressed.
    fn met_bytes(&mut self, bytes: u64) {
        self.met(self.next.saturating_add(bytes.saturating_mul(32)));
    }
}

const NOT_GIVEN: &str = "the disk does not give it";
