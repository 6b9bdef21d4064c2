//! Small files become a large one, and what no catalogue knows of goes.
//!
//! The order in which the caller acts keeps every event: the merged file is durable when
//! [`Lake::compact`] returns; then the catalogue swaps the entries, in one transaction; then the old files
//! are deleted. Whatever dies in between leaves files that the catalogue does not list:
//! [`Lake::leftovers`].

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::BloomFilterPosition;

use crate::file::{LakeFile, place_of};
use crate::read::{Blob, rows_at_once};
use crate::write::{FileWriter, final_of, publish};
use crate::{Lake, LakeError, WriteOptions, schema};

impl Lake {
    /// Merges files of one organisation and day into a new one of this segment name, which must be none of
    /// theirs. Their rows follow each other in the order of the files' first times. Memory is bounded by a
    /// row group.
    ///
    /// # Errors
    /// They are not of one organisation and day, a file could not be read, or the new one not be written.
    /// The old ones are untouched.
    pub fn compact(
        &self,
        files: &[LakeFile],
        segment: &str,
        options: &WriteOptions,
    ) -> Result<LakeFile, LakeError> {
        let first = files.first().ok_or(LakeError::MixedFiles)?;
        let same = |file: &LakeFile| {
            file.is_where_it_says()
                && (&file.organisation, file.day) == (&first.organisation, first.day)
                && place_of(&file.path).is_ok_and(|(_, _, own)| own != segment)
        };
        if !files.iter().all(same) {
            return Err(LakeError::MixedFiles);
        }
        // Side by side, so that a search finds those of all row groups with one read of a cold disk.
        let properties = schema::properties(options.level, options.page_bytes, BloomFilterPosition::End)?;
        let mut writer = FileWriter::new(self, &first.organisation, first.day, segment, &properties)?;
        let mut files: Vec<&LakeFile> = files.iter().collect();
        files.sort_by_key(|file| (file.min_time, &file.path));
        for file in &files {
            self.copy(file, &mut writer, options.group_rows.max(1))?;
        }
        let mut merged = publish(self, vec![writer.settle()?])?;
        merged.pop().ok_or(LakeError::MixedFiles)
    }

    /// Deletes files that were struck off the catalogue, or that [`Lake::leftovers`] told of. What is gone
    /// already is no error. That they are gone is durable then.
    ///
    /// # Errors
    /// A path is none of the lake's, or a file could not be deleted.
    pub fn delete<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Result<(), LakeError> {
        let mut folders = BTreeSet::new();
        for path in paths {
            place_of(final_of(path).as_deref().unwrap_or(path))?;
            let file = self.root().join(path);
            match self.disk().remove(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LakeError::file("delete", path, error));
                }
                Err(_) => {}
                Ok(()) => folders.extend(file.parent().map(Path::to_path_buf)),
            }
        }
        self.sync_folders(&folders)
    }

    /// The files, finished or not, of segments of which `is_over` says that nobody writes them any more. It is
    /// asked for the name of the segment, and whether the file is finished. A finished one may be in the
    /// catalogue.
    ///
    /// # Errors
    /// A folder could not be read.
    pub fn leftovers(&self, is_over: impl Fn(&str, bool) -> bool) -> Result<Vec<String>, LakeError> {
        let mut found = Vec::new();
        for organisation in folders(self.root(), "organisation=")? {
            for day in folders(&self.root().join(&organisation), "day=")? {
                let folder = format!("{organisation}/{day}");
                for name in names(&self.root().join(&folder))? {
                    let path = format!("{folder}/{name}");
                    let finished = final_of(&path);
                    let place = place_of(finished.as_deref().unwrap_or(&path));
                    if place.is_ok_and(|(_, _, segment)| is_over(segment, finished.is_none())) {
                        found.push(path);
                    }
                }
            }
        }
        Ok(found)
    }

    fn copy(&self, file: &LakeFile, writer: &mut FileWriter, group: usize) -> Result<(), LakeError> {
        let failed = |error| LakeError::parquet("read", &file.path, error);
        let blob = Blob::open(self.root(), &file.path, &Arc::new(AtomicU64::new(0)))?;
        let footer = blob.footer(&file.path)?;
        let all: Vec<usize> = (0..footer.metadata().num_row_groups()).collect();
        let batch = rows_at_once(&footer, &all, COPIED);
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(blob, footer)
            .with_batch_size(batch)
            .build()
            .map_err(failed)?;
        let mut rows = 0;
        for batch in reader {
            let batch = batch.map_err(|error| failed(error.into()))?;
            rows += batch.num_rows() as u64;
            writer.push_batch(&batch, group)?;
        }
        // a file that has lost rows must not replace those that have them
        if rows == file.rows { Ok(()) } else { Err(LakeError::Altered(file.path.clone())) }
    }
}

fn folders(folder: &Path, prefix: &str) -> Result<Vec<String>, LakeError> {
    let mut found = names(folder)?;
    found.retain(|name| name.starts_with(prefix) && folder.join(name).is_dir());
    Ok(found)
}

fn names(folder: &Path) -> Result<Vec<String>, LakeError> {
    let failed = |error| LakeError::file("read", folder.display().to_string(), error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string()); // ours are all text
    }
    names.sort();
    Ok(names)
}

const COPIED: usize = 1024;
