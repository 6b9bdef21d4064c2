//! The watch: frames of the journal to workers, what they saw to the clerk, in order.
//!
//! One thread reads the journal and deals frames out; workers look; the [clerk](super::clerk) puts their
//! reports back into the order of the journal.
//!
//! Invariant: when the clerk hears that a segment is over, it has been sent everything that was seen of it,
//! and each worker has been told to close it.
//! Invariant: queues are short and bounded: who is behind slows down who is before, down to the journal, which
//! is what holds the waiting.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use ward_journal::{Damage, Frame, Item, Journal, Position, SegmentId, SegmentInfo};
use ward_lake::{Lake, LakeFile, SegmentWriter, WriteOptions};

use super::engine::{Engine, Exceptions};
use super::eyes::{Eyes, Seen};
use super::letters::Letters;
use super::making::{Attempt, Making};
use super::vital::vital;
use crate::detect::problems::chain;
use crate::error::Error;

/// What the clerk hears.
pub enum Report {
    /// What a frame came to.
    Seen {
        /// Its place in the order.
        sequence: u64,
        /// The rules it was looked at with.
        engine: Arc<Engine>,
        /// What was seen.
        seen: Box<Seen>,
        /// Where the next frame stands.
        next: Position,
    },
    /// Bytes of the journal that cannot be read.
    Damage(u64, Damage),
    /// All of a segment has been dealt out.
    Over(u64, SegmentInfo),
    /// All workers have closed a segment: its files are complete, or could not be written.
    Files {
        /// The segment.
        segment: SegmentId,
        /// Which attempt.
        attempt: u32,
        /// The files, or why there are none.
        files: Result<Vec<LakeFile>, String>,
    },
    /// There is nothing more: the journal is closed and read to its end, or the hub stops.
    End(u64),
}

/// What everybody here needs.
#[derive(Clone)]
pub struct Post {
    /// The journal.
    pub journal: Arc<Journal>,
    /// The rules in force.
    pub engine: Arc<ArcSwap<Engine>>,
    /// The exceptions in force.
    pub exceptions: Arc<ArcSwap<Exceptions>>,
    /// The lake.
    pub lake: Lake,
    /// What is kept of dead letters.
    pub letters: Arc<Letters>,
    /// How files are written.
    pub write: WriteOptions,
    /// How many workers.
    pub workers: usize,
    /// The sequence that the clerk waits for.
    pub awaited: Arc<AtomicU64>,
    /// Set when the hub stops without waiting for what is in the journal.
    pub stop: Arc<AtomicBool>,
    /// Set when nothing more comes into the journal.
    pub closed: Arc<AtomicBool>,
}

enum Work {
    Look {
        sequence: u64,
        frame: Frame,
        engine: Arc<Engine>,
    },
    /// A frame again, for the lake only.
    Again {
        frame: Frame,
        engine: Arc<Engine>,
        attempt: u32,
    },
    Close {
        segment: SegmentId,
        attempt: u32,
        /// Why not all of it was dealt out.
        broken: Option<String>,
    },
}

/// Starts the watch from this place on. `again` names segments whose files could not be written.
pub fn start(
    post: &Post,
    from: Position,
    reports: SyncSender<Report>,
    again: Receiver<(SegmentId, u32)>,
) -> Result<Vec<thread::JoinHandle<()>>, Error> {
    let mut threads = Vec::new();
    let mut desks = Vec::new();
    let making = Arc::new(Making::new(post.lake.clone(), post.write.clone(), post.workers));
    for number in 0..post.workers {
        let (sender, receiver) = sync_channel(2);
        let (post, reports, making) = (post.clone(), reports.clone(), Arc::clone(&making));
        desks.push(sender);
        threads.push(vital(&format!("watch-{number}"), move || {
            Desk { eyes: Eyes::new(post.engine.load_full()), post, reports, making, writer: None }
                .run(&receiver);
        })?);
    }
    let post = post.clone();
    threads.push(vital("watch-read", move || {
        let reader = post.journal.reader(from);
        Dealer { next: 0, sequence: 0, over: None, unreadable: None, reader, post, desks, reports }
            .run(&again);
    })?);
    Ok(threads)
}

/// Reads the journal and deals it out.
struct Dealer {
    post: Post,
    reader: ward_journal::Reader,
    desks: Vec<SyncSender<Work>>,
    /// Whose turn it is.
    next: usize,
    sequence: u64,
    /// The last segment that was told to be over.
    over: Option<SegmentId>,
    /// The segment whose rest the disk does not give.
    unreadable: Option<SegmentId>,
    reports: SyncSender<Report>,
}

/// How long the dealer waits for a frame before it looks at whatever else there may be to do.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often it tries to read what the disk does not give, a second apart, before it goes on behind that.
const TRIES: u32 = 30;

/// How far it may be before the clerk, who keeps what comes too early.
const AHEAD: u64 = 256;

#[cfg(not(test))]
const SECOND: Duration = Duration::from_secs(1);
/// Trials have no patience.
#[cfg(test)]
const SECOND: Duration = Duration::from_millis(10);

impl Dealer {
    fn run(mut self, again: &Receiver<(SegmentId, u32)>) {
        let mut failures = 0;
        while !self.post.stop.load(Ordering::Relaxed) {
            if self.sequence.saturating_sub(self.post.awaited.load(Ordering::Relaxed)) > AHEAD {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            match again.try_recv() {
                Ok((segment, attempt)) => self.again(segment, attempt),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
            let was_closed = self.post.closed.load(Ordering::Acquire);
            let next = self.reader.wait_next(PATIENCE);
            failures = if next.is_err() { failures + 1 } else { 0 };
            match next {
                Ok(Some(Item::Frame(frame))) => {
                    if self.over.is_none_or(|over| frame.segment() > over) {
                        self.tell_over(frame.position);
                    }
                    let sequence = self.number();
                    self.deal(Work::Look { sequence, frame, engine: self.post.engine.load_full() });
                }
                Ok(Some(Item::Damage(damage))) => {
                    let sequence = self.number();
                    self.report(Report::Damage(sequence, damage));
                }
                Ok(None) => {
                    self.tell_over(self.reader.position());
                    if was_closed {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(error = %chain(&error), "could not read the journal; trying again");
                    if failures >= TRIES {
                        self.pass_over();
                        failures = 0;
                    }
                    thread::sleep(SECOND);
                }
            }
        }
        let sequence = self.number();
        self.report(Report::End(sequence));
    }

    /// Goes on behind what the disk does not give. Its segment is not done: it stays in the journal, and is tried
    /// again and again for the lake.
    fn pass_over(&mut self) {
        let Some(damage) = self.reader.skip_segment() else { return };
        self.unreadable = Some(damage.position.segment);
        let sequence = self.number();
        self.report(Report::Damage(sequence, damage));
    }

    fn number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }

    /// Tells of segments that lie before this place.
    fn tell_over(&mut self, position: Position) {
        for info in self.post.journal.segments() {
            if self.over.is_none_or(|over| info.id > over) && info.is_behind(position) {
                self.over = Some(info.id);
                let broken =
                    (self.unreadable == Some(info.id)).then(|| "the disk does not give all of it".to_owned());
                for desk in &self.desks {
                    let _ = desk.send(Work::Close { segment: info.id, attempt: 0, broken: broken.clone() });
                }
                let sequence = self.number();
                self.report(Report::Over(sequence, info));
            }
        }
    }

    /// Deals a segment out again, for the lake only.
    fn again(&mut self, segment: SegmentId, attempt: u32) {
        let mut reader = self.post.journal.reader(Position { segment, at: 0 });
        let mut broken = None;
        loop {
            match reader.next() {
                Ok(Some(Item::Frame(frame))) if frame.segment() == segment => {
                    self.deal(Work::Again { frame, engine: self.post.engine.load_full(), attempt });
                }
                Ok(Some(Item::Damage(damage))) if damage.position.segment == segment => {
                    tracing::error!(%damage, "part of the journal is damaged and was passed over again");
                }
                Ok(_) => break,
                Err(error) => {
                    // Files of a part of a segment must never pass for those of all of it.
                    broken = Some(chain(&error));
                    break;
                }
            }
        }
        for desk in &self.desks {
            let _ = desk.send(Work::Close { segment, attempt, broken: broken.clone() });
        }
    }

    /// Gives work to whoever has room, else to whose turn it is.
    fn deal(&mut self, mut work: Work) {
        let count = self.desks.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            match self.desks[at].try_send(work) {
                Ok(()) => {
                    self.next = at + 1;
                    return;
                }
                Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => work = back,
            }
        }
        let at = self.next % count;
        self.next = at + 1;
        let _ = self.desks[at].send(work);
    }

    fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }
}

/// Where a worker sits.
struct Desk {
    post: Post,
    reports: SyncSender<Report>,
    eyes: Eyes,
    making: Arc<Making>,
    /// What it wrote to last.
    writer: Option<(Attempt, Arc<SegmentWriter>)>,
}

impl Desk {
    fn run(mut self, work: &Receiver<Work>) {
        while let Ok(work) = work.recv() {
            let report = match work {
                Work::Look { sequence, frame, engine } => {
                    let seen = self.look(&frame, &engine, 0, true);
                    Report::Seen { sequence, engine, seen: Box::new(seen), next: frame.next_position }
                }
                Work::Again { frame, engine, attempt } => {
                    self.look(&frame, &engine, attempt, false);
                    continue;
                }
                Work::Close { segment, attempt, broken } => {
                    let Some(files) = self.close((segment, attempt), broken) else { continue };
                    Report::Files { segment, attempt, files }
                }
            };
            if self.reports.send(report).is_err() {
                break;
            }
        }
    }

    /// Looks at a frame. What cannot be looked at must not keep the rest from it, now and after each start: a batch
    /// that meets a fault is set aside whole.
    fn look(&mut self, frame: &Frame, engine: &Arc<Engine>, attempt: u32, detect: bool) -> Seen {
        loop {
            let looked = catch_unwind(AssertUnwindSafe(|| self.try_to_look(frame, engine, attempt, detect)));
            let (fault, batch) = match (looked, self.eyes.at()) {
                (Ok(seen), _) => return seen,
                (Err(fault), Some(batch)) if !self.making.faulty().contains(&batch) => (fault, batch),
                (Err(fault), _) => resume_unwind(fault),
            };
            drop(fault);
            tracing::error!(
                batch = batch.0,
                "could not look at a batch: a fault in Ward; it is set aside whole"
            );
            (self.writer, self.eyes) = (None, Eyes::new(Arc::clone(engine)));
            self.making.fell_over(batch, (frame.segment(), attempt));
        }
    }

    fn try_to_look(&mut self, frame: &Frame, engine: &Arc<Engine>, attempt: u32, detect: bool) -> Seen {
        let of = (frame.segment(), attempt);
        if self.writer.as_ref().is_none_or(|(known, _)| *known != of) {
            self.writer = self.making.writer(of).map(|writer| (of, writer));
        }
        let exceptions = self.post.exceptions.load();
        let writer = self.writer.as_ref().map(|(_, writer)| &**writer);
        let faulty = self.making.faulty();
        let mut seen = self.eyes.look(frame, engine, &exceptions, writer, detect, &faulty);
        if let Some(error) = seen.lake.take() {
            self.writer = None;
            self.making.fail(of, chain(&error));
        }
        seen
    }

    fn close(&mut self, of: Attempt, broken: Option<String>) -> Option<Result<Vec<LakeFile>, String>> {
        if self.writer.as_ref().is_some_and(|(known, _)| *known == of) {
            self.writer = None;
        }
        if let Some(broken) = broken {
            self.making.fail(of, broken);
        }
        let start = Instant::now();
        let files = self.making.close(of)?;
        tracing::debug!(segment = %of.0, took = ?start.elapsed(), "closed the files of a segment");
        Some(files)
    }
}
