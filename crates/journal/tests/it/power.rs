//! The power is cut at every step of the disk, and what was not synced comes back in any part.

use std::sync::Arc;
use std::sync::mpsc::channel;

use proptest::prelude::*;
use ward_core::{Batch, BatchId};
use ward_journal::faulty::{FaultyDisk, Operation};
use ward_journal::{Disk, Journal, JournalError, Position, Recovery, Refused};

use crate::hub::{batch, read, small};

/// What senders do in one run: so many batches at once, then the next; sometimes the oldest segment goes.
#[derive(Debug, Clone, Copy)]
enum Act {
    Send(u8),
    Seal,
    RemoveOldest,
}

/// What senders and the ledger know at the end of a run.
#[derive(Debug, Default)]
struct Known {
    /// Acknowledged, by number.
    acknowledged: Vec<(u64, Batch)>,
    /// Refused, and whether a batch was acknowledged later.
    refused: Vec<Batch>,
    /// No batch up to this number need be there any more.
    removed: u64,
    /// Highest number that was ever told.
    highest: u64,
}

/// The ledger knows what was removed.
fn open(disk: &FaultyDisk, known: &Known) -> Result<(Journal, Recovery), JournalError> {
    let mut options = small();
    options.floor = BatchId(known.removed);
    Journal::open(Arc::new(disk.clone()), options)
}

fn run(journal: &Journal, acts: &[Act], names: &mut u64, known: &mut Known) {
    for act in acts {
        match act {
            Act::Send(count) => send(journal, *count, names, known),
            Act::Seal => journal.seal(),
            Act::RemoveOldest => {
                if let Some(oldest) = journal.segments().first().filter(|oldest| oldest.sealed) {
                    known.removed = oldest.last.0;
                    drop(journal.remove(oldest.id));
                }
            }
        }
    }
}

fn send(journal: &Journal, count: u8, names: &mut u64, known: &mut Known) {
    let (sender, answers) = channel();
    for _ in 0..count {
        let (sent, sender) = (batch(*names), sender.clone());
        *names += 1;
        journal.append(sent.clone(), None, move |answer| drop(sender.send((answer, sent))));
    }
    drop(sender);
    let answers: Vec<(Result<BatchId, Refused>, Batch)> = answers.iter().collect();
    assert_eq!(answers.len(), usize::from(count), "each sender is answered");
    let refused = |answer: &&(Result<BatchId, Refused>, Batch)| answer.0.is_err();
    for (answer, sent) in &answers {
        if let Ok(id) = answer {
            assert!(id.0 > known.highest, "numbers rise");
            known.highest = id.0;
            known.acknowledged.push((id.0, sent.clone()));
        }
    }
    known.refused.extend(answers.iter().filter(refused).map(|(_, sent)| sent.clone()));
}

/// Opens the disk again and holds what is there against what is known.
fn check(disk: &FaultyDisk, known: &Known, names: &mut u64, says: &str) {
    let (journal, recovery) = open(disk, known).unwrap();
    assert_eq!(recovery.damage, [], "{says}: nothing unacknowledged looks like damage");
    let (found, damage) = read(&journal);
    assert_eq!(damage, [], "{says}");
    assert!(found.is_sorted_by(|one, next| one.0 < next.0), "{says}: in order, each once");
    for (id, sent) in known.acknowledged.iter().filter(|(id, _)| *id > known.removed) {
        let there = found.iter().find(|(found, _)| found == id);
        assert_eq!(there.map(|(_, batch)| batch), Some(sent), "{says}: acknowledged batch {id}");
    }
    // Numbers go on above all that were told, and what comes now is kept beside what was there.
    let mut later = Known { highest: known.highest, ..Known::default() };
    run(&journal, &[Act::Send(3), Act::Seal, Act::Send(1)], names, &mut later);
    assert_eq!(later.acknowledged.len(), 4, "{says}: {later:?}");
    drop(journal);
    let (journal, recovery) = open(&disk.restart(0), known).unwrap();
    assert_eq!((&recovery.torn, &recovery.removed), (&vec![], &vec![]), "{says}: repaired for good");
    assert_eq!(read(&journal).0, [found, later.acknowledged].concat(), "{says}: the second time");
}

fn cut_everywhere(acts: &[Act], faults: &[(Operation, u64)], chances: u64) {
    let whole = FaultyDisk::new();
    let mut known = Known::default();
    run(&open(&whole, &known).unwrap().0, acts, &mut 0, &mut known);
    for step in 1..=whole.steps() + 2 {
        let disk = FaultyDisk::new();
        disk.cut_power_at(step);
        for (operation, skip) in faults {
            disk.fail(*operation, *skip, 1, std::io::ErrorKind::Other);
        }
        let (mut names, mut known) = (0, Known::default());
        if let Ok((journal, _)) = open(&disk, &known) {
            run(&journal, acts, &mut names, &mut known);
        }
        for chance in 0..chances {
            let says = format!("cut at {step}, chance {chance}, {faults:?}");
            check(&disk.restart(chance), &known, &mut names.clone(), &says);
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_cut_at_every_step() {
    use Act::{RemoveOldest, Seal, Send};
    let acts = [Send(1), Send(9), Send(2), Seal, Send(5), Send(30), Send(1), RemoveOldest, Send(3)];
    cut_everywhere(&acts, &[], 12);
}

#[test]
fn it_survives_when_the_disk_fails_before_the_cut() {
    use Act::{RemoveOldest, Seal, Send};
    let acts = [Send(2), Send(9), Send(2), Send(4), Seal, Send(3), RemoveOldest, Send(3), Send(1)];
    for operation in [
        Operation::Write,
        Operation::Sync,
        Operation::SyncFolder,
        Operation::Create,
        Operation::Truncate,
        Operation::Remove,
    ] {
        for skip in 0..5 {
            cut_everywhere(&acts, &[(operation, skip)], 4);
        }
    }
    // A failed sync whose tail cannot be cut off either, and a first frame whose file stays.
    cut_everywhere(&acts, &[(Operation::Sync, 2), (Operation::Truncate, 0)], 12);
    cut_everywhere(&acts, &[(Operation::SyncFolder, 1), (Operation::Remove, 0)], 12);
}

#[test]
fn what_was_refused_stays_refused_once_anything_later_was_acknowledged() {
    for operation in [Operation::Write, Operation::Sync, Operation::SyncFolder] {
        for skip in 0..6 {
            for also in [Operation::Truncate, Operation::Remove] {
                let disk = FaultyDisk::new();
                let (journal, _) = open(&disk, &Known::default()).unwrap();
                disk.fail(operation, skip, 1, std::io::ErrorKind::Other);
                disk.fail(also, 0, 1, std::io::ErrorKind::Other);
                let (mut names, mut known) = (0, Known::default());
                run(&journal, &[Act::Send(1); 8], &mut names, &mut known);
                assert_eq!(read(&journal).0, known.acknowledged, "{operation:?} {skip} {also:?}");
                drop(journal);
                disk.mend();
                // Also as the disk is without a cut, where what could not be cut off still stands.
                for disk in (0..8).map(|chance| disk.restart(chance)).chain([disk.clone()]) {
                    let (journal, _) = open(&disk, &known).unwrap();
                    assert_eq!(read(&journal).0, known.acknowledged, "{operation:?} {skip} {also:?}");
                }
            }
        }
    }
}

#[test]
fn what_was_read_after_a_crash_is_still_there_after_a_cut() {
    let disk = FaultyDisk::new();
    let (journal, _) = open(&disk, &Known::default()).unwrap();
    let mut known = Known::default();
    run(&journal, &[Act::Send(1); 3], &mut 0, &mut known);
    drop(journal);
    // The process ended between the write of the last frame and its sync.
    let name = disk.names().remove(0);
    let whole = disk.bytes(&name).unwrap();
    let synced = whole.len() - 20;
    disk.put(&name, whole[..synced].to_vec());
    disk.open(&name).unwrap().write_at(synced as u64, &whole[synced..]).unwrap();
    let seen = read(&open(&disk, &known).unwrap().0).0;
    assert_eq!(seen, known.acknowledged);
    assert_eq!(read(&open(&disk.restart(0), &known).unwrap().0).0, seen);
}

#[test]
fn numbers_go_on_above_what_is_known_elsewhere_when_no_segment_is_left() {
    let disk = FaultyDisk::new();
    let mut known = Known::default();
    let (journal, _) = open(&disk, &known).unwrap();
    let id = journal.append_and_wait(batch(1), None).unwrap();
    journal.seal();
    journal.remove(journal.segments()[0].id).unwrap();
    drop(journal);
    known.removed = id.0;
    let (journal, recovery) = open(&disk, &known).unwrap();
    assert_eq!((recovery.segments, journal.end()), (0, Position::START));
    assert!(journal.append_and_wait(batch(2), None).unwrap() > id);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_run_survives_any_cut(
        acts in prop::collection::vec(
            prop_oneof![4 => (1..20_u8).prop_map(Act::Send), 1 => Just(Act::Seal), 1 => Just(Act::RemoveOldest)],
            1..12,
        ),
        steps in prop::collection::vec(1..60_u64, 1..4),
        chance: u64,
        failing in prop::option::of((0..20_u64, 1..4_u64)),
    ) {
        let (mut disk, mut names, mut known) = (FaultyDisk::new(), 0, Known::default());
        for (nth, step) in steps.iter().enumerate() {
            disk.cut_power_at(*step);
            if let Some((skip, times)) = failing {
                let operation = [Operation::Write, Operation::Sync, Operation::Truncate][nth % 3];
                disk.fail(operation, skip, times, std::io::ErrorKind::Other);
            }
            if let Ok((journal, _)) = open(&disk, &known) {
                run(&journal, &acts, &mut names, &mut known);
            }
            disk = disk.restart(chance.wrapping_add(nth as u64));
        }
        check(&disk, &known, &mut names, "after all cuts");
    }
}
