//! The disks below a hub, each change of which is a moment at which the power could be cut.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ward_journal::faulty::FaultyDisk;
use ward_journal::{Disk, DiskFile, ReadAt};

/// Files of a folder, by their paths in it.
pub type Files = BTreeMap<PathBuf, Arc<Vec<u8>>>;

/// A moment between two changes.
#[derive(Debug)]
pub struct Moment {
    /// What was going to be done.
    pub next: String,
    /// What is left of journal and lake when the power goes now: first nothing but what was synced, then some
    /// of the rest.
    pub left: Vec<Files>,
    /// How long the write-ahead log of the store is.
    pub log: u64,
    /// How many batches were acknowledged.
    pub acknowledged: usize,
    /// How many batches were sent.
    pub sent: usize,
}

/// Everything that happened.
#[derive(Debug, Default)]
pub struct Record {
    pub moments: Vec<Moment>,
    /// Batches, in the order in which clients began to send them.
    pub sent: Vec<usize>,
    /// Batches, in the order in which clients heard that they are there.
    pub acknowledged: Vec<usize>,
    data: PathBuf,
    journal: FaultyDisk,
    /// The folders of the lake, and the one that it is in.
    folders: BTreeMap<PathBuf, FaultyDisk>,
    /// Each content once.
    contents: BTreeMap<Vec<u8>, Arc<Vec<u8>>>,
}

/// The recorder. A clone writes the same record.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Mutex<Record>>);

impl Recorder {
    /// Of a hub with its data in this folder.
    pub fn new(data: &Path) -> Self {
        let folders = BTreeMap::from([(data.to_owned(), FaultyDisk::new())]);
        Self(Arc::new(Mutex::new(Record { data: data.to_owned(), folders, ..Record::default() })))
    }

    /// What was recorded.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what there is now, and that this will be done next.
    pub fn moment(&self, next: String) -> MutexGuard<'_, Record> {
        let mut record = self.record();
        let chance = record.moments.len() as u64 * 2 + 1;
        let left = [0, chance, chance + 1].map(|chance| record.left(chance)).into();
        let log = std::fs::metadata(record.data.join("ward.db-wal")).map_or(0, |log| log.len());
        let (acknowledged, sent) = (record.acknowledged.len(), record.sent.len());
        record.moments.push(Moment { next, left, log, acknowledged, sent });
        record
    }
}

impl Record {
    fn left(&mut self, chance: u64) -> Files {
        let mut files = Files::new();
        let journal = self.journal.restart(chance);
        let lake = self.data.join("lake");
        self.take(&journal, Path::new("journal"), &mut files);
        let mut folders = Vec::new();
        if self.folders[&self.data].restart(chance).names() == ["lake"] {
            folders.push(lake);
        }
        while let Some(folder) = folders.pop() {
            let disk = self.folders[&folder].restart(chance);
            let (below, own): (Vec<_>, Vec<_>) =
                disk.names().into_iter().partition(|name| self.folders.contains_key(&folder.join(name)));
            folders.extend(below.iter().map(|name| folder.join(name)));
            let place = folder.strip_prefix(&self.data).unwrap().to_owned();
            for name in own {
                let content = self.content(disk.bytes(&name).unwrap());
                files.insert(place.join(name), content);
            }
        }
        files
    }

    fn take(&mut self, disk: &FaultyDisk, place: &Path, files: &mut Files) {
        for name in disk.names() {
            let content = self.content(disk.bytes(&name).unwrap());
            files.insert(place.join(name), content);
        }
    }

    fn content(&mut self, bytes: Vec<u8>) -> Arc<Vec<u8>> {
        self.contents.entry(bytes).or_insert_with_key(|bytes| Arc::new(bytes.clone())).clone()
    }

    fn folder(&self, path: &Path) -> (&FaultyDisk, String) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (&self.folders[path.parent().unwrap()], name)
    }
}

/// The disk of the journal.
#[derive(Debug)]
pub struct JournalDisk(pub Recorder);

#[derive(Debug)]
struct JournalFile(Recorder, Box<dyn DiskFile>);

impl JournalDisk {
    fn disk(&self) -> FaultyDisk {
        self.0.record().journal.clone()
    }
}

impl Disk for JournalDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk().list()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.0.moment(format!("journal: create {name}")).journal.create(name)?;
        Ok(Box::new(JournalFile(self.0.clone(), file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(JournalFile(self.0.clone(), self.disk().open(name)?)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.moment(format!("journal: remove {name}")).journal.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.0.moment("journal: sync its folder".to_owned()).journal.sync_folder()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

impl ReadAt for JournalFile {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.1.read_at(at, into)
    }

    fn len(&self) -> io::Result<u64> {
        self.1.len()
    }
}

impl DiskFile for JournalFile {
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let _record = self.0.moment(format!("journal: write {} bytes at {at}", bytes.len()));
        self.1.write_at(at, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let _record = self.0.moment("journal: sync a segment".to_owned());
        self.1.sync()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let _record = self.0.moment("journal: cut a segment".to_owned());
        self.1.truncate(len)
    }
}

/// The disk of the lake: real files, and beside them what would be left of them.
#[derive(Debug)]
pub struct LakeDisk(pub Recorder);

impl LakeDisk {
    fn moment(&self, what: &str, path: &Path) -> MutexGuard<'_, Record> {
        self.0.moment(format!("lake: {what} {}", path.file_name().unwrap().display()))
    }
}

impl ward_lake::Disk for LakeDisk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut record = self.moment("make folder", folder);
        let (above, name) = record.folder(folder);
        if !above.names().contains(&name) {
            above.create(&name)?;
            record.folders.insert(folder.to_owned(), FaultyDisk::new());
        }
        ward_lake::RealDisk.make_folder(folder)
    }

    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let record = self.moment("create", file);
        let (folder, name) = record.folder(file);
        if folder.names().contains(&name) {
            folder.open(&name)?.truncate(0)?;
            folder.open(&name)?.write_at(0, bytes)?;
        } else {
            folder.create(&name)?.write_at(0, bytes)?;
        }
        ward_lake::RealDisk.create(file, bytes)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let record = self.moment("append to", file);
        let (folder, name) = record.folder(file);
        let open = folder.open(&name)?;
        open.write_at(open.len()?, bytes)?;
        ward_lake::RealDisk.append(file, bytes)
    }

    fn sync(&self, file: &Path) -> io::Result<()> {
        let record = self.moment("sync", file);
        let (folder, name) = record.folder(file);
        folder.open(&name)?.sync()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let record = self.moment("rename", from);
        let ((folder, from_name), (_, to_name)) = (record.folder(from), record.folder(to));
        folder.rename(&from_name, &to_name)?;
        ward_lake::RealDisk.rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        let record = self.moment("remove", file);
        let (folder, name) = record.folder(file);
        folder.remove(&name)?;
        ward_lake::RealDisk.remove(file)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.moment("sync the names in", folder).folders[folder].sync_folder()
    }
}
