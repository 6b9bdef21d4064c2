//! Damage to what was written: found, told, and the rest is read.

use std::io::ErrorKind;
use std::sync::Arc;

use ward_core::Batch;
use ward_journal::faulty::{FaultyDisk, Operation};
use ward_journal::{Journal, Recovery};

use crate::hub::{batch, key, open, read, small};

const FRAMES: u64 = 5;

/// Two segments as they stand on the disk: some frames of one batch each, then one more.
struct Written {
    name: String,
    bytes: Vec<u8>,
    /// The second one's name and bytes.
    next: (String, Vec<u8>),
    /// What the first one holds.
    whole: Vec<(u64, Batch)>,
}

fn written() -> Written {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    for name in 0..FRAMES {
        // Longer and longer: the last ones are compressed, the first are not.
        journal.append_and_wait(batch(name * 9), (name % 2 == 0).then(|| key(name))).unwrap();
    }
    let whole = read(&journal).0;
    journal.seal();
    journal.append_and_wait(batch(99), None).unwrap();
    drop(journal);
    let [name, next] = disk.names().try_into().unwrap();
    let bytes = |name: &str| disk.bytes(name).unwrap();
    Written { bytes: bytes(&name), next: (next.clone(), bytes(&next)), name, whole }
}

/// What is read of a folder with these bytes as its segment, how often damage is told, and what was recovered.
/// `next`: a later segment; without one the first is read whole when the journal is opened.
fn reread(
    name: &str,
    bytes: Vec<u8>,
    next: Option<&(String, Vec<u8>)>,
) -> (Vec<(u64, Batch)>, usize, Recovery) {
    let disk = FaultyDisk::new();
    disk.put(name, bytes);
    if let Some((name, bytes)) = next {
        disk.put(name, bytes.clone());
    }
    let (journal, recovery) = open(&disk);
    let (mut read, damage) = read(&journal);
    if next.is_some() {
        assert_eq!(read.pop().map(|(_, last)| last), Some(batch(99)), "the later segment is whole");
    }
    (read, damage.len() + recovery.torn.len() + recovery.damage.len(), recovery)
}

#[test]
fn every_flipped_bit_is_told_and_all_other_frames_are_read() {
    let Written { name, bytes, next, whole } = written();
    for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        for next in [None, Some(&next)] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let (read, told, _) = reread(&name, damaged, next);
            assert!(told > 0, "byte {at} bit {bit}: nothing is told");
            let lost = whole.len() - read.len();
            assert!(lost <= 1, "byte {at} bit {bit}: {lost} frames are lost");
            assert!(read.iter().all(|batch| whole.contains(batch)), "byte {at}: what is read is what was");
        }
    }
}

#[test]
fn every_truncation_is_told_unless_it_is_between_frames_and_all_before_is_read() {
    let Written { name, bytes, next, whole } = written();
    let mut silent = 0;
    for len in 0..bytes.len() {
        let (read, told, _) = reread(&name, bytes[..len].to_vec(), None);
        assert_eq!(read, whole[..read.len()], "cut to {len}");
        silent += usize::from(told == 0);
        let (read, told, _) = reread(&name, bytes[..len].to_vec(), Some(&next));
        assert_eq!(read, whole[..read.len()], "cut to {len}");
        assert!(told > 0, "cut to {len}: the next segment knows how long this one was");
    }
    // After the head and after each frame but the last there is nothing that could be told.
    assert_eq!(silent as u64, FRAMES);
}

#[test]
fn a_number_is_not_given_again_to_what_took_the_place_of_an_unreadable_one() {
    let Written { name, bytes, whole, .. } = written();
    let (last, highest) = (bytes.len() - 1, whole.last().unwrap().0);
    for at in [last, last - 60, 140, 10] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        damaged[at - 5] ^= 1;
        let disk = FaultyDisk::new();
        disk.put(&name, damaged);
        let (journal, recovery) = open(&disk);
        let next = journal.append_and_wait(batch(50), None).unwrap();
        assert!(next.0 > highest && next.0 >= recovery.next_batch, "{at}: {next:?}");
    }
}

#[test]
fn what_a_client_sends_does_not_pass_for_a_frame() {
    // A whole segment as payload, and then the head of the frame around it is damaged.
    let inner = written().bytes;
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    journal.append_and_wait(Batch { payload: inner, ..batch(0) }, None).unwrap();
    journal.append_and_wait(batch(1), None).unwrap();
    drop(journal);
    let name = disk.names().remove(0);
    let mut bytes = disk.bytes(&name).unwrap();
    bytes[140] ^= 1;
    let (read, told, _) = reread(&name, bytes, None);
    assert!(told > 0);
    assert_eq!(read.into_iter().map(|(_, batch)| batch).collect::<Vec<_>>(), [batch(1)]);
}

#[test]
fn junk_of_any_length_is_no_segment() {
    for len in [0, 1, 67, 68, 136, 137, 5_000] {
        let name = format!("{:020}.seg", 7);
        let (found, _, recovery) = reread(&name, vec![0xa5; len], None);
        assert_eq!((found.len(), recovery.segments, recovery.removed.len()), (0, 0, 1), "{len}");
        assert!(recovery.next_batch >= 7);
        let junk = (name, vec![0xa5; len]);
        let Written { name, bytes, whole, .. } = written();
        let disk = FaultyDisk::new();
        disk.put(&name, bytes);
        disk.put(&junk.0, junk.1);
        assert_eq!(read(&open(&disk).0).0, whole, "behind a whole one");
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let disk = FaultyDisk::new();
    disk.put("notes.txt", b"keep".to_vec());
    let (_, recovery) = open(&disk);
    assert_eq!(
        (recovery.strangers, disk.names()),
        (vec!["notes.txt".to_owned()], vec!["notes.txt".to_owned()])
    );
}

#[test]
fn a_sealed_segment_that_lost_its_end_is_told() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk);
    for name in 0..3 {
        journal.append_and_wait(batch(name), None).unwrap();
    }
    journal.seal();
    journal.append_and_wait(batch(3), None).unwrap();
    drop(journal);
    let name = disk.names().remove(0);
    let mut bytes = disk.bytes(&name).unwrap();
    bytes.truncate(bytes.len() - 3);
    disk.put(&name, bytes);
    let (journal, recovery) = open(&disk);
    assert_eq!((recovery.damage.len(), recovery.damage[0].bytes), (1, 3));
    let (read, damage) = read(&journal);
    assert_eq!((read.len(), damage.len()), (3, 1));
    assert_eq!(read[2].1, batch(3));
}

#[test]
fn what_the_disk_does_not_give_at_a_start_keeps_nobody_waiting_and_is_read_at_the_next() {
    let Written { name, bytes, next, whole } = written();
    let highest = whole.last().unwrap().0;
    for with_next in [false, true] {
        let mut refused = 0;
        for skip in 0.. {
            let disk = FaultyDisk::new();
            disk.put(&name, bytes.clone());
            if with_next {
                disk.put(&next.0, next.1.clone());
            }
            disk.fail(Operation::Read, skip, 1, ErrorKind::Other);
            let Ok((journal, recovery)) = Journal::open(Arc::new(disk.clone()), small()) else {
                refused += 1;
                continue;
            };
            disk.mend();
            let told = recovery.damage.iter().any(|damage| damage.what.contains("does not give"));
            let number = journal.append_and_wait(batch(50), None).unwrap();
            assert!(number.0 > highest, "read {skip}: {number:?} was given out already");
            drop(journal);
            let (journal, recovery) = open(&disk);
            assert!(recovery.removed.is_empty() && recovery.torn.is_empty(), "read {skip}: {recovery:?}");
            let mut left = read(&journal).0;
            assert_eq!(left.pop().map(|(_, last)| last), Some(batch(50)), "read {skip}");
            assert_eq!(left.len(), whole.len() + usize::from(with_next), "read {skip}");
            if !told {
                // Names of the files, and how long each is: without these there is no start.
                assert_eq!(refused, if with_next { 3 } else { 2 });
                assert!(skip > refused + 3, "only {skip} reads");
                break;
            }
        }
    }
}
