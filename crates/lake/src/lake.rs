//! The lake on a disk.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::{Disk, RealDisk};
use crate::file::{LakeFile, place_of};
use crate::read::Blob;
use crate::{LakeError, index};

/// A folder of Parquet files, by organisation and day. Which of them count is for the catalogue to say. A clone
/// is the same lake.
#[derive(Debug, Clone)]
pub struct Lake {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    /// Folders whose names are known to be durable.
    durable: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Lake {
    /// The lake under this folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::on(Arc::new(RealDisk), root)
    }

    /// As [`Lake::new`], on another disk than the usual.
    pub fn on(disk: Arc<dyn Disk>, root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), disk, durable: Arc::default() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes its folder, if there is none, and the name of it durable.
    ///
    /// # Errors
    /// The system could not.
    pub fn make(&self) -> Result<(), LakeError> {
        let root = self.root.display().to_string();
        self.make_folder(&self.root).map_err(|error| LakeError::file("make", root, error))
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

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Makes a folder of the lake and those above it, and their names durable. That a folder is there does not
    /// say that its name will be after a power cut: whoever made it may not have got that far.
    pub(crate) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let durable = || self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if durable().contains(folder) && folder.is_dir() {
            return Ok(());
        }
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        if let Some(above) = above.filter(|above| above.starts_with(&self.root) || !above.exists()) {
            self.make_folder(above)?;
        }
        self.disk.make_folder(folder)?;
        self.disk.sync_folder(above.unwrap_or(Path::new(".")))?;
        durable().insert(folder.to_owned());
        Ok(())
    }

    /// Makes the names in folders durable.
    ///
    /// # Errors
    /// The system could not.
    pub(crate) fn sync_folders(&self, folders: &BTreeSet<PathBuf>) -> Result<(), LakeError> {
        folders.iter().try_for_each(|folder| {
            let synced = self.disk.sync_folder(folder);
            synced.map_err(|error| LakeError::file("write", folder.display().to_string(), error))
        })
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
