//! What the tests work with.

use std::sync::Arc;
use std::time::Duration;

use ward_core::{Batch, OrganisationId, SourceId, Timestamp};
use ward_journal::faulty::FaultyDisk;
use ward_journal::{BatchKey, Damage, Item, Journal, Options, Position, Recovery};

/// Small frames and segments, no waiting.
pub fn small() -> Options {
    let mut options = Options::default();
    options.commit_wait = Duration::ZERO;
    options.seal_bytes = 1_000;
    options.seal_after = Duration::from_secs(3_600);
    options.reserve_bytes = 0;
    options.ring_bytes = 0;
    options.retry_first = Duration::ZERO;
    options.retry_most = Duration::ZERO;
    options
}

pub fn open(disk: &FaultyDisk) -> (Journal, Recovery) {
    Journal::open(Arc::new(disk.clone()), small()).unwrap()
}

/// A batch that says its name.
pub fn batch(name: u64) -> Batch {
    Batch {
        organisation: OrganisationId::new(["RR8", "RCB", "RAE"][name as usize % 3]).unwrap(),
        source: SourceId::new("dc-1").unwrap(),
        received: Timestamp::from_micros(name as i64 * 1_000_000),
        format: "ndjson".into(),
        payload: format!("batch {name} {}", "\u{1f3e5}".repeat(name as usize % 40)).into_bytes(),
    }
}

pub fn key(name: u64) -> BatchKey {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&name.to_le_bytes());
    BatchKey(key)
}

/// All that can be read, by number; and the damage.
pub fn read(journal: &Journal) -> (Vec<(u64, Batch)>, Vec<Damage>) {
    let (mut read, mut damaged) = (Vec::new(), Vec::new());
    let mut reader = journal.reader(Position::START);
    while let Some(item) = reader.next().unwrap() {
        match item {
            Item::Frame(frame) => read.extend(frame.batches().map(|batch| (batch.id.0, batch.to_batch()))),
            Item::Damage(damage) => damaged.push(damage),
        }
    }
    (read, damaged)
}
