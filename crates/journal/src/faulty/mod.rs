//! For tests, here and in other rooms: a disk in memory that fills up, breaks, or loses its power.
//!
//! Invariant: it keeps no promise that a real one does not make. Bytes are safe after a sync of their file,
//! names after a sync of the folder; of all else any part may be there after the power was cut, and what a
//! failed sync was asked to keep is kept by no later one.

mod content;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

use content::{Chance, Content};

use crate::disk::{Disk, DiskFile, ReadAt};
use crate::format::frame::{FRAME_HEAD_BYTES, Form, FrameHead};
use crate::format::head::{HEAD_BYTES, SegmentHead};
use crate::sync::lock;

/// What a disk is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Make a file.
    Create,
    /// Open a file.
    Open,
    /// Read bytes.
    Read,
    /// Write bytes.
    Write,
    /// Make a file's bytes durable.
    Sync,
    /// Cut a file.
    Truncate,
    /// Remove a file.
    Remove,
    /// Give a file another name.
    Rename,
    /// Make names durable.
    SyncFolder,
}

/// The disk. A clone is the same disk.
#[derive(Debug, Clone, Default)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Names made (`Some`) and removed since the folder was last synced; what happens at once, together.
    name_changes: Vec<Vec<(String, Option<usize>)>>,
    capacity: Option<u64>,
    /// Changes that were begun so far.
    steps: u64,
    cut_at: Option<u64>,
    off: bool,
    failures: Vec<Failure>,
}

#[derive(Debug)]
struct Failure {
    operation: Operation,
    skip: u64,
    times: u64,
    kind: ErrorKind,
}

impl FaultyDisk {
    /// An empty disk without limits or faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many bytes fit on the disk from now on. `None`: no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        lock(&self.0).capacity = bytes;
    }

    /// After `skip` more operations of this kind, the next `times` fail so. A failing write writes a part.
    pub fn fail(&self, operation: Operation, skip: u64, times: u64, kind: ErrorKind) {
        lock(&self.0).failures.push(Failure { operation, skip, times, kind });
    }

    /// Takes all planned failures back.
    pub fn mend(&self) {
        lock(&self.0).failures.clear();
    }

    /// Changes (creations, writes, syncs, cuts, removals) that were begun so far.
    pub fn steps(&self) -> u64 {
        lock(&self.0).steps
    }

    /// Cuts the power during this change, counted from 1. From then on everything fails.
    pub fn cut_power_at(&self, step: u64) {
        lock(&self.0).cut_at = Some(step);
    }

    /// The disk after the power came back, without faults. What was not synced is lost with chance 0; any
    /// other gives some part of it: changes up to some point and the next one torn, or blocks here and there.
    pub fn restart(&self, chance: u64) -> Self {
        let state = lock(&self.0);
        let mut chance = Chance::new(chance);
        let mut names = state.durable_names.clone();
        let kept = chance.below(state.name_changes.len() as u64 + 1) as usize;
        for (name, file) in state.name_changes[..kept].iter().flatten() {
            match file {
                Some(file) => names.insert(name.clone(), *file),
                None => names.remove(name),
            };
        }
        let restarted = Self::new();
        for (name, file) in names {
            restarted.put(&name, state.files[file].survive(&mut chance));
        }
        restarted
    }

    /// Puts a file there, durable, in place of any of that name.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = lock(&self.0);
        let file = state.files.len();
        state.files.push(Content::durable(bytes));
        state.names.insert(name.to_owned(), file);
        state.durable_names.insert(name.to_owned(), file);
    }

    /// Gives a file another name, and takes that from any other; both are durable together.
    ///
    /// # Errors
    /// There is no such file, or what was planned.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = lock(&self.0);
        let course = state.begin(Operation::Rename)?;
        let file = *state.names.get(from).ok_or(ErrorKind::NotFound)?;
        state.change_names(&[(from, None), (to, Some(file))]);
        course.end()
    }

    /// Bytes of a file as they are read now. `None`: there is none of that name.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let state = lock(&self.0);
        state.names.get(name).map(|file| state.files[*file].live.clone())
    }

    /// Names of the files.
    pub fn names(&self) -> Vec<String> {
        lock(&self.0).names.keys().cloned().collect()
    }
}

/// A segment, with all checksums right, whose one frame says that it has `count` batches in `plain`. For fuzz
/// targets, which would never guess a checksum.
pub fn segment_around(plain: &[u8], count: u32) -> Vec<u8> {
    let (first, nonce) = (1, 1);
    let mut bytes = SegmentHead { first, nonce, before: None }.encode();
    let head = FrameHead {
        nonce,
        at: bytes.len() as u64,
        first,
        count,
        keys: 0,
        plain: plain.len() as u32,
        stored: plain.len() as u32,
        form: Form::Plain,
        latest: 0,
        keys_crc: crc32fast::hash(&[]),
        stored_crc: crc32fast::hash(plain),
    };
    bytes.extend_from_slice(&head.encode());
    bytes.extend_from_slice(plain);
    debug_assert_eq!(bytes.len(), HEAD_BYTES + FRAME_HEAD_BYTES + plain.len());
    bytes
}

/// How an operation goes.
enum Course {
    Well,
    /// The power goes while it runs.
    Cut,
}

impl Course {
    fn end(self) -> io::Result<()> {
        match self {
            Self::Well => Ok(()),
            Self::Cut => Err(io::Error::other("the power was cut")),
        }
    }
}

impl State {
    /// Counts the operation. An error: nothing of it is done.
    fn begin(&mut self, operation: Operation) -> io::Result<Course> {
        if self.off {
            return Err(io::Error::other("the power is off"));
        }
        if !matches!(operation, Operation::Open | Operation::Read) {
            self.steps += 1;
            if self.cut_at == Some(self.steps) {
                self.off = true;
                return Ok(Course::Cut);
            }
        }
        for failure in self.failures.iter_mut().filter(|failure| failure.operation == operation) {
            if failure.skip > 0 {
                failure.skip -= 1;
            } else if failure.times > 0 {
                failure.times -= 1;
                return Err(failure.kind.into());
            }
        }
        Ok(Course::Well)
    }

    fn used(&self) -> u64 {
        self.names.values().map(|file| self.files[*file].live.len() as u64).sum()
    }

    fn change_names(&mut self, changes: &[(&str, Option<usize>)]) {
        for (name, file) in changes {
            match file {
                Some(file) => self.names.insert((*name).to_owned(), *file),
                None => self.names.remove(*name),
            };
        }
        self.name_changes.push(changes.iter().map(|(name, file)| ((*name).to_owned(), *file)).collect());
    }
}

impl Disk for FaultyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut state = lock(&self.0);
        state.begin(Operation::Read)?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = lock(&self.0);
        let course = state.begin(Operation::Create)?;
        if state.names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(Content::default());
        state.change_names(&[(name, Some(file))]);
        course.end()?;
        Ok(Box::new(FaultyFile { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = lock(&self.0);
        state.begin(Operation::Open)?;
        let file = *state.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(FaultyFile { disk: self.clone(), file }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = lock(&self.0);
        let course = state.begin(Operation::Remove)?;
        if !state.names.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        state.change_names(&[(name, None)]);
        course.end()
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = lock(&self.0);
        state.begin(Operation::SyncFolder)?.end()?;
        state.durable_names = state.names.clone();
        state.name_changes.clear();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = lock(&self.0);
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    file: usize,
}

impl ReadAt for FaultyFile {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.disk.0);
        state.begin(Operation::Read)?;
        state.files[self.file].live.read_at(at, into)
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = lock(&self.disk.0);
        state.begin(Operation::Read)?;
        Ok(state.files[self.file].live.len() as u64)
    }
}

impl DiskFile for FaultyFile {
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        let course = match state.begin(Operation::Write) {
            Ok(course) => course,
            Err(error) => {
                if !state.off {
                    state.files[self.file].write(at, &bytes[..bytes.len() / 2]);
                }
                return Err(error);
            }
        };
        let grows = (at + bytes.len() as u64).saturating_sub(state.files[self.file].live.len() as u64);
        let room = state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used()));
        let short = usize::try_from(grows.saturating_sub(room)).unwrap_or(bytes.len()).min(bytes.len());
        state.files[self.file].write(at, &bytes[..bytes.len() - short]);
        course.end()?;
        if short > 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        match state.begin(Operation::Sync) {
            Ok(course) => course.end()?,
            Err(error) => {
                if !state.off {
                    state.files[self.file].fail_sync();
                }
                return Err(error);
            }
        }
        state.files[self.file].sync();
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut state = lock(&self.disk.0);
        let course = state.begin(Operation::Truncate)?;
        state.files[self.file].truncate(len as usize);
        course.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_synced_is_sure_to_survive() {
        let disk = FaultyDisk::new();
        let file = disk.create("a").unwrap();
        file.write_at(0, b"safe").unwrap();
        file.sync().unwrap();
        assert_eq!(disk.restart(0).names(), [""; 0], "its name was not");
        disk.sync_folder().unwrap();
        file.write_at(4, b"lost").unwrap();
        assert_eq!(disk.bytes("a").unwrap(), b"safelost");
        assert_eq!(disk.restart(0).bytes("a").unwrap(), b"safe");
        let survived: Vec<_> = (0..50).map(|chance| disk.restart(chance).bytes("a").unwrap()).collect();
        assert!(survived.contains(&b"safelo".to_vec()) && survived.contains(&b"safelost".to_vec()));
        assert!(survived.iter().all(|bytes| bytes.starts_with(b"safe")));
    }

    #[test]
    fn what_a_failed_sync_lost_no_later_one_saves() {
        let disk = FaultyDisk::new();
        let file = disk.create("a").unwrap();
        disk.sync_folder().unwrap();
        file.write_at(0, b"lost").unwrap();
        disk.fail(Operation::Sync, 0, 1, ErrorKind::Other);
        file.sync().unwrap_err();
        file.sync().unwrap();
        assert_eq!(disk.restart(0).bytes("a").unwrap(), b"");
    }

    #[test]
    fn a_full_disk_takes_a_part() {
        let disk = FaultyDisk::new();
        disk.set_capacity(Some(6));
        let file = disk.create("a").unwrap();
        file.write_at(0, b"abcd").unwrap();
        assert_eq!(disk.free_bytes().unwrap(), 2);
        assert_eq!(file.write_at(4, b"efgh").unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(disk.bytes("a").unwrap(), b"abcdef");
    }

    #[test]
    fn a_new_name_takes_the_place_of_the_old_one_or_does_not() {
        let disk = FaultyDisk::new();
        disk.put("old", b"old".to_vec());
        let file = disk.create("new").unwrap();
        file.write_at(0, b"new").unwrap();
        file.sync().unwrap();
        disk.sync_folder().unwrap();
        disk.rename("new", "old").unwrap();
        assert_eq!((disk.names(), disk.bytes("old").unwrap()), (vec!["old".to_owned()], b"new".to_vec()));
        let mut seen = [0, 0];
        for chance in 0..50 {
            let after = disk.restart(chance);
            let renamed = after.names() == ["old"];
            assert!(renamed || after.names() == ["new", "old"], "{:?}", after.names());
            assert_eq!(after.bytes("old").unwrap(), if renamed { b"new" } else { b"old" });
            seen[usize::from(renamed)] += 1;
        }
        assert!(seen[0] > 0 && seen[1] > 0);
        disk.sync_folder().unwrap();
        assert_eq!(disk.restart(0).names(), ["old"]);
    }

    #[test]
    fn after_the_cut_everything_fails() {
        let disk = FaultyDisk::new();
        let file = disk.create("a").unwrap();
        disk.cut_power_at(2);
        file.write_at(0, b"a").unwrap_err();
        file.sync().unwrap_err();
        disk.list().unwrap_err();
        assert_eq!(disk.restart(0).names(), [""; 0]);
    }
}
