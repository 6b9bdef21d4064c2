//! What a request in protobuf becomes in memory, told before any of it is there: a record that says nothing has two
//! bytes on the wire and hundreds as a structure.

use std::mem::size_of;

use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Messages of a request for logs (`opentelemetry/proto/collector/logs/v1/logs_service.proto`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Request,
    ResourceLogs,
    Resource,
    ScopeLogs,
    Scope,
    LogRecord,
    KeyValue,
    AnyValue,
    /// `ArrayValue` and `KeyValueList`.
    Values(&'static Message),
}

impl Message {
    /// The message in a field of this one. `None`: text, bytes, or nothing that is known.
    const fn inside(self, field: u32) -> Option<Self> {
        Some(match (self, field) {
            (Self::Request, 1) => Self::ResourceLogs,
            (Self::ResourceLogs, 1) => Self::Resource,
            (Self::ResourceLogs, 2) => Self::ScopeLogs,
            (Self::ScopeLogs, 1) => Self::Scope,
            (Self::ScopeLogs, 2) => Self::LogRecord,
            (Self::Resource, 1) | (Self::Scope, 3) | (Self::LogRecord, 6) => Self::KeyValue,
            (Self::LogRecord, 5) | (Self::KeyValue, 2) => Self::AnyValue,
            (Self::AnyValue, 5) => Self::Values(&Self::AnyValue),
            (Self::AnyValue, 6) => Self::Values(&Self::KeyValue),
            (Self::Values(message), 1) => *message,
            _ => return None,
        })
    }

    /// Bytes of the structure, and of the names of its members as JSON.
    const fn bytes(self) -> usize {
        match self {
            Self::Request => 0,
            Self::ResourceLogs => size_of::<ResourceLogs>() + 64,
            Self::Resource => size_of::<Resource>() + 64,
            Self::ScopeLogs => size_of::<ScopeLogs>() + 64,
            Self::Scope => size_of::<InstrumentationScope>() + 96,
            Self::LogRecord => size_of::<LogRecord>() + 256,
            Self::KeyValue => size_of::<KeyValue>() + 32,
            Self::AnyValue => size_of::<AnyValue>() + 32,
            Self::Values(_) => 32,
        }
    }
}

/// Whether what the request becomes is at most `most` bytes. What is no such request is for the decoder to tell: it
/// weighs as much as was read of it.
pub(super) fn fits(request: &[u8], most: usize) -> bool {
    // Twice: as text of the structures, and of the JSON.
    let mut left = most.checked_sub(request.len().saturating_mul(2));
    weigh(request, Message::Request, DEPTH, &mut left);
    left.is_some()
}

/// Messages in messages that are looked into; the decoder gives up before.
const DEPTH: usize = 128;

/// Takes the weight of a message off what is left; `None` once it is too much. Gives up where it is damaged.
fn weigh(mut bytes: &[u8], message: Message, depth: usize, left: &mut Option<usize>) -> Option<()> {
    *left = left.and_then(|left| left.checked_sub(message.bytes()));
    while !bytes.is_empty() && left.is_some() {
        let (field, wire) = decode_key(&mut bytes).ok()?;
        match message.inside(field).filter(|_| wire == WireType::LengthDelimited) {
            Some(inside) => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (part, rest) = bytes.split_at_checked(length)?;
                weigh(part, inside, depth.checked_sub(1)?, left)?;
                bytes = rest;
            }
            None => skip_field(wire, field, &mut bytes, DecodeContext::default()).ok()?,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(field: u8, inside: &[u8]) -> Vec<u8> {
        let mut out = vec![field << 3 | 2];
        prost::encoding::encode_varint(inside.len() as u64, &mut out);
        out.extend_from_slice(inside);
        out
    }

    fn request(records: &[u8]) -> Vec<u8> {
        wrapped(1, &wrapped(2, records))
    }

    #[test]
    fn messages_that_say_nothing_weigh_what_they_become() {
        let each = size_of::<LogRecord>() + 256;
        let empty = request(&wrapped(2, &[]).repeat(1000));
        assert!(!fits(&empty, 1000 * each));
        assert!(fits(&empty, 1000 * each + 10_000));
        let attributes = wrapped(6, &[]).repeat(1000);
        assert!(!fits(&request(&wrapped(2, &attributes)), 1000 * size_of::<KeyValue>()));
        let values = wrapped(5, &wrapped(5, &wrapped(1, &[]).repeat(1000)));
        assert!(!fits(&request(&wrapped(2, &values)), 1000 * size_of::<AnyValue>()));
    }

    #[test]
    fn what_is_damaged_or_deep_is_left_to_the_decoder() {
        for odd in [&b"\xff"[..], b"\x0a\xff\xff\xff\xff\x0f", b"not protobuf"] {
            assert!(fits(odd, 1000), "{}", odd.escape_ascii());
        }
        let deep = (0..5_000).fold(Vec::new(), |inside, _| wrapped(5, &wrapped(1, &inside)));
        assert!(fits(&request(&wrapped(2, &wrapped(5, &deep))), 10 << 20));
    }
}
