//! The first thread: batches that wait become one frame, compressed, while the disk works on the one before.

use std::sync::Arc;
use std::time::Instant;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};
use ward_core::BatchId;

use crate::error::Refused;
use crate::format::batches::{encode, encode_keys};
use crate::format::frame::{FRAME_HEAD_BYTES, Form, FrameHead};
use crate::frame::{BatchKey, FrameBody};
use crate::keys::Done;
use crate::queue::{Queue, Waiting};
use crate::shared::Shared;

/// A frame that only lacks its place, and whom to tell of it.
pub(crate) struct Group {
    pub body: Arc<FrameBody>,
    /// One for each batch, in order.
    pub dones: Vec<(Done, Instant)>,
    /// Nonce and place are not set yet.
    pub head: FrameHead,
    /// The frame; its head is not written yet. May be longer than the frame.
    pub bytes: Vec<u8>,
}

/// Makes groups until the queue is closed and empty. `next`: number of the first batch.
pub(crate) fn run(shared: &Shared, mut next: u64) {
    let mut table = CompressTable::large();
    // The slot is waited for first: groups grow while the disk is at work.
    while shared.slot.wait_until_free()
        && let Some(waiting) = shared.queue.take(&shared.options)
    {
        let Some(group) = group(waiting, next, shared, &mut table) else { continue };
        next = group.head.next_batch();
        shared.slot.put(group);
    }
    shared.slot.end();
}

fn group(waiting: Vec<Waiting>, first: u64, shared: &Shared, table: &mut CompressTable) -> Option<Group> {
    let mut plain = Vec::with_capacity(waiting.iter().map(|waiting| waiting.bytes).sum());
    let (mut entries, mut dones) = (Vec::with_capacity(waiting.len()), Vec::with_capacity(waiting.len()));
    for Waiting { batch, key, bytes, since, done } in waiting {
        let before = plain.len();
        match encode(&batch, key, &mut plain) {
            Some(entry) => {
                entries.push(entry);
                dones.push((done, since));
            }
            None => {
                plain.truncate(before);
                let refused = refuse(key, done, &Refused::TooLarge { bytes }, &shared.queue);
                shared.counters.refused.add(refused);
            }
        }
    }
    let latest = entries.iter().map(|entry| entry.received.micros()).max()?;
    let keys = encode_keys(&entries);
    let (bytes, stored, form) = frame(&plain, &keys, shared.spare(), table);
    let stored_from = FRAME_HEAD_BYTES + keys.len();
    let head = FrameHead {
        nonce: 0,
        at: 0,
        first,
        count: u32::try_from(entries.len()).ok()?,
        keys: entries.iter().filter(|entry| entry.key.is_some()).count() as u32,
        plain: u32::try_from(plain.len()).ok()?,
        stored: u32::try_from(stored).ok()?,
        form,
        latest,
        keys_crc: crc32fast::hash(&keys),
        stored_crc: crc32fast::hash(&bytes[stored_from..stored_from + stored]),
    };
    let body = Arc::new(FrameBody { first: BatchId(first), plain, entries });
    Some(Group { body, dones, head, bytes })
}

/// Tells who sent the batch, and who asked for its key meanwhile; it may be sent again. Gives how many were told.
fn refuse(key: Option<BatchKey>, done: Done, why: &Refused, queue: &Queue) -> u64 {
    let others = key.map(|key| queue.keys(|keys| keys.forget(key))).unwrap_or_default();
    let told = 1 + others.len() as u64;
    for done in std::iter::once(done).chain(others) {
        done(Err(why.clone()));
    }
    told
}

/// The frame with room for its head; how many bytes the batches take in it, and in which form.
fn frame(plain: &[u8], keys: &[u8], mut bytes: Vec<u8>, table: &mut CompressTable) -> (Vec<u8>, usize, Form) {
    let from = FRAME_HEAD_BYTES + keys.len();
    let most = from + get_maximum_output_size(plain.len());
    if bytes.len() < most {
        bytes.resize(most, 0);
    }
    bytes[FRAME_HEAD_BYTES..from].copy_from_slice(keys);
    match compress_into_with_table(plain, &mut bytes[from..], table) {
        Ok(stored) if stored < plain.len() - plain.len() / 16 => (bytes, stored, Form::Lz4),
        _ => {
            bytes[from..from + plain.len()].copy_from_slice(plain);
            (bytes, plain.len(), Form::Plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use ward_core::{Batch, OrganisationId, SourceId, Timestamp};

    use super::*;
    use crate::faulty::FaultyDisk;
    use crate::index::Index;
    use crate::keys::{Asked, Keys};
    use crate::options::Options;
    use crate::slot::Slot;
    use crate::usage::Counters;

    #[test]
    fn a_batch_that_cannot_be_encoded_is_refused_to_all_who_asked_and_may_be_sent_again() {
        let shared = Shared {
            disk: Arc::new(FaultyDisk::new()),
            queue: Queue::new(Keys::new(Duration::from_secs(1), 10)),
            slot: Slot::default(),
            index: Index::new(BTreeMap::new(), 0),
            counters: Counters::default(),
            spares: Mutex::default(),
            options: Options::default(),
        };
        let key = BatchKey([1; 32]);
        let (sender, told) = channel();
        let tell = || -> Done {
            let sender = sender.clone();
            Box::new(move |answer| drop(sender.send(answer)))
        };
        shared.queue.keys(|keys| keys.expect(key));
        assert!(matches!(shared.queue.keys(|keys| keys.ask(key, tell())), Asked::Joined));
        let batch = Batch {
            organisation: OrganisationId::new("RR8").unwrap(),
            source: SourceId::new("dc").unwrap(),
            received: Timestamp::from_micros(0),
            format: "x".repeat(256),
            payload: Vec::new(),
        };
        let waiting = Waiting { batch, key: Some(key), bytes: 7, since: Instant::now(), done: tell() };
        assert!(group(vec![waiting], 1, &shared, &mut CompressTable::large()).is_none());
        let told: Vec<_> = told.try_iter().collect();
        assert_eq!(told, [Err(Refused::TooLarge { bytes: 7 }), Err(Refused::TooLarge { bytes: 7 })]);
        assert!(matches!(shared.queue.keys(|keys| keys.ask(key, tell())), Asked::New(_)));
        assert_eq!(shared.counters.refused.get(), 2);
    }
}
