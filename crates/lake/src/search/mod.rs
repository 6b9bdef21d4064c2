//! Searching the files of a lake.
//!
//! Invariants:
//! - Only files of organisations in the scope are looked at, whatever the query says and whatever list of
//!   files is handed in.
//! - The rows are those for which [`Query::matches`] says so, newest first; what is left out by times and
//!   filters has none.
//! - A damaged file is told by name, and all others are searched.

mod check;
mod limits;
mod look;
mod order;
mod prune;
mod scan;
mod work;

use std::cmp::Reverse;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use ward_core::{EventId, Scope};

pub use limits::{Cancel, Limits, Scanned, TimeRange};
pub(crate) use limits::{Counters, Running};
use order::{Order, Unit};
pub(crate) use prune::{Facts, possible};
use scan::Plan;
pub(crate) use work::in_filter;
use work::{FileAt, Shared};

use crate::query::{Node, Term};
use crate::{FoundRow, Lake, LakeError, LakeFile, Query};

/// A search that runs. Dropping it calls it off.
#[derive(Debug)]
pub struct Search {
    rows: mpsc::Receiver<Result<FoundRow, LakeError>>,
    shared: Arc<Shared>,
}

/// What a search would look at, told before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Files that may have something, by organisation and time.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Whether the original bytes of each event must be read, rather than a column and its filters.
    pub reads_original: bool,
}

impl Lake {
    /// Searches files, on threads of its own. What the catalogue lists beyond the scope is not looked at.
    ///
    /// # Errors
    /// A pattern of the query is too long to be looked for.
    pub fn search(
        &self,
        scope: &Scope,
        files: &[LakeFile],
        query: &Query,
        range: TimeRange,
        limits: Limits,
    ) -> Result<Search, LakeError> {
        let plan = Plan::new(query).map_err(LakeError::TooComplex)?;
        let visible: Vec<LakeFile> = visible(scope, files).cloned().collect();
        let considered = visible.len() as u64;
        let files: Vec<FileAt> =
            visible.into_iter().filter(|file| file_possible(file, query, range)).map(FileAt::new).collect();
        let unit = |(nth, file): (usize, &FileAt)| Unit {
            latest: file.entry.max_time.micros(),
            file: Reverse(nth),
            group: None,
        };
        let units: Vec<Unit> = files.iter().enumerate().map(unit).collect();
        let (sender, rows) = mpsc::channel(64);
        let threads = limits.threads.clamp(1, 64);
        let shared = Arc::new(Shared {
            root: self.root().to_path_buf(),
            query: query.clone(),
            plan,
            range,
            considered,
            order: Mutex::new(Order::new(units, limits.rows)),
            changed: std::sync::Condvar::new(),
            counters: Counters::default(),
            outcome: Mutex::default(),
            running: Running::new(limits),
            files,
            sender: Mutex::new(Some(sender)),
        });
        for _ in 0..threads {
            let shared = Arc::clone(&shared);
            let named = std::thread::Builder::new().name("ward-search".to_owned());
            named.spawn(move || shared.work()).map_err(|error| LakeError::file("read", "the lake", error))?;
        }
        Ok(Search { rows, shared })
    }

    /// What a search would look at. Reads no file.
    pub fn estimate(&self, scope: &Scope, files: &[LakeFile], query: &Query, range: TimeRange) -> Estimate {
        let mut estimate = Estimate { files: 0, rows: 0, bytes: 0, reads_original: query.reads_original() };
        for file in visible(scope, files).filter(|file| file_possible(file, query, range)) {
            estimate.files += 1;
            estimate.rows += file.rows;
            estimate.bytes += file.bytes;
        }
        estimate
    }

    /// The event of this id, if it is in the scope. Blocks.
    ///
    /// # Errors
    /// It was not found, and a file that may have it could not be read.
    pub fn get(&self, scope: &Scope, files: &[LakeFile], id: EventId) -> Result<Option<FoundRow>, LakeError> {
        let query = Query(Node::Term(Term::Id(id)));
        let limits = Limits { rows: 1, threads: 1, ..Limits::default() };
        let mut search = self.search(scope, files, &query, TimeRange::ALL, limits)?;
        let found = search.blocking_next().transpose()?;
        match (found, search.scanned().damaged.into_iter().next()) {
            (None, Some((path, _))) => Err(LakeError::Altered(path)),
            (found, _) => Ok(found),
        }
    }
}

impl Search {
    /// The next row. `None`: there are no more. An error is the last that comes.
    pub async fn next(&mut self) -> Option<Result<FoundRow, LakeError>> {
        self.rows.recv().await
    }

    /// The next row, for callers that are not asynchronous.
    pub fn blocking_next(&mut self) -> Option<Result<FoundRow, LakeError>> {
        self.rows.blocking_recv()
    }

    /// What was looked at so far; all of it, after the last row.
    pub fn scanned(&self) -> Scanned {
        self.shared.scanned()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.shared.call_off();
    }
}

/// The files that are in the scope by their entry as well as by their path.
pub(crate) fn visible<'a>(scope: &Scope, files: &'a [LakeFile]) -> impl Iterator<Item = &'a LakeFile> {
    files.iter().filter(|file| scope.sees(&file.organisation) && file.is_where_it_says())
}

/// Whether the file may have something, by organisation and time.
pub(crate) fn file_possible(file: &LakeFile, query: &Query, range: TimeRange) -> bool {
    let times = (file.min_time.micros(), file.max_time.micros());
    let facts = Facts { organisation: &file.organisation, times, batches: None };
    range.touches(times.0, times.1) && possible(&query.0, &facts, &mut |_, _| true)
}
