//! Readers: durable bytes, in order, while the journal grows and shrinks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ward_journal::faulty::{FaultyDisk, Operation};
use ward_journal::{Item, Journal, JournalError, Position, RealDisk, SegmentId};

use crate::hub::{batch, open, read, small};

#[test]
fn a_reader_follows_many_writers_across_segments_on_a_real_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = small();
    options.ring_bytes = 2_000; // some frames come from memory, some from the file
    options.seal_bytes = 4_000;
    let disk = Arc::new(RealDisk::open(folder.path()).unwrap());
    let (journal, _) = Journal::open(disk, options).unwrap();
    let (writers, each) = (4_u64, 100_u64);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let journal = &journal;
        let following = scope.spawn(|| {
            let mut reader = journal.reader(Position::START);
            let mut seen: Vec<u64> = Vec::new();
            let mut from = Vec::new();
            loop {
                let ended = done.load(Ordering::Acquire);
                match reader.wait_next(Duration::from_millis(20)).unwrap() {
                    Some(Item::Frame(frame)) => {
                        from.push(frame.position);
                        seen.extend(frame.batches().map(|batch| batch.id.0));
                    }
                    Some(Item::Damage(damage)) => panic!("{damage}"),
                    None if ended => break (seen, from),
                    None => {}
                }
            }
        });
        let sending: Vec<_> = (0..writers)
            .map(|writer| {
                scope.spawn(move || {
                    let send = |name| journal.append_and_wait(batch(writer * 1_000 + name), None).unwrap();
                    let ids: Vec<_> = (0..each).map(send).collect();
                    assert!(ids.is_sorted(), "each sender's batches are in its order");
                    ids
                })
            })
            .collect();
        let mut told: Vec<u64> =
            sending.into_iter().flat_map(|one| one.join().unwrap()).map(|id| id.0).collect();
        done.store(true, Ordering::Release);
        let (seen, from) = following.join().unwrap();
        told.sort_unstable();
        assert_eq!(seen, told);
        assert!(from.is_sorted() && journal.segments().len() > 3);
        assert_eq!(
            journal.lag(from[from.len() / 2]),
            journal
                .segments()
                .iter()
                .map(|segment| {
                    let from = from[from.len() / 2];
                    if segment.id < from.segment {
                        0
                    } else if segment.id > from.segment {
                        segment.bytes - 136
                    } else {
                        segment.bytes - from.at
                    }
                })
                .sum::<u64>()
        );
    });
    let usage = journal.usage();
    assert_eq!((usage.batches, usage.acknowledge.count(), usage.queued_bytes), (400, 400, 0));
    assert_eq!((usage.frames, usage.sync.count()), (usage.sync.count(), usage.frames));
}

#[test]
fn reading_goes_on_from_any_frame_s_end() {
    let (journal, _) = open(&FaultyDisk::new());
    for name in 0..30 {
        journal.append_and_wait(batch(name), None).unwrap();
    }
    let whole = read(&journal).0;
    let mut reader = journal.reader(Position::START);
    let mut passed = 0;
    while let Some(Item::Frame(frame)) = reader.next().unwrap() {
        passed += frame.batches().len();
        let mut other = journal.reader(frame.next_position);
        let next = other.next().unwrap();
        let first = next.map(|item| match item {
            Item::Frame(frame) => frame.first_batch.0,
            Item::Damage(damage) => panic!("{damage}"),
        });
        assert_eq!(first, whole.get(passed).map(|(id, _)| *id));
    }
    assert_eq!((passed, reader.position()), (30, journal.end()));
}

#[test]
fn nobody_reads_what_is_not_durable() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    disk.fail(Operation::Sync, 0, 1, std::io::ErrorKind::Other);
    journal.append_and_wait(batch(1), None).unwrap_err();
    assert!(journal.reader(Position::START).next().unwrap().is_none());
}

#[test]
fn a_waiting_reader_wakes_for_a_frame_and_not_before_its_time_without_one() {
    let (journal, _) = open(&FaultyDisk::new());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let begun = Instant::now();
            let item = journal.reader(Position::START).wait_next(Duration::from_secs(60)).unwrap();
            assert!(matches!(item, Some(Item::Frame(_))) && begun.elapsed() < Duration::from_secs(50));
        });
        thread::sleep(Duration::from_millis(20));
        journal.append_and_wait(batch(1), None).unwrap();
        waiting.join().unwrap();
    });
    let begun = Instant::now();
    let item = journal.reader(journal.end()).wait_next(Duration::from_millis(30)).unwrap();
    assert!(item.is_none() && begun.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_segment_is_removed_when_sealed_and_readers_pass_it() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    journal.append_and_wait(batch(1), None).unwrap();
    let first = journal.segments()[0];
    assert!(matches!(journal.remove(first.id), Err(JournalError::NotSealed(_))));
    journal.append_and_wait(batch(2), None).unwrap();
    let mut inside = journal.reader(Position::START);
    assert!(matches!(inside.next().unwrap(), Some(Item::Frame(_))));
    journal.seal();
    journal.append_and_wait(batch(3), None).unwrap();
    assert!(!first.is_behind(inside.position()));
    let first = journal.segments()[0];
    assert!(!first.is_behind(inside.position()) && first.is_behind(journal.end()));
    journal.remove(first.id).unwrap();
    assert!(matches!(journal.remove(first.id), Err(JournalError::NoSegment(SegmentId(1)))));
    for reader in [&mut inside, &mut journal.reader(Position::START)] {
        match reader.next().unwrap() {
            Some(Item::Frame(frame)) => assert_eq!(frame.batches().next().unwrap().to_batch(), batch(3)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(disk.restart(0).names().len(), 1, "for good");
}

#[test]
fn a_removal_that_failed_can_be_tried_again() {
    for operation in [Operation::Remove, Operation::SyncFolder] {
        let disk = FaultyDisk::new();
        let (journal, _) = open(&disk);
        journal.append_and_wait(batch(1), None).unwrap();
        journal.seal();
        let id = journal.segments()[0].id;
        disk.fail(operation, 0, 1, std::io::ErrorKind::Other);
        assert!(matches!(journal.remove(id), Err(JournalError::Disk { .. })));
        journal.remove(id).unwrap();
        assert_eq!((journal.segments().len(), disk.restart(0).names().len()), (0, 0));
    }
}

#[test]
fn a_segment_is_sealed_by_age_without_anything_coming() {
    let mut options = small();
    options.seal_after = Duration::from_millis(50);
    let (journal, _) = Journal::open(Arc::new(FaultyDisk::new()), options).unwrap();
    journal.append_and_wait(batch(1), None).unwrap();
    let begun = Instant::now();
    while !journal.segments()[0].sealed {
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(5));
    }
    assert!(journal.segments()[0].is_behind(journal.end()));
}

#[test]
fn a_disk_that_gives_no_bytes_is_told_and_can_be_passed() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    journal.append_and_wait(batch(1), None).unwrap();
    journal.seal();
    journal.append_and_wait(batch(2), None).unwrap();
    let mut reader = journal.reader(Position::START);
    disk.fail(Operation::Read, 0, 2, std::io::ErrorKind::Other);
    assert!(reader.next().is_err() && reader.next().is_err(), "the place stays");
    let damage = reader.skip_segment().unwrap();
    assert_eq!(
        (damage.position.segment, damage.position.at + damage.bytes),
        (SegmentId(1), journal.segments()[0].bytes)
    );
    assert!(matches!(reader.next().unwrap(), Some(Item::Frame(frame)) if frame.first_batch.0 == 2));
}
