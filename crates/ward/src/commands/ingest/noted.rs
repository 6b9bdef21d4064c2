//! What was acknowledged in earlier runs: a file with the key of each request in a line.
//!
//! Invariant: a key is in the file only after the hub acknowledged its request. A torn last line is no key,
//! so that its request is sent once more, with the same key.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The file.
#[derive(Debug)]
pub struct Noted {
    path: PathBuf,
    file: File,
    keys: HashSet<String>,
}

impl Noted {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let fail = |source| Error::WriteFile { path: path.to_owned(), source };
        let text = if path.exists() { crate::rule_set::read(path)? } else { String::new() };
        let whole = text.rfind('\n').map_or(0, |newline| newline + 1);
        let keys = text.get(..whole).unwrap_or_default().lines().map(str::to_owned).collect();
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(false).open(path).map_err(fail)?;
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(fail)?;
        Ok(Self { path: path.to_owned(), file, keys })
    }

    /// Whether a request was acknowledged.
    pub fn holds(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// Notes that it was.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&mut self, key: &str) -> Result<(), Error> {
        let written = self.file.write_all(format!("{key}\n").as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| Error::WriteFile { path: self.path.clone(), source })?;
        self.keys.insert(key.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_no_key_and_the_next_is_not_joined_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noted");
        std::fs::write(&path, "aa\nbb\nc").unwrap();
        let mut noted = Noted::open(&path).unwrap();
        assert!(noted.holds("aa") && noted.holds("bb") && !noted.holds("c"));
        noted.note("cc").unwrap();
        assert!(Noted::open(&path).unwrap().holds("cc"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "aa\nbb\ncc\n");
    }
}
