//! What a backup holds, with the digest of each file.
//!
//! Invariant: a path of a manifest leads nowhere but below the backup's own folder.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use ward_core::Timestamp;
use ward_ledger::Head;

use crate::error::Error;

/// Everything in a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// How it is laid out: 1.
    pub version: u32,
    /// When the store was copied.
    pub made: String,
    /// End of the ledger in it: NUMBER:HASH.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "head")]
    pub head: Option<Head>,
    /// The store.
    pub store: Entry,
    /// All other files.
    pub files: Vec<Entry>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its place in the backup.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its digest, in hexadecimal digits.
    pub sha256: String,
}

/// The name of the manifest.
pub const NAME: &str = "manifest.json";

impl Manifest {
    /// One of a store of this name, with nothing else yet.
    pub fn new(made: Timestamp, store: &str) -> Self {
        let store = Entry { path: store.to_owned(), bytes: 0, sha256: String::new() };
        Self { version: 1, made: made.to_string(), head: None, store, files: Vec::new() }
    }

    /// Reads that of a backup.
    ///
    /// # Errors
    /// There is none, or it is none.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let text = fs::read(&path).map_err(|source| Error::Read { path, source })?;
        let wrong = |reason: String| Error::Backup(format!("its manifest is none: {reason}"));
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if manifest.version != 1 {
            return Err(wrong(format!("it has version {}, and this program knows 1", manifest.version)));
        }
        let outside = manifest.entries().find(|entry| !is_inside(&entry.path));
        match outside {
            Some(entry) => Err(wrong(format!("'{}' leads out of it", entry.path))),
            None => Ok(manifest),
        }
    }

    /// Writes it, durable, as the last file of a backup.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let (path, new) = (folder.join(NAME), folder.join("manifest.json.new"));
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        let named =
            written.and_then(|()| fs::rename(&new, &path)).and_then(|()| File::open(folder)?.sync_all());
        named.map_err(|source| Error::WriteFile { path, source })
    }

    /// All files, the store first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.store).chain(&self.files)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.entries().map(|entry| entry.bytes).sum()
    }
}

/// The entry of a file that is in a backup.
///
/// # Errors
/// It cannot be read.
pub fn digest(folder: &Path, path: &str) -> Result<Entry, Error> {
    let full = folder.join(path);
    let fail = |source| Error::Read { path: full.clone(), source };
    let mut file = File::open(&full).map_err(fail)?;
    let mut some = vec![0; 256 << 10];
    let (mut bytes, mut context) = (0, Context::new(&SHA256));
    loop {
        let count = file.read(&mut some).map_err(fail)?;
        if count == 0 {
            break;
        }
        context.update(some.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
    let sha256 = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Entry { path: path.to_owned(), bytes, sha256 })
}

/// Copies a file to the same place in another folder, durable, and tells what was written.
///
/// # Errors
/// It cannot be read or written.
pub fn copy(from: &Path, to: &Path, path: &str) -> Result<Entry, Error> {
    let (source, target) = (from.join(path), parent(to, path)?);
    let copied = fs::copy(&source, &target).and_then(|_| File::open(&target)?.sync_all());
    copied.map_err(|source| Error::WriteFile { path: target, source })?;
    digest(to, path)
}

/// Where a path is in a folder; the folders above it are made.
///
/// # Errors
/// They cannot be made.
pub fn parent(folder: &Path, path: &str) -> Result<PathBuf, Error> {
    let target = folder.join(path);
    let above = target.parent().unwrap_or(folder);
    fs::create_dir_all(above).map_err(|source| Error::WriteFile { path: above.to_owned(), source })?;
    Ok(target)
}

/// Makes the folder if it does not exist.
///
/// # Errors
/// There is something in it.
pub fn empty(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::WriteFile { path: folder.to_owned(), source })?;
    let first =
        fs::read_dir(folder).map_err(|source| Error::Read { path: folder.to_owned(), source })?.next();
    match first {
        None => Ok(()),
        Some(_) => Err(Error::Asked(format!("use {}: it is not empty", folder.display()))),
    }
}

fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// A head as `NUMBER:HASH`.
mod head {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use ward_ledger::Head;

    pub fn serialize<S: Serializer>(head: &Option<Head>, to: S) -> Result<S::Ok, S::Error> {
        match head {
            Some(head) => to.serialize_str(&format!("{}:{}", head.number, head.hash)),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Head>, D::Error> {
        let text = String::deserialize(from)?;
        let head = || {
            let (number, hash) = text.split_once(':')?;
            Some(Head { number: number.parse().ok()?, hash: hash.parse().ok()? })
        };
        head().map(Some).ok_or_else(|| serde::de::Error::custom("a head is NUMBER:HASH"))
    }
}

#[cfg(test)]
mod tests {
    use ward_ledger::Hash;

    use super::*;

    fn manifest() -> Manifest {
        let mut manifest = Manifest::new(Timestamp::from_micros(0), "ward.db");
        manifest.head = Some(Head { number: 3, hash: Hash::of(b"x") });
        manifest
    }

    #[test]
    fn a_manifest_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ward.db"), "abc").unwrap();
        let mut written = manifest();
        written.store = digest(folder.path(), "ward.db").unwrap();
        assert_eq!(written.store.sha256, Hash::of(b"abc").to_string());
        written.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), written);
        assert_eq!(written.bytes(), 3);
    }

    #[test]
    fn a_manifest_that_leads_elsewhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["../x", "/etc/passwd", "", "lake/../../x", "./x"] {
            let mut wrong = manifest();
            wrong.files.push(Entry { path: path.to_owned(), bytes: 0, sha256: String::new() });
            wrong.write(folder.path()).unwrap();
            assert!(Manifest::read(folder.path()).is_err(), "{path}");
        }
        let other = Manifest { version: 2, ..manifest() };
        other.write(folder.path()).unwrap();
        assert!(Manifest::read(folder.path()).is_err());
    }

    #[test]
    fn only_an_empty_folder_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("a/b");
        assert!(empty(&new).is_ok() && empty(&new).is_ok());
        fs::write(new.join("x"), "").unwrap();
        assert!(empty(&new).is_err());
    }
}
