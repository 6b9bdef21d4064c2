//! A request, from its head to its body in memory, unpacked.
//!
//! Order: who is it, before a byte of the body is read; then the body, held within the listener's memory, in
//! time, within the limit; then unpacked within the other limit.

use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};
use ward_telemetry::input::Zstd;

use super::trouble::Trouble;
use super::{HttpState, Peer, Voice};
use crate::counters::Reason;
use crate::door::{Door, Shown};
use crate::memory::Held;
use crate::sources::Sender;

/// A request that is there as a whole.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) sender: Arc<Sender>,
    pub(crate) parts: Parts,
    /// The body, unpacked.
    pub(crate) body: Vec<u8>,
    /// The memory that it takes, given back when the request is done.
    held: Held,
}

/// Tells who sends the request.
///
/// # Errors
/// Nobody that is known.
pub(crate) fn sender(state: &HttpState, parts: &Parts, token: Option<&str>) -> Result<Arc<Sender>, Trouble> {
    let authorization = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let certificate = parts.extensions.get::<Peer>().and_then(|peer| peer.certificate);
    let sender = state.door().sender(&Shown { authorization, token, certificate })?;
    if let Some(Voice(pass)) = parts.extensions.get() {
        // Now: a journal is uploaded in one request that may last for days.
        pass.spoke();
    }
    Ok(sender)
}

/// Takes a request in whose sender is known from its headers.
///
/// # Errors
/// It cannot be taken.
pub(crate) async fn arrive(state: &HttpState, request: Request) -> Result<Arrival, Trouble> {
    let (parts, body) = request.into_parts();
    let sender = sender(state, &parts, None)?;
    arrive_from(state, sender, parts, body).await
}

/// Takes a request in.
///
/// # Errors
/// It cannot be taken.
pub(crate) async fn arrive_from(
    state: &HttpState,
    sender: Arc<Sender>,
    parts: Parts,
    body: Body,
) -> Result<Arrival, Trouble> {
    let door = state.door();
    door.figures.requests.add(1);
    let encoding = parts.headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let encoding = Encoding::named(encoding.unwrap_or_default()).ok_or_else(|| {
        door.figures.refuse(Reason::Encoding, 1);
        Trouble::Encoding
    })?;
    let claimed = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut held = door.memory.of(sender.id());
    let packed = read(door, body, claimed, &mut held).await?;
    let body = match encoding {
        Encoding::Identity => packed,
        packing => unpacked(door, &sender, packing, packed, &mut held).await?,
    };
    Ok(Arrival { sender, parts, body, held })
}

impl Arrival {
    /// The content type without its parameters, lower case; empty if there is none.
    pub(crate) fn content_type(&self) -> String {
        content_type(&self.parts)
    }

    /// The same with its body unpacked, if it is a packed file that was sent as it is: `Content-Encoding` did not say so.
    ///
    /// # Errors
    /// It is damaged, or more than the limit.
    pub(crate) async fn opened(mut self, state: &HttpState) -> Result<Self, Trouble> {
        if let Some(encoding) = Encoding::of(&self.body) {
            let packed = std::mem::take(&mut self.body);
            self.body = unpacked(state.door(), &self.sender, encoding, packed, &mut self.held).await?;
        }
        Ok(self)
    }
}

/// The content type without its parameters, lower case; empty if there is none.
pub(crate) fn content_type(parts: &Parts) -> String {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Holds room for so many bytes in all.
fn hold(door: &Door, held: &mut Held, bytes: usize) -> Result<(), Trouble> {
    if held.grow(bytes) {
        return Ok(());
    }
    door.figures.refuse(Reason::Memory, 1);
    Err(Trouble::Memory)
}

async fn read(
    door: &Door,
    mut body: Body,
    claimed: Option<usize>,
    held: &mut Held,
) -> Result<Vec<u8>, Trouble> {
    let limit = door.limits.body_bytes;
    let refuse = |reason, trouble| {
        door.figures.refuse(reason, 1);
        Err(trouble)
    };
    if claimed.is_some_and(|claimed| claimed > limit) {
        return refuse(Reason::TooLarge, Trouble::TooLarge(limit));
    }
    let deadline = Instant::now() + door.limits.body();
    // What is claimed is not held before it comes.
    let mut bytes = Vec::with_capacity(claimed.unwrap_or(0).min(1 << 20));
    loop {
        let Ok(frame) = timeout_at(deadline, timeout(door.limits.read(), body.frame())).await else {
            return refuse(Reason::Slow, Trouble::Slow);
        };
        let frame = match frame {
            Err(_) => return refuse(Reason::Slow, Trouble::Slow),
            Ok(None) => return Ok(bytes),
            Ok(Some(Err(_))) => return refuse(Reason::BrokenOff, Trouble::BrokenOff),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return refuse(Reason::TooLarge, Trouble::TooLarge(limit));
        }
        hold(door, held, bytes.len() + data.len())?;
        bytes.extend_from_slice(&data);
    }
}

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

impl Encoding {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    /// What the first bytes say, for files.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Why something cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unpack {
    Damaged,
    TooLarge,
}

async fn unpacked(
    door: &Door,
    sender: &Sender,
    encoding: Encoding,
    packed: Vec<u8>,
    held: &mut Held,
) -> Result<Vec<u8>, Trouble> {
    let limit = door.limits.unpacked_bytes;
    let work = move |packed: Vec<u8>| {
        let result = unpack(encoding, &packed, limit);
        (packed, result)
    };
    let unpacked = door.memory.unpack(packed.len(), move || work(packed)).await;
    let (packed, result) = unpacked.ok_or(Trouble::Compression)?;
    match result {
        Ok(body) => {
            hold(door, held, packed.len() + body.len())?;
            Ok(body)
        }
        Err(Unpack::TooLarge) => {
            door.figures.refuse(Reason::TooLarge, 1);
            Err(Trouble::TooLarge(limit))
        }
        Err(Unpack::Damaged) => {
            door.set_aside(sender, Reason::Compression, packed).await?;
            Err(Trouble::Compression)
        }
    }
}

/// Unpacks up to `limit` bytes: all members and frames, one after another.
///
/// # Errors
/// They are damaged, or more; or something else follows them.
pub(crate) fn unpack(encoding: Encoding, mut packed: &[u8], limit: usize) -> Result<Vec<u8>, Unpack> {
    let out = Vec::with_capacity(packed.len().saturating_mul(4).min(limit).min(4 << 20));
    match encoding {
        Encoding::Identity => within(packed, out, limit),
        Encoding::Gzip => within(flate2::bufread::MultiGzDecoder::new(packed), out, limit),
        Encoding::Deflate => {
            // RFC 9110 means zlib by `deflate`; some clients send it bare.
            let out = if packed.first().is_some_and(|first| first & 0x0f == 8) {
                within(flate2::bufread::ZlibDecoder::new(&mut packed), out, limit)
            } else {
                within(flate2::bufread::DeflateDecoder::new(&mut packed), out, limit)
            }?;
            if packed.is_empty() { Ok(out) } else { Err(Unpack::Damaged) }
        }
        Encoding::Zstd if packed.is_empty() => Err(Unpack::Damaged),
        Encoding::Zstd => within(Zstd::new(packed, ZSTD_WINDOW), out, limit),
    }
}

fn within(source: impl Read, mut out: Vec<u8>, limit: usize) -> Result<Vec<u8>, Unpack> {
    let read = source.take(limit as u64 + 1).read_to_end(&mut out);
    match read {
        _ if out.len() > limit => Err(Unpack::TooLarge),
        Ok(_) => Ok(out),
        Err(_) => Err(Unpack::Damaged),
    }
}

/// The largest window of a frame: what RFC 8878 (section 3.1.1.1.2) says every decoder should have.
const ZSTD_WINDOW: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn bodies_are_unpacked_whichever_way_they_are_packed() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"events").unwrap();
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(b"events").unwrap();
        let frame = |bytes: &[u8]| {
            ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
        };
        let skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
        for (name, packed) in [
            ("gzip", gzip(b"events")),
            ("gzip", [gzip(b"eve"), gzip(b"nts")].concat()),
            ("Deflate", zlib.finish().unwrap()),
            ("deflate", bare.finish().unwrap()),
            ("zstd", frame(b"events")),
            ("zstd", [&skipped[..], &frame(b"eve"), skipped, &frame(b"nts")].concat()),
            ("identity", b"events".to_vec()),
        ] {
            let encoding = Encoding::named(name).unwrap();
            assert_eq!(unpack(encoding, &packed, 100).unwrap(), b"events", "{name}");
            assert_eq!(unpack(encoding, &packed, 5), Err(Unpack::TooLarge), "{name}");
        }
        assert_eq!(Encoding::named("br"), None);
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit_and_damage_is_told() {
        let bomb = gzip(&vec![0; 50 << 20]);
        assert_eq!(unpack(Encoding::Gzip, &bomb, 1 << 20), Err(Unpack::TooLarge));
        let mut damaged = gzip(b"events");
        damaged.truncate(12);
        for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
            assert_eq!(unpack(encoding, &damaged, 100), Err(Unpack::Damaged), "{encoding:?}");
        }
    }

    #[test]
    fn what_follows_the_packed_bytes_is_not_passed_over() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"events").unwrap();
        for (encoding, packed) in
            [(Encoding::Gzip, gzip(b"events")), (Encoding::Deflate, zlib.finish().unwrap())]
        {
            let more = [&packed[..], b"more"].concat();
            assert_eq!(unpack(encoding, &more, 100), Err(Unpack::Damaged), "{encoding:?}");
        }
    }
}
