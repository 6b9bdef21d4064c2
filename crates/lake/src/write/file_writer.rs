//! One file in the making.

use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::properties::WriterProperties;
use ward_core::{OrganisationId, Timestamp};

use super::columns::Columns;
use super::spool::{Spool, temporary_of};
use crate::file::{Day, LakeFile, path_of};
use crate::schema::SCHEMA;
use crate::{Lake, LakeError, LakeRow, index};

/// A file in the making.
#[derive(Debug)]
pub(crate) struct FileWriter {
    path: String,
    organisation: OrganisationId,
    day: Day,
    columns: Columns,
    writer: ArrowWriter<Spool>,
    encoding: usize,
    rows_in_group: usize,
    /// Bytes of the rows in the group, unpacked, about.
    unpacked: usize,
    rows: u64,
}

/// A file that is complete and durable, but under its temporary name.
#[derive(Debug)]
pub(crate) struct Settled {
    pub file: LakeFile,
    pub spool: Spool,
}

impl FileWriter {
    /// A file of the organisation, day and segment, without rows.
    pub fn new(
        lake: &Lake,
        organisation: &OrganisationId,
        day: Day,
        segment: &str,
        properties: &WriterProperties,
    ) -> Result<Self, LakeError> {
        let path = path_of(organisation, day, segment)?;
        let spool = Spool::new(lake, temporary_of(&lake.root().join(&path)));
        let options =
            ArrowWriterOptions::new().with_properties(properties.clone()).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(spool, Arc::clone(&SCHEMA), options)
            .map_err(|error| LakeError::parquet("write", &path, error))?;
        let columns = Columns::new();
        let organisation = organisation.clone();
        Ok(Self {
            path,
            organisation,
            day,
            columns,
            writer,
            encoding: 0,
            rows_in_group: 0,
            unpacked: 0,
            rows: 0,
        })
    }

    /// Takes a row.
    pub fn push(&mut self, row: &LakeRow<'_>, time: Timestamp, group: usize) -> Result<(), LakeError> {
        self.columns.push(row, time);
        self.rows += 1;
        if self.columns.rows() < BATCH_ROWS && self.columns.bytes() < BATCH_BYTES {
            return Ok(());
        }
        self.encode()?;
        if self.rows_in_group >= group || self.unpacked >= UNPACKED {
            self.end_group()?;
        }
        Ok(())
    }

    /// Takes rows that are columns already, in the lake's own layout.
    pub fn push_batch(&mut self, batch: &RecordBatch, group: usize) -> Result<(), LakeError> {
        let mut done = 0;
        while done < batch.num_rows() {
            let part =
                batch.slice(done, (batch.num_rows() - done).min(group - self.rows_in_group.min(group - 1)));
            self.writer.write(&part).map_err(|error| LakeError::parquet("write", &self.path, error))?;
            done += part.num_rows();
            self.rows += part.num_rows() as u64;
            self.rows_in_group += part.num_rows();
            if self.rows_in_group >= group || self.writer.memory_size() > GROUP_BYTES {
                self.end_group()?;
            }
        }
        Ok(())
    }

    /// Bytes that it takes in memory, about.
    pub fn memory(&self) -> usize {
        let compressing = if self.rows_in_group > 0 { COMPRESSOR } else { 0 };
        self.columns.bytes() + self.encoding + self.writer.inner().waiting() + compressing
    }

    /// Writes what it has out as a row group.
    pub fn end_group(&mut self) -> Result<(), LakeError> {
        self.encode()?;
        self.writer.flush().map_err(|error| LakeError::parquet("write", &self.path, error))?;
        (self.encoding, self.rows_in_group, self.unpacked) = (0, 0, 0);
        Ok(())
    }

    /// Completes the file and makes its bytes durable.
    pub fn settle(mut self) -> Result<Settled, LakeError> {
        self.end_group()?;
        let failed = |error| LakeError::parquet("write", &self.path, error);
        let footer = self.writer.finish().map_err(failed)?;
        self.writer.sync().map_err(|error| LakeError::file("write", &self.path, error))?;
        let mut spool = self.writer.inner_mut().take();
        spool.settle().map_err(|error| LakeError::file("write", &self.path, error))?;
        let groups = index::groups_of(&footer).unwrap_or_default();
        let (min_time, max_time) = index::span(&groups).unwrap_or((self.day.start(), self.day.start()));
        let (bytes, digest) = spool.sum();
        let file = LakeFile {
            path: self.path,
            organisation: self.organisation,
            day: self.day,
            rows: self.rows,
            bytes,
            min_time,
            max_time,
            digest,
            index: index::encode(&groups),
        };
        Ok(Settled { file, spool })
    }

    fn encode(&mut self) -> Result<(), LakeError> {
        if self.columns.rows() > 0 {
            self.unpacked += self.columns.bytes();
            let batch = self.columns.take()?;
            self.rows_in_group += batch.num_rows();
            self.writer.write(&batch).map_err(|error| LakeError::parquet("write", &self.path, error))?;
            self.encoding = self.writer.memory_size();
        }
        Ok(())
    }
}

const BATCH_ROWS: usize = 512;
const BATCH_BYTES: usize = 128 * 1024;

/// What zstd keeps while a column of original bytes is being compressed.
const COMPRESSOR: usize = 640 << 10;

/// Bytes, unpacked, at which a row group ends whatever rows it has: who reads it may have to hold them.
const UNPACKED: usize = 64 << 20;

/// Bytes that a row group takes in memory while files are merged, at most.
const GROUP_BYTES: usize = 32 << 20;
