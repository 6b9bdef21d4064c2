//! The clerk: puts what the workers saw into the order of the journal, lets the correlations hear it, enters
//! findings into the store, and closes segments.
//!
//! Invariant: a segment is removed from the journal only after its findings, its undecodable records, the state
//! of the correlations, the names of its files and of its batches are in the store.
//! Invariant: while the store cannot be written, nothing goes on, and nothing is lost: the journal keeps it.

mod entering;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use ward_core::{Actor, Timestamp};
use ward_journal::{Options, Position, SegmentId, SegmentInfo};
use ward_lake::LakeFile;
use ward_store::dead_letters::DeadLetter;
use ward_store::findings::Finding;
use ward_store::heartbeats::{self, Heartbeat};
use ward_store::segments::{self, BatchName, SegmentDone};
use ward_store::{Store, checkpoints};
use ward_web::catalogue;

use self::entering::Undone;
use super::correlators::Correlators;
use super::eyes::Seen;
use super::figures::Figures;
use super::heartbeats::Heartbeats;
use super::watch::{Post, Report};
use crate::detect::problems::chain;

/// Findings that are entered at once, if that many wait.
const TOGETHER: usize = 1_000;
/// How long a finding waits for others.
const SOON: Duration = Duration::from_millis(50);
/// How long a segment that the store does not take as it is waits until it is written and tried anew.
const STUCK: Duration = Duration::from_secs(60);

/// How long a batch may be on its way into the journal, in microseconds.
const ON_THE_WAY: i64 = 10_000_000;

/// Keeps the books of the watch.
pub struct Clerk {
    post: Post,
    store: Store,
    runtime: Handle,
    now: fn() -> Timestamp,
    figures: Arc<Figures>,
    correlators: Correlators,
    heartbeats: Heartbeats,
    again: Sender<(SegmentId, u32)>,
    waiting: BTreeMap<u64, Report>,
    next: u64,
    findings: Vec<Finding>,
    undecodable: Vec<DeadLetter>,
    since: Option<Instant>,
    segments: HashMap<SegmentId, Progress>,
    /// Segments that are done and could not be removed yet.
    done: Vec<SegmentId>,
    /// Up to where the journal was heard, and when the last batch of that came.
    heard: Option<(Position, Timestamp)>,
    advanced: Instant,
}

/// How far a segment is.
#[derive(Default)]
struct Progress {
    over: Option<SegmentInfo>,
    events: u64,
    findings: u64,
    undecodable: u64,
    attempt: u32,
    is_closed: bool,
    files: Vec<LakeFile>,
    names: Vec<BatchName>,
    failed: Option<String>,
    try_at: Option<Instant>,
}

impl Clerk {
    /// A clerk with restored correlations.
    pub fn new(
        post: Post,
        store: Store,
        runtime: Handle,
        now: fn() -> Timestamp,
        figures: Arc<Figures>,
        correlators: Correlators,
        again: Sender<(SegmentId, u32)>,
    ) -> Self {
        Self {
            post,
            store,
            runtime,
            now,
            figures,
            correlators,
            heartbeats: Heartbeats::default(),
            again,
            waiting: BTreeMap::new(),
            next: 0,
            findings: Vec::new(),
            undecodable: Vec::new(),
            since: None,
            segments: HashMap::new(),
            done: Vec::new(),
            heard: None,
            advanced: Instant::now(),
        }
    }

    /// Works until the watch ends.
    pub fn run(mut self, reports: &Receiver<Report>) {
        loop {
            let patience = self.since.map_or(SOON, |since| SOON.saturating_sub(since.elapsed()));
            match reports.recv_timeout(patience) {
                Ok(report) => self.receive(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.stopped() {
                return;
            }
            self.in_order();
            if self.since.is_some_and(|since| since.elapsed() >= SOON) || self.findings.len() >= TOGETHER {
                self.enter();
            }
            self.complete();
            self.try_again();
            self.tick();
        }
        self.enter();
        self.complete();
        self.remove_done();
    }

    fn receive(&mut self, report: Report) {
        let sequence = match report {
            Report::Seen { sequence, .. }
            | Report::Damage(sequence, _)
            | Report::Over(sequence, _)
            | Report::End(sequence) => sequence,
            Report::Files { segment, attempt, files } => {
                let progress = self.segments.entry(segment).or_default();
                if attempt == progress.attempt {
                    progress.is_closed = true;
                    match files {
                        Ok(files) => progress.files = files,
                        Err(reason) => progress.failed = Some(reason),
                    }
                }
                return;
            }
        };
        self.waiting.insert(sequence, report);
    }

    fn in_order(&mut self) {
        while let Some(report) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.post.awaited.store(self.next, Relaxed);
            match report {
                Report::Seen { engine, seen, next, .. } => {
                    self.correlators.change_rules(&engine);
                    self.seen(*seen, next);
                }
                Report::Damage(_, damage) => {
                    self.figures.damaged_bytes.fetch_add(damage.bytes, Relaxed);
                    tracing::error!(%damage, "part of the journal is damaged and was passed over");
                }
                Report::Over(_, info) => self.segments.entry(info.id).or_default().over = Some(info),
                Report::Files { .. } | Report::End(_) => {}
            }
        }
    }

    fn seen(&mut self, seen: Seen, next: Position) {
        let progress = self.segments.entry(next.segment).or_default();
        progress.events += seen.events;
        progress.undecodable += seen.undecodable.len() as u64;
        progress.names.extend(seen.names);
        let last = self.heard.map(|(_, last)| last).max(seen.received);
        self.heard = last.map(|last| (next, last));
        let before = self.findings.len();
        self.findings.extend(seen.findings);
        for lane in seen.sightings {
            self.correlators.hear(lane, &mut self.findings);
        }
        progress.findings += (self.findings.len() - before) as u64;
        self.correlators.skip(seen.skipped);
        self.figures.seen(seen.events, seen.bytes, seen.undecodable.len() as u64);
        self.figures.position(next);
        self.heartbeats.note(seen.heartbeats);
        self.undecodable.extend(seen.undecodable);
        if !self.findings.is_empty() || !self.undecodable.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Closes segments of which everything is known.
    fn complete(&mut self) {
        let is_known = |progress: &Progress| progress.over.is_some() && progress.is_closed;
        let mut known: Vec<SegmentId> = self
            .segments
            .iter()
            .filter(|(_, p)| is_known(p) && p.try_at.is_none())
            .map(|(id, _)| *id)
            .collect();
        known.sort_unstable();
        for id in known {
            let Some(progress) = self.segments.get_mut(&id) else { continue };
            if let Some(reason) = progress.failed.take() {
                self.figures.lake_failures.fetch_add(1, Relaxed);
                let pause = Duration::from_millis(500 << progress.attempt.min(6));
                tracing::error!(segment = %id, reason, retry_in = ?pause, "could not write events to the lake; the journal keeps them");
                progress.try_at = Some(Instant::now() + pause);
                continue;
            }
            let Some(mut progress) = self.segments.remove(&id) else { continue };
            match self.close(&progress) {
                Ok(()) => self.remove_done(),
                Err(Undone::Stopped) => {}
                // The journal keeps it, and others are closed.
                Err(Undone::Never(_)) => {
                    self.figures.lake_failures.fetch_add(1, Relaxed);
                    progress.try_at = Some(Instant::now() + STUCK);
                    self.segments.insert(id, progress);
                }
            }
        }
    }

    /// Enters all that is known of a segment into the store.
    ///
    /// # Errors
    /// It was not; the journal keeps the segment.
    fn close(&mut self, progress: &Progress) -> Result<(), Undone> {
        let Some(info) = progress.over else { return Ok(()) };
        if !self.enter() {
            return Err(Undone::Stopped);
        }
        let by = Actor::ward("watch");
        self.store_sources();
        let mut heartbeats = std::mem::take(&mut self.heartbeats);
        heartbeats.store((self.now)(), |rows| self.store_heartbeats(rows));
        self.heartbeats = heartbeats;
        for lane in self.correlators.changed() {
            let put = self.insist("store the state of correlations", async |store, now| {
                checkpoints::put(store, &by, now, &lane.name, lane.heard, &lane.state).await
            });
            match put {
                Ok(()) => self.correlators.is_stored(&lane.key),
                Err(Undone::Stopped) => return Err(Undone::Stopped),
                // It begins anew after the next start, which is less harm than a journal that fills.
                Err(Undone::Never(_)) => {
                    self.figures.unstorable.fetch_add(1, Relaxed);
                    self.correlators.is_stored(&lane.key);
                }
            }
        }
        for name in self.correlators.forgotten() {
            self.insist("forget the state of correlations", async |store, now| {
                checkpoints::remove(store, &by, now, &name).await
            })?;
        }
        let done = SegmentDone {
            first: info.first,
            last: info.last,
            events: progress.events,
            findings: progress.findings,
            undecodable: progress.undecodable,
        };
        let files = catalogue::entries(&progress.files);
        let forget = names_since((self.now)());
        self.insist("close a segment", async |store, now| {
            segments::segment_done(store, &by, now, &done, &files, &progress.names, forget).await
        })?;
        // Only now is it safe: the store has it.
        self.done.push(info.id);
        Ok(())
    }

    /// `false`: the store does not know yet of all sources that were heard.
    fn store_sources(&mut self) -> bool {
        let mut heartbeats = std::mem::take(&mut self.heartbeats);
        let stored = heartbeats.store_sources((self.now)(), |rows| self.store_heartbeats(rows));
        self.heartbeats = heartbeats;
        stored
    }

    fn store_heartbeats(&self, rows: &[Heartbeat]) -> bool {
        let stored =
            self.insist("store heartbeats", async |store, now| heartbeats::record(store, now, rows).await);
        stored.is_ok()
    }

    /// Removes what is done from the journal.
    fn remove_done(&mut self) {
        let journal = &self.post.journal;
        self.done.retain(|id| match journal.remove(*id) {
            Ok(()) => false,
            Err(error) => {
                tracing::error!(segment = %id, error = %chain(&error), "could not remove a segment; it is tried again");
                true
            }
        });
    }

    fn try_again(&mut self) {
        let now = Instant::now();
        for (id, progress) in &mut self.segments {
            if progress.try_at.is_some_and(|at| at <= now) {
                progress.try_at = None;
                progress.attempt += 1;
                progress.is_closed = false;
                let _ = self.again.send((*id, progress.attempt));
            }
        }
    }

    fn tick(&mut self) {
        if self.advanced.elapsed() < Duration::from_secs(5) {
            return;
        }
        self.advanced = Instant::now();
        self.remove_done();
        if let Some(time) = self.time_heard() {
            self.correlators.advance(time, &mut self.findings);
        }
        if !self.findings.is_empty() {
            self.since.get_or_insert_with(Instant::now);
        }
        self.correlators.tell_size(&self.figures);
        // In this order: what is sure to have been heard is among what is stored.
        let sure = self.sure_until();
        if self.store_sources()
            && let Some(sure) = sure
        {
            self.figures.heard(sure);
        }
    }

    /// The time up to which whoever sent something was heard: also of what is not in the journal yet.
    fn sure_until(&self) -> Option<Timestamp> {
        let until = self.time_heard()?;
        let waits = self.post.journal.usage().queued_batches > 0;
        let until = if waits { self.heard?.1 } else { until };
        Some(Timestamp::from_micros(until.micros() - ON_THE_WAY))
    }

    /// The time up to which everything was heard. While the journal holds what nobody has looked at yet, it is not
    /// now: what comes next may be as old as the outage was long.
    fn time_heard(&self) -> Option<Timestamp> {
        let position = self.heard.map_or(Position::START, |(position, _)| position);
        let waits = self.post.journal.lag(position) > 0;
        if waits { self.heard.map(|(_, last)| last) } else { Some((self.now)()) }
    }

    fn stopped(&self) -> bool {
        self.post.stop.load(Relaxed)
    }
}

/// Batches that came at or after this may be sent again.
pub fn names_since(now: Timestamp) -> Timestamp {
    let kept = Options::default().keep_keys.as_micros();
    Timestamp::from_micros(now.micros().saturating_sub(i64::try_from(kept).unwrap_or(i64::MAX)))
}
