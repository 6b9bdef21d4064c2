//! Reading a file of the lake, with a count of what was read.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{ChunkReader, Length};

use crate::file::LakeFile;
use crate::index::{self, Group};
use crate::schema::SCHEMA;
use crate::{LakeError, schema};

/// How many rows of these groups are read at once, so that their original bytes, unpacked, take some [`UNPACKED`] and not
/// what somebody's very large events make of `most` rows.
pub(crate) fn rows_at_once(footer: &ArrowReaderMetadata, groups: &[usize], most: usize) -> usize {
    let metadata = footer.metadata();
    let raw = (0..metadata.file_metadata().schema_descr().num_columns())
        .find(|nth| metadata.file_metadata().schema_descr().column(*nth).name() == "raw");
    let each = groups.iter().filter_map(|nth| {
        let group = metadata.row_groups().get(*nth)?;
        let bytes = usize::try_from(group.columns().get(raw?)?.uncompressed_size()).ok()?;
        Some(bytes / usize::try_from(group.num_rows()).ok()?.max(1))
    });
    (UNPACKED / each.max().unwrap_or(0).max(1)).clamp(1, most)
}

/// Bytes of original events that are read at once, about.
const UNPACKED: usize = 8 << 20;

/// A file of the lake that is open.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    file: Arc<File>,
    length: u64,
    read: Arc<AtomicU64>,
}

impl Blob {
    /// Opens a file; `read` counts the bytes that are read of it.
    pub fn open(root: &Path, path: &str, read: &Arc<AtomicU64>) -> Result<Self, LakeError> {
        let failed = |error| LakeError::file("read", path, error);
        let file = File::open(root.join(path)).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self { file: Arc::new(file), length, read: Arc::clone(read) })
    }

    /// Reads `into` full from this place on.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(into.len() as u64, Ordering::Relaxed);
        self.file.read_exact_at(into, at)
    }

    /// The footer, if the columns are those of the lake.
    pub fn footer(&self, path: &str) -> Result<ArrowReaderMetadata, LakeError> {
        let failed = |error| LakeError::parquet("read", path, error);
        let options = ArrowReaderOptions::new()
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let footer = ArrowReaderMetadata::load(self, options).map_err(failed)?;
        let found = footer.schema().fields();
        for (nth, wanted) in SCHEMA.fields().iter().enumerate() {
            let same = found.get(nth).is_some_and(|found| {
                found.name() == wanted.name() && found.data_type() == wanted.data_type()
            });
            if !same {
                return Err(LakeError::ForeignColumn { path: path.to_owned(), column: schema::COLUMNS[nth] });
            }
        }
        Ok(footer)
    }
}

/// The row groups of a file: from the catalogue's entry, or from the file itself.
pub(crate) fn groups(
    file: &LakeFile,
    blob: impl FnOnce() -> Result<Blob, LakeError>,
) -> Result<Vec<Group>, LakeError> {
    if let Some(groups) = index::decode(&file.index) {
        return Ok(groups);
    }
    let footer = blob()?.footer(&file.path)?;
    index::groups_of(footer.metadata())
        .ok_or_else(|| LakeError::ForeignColumn { path: file.path.clone(), column: "time" })
}

impl Length for Blob {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Blob {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(From { blob: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        // before memory is taken for a length that a damaged footer made up
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut bytes = vec![0; length];
        self.read_at(start, &mut bytes)?;
        Ok(bytes.into())
    }
}

/// A file from a place on.
#[derive(Debug)]
pub(crate) struct From {
    blob: Blob,
    at: u64,
}

impl Read for From {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.blob.file.read_at(into, self.at)?;
        self.blob.read.fetch_add(count as u64, Ordering::Relaxed);
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use ward_core::{BatchId, EventId, OrganisationId, Timestamp};

    use super::*;
    use crate::{Lake, LakeRow, SegmentWriter, WriteOptions};

    /// What somebody may send who wants whoever searches to run out of memory: 200 MB in some kilobytes.
    #[test]
    fn very_large_events_are_read_a_few_at_a_time_and_end_their_group() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path().to_owned());
        let writer = SegmentWriter::new(&lake, "1".to_owned(), WriteOptions::default()).unwrap();
        let (raw, organisation) = (vec![b'A'; 1 << 20], OrganisationId::new("RR8").unwrap());
        let time = Timestamp::from_micros(1_700_000_000_000_000);
        for index in 0..200 {
            let row = LakeRow {
                id: EventId { batch: BatchId(1), index },
                organisation: &organisation,
                time,
                received: time,
                source: "s",
                format: "ndjson",
                device: None,
                user: None,
                class_uid: 0,
                log_source: "",
                addresses: &[],
                hashes: &[],
                domains: &[],
                urls: &[],
                raw: &raw,
            };
            writer.push(&row).unwrap();
        }
        let files = writer.finish().unwrap();
        assert_eq!((files.len(), files[0].rows), (1, 200));
        assert!(files[0].bytes < 1 << 20, "{}", files[0].bytes);
        let blob = Blob::open(lake.root(), &files[0].path, &Arc::new(AtomicU64::new(0))).unwrap();
        let footer = blob.footer(&files[0].path).unwrap();
        let groups: Vec<usize> = (0..footer.metadata().num_row_groups()).collect();
        assert!(groups.len() >= 3, "{groups:?}");
        let rows = rows_at_once(&footer, &groups, 1_024);
        assert!((1..=9).contains(&rows), "{rows}");
    }
}
