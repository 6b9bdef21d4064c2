//! Full and failing disks: refused in clear words, nothing lost, and taken again without a restart.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use ward_core::Batch;
use ward_journal::faulty::{FaultyDisk, Operation};
use ward_journal::{Journal, MAX_BATCH_BYTES, Options, Refused};

use crate::hub::{batch, open, read, small};

fn open_with(disk: &FaultyDisk, change: impl FnOnce(&mut Options)) -> Journal {
    let mut options = small();
    change(&mut options);
    Journal::open(Arc::new(disk.clone()), options).unwrap().0
}

#[test]
fn a_full_disk_refuses_keeps_what_is_there_and_takes_again_when_space_returns() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    let mut taken = Vec::new();
    for capacity in [1_500, 1_501, 1_700, 4_000] {
        disk.set_capacity(Some(capacity));
        let mut refused = 0;
        for name in 0..200 {
            match journal.append_and_wait(batch(name), None) {
                Ok(id) => taken.push((id.0, batch(name))),
                Err(why) => {
                    assert_eq!(why, Refused::Full);
                    refused += 1;
                }
            }
        }
        assert!(refused > 0 && journal.usage().refusing == Some(Refused::Full), "{capacity}");
        assert_eq!(read(&journal).0, taken, "{capacity}");
    }
    disk.set_capacity(None);
    taken.push((journal.append_and_wait(batch(7), None).unwrap().0, batch(7)));
    assert_eq!(journal.usage().refusing, None);
    drop(journal);
    assert_eq!(read(&open(&disk.restart(0)).0).0, taken);
}

#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_write_is_full_too() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    let first = journal.append_and_wait(batch(1), None).unwrap();
    disk.fail(Operation::Write, 0, 1, ErrorKind::StorageFull);
    assert_eq!(journal.append_and_wait(batch(2), None), Err(Refused::Full));
    let second = journal.append_and_wait(batch(3), None).unwrap();
    assert_eq!(read(&journal).0, [(first.0, batch(1)), (second.0, batch(3))]);
}

#[test]
fn a_failed_sync_ends_the_segment_and_the_next_batch_goes_to_a_new_one() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    journal.append_and_wait(batch(1), None).unwrap();
    disk.fail(Operation::Sync, 0, 1, ErrorKind::Other);
    let refused = journal.append_and_wait(batch(2), None).unwrap_err();
    assert!(matches!(refused, Refused::Failing { .. }), "{refused}");
    assert!(journal.segments()[0].sealed);
    journal.append_and_wait(batch(3), None).unwrap();
    assert_eq!(journal.segments().len(), 2);
    let names: Vec<_> = read(&journal).0.into_iter().map(|(_, batch)| batch).collect();
    assert_eq!(names, [batch(1), batch(3)]);
}

#[test]
fn after_a_failure_the_disk_has_a_pause() {
    let disk = FaultyDisk::new();
    let pause = Duration::from_millis(200);
    let journal = open_with(&disk, |options| (options.retry_first, options.retry_most) = (pause, pause));
    disk.fail(Operation::Create, 0, 1, ErrorKind::PermissionDenied);
    let first = journal.append_and_wait(batch(1), None).unwrap_err();
    let steps = disk.steps();
    assert_eq!(journal.append_and_wait(batch(2), None), Err(first), "for the same reason");
    assert_eq!(disk.steps(), steps, "without asking the disk");
    std::thread::sleep(pause);
    journal.append_and_wait(batch(3), None).unwrap();
}

#[test]
fn the_budget_and_the_reserve_are_kept() {
    let disk = FaultyDisk::new();
    let journal = open_with(&disk, |options| options.max_bytes = 5_000);
    let mut refused = None;
    for name in 0..100 {
        refused = refused.or(journal.append_and_wait(batch(name), None).err());
    }
    assert_eq!(refused, Some(Refused::Full));
    assert!(journal.usage().disk_bytes <= 5_000);
    journal.seal();
    journal.remove(journal.segments()[0].id).unwrap();
    journal.append_and_wait(batch(1), None).unwrap();
    drop(journal);

    let disk = FaultyDisk::new();
    disk.set_capacity(Some(10_000));
    let journal = open_with(&disk, |options| options.reserve_bytes = 9_900);
    assert_eq!(journal.append_and_wait(batch(1), None), Err(Refused::Full));
    assert_eq!(disk.names(), [""; 0], "nothing was begun");
}

#[test]
fn what_waits_is_bounded_and_a_batch_too_many_is_given_back() {
    let disk = FaultyDisk::new();
    let journal = open_with(&disk, |options| {
        options.queue_bytes = 1_000;
        options.commit_wait = Duration::from_secs(5);
    });
    let (sender, answers) = channel();
    let mut busy = None;
    for name in 0..100 {
        let sender = sender.clone();
        if let Err((back, why)) =
            journal.try_append(batch(name), None, move |answer| drop(sender.send(answer)))
        {
            assert_eq!(back, batch(name));
            busy = Some(why);
            break;
        }
        assert!(journal.usage().queued_bytes <= 1_000);
    }
    assert_eq!(busy, Some(Refused::Busy));
    journal.close();
    drop(sender);
    let answers: Vec<_> = answers.iter().collect();
    assert!(
        !answers.is_empty() && answers.iter().all(Result::is_ok),
        "what was taken is written at the close"
    );
    assert_eq!(journal.append_and_wait(batch(1), None), Err(Refused::Closed));
    assert_eq!(read(&journal).0.len(), answers.len(), "and can still be read");
}

#[test]
fn a_batch_beyond_the_limit_is_refused_by_itself() {
    let (journal, _) = open(&FaultyDisk::new());
    let large = Batch { payload: vec![0; MAX_BATCH_BYTES], ..batch(0) };
    assert!(matches!(journal.append_and_wait(large, None), Err(Refused::TooLarge { .. })));
    let long = Batch { format: "x".repeat(256), ..batch(0) };
    assert!(matches!(journal.append_and_wait(long, None), Err(Refused::TooLarge { .. })));
    let fits = Batch { payload: vec![0; MAX_BATCH_BYTES - 100], ..batch(0) };
    journal.append_and_wait(fits.clone(), None).unwrap();
    assert_eq!(read(&journal).0[0].1, fits, "larger than the queue, and taken");
}

#[test]
fn a_sender_that_panics_stops_nobody() {
    let (journal, _) = open(&FaultyDisk::new());
    journal.append(batch(1), None, |_| panic!("a sender's own fault"));
    journal.append_and_wait(batch(2), None).unwrap();
}
