//! What tidying removes from the lake, when, and on whose time.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use ward_core::{BatchId, Scope, Timestamp};
use ward_journal::faulty::FaultyDisk;
use ward_lake::{Lake, RealDisk, Retention};
use ward_store::lake_files::{self, FileFilter};

use super::{configure, enter_senders, folder, send, settle};
use crate::clock::now;
use crate::hub::keeper::Strays;
use crate::hub::{Hub, keeper};

/// A lake that notes who removes files.
#[derive(Debug, Clone, Default)]
struct NotingLake(Arc<Mutex<Vec<ThreadId>>>);

impl ward_lake::Disk for NotingLake {
    fn remove(&self, file: &Path) -> io::Result<()> {
        self.0.lock().unwrap().push(thread::current().id());
        RealDisk.remove(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.make_folder(folder)
    }

    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        RealDisk.create(file, bytes)
    }

    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        RealDisk.append(file, bytes)
    }

    fn sync(&self, file: &Path) -> io::Result<()> {
        RealDisk.sync(file)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }
}

#[tokio::test]
async fn replaced_files_are_kept_from_when_they_were_replaced_and_removed_by_who_may_wait() {
    let folder = folder();
    let config = configure(folder.path(), 1);
    enter_senders(&config).await;
    let disk = NotingLake::default();
    let lake = Lake::on(Arc::new(disk.clone()), config.lake());
    let hub = Hub::start_on(&config, Arc::new(FaultyDisk::new()), lake.clone()).await.unwrap();
    // Files of the same organisation and day, more than are left by themselves once the day is over.
    for nth in 0..9 {
        assert_eq!(send(&hub, nth * 2).await, 200);
        settle(&hub).await;
    }
    // Each look at the clock is an hour after the one before, as if all that is done took so long.
    let begun = now().micros() + 2 * 86_400 * 1_000_000;
    let next = AtomicI64::new(begun);
    let clock = || Timestamp::from_micros(next.fetch_add(3_600_000_000, Ordering::Relaxed));
    let mine = disk.0.lock().unwrap().len();
    keeper::round(&hub.store, &lake, 1, &Retention::default(), &clock).await.unwrap();
    let gone = async |until| lake_files::to_unlink(&hub.store, Timestamp::from_micros(until)).await.unwrap();
    assert_eq!(gone(begun).await, [""; 0], "when the round began, searches could begin with them yet");
    assert_eq!(gone(next.load(Ordering::Relaxed)).await.len(), 9);
    keeper::round(&hub.store, &lake, 1, &Retention::default(), &clock).await.unwrap();
    let removed = disk.0.lock().unwrap().split_off(mine);
    assert_eq!(removed.len(), 9);
    assert!(!removed.contains(&thread::current().id()), "others could go on meanwhile");
    hub.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_finished_file_that_nobody_knows_stays_and_is_told() {
    let folder = folder();
    let config = configure(folder.path(), 1);
    enter_senders(&config).await;
    let hub = Hub::start(&config).await.unwrap();
    assert_eq!(send(&hub, 0).await, 200);
    settle(&hub).await;
    let lake = &hub.post.lake;
    let sweep = async || keeper::sweep(&hub.store, lake, BatchId(u64::MAX)).await.unwrap();
    assert_eq!(sweep().await, Strays::default());
    let files = lake_files::files(&hub.store, &Scope::whole_sector(), &FileFilter::default()).await.unwrap();
    let known = lake.root().join(&files[0].path);
    let stray = known.with_file_name("00000000000000999999.parquet");
    std::fs::copy(&known, &stray).unwrap();
    assert_eq!(sweep().await, Strays { files: 1, bytes: files[0].bytes });
    assert!(stray.exists());
    hub.stop(Duration::ZERO).await;
}
