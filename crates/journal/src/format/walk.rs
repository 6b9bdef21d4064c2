//! From one frame of a segment to the next, past what is damaged.

use std::io;

use ward_core::BatchId;

use super::batches::{Codes, decode, keys};
use super::frame::{Form, FrameHead};
use crate::disk::{ReadAt, fill};
use crate::frame::FrameBody;
use crate::recovery::KnownKey;

/// What stands at a place of a segment.
#[derive(Debug)]
pub(crate) enum Step {
    /// A frame. Its batches, when they were asked for.
    Frame(FrameHead, Option<FrameBody>),
    /// So many bytes that are no whole frame. `head`: the head of the frame, when that can be read.
    Damage { bytes: u64, what: &'static str, head: Option<FrameHead> },
    /// Nothing more.
    End,
}

/// What is wanted of a frame.
pub(crate) enum Want<'a> {
    /// Its batches.
    Batches(&'a mut Codes),
    /// That its checksums are right.
    Checked,
    /// That its head is readable.
    Head,
}

/// Where the bytes that count begin and end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub nonce: u64,
    pub end: u64,
}

/// What stands at byte `at`.
pub(crate) fn step(
    file: &(impl ReadAt + ?Sized),
    extent: Extent,
    at: u64,
    want: Want<'_>,
) -> io::Result<Step> {
    let Extent { nonce, end } = extent;
    if at >= end {
        return Ok(Step::End);
    }
    let Some(head) = FrameHead::read(file, at, end, Some(nonce))? else {
        let next = FrameHead::find(file, at + 1, end, Some(nonce))?;
        let bytes = next.map_or(end, |head| head.at) - at;
        return Ok(Step::Damage { bytes, what: "no frame begins here", head: None });
    };
    let body = match want {
        Want::Head => Some(None),
        Want::Checked => is_right(file, &head)?.then_some(None),
        Want::Batches(codes) => batches(file, &head, codes)?.map(Some),
    };
    let what = "the batches of the frame are not what was written";
    Ok(match body {
        Some(body) => Step::Frame(head, body),
        None => Step::Damage { bytes: head.bytes(), what, head: Some(head) },
    })
}

/// The keys of a frame's batches. Damaged: none.
pub(crate) fn keys_of(file: &(impl ReadAt + ?Sized), head: &FrameHead) -> io::Result<Vec<KnownKey>> {
    let mut bytes = vec![0; head.keys_bytes()];
    if !fill(file, head.keys_at(), &mut bytes)? || crc32fast::hash(&bytes) != head.keys_crc {
        return Ok(Vec::new());
    }
    let known = |(index, received, key)| KnownKey {
        key,
        batch: BatchId(head.first.saturating_add(u64::from(index))),
        received,
    };
    Ok(keys(&bytes).map(known).collect())
}

fn is_right(file: &(impl ReadAt + ?Sized), head: &FrameHead) -> io::Result<bool> {
    let parts = [
        (head.keys_at(), head.keys_bytes() as u64, head.keys_crc),
        (head.stored_at(), u64::from(head.stored), head.stored_crc),
    ];
    let mut window = vec![0; 256 << 10];
    for (mut at, mut left, crc) in parts {
        let mut hasher = crc32fast::Hasher::new();
        while left > 0 {
            let len = window.len().min(left as usize);
            if !fill(file, at, &mut window[..len])? {
                return Ok(false);
            }
            hasher.update(&window[..len]);
            (at, left) = (at + len as u64, left - len as u64);
        }
        if hasher.finalize() != crc {
            return Ok(false);
        }
    }
    Ok(true)
}

fn batches(
    file: &(impl ReadAt + ?Sized),
    head: &FrameHead,
    codes: &mut Codes,
) -> io::Result<Option<FrameBody>> {
    let mut bytes = vec![0; head.keys_bytes() + head.stored as usize];
    if !fill(file, head.keys_at(), &mut bytes)? {
        return Ok(None);
    }
    let keys = &bytes[..head.keys_bytes()];
    let stored = &bytes[head.keys_bytes()..];
    if crc32fast::hash(keys) != head.keys_crc || crc32fast::hash(stored) != head.stored_crc {
        return Ok(None);
    }
    let plain = match head.form {
        Form::Plain => stored.to_vec(),
        Form::Lz4 => {
            let mut plain = vec![0; head.plain as usize];
            match lz4_flex::block::decompress_into(stored, &mut plain) {
                Ok(len) if len == plain.len() => plain,
                _ => return Ok(None),
            }
        }
    };
    Ok(decode(plain, BatchId(head.first), head.count, keys, codes))
}
