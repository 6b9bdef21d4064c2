//! A folder of the operating system.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile, ReadAt};

/// A folder, held by this process alone for as long as the value lives.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    folder: File,
    _lock: File,
}

const LOCK: &str = "journal.lock";

impl RealDisk {
    /// Opens the folder, makes it where there is none, and locks it.
    ///
    /// # Errors
    /// It cannot be made or opened, or another process holds it ([`io::ErrorKind::WouldBlock`]).
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let says = format!("another process works in {}", path.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, says));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if let Some(parent) = path.canonicalize()?.parent() {
            File::open(parent)?.sync_all()?; // or the new folder itself may go with the power
        }
        Ok(Self { path: path.to_owned(), folder: File::open(path)?, _lock: lock })
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if name != LOCK {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().create_new(true).read(true).write(true).open(self.path.join(name))?;
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        Ok(Box::new(RealFile(file)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.folder.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let stat = rustix::fs::fstatvfs(&self.folder)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile(File);

impl ReadAt for RealFile {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(into, at)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/journal");
        let first = RealDisk::open(&path).unwrap();
        assert_eq!(RealDisk::open(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(first.list().unwrap(), [""; 0], "the lock is no file of the journal");
        drop(first);
        RealDisk::open(&path).unwrap();
    }

    #[test]
    fn what_was_written_is_read_even_after_its_name_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(folder.path()).unwrap();
        let file = disk.create("a").unwrap();
        assert!(disk.create("a").is_err(), "never over an old one");
        file.write_at(2, b"cd").unwrap();
        file.write_at(0, b"ab").unwrap();
        file.sync().unwrap();
        disk.remove("a").unwrap();
        disk.sync_folder().unwrap();
        let mut read = [0; 8];
        assert_eq!((file.read_at(1, &mut read).unwrap(), &read[..3]), (3, &b"bcd"[..]));
        file.truncate(1).unwrap();
        assert_eq!((file.len().unwrap(), disk.list().unwrap().len()), (1, 0));
        assert!(disk.free_bytes().unwrap() > 0);
    }
}
