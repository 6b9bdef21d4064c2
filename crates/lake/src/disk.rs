//! What the lake does to files: folders, files and names that are safe only after a sync.
//!
//! Invariant: the lake changes files through this trait alone, so that tests can cut the power at every step.
//! It reads them as they are.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Where the lake's files are.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder, if it is not there, in one that is. Its name is durable after [`Disk::sync_folder`] of
    /// that one.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes a file of these bytes, in place of any of its name.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Puts bytes behind those of a file.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes the bytes of a file durable.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn sync(&self, file: &Path) -> io::Result<()>;

    /// Gives a file another name in its folder, and takes that name from any other.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn remove(&self, file: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The disk of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        match fs::create_dir(folder) {
            Err(_) if folder.is_dir() => Ok(()),
            made => made,
        }
    }

    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        File::create(file)?.write_all(bytes)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).open(file)?.write_all(bytes)
    }

    fn sync(&self, file: &Path) -> io::Result<()> {
        File::open(file)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        fs::remove_file(file)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}
