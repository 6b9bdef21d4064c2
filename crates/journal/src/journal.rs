//! The journal as the rest of the hub uses it.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use ward_core::{Batch, BatchId};

use crate::disk::Disk;
use crate::error::{JournalError, Refused};
use crate::frame::{BatchKey, Position, SegmentId};
use crate::group;
use crate::index::{Index, SegmentInfo};
use crate::keys::{Done, Keys};
use crate::options::Options;
use crate::queue::{Entered, Queue};
use crate::reader::Reader;
use crate::recovery::{Found, Recovery, recover};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::sync::lock;
use crate::usage::{Counters, Usage};
use crate::writer::Writer;

/// A journal in a folder, with two threads of its own. Closed when dropped.
pub struct Journal {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    removing: Mutex<()>,
}

impl Journal {
    /// Opens the journal of the folder, and repairs what a crash left.
    ///
    /// # Errors
    /// The disk fails, or a later Ward wrote the folder.
    pub fn open(disk: Arc<dyn Disk>, mut options: Options) -> Result<(Self, Recovery), JournalError> {
        let Found { segments, before, recovery } = recover(&*disk, &options)?;
        let mut keys = Keys::new(options.keep_keys, options.max_keys);
        for known in options.known.iter().chain(&recovery.keys) {
            keys.settle(known.key, known.batch, known.received);
        }
        options.known = Vec::new();
        let shared = Arc::new(Shared {
            disk,
            queue: Queue::new(keys),
            slot: Slot::default(),
            index: Index::new(segments, options.ring_bytes),
            counters: Counters::default(),
            spares: Mutex::default(),
            options,
        });
        let (first, next) = (shared.clone(), recovery.next_batch);
        let encoder = spawn("journal-encode", &shared, move || group::run(&first, next))?;
        let second = shared.clone();
        let writer = spawn(WRITER, &shared, move || Writer::new(&second, before).run());
        let journal = Self { shared, threads: Mutex::new(vec![encoder]), removing: Mutex::default() };
        lock(&journal.threads).push(writer?);
        Ok((journal, recovery))
    }

    /// Hands over a batch; waits while too much waits to be written. `done` is called once, with the batch's
    /// number when it is durable, from a thread that must not be kept: it may not wait for the journal.
    ///
    /// With a `key` that is remembered, the batch is not stored again, and `done` gets the number it has.
    pub fn append(
        &self,
        batch: Batch,
        key: Option<BatchKey>,
        done: impl FnOnce(Result<BatchId, Refused>) + Send + 'static,
    ) {
        if let Some((_, done, why)) = self.enter(batch, key, Box::new(done), true) {
            self.shared.counters.refused.add(1);
            done(Err(why));
        }
    }

    /// As [`Journal::append`], without waiting: gives the batch back at once when it is not taken, and `done` is
    /// then never called.
    ///
    /// # Errors
    /// The batch, and [`Refused::Busy`], [`Refused::TooLarge`] or [`Refused::Closed`].
    pub fn try_append(
        &self,
        batch: Batch,
        key: Option<BatchKey>,
        done: impl FnOnce(Result<BatchId, Refused>) + Send + 'static,
    ) -> Result<(), (Batch, Refused)> {
        match self.enter(batch, key, Box::new(done), false) {
            None => Ok(()),
            Some((batch, _, why)) => Err((batch, why)),
        }
    }

    /// As [`Journal::append`], and waits until the batch is durable.
    ///
    /// # Errors
    /// The batch is not in the journal.
    pub fn append_and_wait(&self, batch: Batch, key: Option<BatchKey>) -> Result<BatchId, Refused> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.append(batch, key, move |answer| drop(sender.send(answer)));
        receiver.recv().unwrap_or(Err(Refused::Closed))
    }

    /// Reads from this place on.
    pub fn reader(&self, from: Position) -> Reader {
        Reader::new(self.shared.clone(), from)
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.shared.index.segments()
    }

    /// Seals the segment that is being written, as far as it is.
    pub fn seal(&self) {
        self.shared.slot.seal();
    }

    /// Removes a sealed segment for good. Whoever calls this has written down durably, before, that it is not
    /// needed any more. May be tried again after an error.
    ///
    /// # Errors
    /// There is no such segment, it is not sealed, or the disk fails.
    pub fn remove(&self, segment: SegmentId) -> Result<(), JournalError> {
        let _one = lock(&self.removing);
        let (disk, index) = (&*self.shared.disk, &self.shared.index);
        let before = index.removable(segment)?;
        let doing = || JournalError::disk(format!("remove segment {segment}"));
        // What this segment's head says of others must not be needed once it is gone.
        for void in index.voids() {
            gone(disk.remove(&void.file_name())).map_err(doing())?;
            index.drop_void(void);
        }
        if let Some((before, end)) = before {
            let file = disk.open(&before.file_name()).map_err(doing())?;
            file.truncate(end).and_then(|()| file.sync()).map_err(doing())?;
            index.trimmed(before);
        }
        gone(disk.remove(&segment.file_name())).map_err(doing())?;
        disk.sync_folder().map_err(doing())?;
        index.remove(segment);
        Ok(())
    }

    /// The place behind all that is durable.
    pub fn end(&self) -> Position {
        self.shared.index.end()
    }

    /// Bytes on disk that are durable and lie behind this place.
    pub fn lag(&self, position: Position) -> u64 {
        self.shared.index.bytes_after(position)
    }

    /// Its figures.
    pub fn usage(&self) -> Usage {
        let (bytes, batches) = self.shared.queue.waiting();
        Usage {
            queued_bytes: bytes as u64,
            queued_batches: batches as u64,
            segments: self.shared.index.segments().len() as u64,
            disk_bytes: self.shared.index.bytes(),
            ..self.shared.counters.usage()
        }
    }

    /// Takes no more batches, writes those that wait, seals and returns. Readers can still read.
    pub fn close(&self) {
        self.shared.queue.close();
        for thread in lock(&self.threads).drain(..) {
            drop(thread.join());
        }
    }

    /// `Some`: the batch is not taken.
    fn enter(
        &self,
        batch: Batch,
        key: Option<BatchKey>,
        done: Done,
        patient: bool,
    ) -> Option<(Batch, Done, Refused)> {
        match self.shared.queue.enter(batch, key, done, &self.shared.options, patient) {
            Entered::Waits | Entered::Joined => None,
            Entered::Known(id, done) => {
                self.shared.counters.known_again.add(1);
                done(Ok(id));
                None
            }
            Entered::Refused(batch, done, why) => Some((batch, done, why)),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("disk", &self.shared.disk).finish_non_exhaustive()
    }
}

const WRITER: &str = "journal-write";

/// Starts a thread. However it ends, nobody waits for it in vain.
fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, JournalError> {
    /// `true`: the second thread.
    struct Leaving(Arc<Shared>, bool);
    impl Drop for Leaving {
        fn drop(&mut self) {
            self.0.queue.abandon(); // at an orderly end it is empty
            self.0.slot.end();
            if self.1 || thread::panicking() {
                self.0.slot.leave();
            }
        }
    }
    let leaving = Leaving(shared.clone(), name == WRITER);
    let run = move || {
        let _leaving = leaving;
        work();
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(JournalError::Thread)
}

/// That a file is gone already is as good as removing it.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
