//! A segment of the journal becomes files of the lake.
//!
//! Invariants:
//! - All rows of an organisation and day of a segment are in one file, whose name follows from these three: a
//!   replay overwrites, it never doubles. The same rows in the same order make the same file, byte by byte.
//! - Memory stays within a budget over all files in the making: where it is exceeded, the largest row group
//!   is written out early.
//! - A file has its final name only when its bytes are durable; [`SegmentWriter::finish`] returns only when
//!   the names are, too.

mod columns;
mod file_writer;
mod spool;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use parquet::file::properties::{BloomFilterPosition, WriterProperties};
use ward_core::OrganisationId;

use crate::file::{Day, LakeFile};
use crate::row::credible;
use crate::{Lake, LakeError, LakeRow, schema};
use file_writer::Settled;

pub(crate) use columns::Columns;
pub(crate) use file_writer::FileWriter;
pub(crate) use spool::final_of;

/// How files are written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Level of zstd, from 1.
    pub level: i32,
    /// Bytes that all files in the making may take in memory.
    pub memory: usize,
    /// Rows in a row group, unless memory ends it early.
    pub group_rows: usize,
    /// Bytes of original events that are compressed together.
    pub page_bytes: usize,
}

/// The files that one segment becomes. Several threads may push at once; those that push rows of the same
/// organisation and day wait for each other.
#[derive(Debug)]
pub struct SegmentWriter {
    lake: Lake,
    segment: String,
    options: WriteOptions,
    properties: WriterProperties,
    files: RwLock<Files>,
    in_all: AtomicUsize,
    peak: AtomicUsize,
}

/// Those of each organisation, by day.
type Files = HashMap<OrganisationId, Vec<(Day, Arc<Making>)>>;

/// A file in the making.
#[derive(Debug)]
struct Making {
    writer: Mutex<FileWriter>,
    /// Bytes that it takes in memory, as last counted.
    memory: AtomicUsize,
}

impl Making {
    fn lock(&self) -> MutexGuard<'_, FileWriter> {
        // Whoever panicked over it has taken the whole attempt with it: its rows are pushed again.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { level: 1, memory: 64 << 20, group_rows: 32 * 1024, page_bytes: 1 << 20 }
    }
}

impl SegmentWriter {
    /// Begins the files of a segment in a lake. The segment's name must be the same in each
    /// replay of it, and other than that of all other segments.
    ///
    /// # Errors
    /// The name is no safe file name, or zstd has no such level.
    pub fn new(lake: &Lake, segment: impl Into<String>, options: WriteOptions) -> Result<Self, LakeError> {
        let segment = segment.into();
        if OrganisationId::new(&segment).is_err() {
            return Err(LakeError::BadSegment(segment.chars().take(80).collect()));
        }
        // Of each row group at once: there are dozens of files, each soon to be merged with others.
        let filters = BloomFilterPosition::AfterRowGroup;
        let properties = schema::properties(options.level, options.page_bytes, filters)?;
        Ok(Self {
            lake: lake.clone(),
            segment,
            options,
            properties,
            files: RwLock::default(),
            in_all: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        })
    }

    /// Takes an event. It is filed under the day on which it happened, or came, if its own account is not
    /// credible.
    ///
    /// # Errors
    /// A file could not be written.
    pub fn push(&self, row: &LakeRow<'_>) -> Result<(), LakeError> {
        let time = credible(row.time, row.received);
        let file = self.file_of(row.organisation, Day::of(time))?;
        let mut writer = file.lock();
        writer.push(row, time, self.options.group_rows)?;
        self.recount(&file, &writer);
        drop(writer);
        while self.memory() > self.options.memory && self.shrink()? {}
        self.peak.fetch_max(self.memory(), Relaxed);
        Ok(())
    }

    /// Bytes that the files in the making take in memory now, as counted.
    pub fn memory(&self) -> usize {
        self.in_all.load(Relaxed)
    }

    /// Bytes that they took at most between two events.
    pub fn peak_memory(&self) -> usize {
        self.peak.load(Relaxed)
    }

    /// Completes the files, makes them durable, and only then gives them their names. What it returns is to
    /// be recorded before the segment may go.
    ///
    /// # Errors
    /// A file could not be written. Some of the files may have their names by then; a replay overwrites
    /// them.
    pub fn finish(self) -> Result<Vec<LakeFile>, LakeError> {
        let files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Nobody pushes any more, so that each is held here alone.
        let making = files.into_values().flatten().filter_map(|(_, file)| Arc::into_inner(file));
        let writers = making.map(|file| file.writer.into_inner().unwrap_or_else(PoisonError::into_inner));
        let settled: Result<Vec<Settled>, _> = writers.map(FileWriter::settle).collect();
        let mut files = publish(&self.lake, settled?)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn file_of(&self, organisation: &OrganisationId, day: Day) -> Result<Arc<Making>, LakeError> {
        let known = |days: &Vec<(Day, Arc<Making>)>| {
            days.iter().find(|(known, _)| *known == day).map(|(_, file)| Arc::clone(file))
        };
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(organisation).and_then(known) {
            return Ok(file);
        }
        drop(files);
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        let days = files.entry(organisation.clone()).or_default();
        if let Some(file) = known(days) {
            return Ok(file);
        }
        let writer = FileWriter::new(&self.lake, organisation, day, &self.segment, &self.properties)?;
        let file = Arc::new(Making { writer: Mutex::new(writer), memory: AtomicUsize::new(0) });
        days.push((day, Arc::clone(&file)));
        Ok(file)
    }

    /// Counts a file's memory anew. Whoever has locked it is the only one to do so.
    fn recount(&self, file: &Making, writer: &FileWriter) {
        let now = writer.memory();
        let before = file.memory.swap(now, Relaxed);
        if now >= before {
            self.in_all.fetch_add(now - before, Relaxed);
        } else {
            self.in_all.fetch_sub(before - now, Relaxed);
        }
    }

    /// Writes out the largest row group. Says whether that gave memory back.
    fn shrink(&self) -> Result<bool, LakeError> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let all = files.values().flatten().map(|(_, file)| file);
        let Some(largest) = all.max_by_key(|file| file.memory.load(Relaxed)).cloned() else {
            return Ok(false);
        };
        drop(files);
        let mut writer = largest.lock();
        let before = writer.memory();
        writer.end_group()?;
        self.recount(&largest, &writer);
        Ok(writer.memory() < before)
    }
}

/// Gives complete files their names and makes the names durable.
pub(crate) fn publish(lake: &Lake, settled: Vec<Settled>) -> Result<Vec<LakeFile>, LakeError> {
    let mut folders = BTreeSet::new();
    let mut files = Vec::with_capacity(settled.len());
    for Settled { file, spool } in settled {
        let path = lake.root().join(&file.path);
        spool.publish(&path).map_err(|error| LakeError::file("write", &file.path, error))?;
        folders.extend(path.parent().map(Path::to_path_buf));
        files.push(file);
    }
    lake.sync_folders(&folders)?;
    Ok(files)
}
