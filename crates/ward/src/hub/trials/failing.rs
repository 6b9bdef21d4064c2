//! Disks that fail at the wrong moment.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use ward_journal::faulty::{FaultyDisk, Operation};
use ward_journal::{Journal, Options};
use ward_lake::{Lake, RealDisk};
use ward_store::lake_files;

use super::{batch, configure, enter_senders, events, expected, folder, found_by_rules, send, settle};
use crate::clock::now;
use crate::hub::Hub;

/// A lake that cannot give files their names at first.
#[derive(Debug)]
pub struct FailingLake {
    /// How often it fails.
    pub times: AtomicU32,
    /// A journal that then cannot be read to its end.
    pub journal: Option<FaultyDisk>,
}

impl ward_lake::Disk for FailingLake {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let left = self.times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_ok() {
            if let Some(journal) = &self.journal {
                journal.fail(Operation::Read, 8, 1, io::ErrorKind::Other);
            }
            return Err(io::Error::other("the disk of the lake fails"));
        }
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

    fn remove(&self, file: &Path) -> io::Result<()> {
        RealDisk.remove(file)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }
}

#[test]
fn a_segment_that_can_be_read_again_in_part_only_is_not_closed_with_that_part() {
    let folder = folder();
    let config = configure(folder.path(), 2);
    let journal = FaultyDisk::new();
    Runtime::new().unwrap().block_on(async {
        enter_senders(&config).await;
        // A journal that was just opened has nothing in memory: it is read from the disk, each time.
        let (before, _) = Journal::open(Arc::new(journal.clone()), Options::default()).unwrap();
        for nth in 0..12 {
            before.append_and_wait(batch(nth, now()), None).unwrap();
        }
        drop(before);
        let lake = FailingLake { times: AtomicU32::new(2), journal: Some(journal.clone()) };
        let lake = Lake::on(Arc::new(lake), config.lake());
        let hub = Hub::start_on(&config, Arc::new(journal), lake).await.unwrap();
        settle(&hub).await;
        let (in_lake, by_rules) = expected(0..12);
        assert_eq!(events(&hub).await, in_lake);
        assert_eq!(found_by_rules(&hub.store).await, by_rules);
        hub.stop(Duration::ZERO).await;
    });
}

#[test]
fn when_one_worker_fails_what_the_others_wrote_does_not_stay_beside_the_next_attempt() {
    let folder = folder();
    let config = configure(folder.path(), 2);
    Runtime::new().unwrap().block_on(async {
        enter_senders(&config).await;
        let lake = FailingLake { times: AtomicU32::new(1), journal: None };
        let lake = Lake::on(Arc::new(lake), config.lake());
        let hub = Hub::start_on(&config, Arc::new(FaultyDisk::new()), lake).await.unwrap();
        // With three frames, each worker gets the other's at the second attempt.
        for batch in 0..3 {
            assert_eq!(send(&hub, batch).await, 200);
        }
        settle(&hub).await;
        assert_eq!(events(&hub).await, expected(0..3).0);
        let files = hub.post.lake.leftovers(|_, _| true).unwrap();
        assert_eq!(lake_files::unknown(&hub.store, &files).await.unwrap(), [""; 0]);
        hub.stop(Duration::ZERO).await;
    });
}

#[test]
fn a_failing_journal_refuses_and_takes_again_and_keeps_what_it_acknowledged() {
    let folder = folder();
    let config = configure(folder.path(), 2);
    let journal = FaultyDisk::new();
    Runtime::new().unwrap().block_on(async {
        enter_senders(&config).await;
        let hub = Hub::start_on(&config, Arc::new(journal.clone()), Lake::new(config.lake())).await.unwrap();
        let (mut acknowledged, mut refused) = (Vec::new(), 0);
        for (nth, operation) in [Operation::Write, Operation::Sync, Operation::Create, Operation::SyncFolder]
            .into_iter()
            .enumerate()
        {
            journal.fail(operation, 0, 2, io::ErrorKind::Other);
            hub.post.journal.seal();
            for batch in nth * 10..nth * 10 + 10 {
                match send(&hub, batch).await {
                    200 => acknowledged.push(batch),
                    503 => refused += 1,
                    other => panic!("{other}"),
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
        assert!(refused >= 4 && acknowledged.len() > 8, "{refused} refused, {acknowledged:?}");
        settle(&hub).await;
        let (in_lake, by_rules) = expected(acknowledged.into_iter());
        assert_eq!(events(&hub).await, in_lake);
        assert_eq!(found_by_rules(&hub.store).await, by_rules);
        hub.stop(Duration::ZERO).await;
    });
}
