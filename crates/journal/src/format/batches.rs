//! Batches one after the other, as they stand in a frame before compression.

use std::collections::HashMap;
use std::ops::Range;

use ward_core::{Batch, BatchId, OrganisationId, SourceId, Timestamp};

use super::Numbers;
use crate::frame::{BatchKey, Entry, FrameBody};

/// Bytes of the smallest batch: two codes of one letter, nothing else.
pub(crate) const MIN_BATCH_BYTES: usize = FIXED + 2;

/// Length of the payload, time, lengths of organisation, source and format.
const FIXED: usize = 4 + 8 + 3;

/// Bytes that the batch takes.
pub(crate) fn size(batch: &Batch) -> usize {
    let names = batch.organisation.as_str().len() + batch.source.as_str().len() + batch.format.len();
    FIXED + names + batch.payload.len()
}

/// Puts the batch behind the others and says where it is. `None`: a name is too long for a batch.
pub(crate) fn encode(batch: &Batch, key: Option<BatchKey>, into: &mut Vec<u8>) -> Option<Entry> {
    let lens = [batch.organisation.as_str(), batch.source.as_str(), batch.format.as_str()]
        .map(|name| u8::try_from(name.len()));
    into.extend_from_slice(&u32::try_from(batch.payload.len()).ok()?.to_le_bytes());
    into.extend_from_slice(&batch.received.micros().to_le_bytes());
    for len in lens {
        into.push(len.ok()?);
    }
    into.extend_from_slice(batch.organisation.as_str().as_bytes());
    into.extend_from_slice(batch.source.as_str().as_bytes());
    let format = put(batch.format.as_bytes(), into);
    let payload = put(&batch.payload, into);
    Some(Entry {
        organisation: batch.organisation.clone(),
        source: batch.source.clone(),
        received: batch.received,
        format,
        payload,
        key,
    })
}

/// Codes met before, so that each is made once.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    organisations: HashMap<String, OrganisationId>,
    sources: HashMap<String, SourceId>,
}

/// More than any hub has; beyond it all are forgotten and met anew.
const MOST_CODES: usize = 200_000;

impl Codes {
    fn organisation(&mut self, code: &str) -> Option<OrganisationId> {
        known(&mut self.organisations, code, |code| OrganisationId::new(code).ok())
    }

    fn source(&mut self, code: &str) -> Option<SourceId> {
        known(&mut self.sources, code, |code| SourceId::new(code).ok())
    }
}

/// Reads the batches of a frame back. `None`: they are not as they are written here.
pub(crate) fn decode(
    plain: Vec<u8>,
    first: BatchId,
    count: u32,
    keys: &[u8],
    codes: &mut Codes,
) -> Option<FrameBody> {
    let mut entries = Vec::with_capacity(count as usize);
    let mut rest = Numbers(&plain);
    for _ in 0..count {
        entries.push(entry(&mut rest, plain.len(), codes)?);
    }
    if !rest.0.is_empty() {
        return None;
    }
    for (index, _, key) in self::keys(keys) {
        entries.get_mut(index as usize)?.key = Some(key);
    }
    Some(FrameBody { first, plain, entries })
}

/// The keys of a frame: which batch of it, when that was received, the key.
pub(crate) fn keys(bytes: &[u8]) -> impl Iterator<Item = (u32, Timestamp, BatchKey)> {
    bytes.chunks(super::frame::KEY_BYTES).filter_map(|bytes| {
        let mut numbers = Numbers(bytes);
        Some((numbers.u32()?, Timestamp::from_micros(numbers.i64()?), BatchKey(numbers.take()?)))
    })
}

/// Writes the keys of a frame.
pub(crate) fn encode_keys(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, entry) in (0_u32..).zip(entries) {
        if let Some(key) = &entry.key {
            bytes.extend_from_slice(&index.to_le_bytes());
            bytes.extend_from_slice(&entry.received.micros().to_le_bytes());
            bytes.extend_from_slice(&key.0);
        }
    }
    bytes
}

fn entry(rest: &mut Numbers<'_>, whole: usize, codes: &mut Codes) -> Option<Entry> {
    let payload = rest.u32()? as usize;
    let received = Timestamp::from_micros(rest.i64()?);
    let [organisation, source, format] = rest.take::<3>()?.map(usize::from);
    let organisation = codes.organisation(std::str::from_utf8(rest.bytes(organisation)?).ok()?)?;
    let source = codes.source(std::str::from_utf8(rest.bytes(source)?).ok()?)?;
    let from = whole - rest.0.len();
    std::str::from_utf8(rest.bytes(format)?).ok()?;
    rest.bytes(payload)?;
    let format = from..from + format;
    Some(Entry {
        organisation,
        source,
        received,
        payload: format.end..format.end + payload,
        format,
        key: None,
    })
}

fn known<T: Clone>(met: &mut HashMap<String, T>, code: &str, make: fn(&str) -> Option<T>) -> Option<T> {
    if let Some(known) = met.get(code) {
        return Some(known.clone());
    }
    let made = make(code)?;
    if met.len() >= MOST_CODES {
        met.clear();
    }
    met.insert(code.to_owned(), made.clone());
    Some(made)
}

fn put(bytes: &[u8], into: &mut Vec<u8>) -> Range<usize> {
    let from = into.len();
    into.extend_from_slice(bytes);
    from..into.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(payload: &[u8]) -> Batch {
        Batch {
            organisation: OrganisationId::new("RR8").unwrap(),
            source: SourceId::new("dc-1").unwrap(),
            received: Timestamp::from_micros(-3),
            format: "ndjson".into(),
            payload: payload.to_vec(),
        }
    }

    #[test]
    fn batches_come_back_as_they_were_with_their_keys() {
        let mut plain = Vec::new();
        let key = BatchKey([9; 32]);
        let entries = [
            encode(&batch(b""), None, &mut plain).unwrap(),
            encode(&batch(b"abc"), Some(key), &mut plain).unwrap(),
        ];
        assert_eq!(plain.len(), size(&batch(b"")) + size(&batch(b"abc")));
        let body = decode(plain, BatchId(4), 2, &encode_keys(&entries), &mut Codes::default()).unwrap();
        assert_eq!(body.entries, entries);
        let read: Vec<_> = body.batches().map(|batch| (batch.id.0, batch.to_batch(), batch.key)).collect();
        assert_eq!(read, [(4, batch(b""), None), (5, batch(b"abc"), Some(key))]);
    }

    #[test]
    fn what_is_not_exactly_so_many_batches_is_none() {
        let mut plain = Vec::new();
        encode(&batch(b"abc"), None, &mut plain).unwrap();
        let whole = |plain: &[u8], count, keys: &[u8]| {
            decode(plain.to_vec(), BatchId(1), count, keys, &mut Codes::default()).is_some()
        };
        assert!(whole(&plain, 1, &[]));
        assert!(!whole(&plain, 2, &[]) && !whole(&plain, 0, &[]));
        for len in 0..plain.len() {
            assert!(!whole(&plain[..len], 1, &[]), "{len}");
        }
        assert!(!whole(&plain, 1, &[1; 44]), "a key of a batch that is not there");
        let bad = String::from_utf8(plain).unwrap_or_default().replace("RR8", "R/8");
        assert!(!whole(bad.as_bytes(), 1, &[]), "no code of an organisation");
    }

    #[test]
    fn a_name_too_long_for_a_batch_is_refused() {
        let long = Batch { format: "x".repeat(256), ..batch(b"") };
        assert!(encode(&long, None, &mut Vec::new()).is_none());
    }
}
