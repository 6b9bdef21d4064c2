//! Folders of second names: what a backup puts beside the hub's files, so that none is gone that the hub removes.
//!
//! Invariant: whoever uses such a folder holds its lock, and it has its name only once the lock is held. One whose lock
//! is free is nobody's: its backup was killed.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ward_core::Timestamp;

use crate::error::Error;

/// A folder of second names. It goes when it is dropped.
#[derive(Debug)]
pub struct Held {
    folder: PathBuf,
    _lock: File,
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Folders that were removed.
    pub folders: u64,
    /// The room that they gave back, in bytes: that of files that had no other name.
    pub bytes: u64,
    /// Why others could not be.
    pub stuck: Vec<Error>,
}

/// What names of these folders begin with.
const PREFIX: &str = ".backup-";
/// The same, while their lock is not held yet.
const NEW: &str = ".new-backup-";
const LOCK: &str = "backup.lock";

impl Held {
    /// Makes one in the data folder. Numbers of processes repeat where there are containers; with the time they do not.
    ///
    /// # Errors
    /// It cannot be made or locked.
    pub fn make(data: &Path, now: Timestamp) -> Result<Self, Error> {
        let name = format!("{}-{}", std::process::id(), now.micros());
        let (new, folder) = (data.join(format!("{NEW}{name}")), data.join(format!("{PREFIX}{name}")));
        let lock = locked(&new).and_then(|lock| {
            fs::rename(&new, &folder)?;
            Ok(lock)
        });
        match lock {
            Ok(lock) => Ok(Self { folder, _lock: lock }),
            Err(source) => {
                let _ = fs::remove_dir_all(&new); // there is nothing in it
                Err(Error::WriteFile { path: folder, source })
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What is left of it goes with the next sweep.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes the folders in this data folder that nobody uses.
///
/// # Errors
/// The data folder cannot be read. What cannot be removed is told in [`Swept`].
pub fn sweep(data: &Path) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(swept),
        entries => entries.map_err(|source| Error::Read { path: data.to_owned(), source })?,
    };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        match remove(&entry.path()) {
            Ok(Some(bytes)) => {
                swept.folders += 1;
                swept.bytes += bytes;
            }
            Ok(None) => {}
            Err(source) => swept.stuck.push(Error::Remove { path: entry.path(), source }),
        }
    }
    Ok(swept)
}

/// Removes a folder and tells the room that it gave back. `None`: it is in use.
fn remove(folder: &Path) -> io::Result<Option<u64>> {
    let lock = match File::open(folder.join(LOCK)) {
        // An older Ward made none.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        lock => Some(lock?),
    };
    match lock.as_ref().map(File::try_lock) {
        Some(Err(TryLockError::WouldBlock)) => return Ok(None),
        Some(Err(TryLockError::Error(error))) => return Err(error),
        Some(Ok(())) | None => {}
    }
    let bytes = room(folder)?;
    fs::remove_dir_all(folder)?;
    Ok(Some(bytes))
}

/// A new folder with a lock in it that is held.
fn locked(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(LOCK))?;
    lock.try_lock()?;
    Ok(lock)
}

/// Bytes on the disk of the files below a folder that have no name elsewhere.
fn room(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        if kind.is_dir() {
            sum += room(&entry.path())?;
        } else if kind.nlink() == 1 {
            sum += kind.blocks() * BLOCK;
        }
    }
    Ok(sum)
}

/// What the system counts blocks in, whatever those of the disk are.
const BLOCK: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_backup_left_is_removed_and_what_is_in_use_is_not() {
        let data = tempfile::tempdir().unwrap();
        let used = Held::make(data.path(), Timestamp::from_micros(1)).unwrap();
        let killed = Held::make(data.path(), Timestamp::from_micros(2)).unwrap();
        let of_older = data.path().join(".backup-7");
        for (folder, name) in [(used.path(), "a"), (killed.path(), "b"), (of_older.as_path(), "c")] {
            fs::create_dir_all(folder.join("lake/organisation=RXX")).unwrap();
            fs::write(folder.join("lake/organisation=RXX").join(name), vec![1; 1 << 20]).unwrap();
        }
        // One has a name elsewhere: its room does not come back.
        fs::hard_link(of_older.join("lake/organisation=RXX/c"), data.path().join("c")).unwrap();
        let left = killed.path().to_owned();
        let (lock, forgotten) = (killed._lock.try_clone().unwrap(), std::mem::ManuallyDrop::new(killed));
        assert_eq!(sweep(data.path()).unwrap().folders, 1, "that of the older one");
        // The process is gone: the system gives its lock back.
        lock.unlock().unwrap();
        let swept = sweep(data.path()).unwrap();
        assert_eq!((swept.folders, swept.stuck.len()), (1, 0));
        assert!((1 << 20..2 << 20).contains(&swept.bytes), "{}", swept.bytes);
        assert!(!left.exists() && !of_older.exists() && data.path().join("c").exists());
        assert!(used.path().join("lake/organisation=RXX/a").exists());
        drop((used, forgotten));
        assert_eq!(sweep(data.path()).unwrap().folders, 0);
        assert_eq!(sweep(&data.path().join("none")).unwrap().folders, 0);
    }

    #[test]
    fn what_cannot_be_removed_is_told_and_stops_nothing() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(".backup-1"), "a file").unwrap();
        fs::create_dir(data.path().join(".backup-2")).unwrap();
        let swept = sweep(data.path()).unwrap();
        assert_eq!((swept.folders, swept.stuck.len()), (1, 1));
        assert!(data.path().join(".backup-1").exists());
    }
}
