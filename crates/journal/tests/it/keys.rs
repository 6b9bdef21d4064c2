//! A batch that is sent again is answered, not stored again.

use std::io::ErrorKind;
use std::sync::mpsc::channel;
use std::time::Duration;

use ward_core::{BatchId, Timestamp};
use ward_journal::faulty::{FaultyDisk, Operation};
use ward_journal::{Journal, KnownKey};

use crate::hub::{batch, key, open, read, small};

#[test]
fn a_known_key_gets_the_number_it_has() {
    let (journal, _) = open(&FaultyDisk::new());
    let id = journal.append_and_wait(batch(1), Some(key(1))).unwrap();
    assert_eq!(journal.append_and_wait(batch(1), Some(key(1))), Ok(id));
    assert_ne!(journal.append_and_wait(batch(1), Some(key(2))), Ok(id));
    assert_eq!((read(&journal).0.len(), journal.usage().known_again), (2, 1));
}

#[test]
fn all_who_send_the_same_at_once_get_the_same_number() {
    let (journal, _) = open(&FaultyDisk::new());
    let (sender, answers) = channel();
    for nth in 0..400 {
        let sender = sender.clone();
        journal.append(batch(nth % 2), Some(key(nth % 2)), move |answer| {
            sender.send((nth % 2, answer.unwrap())).unwrap();
        });
    }
    drop(sender);
    let mut ids: Vec<(u64, BatchId)> = answers.iter().collect();
    assert_eq!(ids.len(), 400);
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), read(&journal).0.len()), (2, 2));
}

#[test]
fn a_refused_batch_is_taken_when_it_comes_again() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    disk.fail(Operation::Create, 0, 1, ErrorKind::Other);
    journal.append_and_wait(batch(1), Some(key(1))).unwrap_err();
    journal.append_and_wait(batch(1), Some(key(1))).unwrap();
    assert_eq!(read(&journal).0.len(), 1);
}

#[test]
fn after_a_crash_a_batch_whose_answer_was_lost_is_recognised() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    let ids: Vec<_> =
        (0..40).map(|name| journal.append_and_wait(batch(name), Some(key(name))).unwrap()).collect();
    journal.append_and_wait(batch(40), None).unwrap();
    let (journal, recovery) = open(&disk.restart(0));
    let known: Vec<_> = recovery.keys.iter().map(|known| (known.key, known.batch)).collect();
    let expected: Vec<_> = (0..40).map(key).zip(ids.clone()).collect();
    assert_eq!(known, expected, "over several segments, oldest first");
    assert_eq!(recovery.keys[3].received, batch(3).received);
    for name in 0..40 {
        assert_eq!(journal.append_and_wait(batch(name), Some(key(name))), Ok(ids[name as usize]));
    }
    assert_eq!(read(&journal).0.len(), 41);
}

#[test]
fn keys_of_segments_that_were_removed_are_known_as_far_as_they_are_told() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    let id = journal.append_and_wait(batch(1), Some(key(1))).unwrap();
    journal.seal();
    journal.remove(journal.segments()[0].id).unwrap();
    let later = journal.append_and_wait(batch(2), Some(key(2))).unwrap();
    drop(journal);
    let mut options = small();
    let known = |name, batch| KnownKey { key: key(name), batch, received: crate::hub::batch(name).received };
    // The second is told, and still there.
    options.known = vec![known(1, id), known(2, later)];
    let (journal, _) = Journal::open(std::sync::Arc::new(disk), options).unwrap();
    assert_eq!(journal.append_and_wait(batch(1), Some(key(1))), Ok(id));
    assert_eq!(journal.append_and_wait(batch(2), Some(key(2))), Ok(later));
    assert_eq!(read(&journal).0.len(), 1);
}

#[test]
fn only_keys_of_late_are_remembered() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    for name in 0..40 {
        journal.append_and_wait(batch(name), Some(key(name))).unwrap();
    }
    drop(journal);
    let mut options = small();
    options.keep_keys = Duration::from_secs(10);
    let reopen = |options| Journal::open(std::sync::Arc::new(disk.clone()), options).unwrap().1.keys;
    let received = |keys: &[KnownKey]| keys.iter().map(|known| known.received.seconds()).collect::<Vec<_>>();
    assert_eq!(received(&reopen(options.clone())), (29..40).collect::<Vec<_>>());
    options.max_keys = 5;
    assert_eq!(received(&reopen(options)), (35..40).collect::<Vec<_>>());
    assert_eq!(Timestamp::from_micros(39_000_000), batch(39).received);
}
