//! Second names for files that the hub may remove while a backup is made.
//!
//! Invariant: a file that was held is there until [`Held`] is dropped, whatever the hub does.
//! Invariant: of each moment between begin and end, every file is held that the store then listed as live, and every
//! segment that the store then did not know to be done. A file that is replaced is on the disk, and listed as such, for
//! minutes (the keeper's grace), and is looked for each few seconds.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ward_core::Timestamp;
use ward_store::lake_files::Listed;

use crate::error::Error;
use crate::held::Held;

/// Holds what journal and lake have, and what comes, until it is told to end.
pub struct Hold {
    // They end before the folder goes.
    watches: [Watch; 2],
    held: Held,
}

/// Where the hub's files are.
pub struct Places {
    /// The data folder, where they are held.
    pub data: PathBuf,
    /// The segments, on the same disk.
    pub journal: PathBuf,
    /// The files of the lake, on the same disk.
    pub lake: PathBuf,
}

/// Time between looks into the journal: much shorter than any segment lives.
const LOOK: Duration = Duration::from_millis(50);
/// Time between looks into the lake: much shorter than a file is kept after it was replaced.
const LOOK_LAKE: Duration = Duration::from_secs(5);

const JOURNAL: &str = "journal";
const LAKE: &str = "lake";

impl Hold {
    /// Begins to hold. All that is there now is held when it returns. `list` tells what the store lists.
    ///
    /// # Errors
    /// A live file is not there, the store cannot be read, or the disk does not allow it.
    pub fn begin(places: Places, now: Timestamp, list: impl Lister) -> Result<Self, Error> {
        let held = Held::make(&places.data, now)?;
        let (segments, files) = (held.path().join(JOURNAL), held.path().join(LAKE));
        make(&segments)?;
        make(&files)?;
        let journal = watch("backup-journal", LOOK, move || hold_all(&places.journal, &segments))?;
        let mut lake = Lake { from: places.lake, to: files, list, over: None, held: BTreeSet::new() };
        let lake = watch("backup-lake", LOOK_LAKE, move || lake.look())?;
        Ok(Self { watches: [journal, lake], held })
    }

    /// Ends to hold what comes new, after a last look at all there is.
    ///
    /// # Errors
    /// Something could not be held meanwhile.
    pub fn end(self) -> Result<Names, Error> {
        let Self { watches, held } = self;
        for watch in watches {
            watch.end()?;
        }
        Ok(Names { held })
    }
}

/// What was held.
#[derive(Debug)]
pub struct Names {
    held: Held,
}

impl Names {
    /// The folder, with `lake` and `journal` in it.
    pub fn path(&self) -> &Path {
        self.held.path()
    }

    /// Names of the segments, in order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn journal(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        below(&self.path().join(JOURNAL), "", &mut names)?;
        names.sort();
        Ok(names)
    }

    /// Paths of the files of the lake, in order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn lake(&self) -> Result<Vec<String>, Error> {
        let mut paths = Vec::new();
        below(&self.path().join(LAKE), "", &mut paths)?;
        paths.sort();
        Ok(paths)
    }

    /// Whether it has this file of the lake.
    pub fn has(&self, path: &str) -> bool {
        self.path().join(LAKE).join(path).is_file()
    }
}

/// Tells what the store lists.
pub trait Lister: FnMut() -> Result<Listed, Error> + Send + 'static {}
impl<T: FnMut() -> Result<Listed, Error> + Send + 'static> Lister for T {}

/// What is held of the lake.
struct Lake<L> {
    from: PathBuf,
    to: PathBuf,
    list: L,
    /// What was over before the first look: no copy of the store that is made after it lists that as live.
    over: Option<BTreeSet<String>>,
    held: BTreeSet<String>,
}

impl<L: Lister> Lake<L> {
    fn look(&mut self) -> Result<(), Error> {
        let Listed { live, ended } = (self.list)()?;
        let over = self.over.get_or_insert_with(|| ended.iter().cloned().collect());
        for path in live.into_iter().chain(ended.into_iter().filter(|path| !over.contains(path))) {
            if self.held.contains(&path) {
                continue;
            }
            let to = self.to.join(&path);
            make(to.parent().unwrap_or(&to))?;
            if !hold(&self.from.join(&path), &to)? {
                return Err(Error::Backup(format!("the lake has no file {path}")));
            }
            self.held.insert(path);
        }
        Ok(())
    }
}

/// A thread that looks again and again. It ends when this is dropped.
struct Watch {
    /// Told to end, it looks once more; without anybody to tell it so, it does not.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

/// Looks, and looks again each time so much time has gone, on a thread of its own.
fn watch(
    name: &str,
    every: Duration,
    mut look: impl FnMut() -> Result<(), Error> + Send + 'static,
) -> Result<Watch, Error> {
    look()?;
    let (stop, stopped) = channel();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        loop {
            match stopped.recv_timeout(every) {
                Err(RecvTimeoutError::Timeout) => look()?,
                Ok(()) => return look(),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    });
    Ok(Watch { stop: Some(stop), thread: Some(thread.map_err(Error::Thread)?) })
}

impl Watch {
    fn end(mut self) -> Result<(), Error> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(()); // one that failed hears nothing, and says why below
        }
        let ended = self.thread.take().map(JoinHandle::join);
        ended.unwrap_or(Ok(Ok(()))).map_err(|_| Error::Backup("what holds its files panicked".to_owned()))?
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Why it ended matters to nobody any more.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn hold_all(from: &Path, to: &Path) -> Result<(), Error> {
    let mut names = Vec::new();
    files(from, |name, is_file| {
        if is_file {
            names.push(name);
        }
        Ok(())
    })?;
    for name in names {
        hold(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// Gives a file a second name, unless it has one. `false`: it is gone.
fn hold(from: &Path, to: &Path) -> Result<bool, Error> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::WriteFile { path: to.to_owned(), source }),
    }
}

/// Adds the paths of all files below a folder.
fn below(folder: &Path, within: &str, paths: &mut Vec<String>) -> Result<(), Error> {
    files(folder, |name, is_file| {
        let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
        if is_file {
            paths.push(path);
            return Ok(());
        }
        below(&folder.join(name), &path, paths)
    })
}

/// Tells each name in a folder, and whether it is that of a file.
fn files(folder: &Path, mut tell: impl FnMut(String, bool) -> Result<(), Error>) -> Result<(), Error> {
    let fail = |source| Error::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(fail)?,
    };
    for entry in entries {
        let entry = entry.map_err(fail)?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if let Ok(name) = entry.file_name().into_string() {
            tell(name, is_file)?;
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| Error::WriteFile { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use super::*;

    /// A hub's folders, and what its store would list.
    struct Hub {
        folder: tempfile::TempDir,
        listed: Arc<Mutex<Listed>>,
    }

    impl Hub {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("journal")).unwrap();
            fs::create_dir_all(folder.path().join("lake/organisation=RXX")).unwrap();
            Self { folder, listed: Arc::default() }
        }

        fn begin(&self) -> Hold {
            let data = self.folder.path().to_owned();
            let places = Places { journal: data.join("journal"), lake: data.join("lake"), data };
            let listed = Arc::clone(&self.listed);
            Hold::begin(places, Timestamp::from_micros(0), move || Ok(listed.lock().unwrap().clone()))
                .unwrap()
        }

        fn segment(&self, name: &str) -> PathBuf {
            self.folder.path().join("journal").join(name)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.folder.path().join("lake").join(path(name))
        }

        /// Files come to live.
        fn live(&self, names: &[&str]) {
            for name in names {
                fs::write(self.file(name), name).unwrap();
                self.listed.lock().unwrap().live.push(path(name));
            }
        }

        /// The keeper puts files together.
        fn merge(&self, old: &[&str], new: &str) {
            self.live(&[new]);
            let mut listed = self.listed.lock().unwrap();
            let (ended, live) = std::mem::take(&mut listed.live)
                .into_iter()
                .partition(|live| old.iter().any(|name| *live == path(name)));
            listed.live = live;
            let ended: Vec<String> = ended;
            listed.ended.extend(ended);
        }

        /// Their grace is over.
        fn unlink(&self, names: &[&str]) {
            for name in names {
                fs::remove_file(self.file(name)).unwrap();
                self.listed.lock().unwrap().ended.retain(|ended| *ended != path(name));
            }
        }
    }

    fn path(name: &str) -> String {
        format!("organisation=RXX/{name}")
    }

    fn paths(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| path(name)).collect()
    }

    fn until(what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < LOOK_LAKE * 4, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn segments_that_are_removed_or_come_while_a_backup_is_made_are_held() {
        let hub = Hub::new();
        fs::write(hub.segment("1"), "a").unwrap();
        let hold = hub.begin();
        fs::remove_file(hub.segment("1")).unwrap();
        fs::write(hub.segment("2"), "b").unwrap();
        let second = hold.held.path().join("journal/2");
        until("the second is held", || second.exists());
        // An open segment grows on under both names.
        fs::OpenOptions::new()
            .append(true)
            .open(hub.segment("2"))
            .and_then(|mut f| std::io::Write::write_all(&mut f, b"c"))
            .unwrap();
        let names = hold.end().unwrap();
        assert_eq!(names.journal().unwrap(), ["1", "2"]);
        assert_eq!(fs::read_to_string(names.path().join("journal/2")).unwrap(), "bc");
        let gone = names.path().to_owned();
        drop(names);
        assert!(!gone.exists() && hub.segment("2").exists());
    }

    #[test]
    fn files_that_a_copy_of_the_store_can_list_are_held_however_the_keeper_tidies() {
        let hub = Hub::new();
        hub.live(&["x", "y", "a", "b"]);
        hub.merge(&["x", "y"], "xy");
        let hold = hub.begin();
        hub.merge(&["a", "b"], "ab");
        hub.unlink(&["a", "b", "x", "y"]);
        // These come and are replaced between two looks.
        hub.live(&["c", "d"]);
        hub.merge(&["c", "d"], "cd");
        let names = hold.end().unwrap();
        assert_eq!(
            names.lake().unwrap(),
            paths(&["a", "ab", "b", "c", "cd", "d", "xy"]),
            "x and y were over"
        );
        assert!(names.has(&path("a")) && !names.has(&path("x")) && !names.has("organisation=RXX"));
        assert_eq!(fs::read_to_string(names.path().join("lake").join(path("a"))).unwrap(), "a");
    }

    #[test]
    fn files_are_looked_for_again_and_again() {
        let hub = Hub::new();
        let hold = hub.begin();
        hub.live(&["a"]);
        let held = hold.held.path().join("lake").join(path("a"));
        until("it is held", || held.exists());
        hub.merge(&["a"], "m");
        hub.unlink(&["a"]);
        assert_eq!(hold.end().unwrap().lake().unwrap(), paths(&["a", "m"]));
    }

    #[test]
    fn a_live_file_that_is_not_there_ends_the_backup_with_its_name() {
        let hub = Hub::new();
        let hold = hub.begin();
        hub.listed.lock().unwrap().live.push(path("lost"));
        let told = hold.end().unwrap_err().to_string();
        assert!(told.contains("organisation=RXX/lost"), "{told}");
        assert!(fs::read_dir(hub.folder.path()).unwrap().count() == 2, "and nothing is left of it");
    }
}
