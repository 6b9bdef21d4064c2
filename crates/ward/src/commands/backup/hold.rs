//! Second names for files that the hub may remove while a backup is made.
//!
//! Invariant: a file that was held is there until [`Held`] is dropped, whatever the hub does.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ward_lake::LakeFile;

use crate::error::Error;

/// Holds what comes into the journal until it is told to end.
pub struct Hold {
    held: Held,
    journal: PathBuf,
    stop: Arc<AtomicBool>,
    watcher: JoinHandle<Result<(), Error>>,
}

/// The folder of second names. It goes when it is dropped.
#[derive(Debug)]
pub struct Held {
    folder: PathBuf,
}

/// Time between looks into the journal: much shorter than any segment lives.
const LOOK: Duration = Duration::from_millis(50);

impl Hold {
    /// Begins to hold the segments of the journal, in a folder on the same disk.
    ///
    /// # Errors
    /// The disk does not allow it.
    pub fn begin(data: &Path, journal: &Path) -> Result<Self, Error> {
        let folder = data.join(format!(".backup-{}", std::process::id()));
        let held = Held { folder: folder.clone() };
        make(&folder.join("journal"))?;
        let target = folder.join("journal");
        hold_all(journal, &target)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, from) = (Arc::clone(&stop), journal.to_owned());
        let watcher = std::thread::Builder::new().name("backup-hold".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                hold_all(&from, &target)?;
                std::thread::sleep(LOOK);
            }
            Ok(())
        });
        let watcher = watcher.map_err(Error::Thread)?;
        Ok(Self { held, journal: journal.to_owned(), stop, watcher })
    }

    /// Holds files of the lake.
    ///
    /// # Errors
    /// One is gone, or the disk does not allow it.
    pub fn lake(&self, root: &Path, files: &[LakeFile]) -> Result<(), Error> {
        for file in files {
            let from = root.join(&file.path);
            let to = self.held.folder.join("lake").join(&file.path);
            make(to.parent().unwrap_or(&to))?;
            hold(&from, &to)?;
            // One that was held before may be gone by now.
            if !to.exists() {
                return Err(Error::Backup(format!("the lake has no file {}", file.path)));
            }
        }
        Ok(())
    }

    /// Ends to hold what comes new.
    ///
    /// # Errors
    /// Something could not be held meanwhile.
    pub fn end(self) -> Result<Held, Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.watcher.join().unwrap_or(Ok(()))?;
        hold_all(&self.journal, &self.held.folder.join("journal"))?;
        Ok(self.held)
    }
}

impl Held {
    /// The folder, with `lake` and `journal` in it.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Names of the segments, in order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn journal(&self) -> Result<Vec<String>, Error> {
        names(&self.folder.join("journal"))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What is left of it costs only names; the next backup has a folder of its own.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn hold_all(from: &Path, to: &Path) -> Result<(), Error> {
    for name in names(from)? {
        hold(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Gives a file a second name, unless it has one or is gone.
fn hold(from: &Path, to: &Path) -> Result<(), Error> {
    match fs::hard_link(from, to) {
        Err(error) if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {
            Err(Error::WriteFile { path: to.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| Error::Read { path: folder.to_owned(), source })?,
    };
    let files = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::WriteFile { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_or_comes_while_a_backup_is_made_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal");
        fs::create_dir(&journal).unwrap();
        fs::write(journal.join("1"), "a").unwrap();
        let hold = Hold::begin(folder.path(), &journal).unwrap();
        fs::remove_file(journal.join("1")).unwrap();
        fs::write(journal.join("2"), "b").unwrap();
        let second = hold.held.folder.join("journal/2");
        while !second.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        // An open segment grows on under both names.
        fs::OpenOptions::new()
            .append(true)
            .open(journal.join("2"))
            .and_then(|mut f| std::io::Write::write_all(&mut f, b"c"))
            .unwrap();
        let held = hold.end().unwrap();
        assert_eq!(held.journal().unwrap(), ["1", "2"]);
        assert_eq!(fs::read_to_string(held.path().join("journal/2")).unwrap(), "bc");
        let gone = held.path().to_owned();
        drop(held);
        assert!(!gone.exists() && journal.join("2").exists());
    }
}
