//! A file that is being written, under a temporary name.
//!
//! Invariants: no file stands under its final name before all its bytes are on the disk; one that is given
//! up leaves nothing behind, unless the process dies, and then only under a temporary name. No file is held
//! open between two writes, so that thousands can be in the making.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Lake;

/// Bytes on their way into a temporary file.
#[derive(Debug)]
pub(crate) struct Spool {
    lake: Lake,
    temporary: PathBuf,
    waiting: Vec<u8>,
    on_disk: bool,
    digest: crc32fast::Hasher,
    bytes: u64,
}

impl Spool {
    /// Nothing yet, to be kept under this name until it is published.
    pub fn new(lake: &Lake, temporary: PathBuf) -> Self {
        Self {
            lake: lake.clone(),
            temporary,
            waiting: Vec::new(),
            on_disk: false,
            digest: crc32fast::Hasher::new(),
            bytes: 0,
        }
    }

    /// Itself, leaving nothing in its place.
    pub fn take(&mut self) -> Self {
        let nothing = Self::new(&self.lake, PathBuf::new());
        std::mem::replace(self, nothing)
    }

    /// Bytes of it that are in memory.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes it has, and their CRC-32.
    pub fn sum(&self) -> (u64, u32) {
        (self.bytes, self.digest.clone().finalize())
    }

    /// Puts the rest of it on the disk, durably.
    pub fn settle(&mut self) -> io::Result<()> {
        self.spill()?;
        self.lake.disk().sync(&self.temporary)
    }

    /// Gives it its final name. The name itself is durable after [`Lake::sync_folders`].
    pub fn publish(mut self, path: &Path) -> io::Result<()> {
        self.lake.disk().rename(&self.temporary, path)?;
        self.on_disk = false;
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let disk = self.lake.disk();
        if self.on_disk {
            disk.append(&self.temporary, &self.waiting)?;
        } else {
            if let Some(folder) = self.temporary.parent() {
                self.lake.make_folder(folder)?;
            }
            self.on_disk = true; // whatever comes of it, there may be something to remove
            disk.create(&self.temporary, &self.waiting)?;
        }
        self.waiting = Vec::new();
        Ok(())
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= SPILL {
            self.spill()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.on_disk {
            let _ = self.lake.disk().remove(&self.temporary); // else it is a leftover of the next start
        }
    }
}

/// The temporary name beside a final one.
pub(crate) fn temporary_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{TEMPORARY}"))
}

/// The final name that a temporary one stands for.
pub(crate) fn final_of(path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/')?;
    Some(format!("{folder}/{}", name.strip_prefix('.')?.strip_suffix(TEMPORARY)?))
}

/// How the name of a file in the making ends.
const TEMPORARY: &str = ".tmp";

const SPILL: usize = 256 * 1024;
