//! A file that is being written, under a temporary name.
//!
//! Invariants: no file stands under its final name before all its bytes are on the disk; one that is given
//! up leaves nothing behind, unless the process dies, and then only under a temporary name. No file is held
//! open between two writes, so that thousands can be in the making.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::LakeError;

/// Bytes on their way into a temporary file.
#[derive(Debug)]
pub(crate) struct Spool {
    temporary: PathBuf,
    waiting: Vec<u8>,
    on_disk: bool,
    digest: crc32fast::Hasher,
    bytes: u64,
}

impl Spool {
    /// Nothing yet, to be kept under this name until it is published.
    pub fn new(temporary: PathBuf) -> Self {
        Self { temporary, waiting: Vec::new(), on_disk: false, digest: crc32fast::Hasher::new(), bytes: 0 }
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
        File::open(&self.temporary)?.sync_all()
    }

    /// Gives it its final name. The name itself is durable after [`sync_folder`].
    pub fn publish(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.temporary, path)?;
        self.on_disk = false;
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut file = if self.on_disk {
            OpenOptions::new().append(true).open(&self.temporary)?
        } else {
            if let Some(folder) = self.temporary.parent() {
                make_folder(folder)?;
            }
            File::create(&self.temporary)?
        };
        self.on_disk = true;
        file.write_all(&self.waiting)?;
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
            let _ = fs::remove_file(&self.temporary); // `sweep` takes what cannot be removed now
        }
    }
}

/// The temporary name beside a final one.
pub(crate) fn temporary_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{TEMPORARY}"))
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The system could not.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| LakeError::file("write", folder.display().to_string(), error))
}

/// Makes a folder and those above it, and their names durable.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    for made in missing {
        if let Some(above) = made.parent().filter(|above| !above.as_os_str().is_empty()) {
            File::open(above)?.sync_all()?;
        }
    }
    Ok(())
}

/// How the name of a file in the making ends.
pub(crate) const TEMPORARY: &str = ".tmp";

const SPILL: usize = 256 * 1024;
