//! The power is cut at every step of a hub: at each change of a file of journal or lake, and at each commit of
//! the store. What was acknowledged is there once after the next start, and so is what rules should find.
//!
//! A hub runs once, on disks that note before each change what a power cut would leave: what was synced, and of
//! the rest nothing, or some part, torn. The store's log grows by commits, so that its state after each is a
//! beginning of it. Each of these states is put into a folder of its own, and a hub is started there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use ward_core::{BatchId, Timestamp};
use ward_lake::{Lake, Retention};
use ward_store::{lake_files, ledger};

use super::disks::{JournalDisk, LakeDisk, Recorder};
use super::states::{State, states};
use super::{SENDERS, configure, enter_senders, events, expected, folder, found_by_rules, send, settle};
use crate::clock::now;
use crate::hub::{Hub, keeper};

#[test]
fn nothing_is_lost_or_doubled_whenever_the_power_is_cut() {
    let (recorder, base, log) = run_once();
    let record = recorder.record();
    for step in ["journal: remove", "lake: make folder", "lake: rename .merged", "lake: remove"] {
        assert!(record.moments.iter().any(|moment| moment.next.starts_with(step)), "{step} was no step");
    }
    let states = states(&record, &base, &log);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let runtime = Runtime::new().unwrap();
                while let Some(state) = states.get(next.fetch_add(1, Ordering::Relaxed)) {
                    runtime.block_on(check(state));
                }
            });
        }
    });
    println!("{} states after power cuts at {} changes", states.len(), record.moments.len());
}

/// Lets a hub work, until files were merged and the old ones removed. Gives what was recorded, the store as it
/// was at the start, and its log.
fn run_once() -> (Recorder, Vec<u8>, Vec<u8>) {
    let folder = folder();
    let data = folder.path().join("data");
    let recorder = Recorder::new(&data);
    let runtime = Runtime::new().unwrap();
    let (base, log) = runtime.block_on(async {
        let config = configure(folder.path(), 3);
        enter_senders(&config).await;
        let base = std::fs::read(data.join("ward.db")).unwrap();
        let journal = Arc::new(JournalDisk(recorder.clone()));
        let lake = Lake::on(Arc::new(LakeDisk(recorder.clone())), config.lake());
        let hub = Hub::start_on(&config, journal, lake.clone()).await.unwrap();
        let mut batches = 0..;
        // A segment each, with a file for each organisation: enough of them to be put together.
        for round in 0..10 {
            for batch in batches.by_ref().take(SENDERS.len()) {
                recorder.record().sent.push(batch);
                assert_eq!(send(&hub, batch).await, 200);
                recorder.record().acknowledged.push(batch);
            }
            if round == 8 {
                settle(&hub).await;
                // the day of the events is over then, so that few files are many
                for later in [172_800, 173_400] {
                    let now = Timestamp::from_micros(now().micros() + later * 1_000_000);
                    keeper::round(&hub.store, &lake, 1, &Retention::default(), &|| now).await.unwrap();
                }
            }
            hub.post.journal.seal();
        }
        settle(&hub).await;
        drop(recorder.moment("nothing".to_owned()));
        let log = std::fs::read(data.join("ward.db-wal")).unwrap();
        assert_eq!(std::fs::read(data.join("ward.db")).unwrap(), base, "all is in the log");
        hub.stop(Duration::ZERO).await;
        (base, log)
    });
    (recorder, base, log)
}

/// Starts a hub on what is left, and holds what it has against what was sent and acknowledged.
async fn check(state: &State<'_>) {
    let folder = folder();
    let config = configure(folder.path(), 2);
    state.put(&config.data.folder);
    let says = state.says();
    let hub = Hub::start(&config).await.unwrap();
    settle(&hub).await;
    let found = events(&hub).await;
    let (acknowledged, _) = expected(state.acknowledged().iter().copied());
    for event in acknowledged.keys() {
        assert_eq!(found.get(event), Some(&1), "{says}: acknowledged event {event}");
    }
    // Clients that did not hear anything send the same again; so do some that did.
    let next = state.sent().iter().max().map_or(0, |last| last + 1);
    let all: Vec<usize> = state.sent().iter().copied().chain([next]).collect();
    for batch in &all {
        assert_eq!(send(&hub, *batch).await, 200, "{says}: batch {batch} again");
    }
    settle(&hub).await;
    let (in_lake, by_rules) = expected(all.into_iter());
    assert_eq!(events(&hub).await, in_lake, "{says}");
    assert_eq!(found_by_rules(&hub.store).await, by_rules, "{says}: findings");
    keeper::sweep(&hub.store, &hub.post.lake, BatchId(u64::MAX)).await.unwrap();
    let files = hub.post.lake.leftovers(|_, _| true).unwrap();
    assert_eq!(lake_files::unknown(&hub.store, &files).await.unwrap(), [""; 0], "{says}: nobody's files");
    assert!(ledger::verify(&hub.store, &[]).await.unwrap().is_ok(), "{says}: the ledger is unbroken");
    hub.stop(Duration::ZERO).await;
}
