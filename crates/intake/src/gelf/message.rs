//! A GELF message to a record.
//!
//! All members stay, under their names, but that an additional field loses its underscore: `_user` is `user`
//! unless there is a `user` already. `message` is added from `short_message` where there is none. `_id`,
//! which GELF forbids, stays as it is.

use std::collections::HashSet;
use std::io::Read;

use flate2::bufread::{GzDecoder, ZlibDecoder};

use crate::members::{Members, Object};

/// Adds the record of a message as a line. `false`: it is no JSON object.
pub fn record(message: &[u8], records: &mut Vec<u8>) -> bool {
    let Some(members) = std::str::from_utf8(message).ok().and_then(Members::of) else { return false };
    let names: HashSet<&str> = members.0.iter().map(|(key, _)| key.as_ref()).collect();
    let mut object = Object::begin(records);
    for (key, value) in &members.0 {
        let bare = key.strip_prefix('_').filter(|bare| !matches!(*bare, "" | "id") && !names.contains(bare));
        object.raw(bare.unwrap_or(key), value.get());
    }
    let has_message = names.contains("message") || names.contains("_message");
    if let Some(short) = members.get("short_message").filter(|_| !has_message) {
        object.raw("message", short.get());
    }
    object.end();
    records.push(b'\n');
    true
}

/// Unpacks a message that may be packed. `None`: it is damaged, or longer than `limit`.
pub fn unpacked(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let most = limit as u64 + 1;
    match bytes {
        [0x1f, 0x8b, ..] => GzDecoder::new(bytes).take(most).read_to_end(&mut out).ok()?,
        [0x78, ..] => ZlibDecoder::new(bytes).take(most).read_to_end(&mut out).ok()?,
        _ => bytes.take(most).read_to_end(&mut out).ok()?,
    };
    (out.len() <= limit).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn made(message: &str) -> Option<String> {
        let mut records = Vec::new();
        record(message.as_bytes(), &mut records).then(|| String::from_utf8(records).unwrap())
    }

    #[test]
    fn additional_fields_lose_their_underscore_and_nothing_is_lost() {
        let message = "{\"version\":\"1.1\",\"host\":\"ws\",\"short_message\":\"x\",\n\"timestamp\":1.50,\"_user\":\"a\",\"_host\":\"b\",\"_id\":1,\"_\":2}";
        let expected = "{\"version\":\"1.1\",\"host\":\"ws\",\"short_message\":\"x\",\"timestamp\":1.50,\"user\":\"a\",\"_host\":\"b\",\"_id\":1,\"_\":2,\"message\":\"x\"}\n";
        assert_eq!(made(message).unwrap(), expected);
        assert_eq!(
            made("{\"short_message\":\"x\",\"_message\":\"y\"}").unwrap(),
            "{\"short_message\":\"x\",\"message\":\"y\"}\n"
        );
        for wrong in ["", "[]", "hello", "{"] {
            assert_eq!(made(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn messages_are_unpacked_within_the_limit() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(&[b'{'; 100]).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&[b'{'; 100]).unwrap();
        let gzip = gzip.finish().unwrap();
        for packed in [&zlib[..], &gzip, &[b'{'; 100]] {
            assert_eq!(unpacked(packed, 100).unwrap(), [b'{'; 100]);
            assert_eq!(unpacked(packed, 99), None);
        }
        assert_eq!(unpacked(&zlib[..zlib.len() / 2], 100), None);
    }
}
