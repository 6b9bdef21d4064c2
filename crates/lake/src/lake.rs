//! The lake on a disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::file::{LakeFile, place_of};
use crate::read::Blob;
use crate::{LakeError, index};

/// A folder of Parquet files, by organisation and day. Which of them count is for the catalogue to say.
#[derive(Debug, Clone)]
pub struct Lake {
    root: PathBuf,
}

impl Lake {
    /// The lake under this folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The entry that the catalogue should have of a file, from the file itself. Reads all of it.
    ///
    /// # Errors
    /// The path is none of the lake's, or the file is torn or none of its own.
    pub fn entry(&self, path: &str) -> Result<LakeFile, LakeError> {
        let (organisation, day, _) = place_of(path)?;
        let blob = Blob::open(&self.root, path, &Arc::new(AtomicU64::new(0)))?;
        let footer = blob.footer(path)?;
        let foreign = || LakeError::ForeignColumn { path: path.to_owned(), column: "time" };
        let groups = index::groups_of(footer.metadata()).ok_or_else(foreign)?;
        let (min_time, max_time) = index::span(&groups).unwrap_or((day.start(), day.start()));
        let (bytes, digest) = self.sum(path)?;
        Ok(LakeFile {
            path: path.to_owned(),
            organisation,
            day,
            rows: groups.iter().map(|group| u64::from(group.rows)).sum(),
            bytes,
            min_time,
            max_time,
            digest,
            index: index::encode(&groups),
        })
    }

    /// Compares a file's bytes with its entry.
    ///
    /// # Errors
    /// They are not those that were written, or could not be read.
    pub fn verify(&self, file: &LakeFile) -> Result<(), LakeError> {
        place_of(&file.path)?;
        let same = self.sum(&file.path)? == (file.bytes, file.digest);
        same.then_some(()).ok_or_else(|| LakeError::Altered(file.path.clone()))
    }

    fn sum(&self, path: &str) -> Result<(u64, u32), LakeError> {
        use std::io::Read;
        let failed = |error| LakeError::file("read", path, error);
        let mut file = std::fs::File::open(self.root.join(path)).map_err(failed)?;
        let mut digest = crc32fast::Hasher::new();
        let mut bytes = 0;
        let mut some = vec![0; 256 * 1024];
        loop {
            let count = file.read(&mut some).map_err(failed)?;
            if count == 0 {
                return Ok((bytes, digest.finalize()));
            }
            digest.update(&some[..count]);
            bytes += count as u64;
        }
    }
}
