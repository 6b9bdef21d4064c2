//! The files below the journal: a flat folder of them, whose bytes are safe only after a sync.
//!
//! Invariant: the journal touches the world through this trait alone, so that tests can cut the power,
//! fill the disk and break it at every step ([`crate::faulty`]).

mod real;

use std::fmt::Debug;
use std::io;

pub use real::RealDisk;

/// Bytes that can be read at any place.
pub trait ReadAt {
    /// Reads at most as many bytes as fit, from byte `at`. 0: there are none.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Length in bytes.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn len(&self) -> io::Result<u64>;

    /// Whether there are no bytes.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// An open file. It can still be read after its name was removed.
pub trait DiskFile: ReadAt + Debug + Send + Sync {
    /// Writes all the bytes from byte `at`. On an error any part of them may have been written.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the bytes and the length durable (`fdatasync`).
    ///
    /// # Errors
    /// Whatever the disk says. What was not durable before may then never be, whatever a later sync says.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file to this length.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn truncate(&self, len: u64) -> io::Result<()>;
}

/// One folder of files.
pub trait Disk: Debug + Send + Sync {
    /// Names of the files, in any order.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a file that must not exist yet. Its name is durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// Whatever the disk says.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Removes a file. That is durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// Whatever the disk says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names made and removed durable.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn sync_folder(&self) -> io::Result<()>;

    /// Bytes that may still be written.
    ///
    /// # Errors
    /// Whatever the disk says.
    fn free_bytes(&self) -> io::Result<u64>;
}

impl ReadAt for [u8] {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let len = rest.len().min(into.len());
        into[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// Fills the buffer from byte `at`. `false`: the bytes end too early.
///
/// # Errors
/// Whatever the disk says.
pub(crate) fn fill(file: &(impl ReadAt + ?Sized), mut at: u64, mut into: &mut [u8]) -> io::Result<bool> {
    while !into.is_empty() {
        let read = match file.read_at(at, into) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        at += read as u64;
        into = &mut into[read..];
    }
    Ok(true)
}
