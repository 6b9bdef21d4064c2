//! A batch that Ward falls over, a disk that does not give back what it has, a journal that is gone.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio::runtime::Runtime;
use ward_core::{Batch, Scope};
use ward_journal::faulty::{FaultyDisk, Operation};
use ward_journal::{Journal, Options};
use ward_lake::Lake;
use ward_store::dead_letters::{self, DeadLetterFilter};

use super::failing::FailingLake;
use super::{FAULT, batch, configure, enter_senders, events, expected, folder, found_by_rules, send, settle};
use crate::clock::now;
use crate::hub::Hub;

#[test]
fn a_batch_that_meets_a_fault_is_set_aside_and_keeps_no_other_from_being_seen() {
    let folder = folder();
    let config = configure(folder.path(), 2);
    let journal = FaultyDisk::new();
    Runtime::new().unwrap().block_on(async {
        enter_senders(&config).await;
        let hub = Hub::start_on(&config, Arc::new(journal), Lake::new(config.lake())).await.unwrap();
        for nth in 0..12 {
            assert_eq!(send(&hub, nth).await, 200);
            if nth % 4 == 1 {
                let faulty = Batch { payload: FAULT.to_vec(), ..batch(nth, now()) };
                hub.post.journal.append_and_wait(faulty, None).unwrap();
            }
        }
        settle(&hub).await;
        let (in_lake, by_rules) = expected(0..12);
        assert_eq!(events(&hub).await, in_lake);
        assert_eq!(found_by_rules(&hub.store).await, by_rules);
        let (all, any) = (Scope::whole_sector(), DeadLetterFilter::default());
        let letters = dead_letters::list(&hub.store, &all, &any, None, 10).await.unwrap();
        assert_eq!(letters.iter().map(|listed| &*listed.letter.reason).collect::<Vec<_>>(), ["fault"; 3]);
        let whole = dead_letters::get(&hub.store, &all, letters[0].letter.id).await.unwrap();
        assert_eq!(whole.content, FAULT);
        hub.stop(Duration::ZERO).await;
    });
}

#[test]
fn what_the_disk_does_not_give_keeps_nothing_else_from_being_seen_and_is_tried_again() {
    let folder = folder();
    let config = configure(folder.path(), 2);
    let journal = FaultyDisk::new();
    Runtime::new().unwrap().block_on(async {
        enter_senders(&config).await;
        let (before, _) = Journal::open(Arc::new(journal.clone()), Options::default()).unwrap();
        for nth in 0..4 {
            before.append_and_wait(batch(nth, now()), None).unwrap();
        }
        drop(before);
        let hub = Hub::start_on(&config, Arc::new(journal.clone()), Lake::new(config.lake())).await.unwrap();
        // One more than the watch tries, and once more for the lake.
        journal.fail(Operation::Read, 0, 31, io::ErrorKind::Other);
        for nth in 4..8 {
            assert_eq!(send(&hub, nth).await, 200);
        }
        settle(&hub).await;
        assert_eq!(
            events(&hub).await,
            expected(0..8).0,
            "the lake has all of them, once the disk gives them"
        );
        hub.stop(Duration::ZERO).await;
    });
}

#[test]
fn a_journal_that_is_lost_takes_its_numbers_with_it() {
    let folder = folder();
    let config = configure(folder.path(), 2);
    Runtime::new().unwrap().block_on(async {
        enter_senders(&config).await;
        let never = FailingLake { times: AtomicU32::new(u32::MAX), journal: None };
        let lakes = [Lake::on(Arc::new(never), config.lake()), Lake::new(config.lake())];
        for (nth, lake) in lakes.into_iter().enumerate() {
            // An empty one each time.
            let journal = Arc::new(FaultyDisk::new());
            let hub = Hub::start_on(&config, journal, lake).await.unwrap();
            for batch in nth * 4..nth * 4 + 4 {
                assert_eq!(send(&hub, batch).await, 200);
            }
            let events: Vec<String> = expected(0..nth * 4 + 4).0.into_keys().collect();
            for _ in 0..1_000 {
                let found = found_by_rules(&hub.store).await;
                if events.iter().all(|event| found.contains_key(event)) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let found = found_by_rules(&hub.store).await;
            assert!(events.iter().all(|event| found.get(event) == Some(&1)), "{found:?}");
            hub.stop(Duration::ZERO).await;
        }
    });
}
