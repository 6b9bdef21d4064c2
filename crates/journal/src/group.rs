//! The first thread: batches that wait become one frame, compressed, while the disk works on the one before.

use std::sync::Arc;
use std::time::Instant;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};
use ward_core::BatchId;

use crate::error::Refused;
use crate::format::batches::{encode, encode_keys};
use crate::format::frame::{FRAME_HEAD_BYTES, Form, FrameHead};
use crate::frame::FrameBody;
use crate::keys::Done;
use crate::queue::Waiting;
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
        let Some(group) = group(waiting, next, shared.spare(), &mut table) else { continue };
        next = group.head.next_batch();
        shared.slot.put(group);
    }
    shared.slot.end();
}

fn group(waiting: Vec<Waiting>, first: u64, spare: Vec<u8>, table: &mut CompressTable) -> Option<Group> {
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
                done(Err(Refused::TooLarge { bytes }));
            }
        }
    }
    let latest = entries.iter().map(|entry| entry.received.micros()).max()?;
    let keys = encode_keys(&entries);
    let (bytes, stored, form) = frame(&plain, &keys, spare, table);
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
