//! Windows event log files: a header of 4 KiB, then chunks of 64 KiB that each can be decoded alone
//! (format as documented by libevtx, "Windows XML Event Log (EVTX) format").
//!
//! Chunks are found by their signature, and the file's header is not believed: a file that was not closed
//! properly has more chunks than its header says, a carved one may have no header. The header only tells
//! whether something is missing. What a checksum says
//! is damaged is read all the same, and told.
//!
//! Names: a record is the JSON `{"Event":{"System":{...},"EventData":{...}}}`, attributes under
//! `#attributes`; it goes through the JSON scanner like any other. Its number is its `EventRecordID`.

use super::frame::{Frame, Framer};
use crate::Error;
use evtx::err::EvtxError;
use evtx::{EvtxChunk, EvtxChunkHeader, ParserSettings};
use std::sync::Arc;

/// Finds chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    past_header: bool,
    /// Chunks that the header speaks of and that have not come yet.
    promised: u64,
}

impl Framer for Chunks {
    fn frame(&mut self, bytes: &[u8], all: bool) -> Frame {
        if bytes.is_empty() {
            return if all { Frame::Skip(0) } else { Frame::More { start: 0 } };
        }
        if !self.past_header {
            return self.header(bytes, all);
        }
        if bytes.len() < CHUNK && !all {
            return Frame::More { start: 0 };
        }
        let chunk = bytes.get(..CHUNK).unwrap_or(bytes);
        let promised = self.promised > 0;
        self.promised = self.promised.saturating_sub(1);
        if is_chunk(chunk) {
            let end = torn_at(chunk).unwrap_or(chunk.len());
            return Frame::Record { start: 0, end, count: 1 };
        }
        if chunk.len() < CHUNK {
            let error = Error::Evtx { what: "the file ends in the middle of a chunk" };
            return Frame::Broken { error, next: chunk.len() };
        }
        // Space that was set aside and not written yet need not be zero.
        let unused = !promised && memchr::memmem::find(chunk, RECORD).is_none();
        if unused || chunk.iter().all(|b| *b == 0) {
            return Frame::Skip(chunk.len());
        }
        Frame::Lost { start: 0, looked: 1, what: "EVTX: there is no chunk where one should start" }
    }

    fn resume(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        Some(from + memchr::memmem::find(bytes.get(from..)?, SIGNATURE)?)
    }

    fn missing(&self) -> Option<Error> {
        (self.promised > 0).then_some(Error::Cut { before: "the last chunk that its header speaks of" })
    }
}

impl Chunks {
    fn header(&mut self, bytes: &[u8], all: bool) -> Frame {
        if bytes.len() < HEADER && !all {
            return Frame::More { start: 0 };
        }
        self.past_header = true;
        let broken = |what| Frame::Broken { error: Error::Evtx { what }, next: bytes.len().min(HEADER) };
        match bytes.get(..HEADER) {
            _ if is_chunk(bytes) => {
                Frame::Broken { error: Error::Evtx { what: "the file header is missing" }, next: 0 }
            }
            None => broken("the file ends in its header"),
            Some(header) if !header.starts_with(b"ElfFile\0") => {
                if bytes.get(HEADER..).is_some_and(is_chunk) {
                    broken("the signature of the file header is damaged")
                } else {
                    Frame::Lost { start: 0, looked: 1, what: "EVTX: the file header is damaged" }
                }
            }
            Some(header) if !has_checksum(header, 120, 124) => broken("the file header fails its checksum"),
            Some(header) => {
                self.promised = header
                    .get(42..)
                    .and_then(|b| b.first_chunk())
                    .map_or(0, |count| u16::from_le_bytes(*count).into());
                Frame::Skip(HEADER)
            }
        }
    }
}

pub(super) const HEADER: usize = 4096;
pub(super) const CHUNK: usize = 65_536;
const CHUNK_HEADER: usize = 512;
const SIGNATURE: &[u8; 8] = b"ElfChnk\0";
const RECORD: &[u8; 4] = b"**\0\0";
const NO_CHECKSUM: u32 = 4;

/// Whether a chunk starts here. One damaged byte in the signature is forgiven where a record follows.
fn is_chunk(bytes: &[u8]) -> bool {
    let equal = bytes.iter().zip(SIGNATURE).filter(|(a, b)| a == b).count();
    equal == SIGNATURE.len()
        || (equal + 1 == SIGNATURE.len() && bytes.get(CHUNK_HEADER..CHUNK_HEADER + 4) == Some(RECORD))
}

/// The header of a file of so many chunks, properly closed.
pub(super) fn file_header(chunks: u16) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let mut put = |at: usize, bytes: &[u8]| header.iter_mut().skip(at).zip(bytes).for_each(|(h, b)| *h = *b);
    put(0, b"ElfFile\0");
    put(16, &u64::from(chunks.saturating_sub(1)).to_le_bytes());
    // Size of what is used of the header, version 3.1, its whole size, how many chunks.
    put(32, &128_u32.to_le_bytes());
    put(36, &1_u16.to_le_bytes());
    put(38, &3_u16.to_le_bytes());
    put(40, &4096_u16.to_le_bytes());
    put(42, &chunks.to_le_bytes());
    let sum = header.get(..120).map(evtx::checksum_ieee).unwrap_or_default();
    header.iter_mut().skip(124).zip(sum.to_le_bytes()).for_each(|(h, b)| *h = b);
    header
}

/// How many records a chunk says it has; no more than fit, whatever it says.
pub(super) fn records_in(chunk: &[u8]) -> u64 {
    let number = |at: usize| Some(u64::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
    let count = number(8).zip(number(16)).and_then(|(first, last)| last.checked_sub(first)?.checked_add(1));
    count.filter(|count| *count <= (CHUNK / 28) as u64).unwrap_or(1)
}

/// Where in a damaged chunk the next one starts, if bytes are missing from it. A sound one may hold a
/// signature in the data of a record.
fn torn_at(chunk: &[u8]) -> Option<usize> {
    let next = memchr::memmem::find(chunk.get(1..)?, SIGNATURE)? + 1;
    (!checksums_match(chunk)).then_some(next)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Whether the first `until` bytes have the CRC32 that stands at `stored`.
fn has_checksum(header: &[u8], until: usize, stored: usize) -> bool {
    let none = number(header, 120).is_some_and(|flags| flags & NO_CHECKSUM != 0);
    let sum = header.get(..until).map(evtx::checksum_ieee);
    none || sum == number(header, stored)
}

fn checksums_match(chunk: &[u8]) -> bool {
    if number(chunk, 120).is_some_and(|flags| flags & NO_CHECKSUM != 0) {
        return true;
    }
    let free = number(chunk, 48).unwrap_or(0) as usize;
    let records = chunk.get(CHUNK_HEADER..free).map(evtx::checksum_ieee);
    let head = chunk.get(..120).zip(chunk.get(128..CHUNK_HEADER)).map(|(a, b)| {
        let mut head = [0; 504];
        let (first, second) = head.split_at_mut(120);
        first.copy_from_slice(a);
        second.copy_from_slice(b);
        evtx::checksum_ieee(&head)
    });
    records.is_some() && records == number(chunk, 52) && head == number(chunk, 124)
}

/// Where records go: the number, or 0, and the JSON.
type Each<'f> = dyn FnMut(u64, Result<&[u8], Error>) + 'f;

/// Decodes chunks.
pub struct ChunkReader {
    settings: Arc<ParserSettings>,
    /// A damaged chunk, mended.
    mended: Vec<u8>,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self { settings: Arc::new(ParserSettings::new().indent(false).num_threads(1)), mended: Vec::new() }
    }
}

impl ChunkReader {
    /// Gives `each` the records of a chunk as JSON, with their `EventRecordID`, and what is wrong with it:
    /// the record's number, or 0, and the error.
    pub fn decode(&mut self, chunk: &[u8], each: &mut Each<'_>) {
        let settings = Arc::clone(&self.settings);
        let whole = chunk.len() == CHUNK && chunk.starts_with(SIGNATURE);
        if !whole {
            let what = if chunk.len() < CHUNK {
                "a chunk is cut; the records before the cut are read"
            } else {
                "the signature of a chunk is damaged"
            };
            each(0, Err(Error::Evtx { what }));
            self.mend(chunk);
        } else if !checksums_match(chunk) {
            let what = "a chunk fails its checksum; its records are read but may have been altered";
            each(0, Err(Error::Evtx { what }));
        }
        let data = if whole { chunk } else { &self.mended };
        let Err(error) = records(data, chunk.len(), &settings, each) else { return };
        // The table of names is damaged. Names are also written where they are used first.
        each(0, Err(error));
        if whole {
            self.mend(chunk);
        }
        if let Some(table) = self.mended.get_mut(128..CHUNK_HEADER) {
            table.fill(0);
        }
        if let Err(error) = records(&self.mended, chunk.len(), &settings, each) {
            each(0, Err(error));
        }
    }

    fn mend(&mut self, chunk: &[u8]) {
        self.mended.clear();
        self.mended.extend_from_slice(chunk);
        self.mended.resize(CHUNK, 0);
        if let Some(signature) = self.mended.first_chunk_mut() {
            *signature = *SIGNATURE;
        }
    }
}

/// The records of a chunk of which the first `length` bytes are real.
fn records(
    data: &[u8],
    length: usize,
    settings: &Arc<ParserSettings>,
    each: &mut Each<'_>,
) -> Result<(), Error> {
    let part = |what, source| Error::EvtxPart { what, source };
    let header =
        EvtxChunkHeader::from_bytes(data).map_err(|e| part("a chunk header is damaged", e.into()))?;
    let mut chunk = EvtxChunk::new(data, &header, Arc::clone(settings))
        .map_err(|e| part("the names of a chunk are damaged", e.into()))?;
    for record in chunk.iter() {
        if record.as_ref().is_ok_and(|r| r.binxml_offset + u64::from(r.binxml_size) > length as u64) {
            break;
        }
        match record.and_then(|record| record.into_json_bytes()) {
            Ok(json) => each(json.event_record_id, Ok(&json.data)),
            Err(error) => {
                let id =
                    if let EvtxError::FailedToParseRecord { record_id, .. } = error { record_id } else { 0 };
                each(id, Err(part("a record is damaged", error.into())));
            }
        }
    }
    Ok(())
}
