//! A segment of the journal becomes files of the lake.
//!
//! Invariants:
//! - The same rows in the same order make the same files, byte by byte: a replay overwrites, it never
//!   doubles.
//! - Memory stays within a budget over all files in the making: where it is exceeded, the largest row group
//!   is written out early.
//! - A file has its final name only when its bytes are durable; [`SegmentWriter::finish`] returns only when
//!   the names are, too.

mod columns;
mod file_writer;
mod spool;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use parquet::file::properties::WriterProperties;
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

/// The files that one segment becomes.
#[derive(Debug)]
pub struct SegmentWriter {
    lake: Lake,
    segment: String,
    options: WriteOptions,
    properties: WriterProperties,
    places: HashMap<OrganisationId, Vec<(Day, usize)>>,
    files: Vec<FileWriter>,
    memory: Vec<usize>,
    in_all: usize,
    peak: usize,
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
        let properties = schema::properties(options.level, options.page_bytes)?;
        Ok(Self {
            lake: lake.clone(),
            segment,
            options,
            properties,
            places: HashMap::new(),
            files: Vec::new(),
            memory: Vec::new(),
            in_all: 0,
            peak: 0,
        })
    }

    /// Takes an event. It is filed under the day on which it happened, or came, if its own account is not
    /// credible.
    ///
    /// # Errors
    /// A file could not be written.
    pub fn push(&mut self, row: &LakeRow<'_>) -> Result<(), LakeError> {
        let time = credible(row.time, row.received);
        let at = self.file_of(row.organisation, Day::of(time))?;
        let before = self.files[at].memory();
        if self.files[at].push(row, time, self.options.group_rows)? {
            self.recount(at);
        } else {
            // only the rows that wait have grown
            let grown = self.files[at].memory() - before;
            self.memory[at] += grown;
            self.in_all += grown;
        }
        while self.in_all > self.options.memory && self.shrink()? {}
        self.peak = self.peak.max(self.in_all);
        Ok(())
    }

    /// Bytes that the files in the making take in memory now, as counted.
    pub fn memory(&self) -> usize {
        self.in_all
    }

    /// Bytes that they took at most between two events.
    pub fn peak_memory(&self) -> usize {
        self.peak
    }

    /// Completes the files, makes them durable, and only then gives them their names. What it returns is to
    /// be recorded before the segment may go.
    ///
    /// # Errors
    /// A file could not be written. Some of the files may have their names by then; a replay overwrites
    /// them.
    pub fn finish(self) -> Result<Vec<LakeFile>, LakeError> {
        let settled: Result<Vec<Settled>, _> = self.files.into_iter().map(FileWriter::settle).collect();
        let mut files = publish(&self.lake, settled?)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn file_of(&mut self, organisation: &OrganisationId, day: Day) -> Result<usize, LakeError> {
        let days = self.places.get(organisation);
        if let Some((_, at)) = days.and_then(|days| days.iter().find(|(known, _)| *known == day)) {
            return Ok(*at);
        }
        let at = self.files.len();
        self.files.push(FileWriter::new(&self.lake, organisation, day, &self.segment, &self.properties)?);
        self.memory.push(0);
        self.places.entry(organisation.clone()).or_default().push((day, at));
        Ok(at)
    }

    fn recount(&mut self, at: usize) {
        let now = self.files[at].memory();
        self.in_all = self.in_all - self.memory[at] + now;
        self.memory[at] = now;
    }

    /// Writes out the largest row group. Says whether that gave memory back.
    fn shrink(&mut self) -> Result<bool, LakeError> {
        let Some(largest) = (0..self.files.len()).max_by_key(|at| self.memory[*at]) else { return Ok(false) };
        let before = self.in_all;
        self.files[largest].end_group()?;
        self.recount(largest);
        Ok(self.in_all < before)
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
