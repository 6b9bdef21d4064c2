//! Segments of the journal: any bytes as a file, and any bytes as the batches of a frame whose checksums are right.

use std::sync::Arc;
use std::time::Duration;

use ward_core::{Batch, OrganisationId, SourceId, Timestamp};
use ward_journal::faulty::{FaultyDisk, segment_around};
use ward_journal::{Item, Journal, Options, Position};

/// The first byte says how many batches the frame claims to have. Whatever is in the folder, it opens, reads to
/// the end, and takes a batch that is read again after it is opened anew.
pub fn segment(input: &[u8]) {
    folder(input.to_vec());
    if let [count, plain @ ..] = input {
        folder(segment_around(plain, u32::from(*count)));
    }
}

fn folder(bytes: Vec<u8>) {
    let disk = FaultyDisk::new();
    let len = bytes.len() as u64;
    disk.put(&format!("{:020}.seg", 1), bytes);
    let Some((told, read)) = session(&disk, len) else { return };
    let again = session(&disk, u64::MAX);
    let kept = again.is_some_and(|(_, again)| again.starts_with(&read));
    assert!(kept, "batch {told:?} and what was read before it are not there any more");
}

/// What was told for one more batch, and all that is read then. `None`: a later Ward wrote the folder.
fn session(disk: &FaultyDisk, most: u64) -> Option<(u64, Vec<(u64, Batch)>)> {
    let mut options = Options::default();
    (options.commit_wait, options.reserve_bytes, options.ring_bytes) = (Duration::ZERO, 0, 0);
    let (journal, recovery) = Journal::open(Arc::new(disk.clone()), options).ok()?;
    assert!(recovery.bytes <= most, "more is kept than is there");
    let batch = Batch {
        organisation: OrganisationId::new("RR8").ok()?,
        source: SourceId::new("fuzz").ok()?,
        received: Timestamp::from_micros(0),
        format: "ndjson".into(),
        payload: b"{}".to_vec(),
    };
    let told = journal.append_and_wait(batch.clone(), None).ok()?;
    let (mut read, mut reader) = (Vec::new(), journal.reader(Position::START));
    while let Ok(Some(item)) = reader.next() {
        if let Item::Frame(frame) = item {
            read.extend(frame.batches().map(|batch| (batch.id.0, batch.to_batch())));
        }
    }
    assert_eq!(read.last(), Some(&(told.0, batch)), "what was just acknowledged is the last");
    Some((told.0, read))
}
