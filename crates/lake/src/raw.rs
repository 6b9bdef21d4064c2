//! The original bytes back, file by file, to be matched again: a new rule over the past.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use ward_core::{EventId, OrganisationId, Scope, Timestamp};

use crate::query::Column;
use crate::read::{Blob, groups, rows_at_once};
use crate::search::{TimeRange, visible};
use crate::view::View;
use crate::{Lake, LakeError, LakeFile};

/// An event as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Which event of the hub.
    pub id: EventId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// When it happened.
    pub time: Timestamp,
    /// Who sent it.
    pub source: String,
    /// In which format.
    pub format: String,
    /// The original bytes.
    pub raw: Vec<u8>,
}

/// Events as they came, oldest day first, within a file in the order in which they came. Reading blocks.
/// After an error, the rest of that file is left out and the next is read.
#[derive(Debug)]
pub struct RawEvents {
    lake: Lake,
    files: std::vec::IntoIter<LakeFile>,
    range: TimeRange,
    file: Option<(LakeFile, ParquetRecordBatchReader)>,
    read: std::vec::IntoIter<RawEvent>,
}

impl Lake {
    /// The original bytes of all events of a time range, of the files in the scope.
    pub fn raw_events(&self, scope: &Scope, files: &[LakeFile], range: TimeRange) -> RawEvents {
        let touched = |file: &&LakeFile| range.touches(file.min_time.micros(), file.max_time.micros());
        let mut files: Vec<LakeFile> = visible(scope, files).filter(touched).cloned().collect();
        files.sort_by(|a, b| (a.day, a.min_time, &a.path).cmp(&(b.day, b.min_time, &b.path)));
        RawEvents {
            lake: self.clone(),
            files: files.into_iter(),
            range,
            file: None,
            read: Vec::new().into_iter(),
        }
    }
}

impl Iterator for RawEvents {
    type Item = Result<RawEvent, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.read.next() {
                return Some(Ok(event));
            }
            let Some((file, reader)) = &mut self.file else {
                let file = self.files.next()?;
                match self.open(&file) {
                    Ok(reader) => self.file = Some((file, reader)),
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            match reader.next() {
                Some(Ok(batch)) => self.read = events(&batch, &file.organisation, self.range).into_iter(),
                Some(Err(error)) => {
                    let error = LakeError::parquet("read", &file.path, error.into());
                    self.file = None;
                    return Some(Err(error));
                }
                None => self.file = None,
            }
        }
    }
}

impl RawEvents {
    fn open(&self, file: &LakeFile) -> Result<ParquetRecordBatchReader, LakeError> {
        let blob = Blob::open(self.lake.root(), &file.path, &Arc::new(AtomicU64::new(0)))?;
        let groups = groups(file, || Ok(blob.clone()))?;
        let touched =
            groups.iter().enumerate().filter(|(_, group)| self.range.touches(group.min_time, group.max_time));
        let touched: Vec<usize> = touched.map(|(nth, _)| nth).collect();
        let footer = blob.footer(&file.path)?;
        if touched.last().is_some_and(|last| *last >= footer.metadata().num_row_groups()) {
            return Err(LakeError::Altered(file.path.clone()));
        }
        let batch = rows_at_once(&footer, &touched, READ);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, footer);
        let columns = ["batch", "index", "time", "source", "format", "raw"];
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
        let built = builder.with_row_groups(touched).with_projection(mask).with_batch_size(batch).build();
        built.map_err(|error| LakeError::parquet("read", &file.path, error))
    }
}

fn events(batch: &RecordBatch, organisation: &OrganisationId, range: TimeRange) -> Vec<RawEvent> {
    let view = View::new(batch);
    let event = |row: usize| {
        let text = |column| view.text(column, row).unwrap_or_default().to_owned();
        RawEvent {
            id: view.id(row),
            organisation: organisation.clone(),
            time: Timestamp::from_micros(view.time(row)),
            source: text(Column::Source),
            format: text(Column::Format),
            raw: view.raw(row).to_vec(),
        }
    };
    (0..view.rows()).filter(|row| range.holds(view.time(*row))).map(event).collect()
}

const READ: usize = 1024;
