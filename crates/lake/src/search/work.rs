//! The threads of a search: each takes what comes next, looks into it, and hands out what may be.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use tokio::sync::mpsc;

use super::limits::{Counters, Running, Scanned, TimeRange};
use super::order::{Order, Unit};
use super::prune::{Facts, possible};
use super::scan::{GroupAt, Plan};
use crate::index::{Filter, Group, hash, perhaps};
use crate::query::Column;
use crate::read::{Blob, groups};
use crate::schema::INDEXED;
use crate::{FoundRow, LakeError, LakeFile, Query};

/// What the threads of a search share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub root: PathBuf,
    pub query: Query,
    pub plan: Plan,
    pub range: TimeRange,
    pub considered: u64,
    pub files: Vec<FileAt>,
    pub order: Mutex<Order>,
    pub changed: Condvar,
    pub counters: Counters,
    pub outcome: Mutex<Outcome>,
    pub running: Running,
    pub sender: Mutex<Option<mpsc::Sender<Result<FoundRow, LakeError>>>>,
}

/// What is said of a search beside its rows.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    found: u64,
    files_pruned: u64,
    damaged: Vec<(String, String)>,
    milliseconds: Option<u64>,
}

/// A file that may have something.
#[derive(Debug)]
pub(crate) struct FileAt {
    pub entry: LakeFile,
    open: Mutex<Option<Open>>,
}

#[derive(Debug, Clone)]
struct Open {
    blob: Blob,
    footer: Option<ArrowReaderMetadata>,
    groups: Arc<Vec<Group>>,
    left: usize,
}

impl FileAt {
    pub fn new(entry: LakeFile) -> Self {
        Self { entry, open: Mutex::new(None) }
    }
}

impl Shared {
    /// Works until all is done, or the search ends otherwise.
    pub fn work(&self) {
        if let Err(error) = self.work_on() {
            self.end(Some(error));
        }
    }

    /// Ends the search: no more is looked at.
    pub fn call_off(&self) {
        self.running.limits.cancel.cancel();
    }

    /// What was looked at so far.
    pub fn scanned(&self) -> Scanned {
        let outcome = lock(&self.outcome);
        let counters = &self.counters;
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Scanned {
            files: self.considered,
            files_pruned: self.considered - self.files.len() as u64 + outcome.files_pruned,
            groups_pruned: get(&counters.groups_pruned),
            groups_read: get(&counters.groups_read),
            rows: get(&counters.rows),
            bytes: get(&counters.bytes),
            found: outcome.found,
            milliseconds: outcome.milliseconds.unwrap_or_else(|| self.running.milliseconds()),
            damaged: outcome.damaged.clone(),
        }
    }

    fn work_on(&self) -> Result<(), LakeError> {
        while let Some((unit, left)) = self.take() {
            self.running.may_go_on()?;
            let at = &self.files[unit.file.0];
            let look = || match unit.group {
                None => self.look_into(unit, at).map(|groups| (groups, Vec::new())),
                Some(nth) => self.read(at, nth, left).map(|rows| (Vec::new(), rows)),
            };
            // readers of Parquet are not promised to survive every damage
            let looked = catch_unwind(AssertUnwindSafe(look))
                .unwrap_or_else(|_| Err(LakeError::Altered(at.entry.path.clone())));
            let (groups, rows) = match looked {
                Ok(looked) => looked,
                Err(ended @ (LakeError::Cancelled | LakeError::OutOfTime(_) | LakeError::OutOfMemory(_))) => {
                    return Err(ended);
                }
                Err(damaged) => {
                    self.tell(&at.entry, &damaged);
                    (Vec::new(), Vec::new())
                }
            };
            let mut order = lock(&self.order);
            order.done(unit, groups, rows);
            order.trim();
            let handed_out = self.hand_out(&mut order);
            drop(order);
            self.changed.notify_all();
            handed_out?;
        }
        self.end(None);
        Ok(())
    }

    /// The next unit, and how many rows are still wanted. `None`: there is nothing left to do.
    fn take(&self) -> Option<(Unit, usize)> {
        let mut order = lock(&self.order);
        loop {
            if order.is_done() || lock(&self.sender).is_none() {
                return None;
            }
            if let Some(unit) = order.take() {
                return Some((unit, order.left()));
            }
            // another thread looks into what may have more to do
            order = self.changed.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn hand_out(&self, order: &mut Order) -> Result<(), LakeError> {
        let sender = lock(&self.sender).clone();
        while let Some(row) = order.next() {
            let gone = sender.as_ref().is_none_or(|sender| sender.blocking_send(Ok(row)).is_err());
            if gone {
                return Err(LakeError::Cancelled);
            }
            lock(&self.outcome).found += 1;
        }
        match order.bytes() > self.running.limits.memory {
            true => Err(LakeError::OutOfMemory(self.running.limits.memory)),
            false => Ok(()),
        }
    }

    /// The first to come here ends the search for all.
    fn end(&self, error: Option<LakeError>) {
        let finished = error.is_some() || lock(&self.order).is_done();
        if !finished {
            return;
        }
        let sender = lock(&self.sender).take();
        if let Some(sender) = sender {
            lock(&self.outcome).milliseconds = Some(self.running.milliseconds());
            if let Some(error) = error {
                let _ = sender.blocking_send(Err(error)); // nobody may be listening
            }
        }
        self.changed.notify_all();
    }

    fn tell(&self, file: &LakeFile, error: &LakeError) {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        let mut outcome = lock(&self.outcome);
        if !outcome.damaged.iter().any(|(path, _)| *path == file.path) {
            outcome.damaged.push((file.path.clone(), reason));
        }
    }

    /// The row groups of a file that may have something.
    fn look_into(&self, unit: Unit, at: &FileAt) -> Result<Vec<Unit>, LakeError> {
        let file = &at.entry;
        let mut blob: Option<Blob> = None;
        let mut open = || match &blob {
            Some(open) => Ok(open.clone()),
            None => {
                let opened = Blob::open(&self.root, &file.path, &self.counters.bytes)?;
                blob = Some(opened.clone());
                Ok(opened)
            }
        };
        let groups = groups(file, &mut open)?;
        let mut units = Vec::new();
        for (nth, group) in groups.iter().enumerate() {
            if self.group_possible(group, file, &mut open)? {
                units.push(Unit { latest: group.max_time, file: unit.file, group: Some(nth) });
            }
        }
        Counters::count(&self.counters.groups_pruned, (groups.len() - units.len()) as u64);
        if units.is_empty() {
            lock(&self.outcome).files_pruned += 1;
        } else {
            let blob = open()?;
            *lock(&at.open) = Some(Open { blob, footer: None, groups: Arc::new(groups), left: units.len() });
        }
        Ok(units)
    }

    fn group_possible(
        &self,
        group: &Group,
        file: &LakeFile,
        open: &mut dyn FnMut() -> Result<Blob, LakeError>,
    ) -> Result<bool, LakeError> {
        if !self.range.touches(group.min_time, group.max_time) {
            return Ok(false);
        }
        let mut failed = None;
        let mut ask = |column: Column, value: &str| {
            let asked = in_filter(group, column, value, open, &file.path);
            asked.unwrap_or_else(|error| {
                failed = Some(error);
                true
            })
        };
        let facts = Facts::of_group(group, &file.organisation);
        let answer = possible(&self.query.0, &facts, &mut ask);
        failed.map_or(Ok(answer), Err)
    }

    fn read(&self, at: &FileAt, nth: usize, most: usize) -> Result<Vec<FoundRow>, LakeError> {
        let (open, footer) = {
            let mut place = lock(&at.open);
            let Some(open) = place.as_mut() else { return Ok(Vec::new()) };
            let footer = match &open.footer {
                Some(footer) => footer.clone(),
                None => open.footer.insert(open.blob.footer(&at.entry.path)?).clone(),
            };
            open.left -= 1;
            let open = open.clone();
            if open.left == 0 {
                *place = None; // neither file nor footer is kept longer than it is needed
            }
            (open, footer)
        };
        let rows = open.groups.get(nth).map_or(0, |group| group.rows as usize);
        let same =
            footer.metadata().row_groups().get(nth).is_some_and(|group| group.num_rows() == rows as i64);
        if !same {
            return Err(LakeError::Altered(at.entry.path.clone()));
        }
        Counters::count(&self.counters.groups_read, 1);
        Counters::count(&self.counters.rows, rows as u64);
        let group = GroupAt {
            blob: &open.blob,
            footer: &footer,
            path: &at.entry.path,
            organisation: &at.entry.organisation,
            nth,
            rows,
            running: &self.running,
        };
        self.plan.scan(&group, self.range, most)
    }
}

/// Whether a value may be in an indexed column of a row group.
pub(crate) fn in_filter(
    group: &Group,
    column: Column,
    value: &str,
    open: &mut dyn FnMut() -> Result<Blob, LakeError>,
    path: &str,
) -> Result<bool, LakeError> {
    let filter = INDEXED.iter().zip(group.filters).find(|(indexed, _)| **indexed == column);
    let Some(at) = filter.and_then(|(_, filter)| filter.block_of(hash(value))) else { return Ok(true) };
    let mut block = [0; Filter::BLOCK];
    open()?.read_at(at, &mut block).map_err(|error| LakeError::file("read", path, error))?;
    Ok(perhaps(&block, value))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // what a thread that panicked left is still counted and told
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
