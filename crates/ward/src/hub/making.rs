//! The files of the lake that the workers are writing, together.
//!
//! Invariant: a segment's files are completed by the last worker to close it, when no other writes to them.
//! Invariant: where one worker failed, there are no files: those of a part of a segment never pass for all of it.
//! Invariant: a batch over which a worker fell is known to all of them from then on, so that each writes what the
//! others would.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use ward_core::BatchId;
use ward_journal::SegmentId;
use ward_lake::{Lake, LakeFile, SegmentWriter, WriteOptions};

use crate::detect::problems::chain;

/// A segment, and which attempt to write it this is.
pub type Attempt = (SegmentId, u32);

/// Files in the making.
pub struct Making {
    lake: Lake,
    options: WriteOptions,
    workers: usize,
    open: Mutex<HashMap<Attempt, Open>>,
    faulty: ArcSwap<HashSet<BatchId>>,
}

#[derive(Default)]
struct Open {
    writer: Option<Arc<SegmentWriter>>,
    failed: Option<String>,
    /// How many workers have closed it.
    closed: usize,
}

impl Making {
    /// Nothing yet, for so many workers.
    pub fn new(lake: Lake, options: WriteOptions, workers: usize) -> Self {
        Self { lake, options, workers, open: Mutex::default(), faulty: ArcSwap::default() }
    }

    /// What rows of the segment are pushed to. `None`: it has failed, and they need not be.
    pub fn writer(&self, of: Attempt) -> Option<Arc<SegmentWriter>> {
        let mut all = self.lock();
        let open = all.entry(of).or_default();
        if open.writer.is_none() && open.failed.is_none() {
            match SegmentWriter::new(&self.lake, of.0.to_string(), self.options.clone()) {
                Ok(writer) => open.writer = Some(Arc::new(writer)),
                Err(error) => open.failed = Some(chain(&error)),
            }
        }
        open.writer.clone()
    }

    /// Gives the files of the segment up.
    pub fn fail(&self, of: Attempt, reason: String) {
        let mut all = self.lock();
        let open = all.entry(of).or_default();
        open.writer = None;
        open.failed.get_or_insert(reason);
    }

    /// Batches over which a worker fell.
    pub fn faulty(&self) -> Arc<HashSet<BatchId>> {
        self.faulty.load_full()
    }

    /// Notes that a worker fell over this batch. Its segment is to be written again without it.
    pub fn fell_over(&self, batch: BatchId, of: Attempt) {
        self.faulty.rcu(|known| {
            let mut known = HashSet::clone(known);
            known.insert(batch);
            known
        });
        self.fail(of, format!("looking at batch {} met a fault in Ward", batch.0));
    }

    /// A worker has written all that it will and let its writer go. Tells what came of the files, to the last of
    /// the workers; `None`: others are still at it.
    pub fn close(&self, of: Attempt) -> Option<Result<Vec<LakeFile>, String>> {
        let mut all = self.lock();
        let open = all.entry(of).or_default();
        open.closed += 1;
        if open.closed < self.workers {
            return None;
        }
        let open = all.remove(&of)?;
        drop(all);
        if let Some(reason) = open.failed {
            return Some(Err(reason));
        }
        let Some(writer) = open.writer else { return Some(Ok(Vec::new())) };
        let Some(writer) = Arc::into_inner(writer) else {
            return Some(Err("a worker is still writing files of the segment".to_owned()));
        };
        Some(writer.finish().map_err(|error| chain(&error)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Attempt, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_worker_completes_the_files_and_one_failure_is_that_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let making = Making::new(Lake::new(folder.path()), WriteOptions::default(), 2);
        let [first, second] = [1, 2].map(|segment| (SegmentId(segment), 0));
        assert!(making.close(first).is_none());
        assert_eq!(making.close(first), Some(Ok(Vec::new())), "nobody had anything to write");
        drop((making.writer(first).unwrap(), making.writer(second).unwrap()));
        making.fail(first, "no room".to_owned());
        assert!(making.writer(first).is_none(), "no more is written");
        assert!(making.close(first).is_none());
        assert_eq!(making.close(first), Some(Err("no room".to_owned())));
        let held = making.writer(second).unwrap();
        assert!(making.close(second).is_none());
        assert!(making.close(second).unwrap().is_err(), "somebody could write yet");
        drop(held);
        assert!(making.lock().is_empty());
    }
}
