//! What listeners take apart: nothing panics, what comes out is what a decoder reads, and it does not depend on
//! how the bytes arrive.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ward_intake::beats::frames::{Followed, Frame, NoFrame, Sizes, frame, unpack};
use ward_intake::fluent::message::message;
use ward_intake::fluent::messagepack::{Ends, NoValue};
use ward_intake::gelf::message::{record, unpacked};
use ward_intake::gelf::parts::{Datagram, Parts};
use ward_intake::http::elastic::bulk;
use ward_intake::http::hec::{envelope, raw};
use ward_intake::http::journal_upload::export::{Exported, Lines, entry};
use ward_intake::http::otlp::transcode;
use ward_intake::relp::frames;
use ward_intake::syslog::{Framer, Messages, Step};
use ward_telemetry::input::Format;

use crate::input;

/// Syslog streams.
pub fn syslog_framing(input: &[u8]) {
    assert_eq!(messages(input, usize::MAX), messages(input, 3), "it depends on how the bytes arrive");
}

fn messages(stream: &[u8], portion: usize) -> (Vec<u8>, u64, usize) {
    let (mut framer, mut messages, mut held) = (Framer::new(256), Messages::default(), Vec::new());
    let (mut too_long, mut portions) = (0, stream.chunks(portion.min(stream.len()).max(1)));
    loop {
        let more = portions.next();
        held.extend_from_slice(more.unwrap_or_default());
        loop {
            let next = match framer.next(&held, more.is_none()) {
                Step::Message { start, end, next, counted } => {
                    messages.push(&held[start..end], counted);
                    next
                }
                Step::Cut { start } => {
                    messages.push(&held[start..], true);
                    held.len()
                }
                Step::TooLong { next } => {
                    too_long += 1;
                    next
                }
                Step::Skip { next } => next,
                Step::More => break,
            };
            assert!(next > 0, "it does not go on");
            held.drain(..next);
        }
        if more.is_none() {
            let (_, payload, events) = messages.take();
            return (payload, events, too_long);
        }
    }
}

/// Bytes that what a body becomes may have.
const MOST: usize = 64 << 20;

/// Splunk HEC bodies, both ways in.
pub fn hec(input: &[u8]) {
    if let Ok(records) = envelope::records(input) {
        assert_lines(&records.payload, records.events);
    }
    let read = raw::records(input.to_vec(), &String::from_utf8_lossy(input), MOST);
    if let Some((Format::JsonLines, payload, events)) = read {
        assert_lines(&payload, events);
    }
}

/// Elasticsearch `_bulk` bodies.
pub fn bulk(input: &[u8]) {
    if let Ok(taken) = bulk::documents(input, Some("index"), MOST) {
        assert_lines(&taken.payload, taken.events);
        for place in taken.broken {
            assert!(input.get(place.clone()).is_some(), "{place:?} is outside");
        }
    }
}

/// Lumberjack frames, packed ones too.
pub fn lumberjack(input: &[u8]) {
    let sizes = Sizes { event: 1 << 12, packed: 1 << 12, unpacked: 1 << 16 };
    let (mut at, mut records) = (0, Vec::new());
    while let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) {
        match frame(rest, sizes, &mut records, &mut Followed::default()) {
            Ok((frame, next)) => {
                assert!(next > 0 && next <= rest.len(), "it goes on where nothing is");
                if let Frame::Packed { start, end } = frame {
                    match unpack(&rest[start..end], sizes) {
                        Ok(inside) => assert!(inside.len() <= sizes.unpacked),
                        Err(wrong) => assert_ne!(wrong, NoFrame::More),
                    }
                }
                at += next;
            }
            Err(_) => break,
        }
    }
    assert!(records.is_empty() || records.ends_with(b"\n"));
}

/// Forward messages, one after another: where they end does not depend on how the bytes arrive, and what they
/// become stays within its limit.
pub fn fluent(input: &[u8]) {
    let whole = messages_of_forward(input, usize::MAX);
    assert_eq!(whole, messages_of_forward(input, 7), "it depends on how the bytes arrive");
    let mut start = 0;
    for end in whole {
        if let Ok(Some(read)) = message(&input[start..end], 1 << 12)
            && let Ok((lines, events)) = read.records
        {
            assert!(lines.len() as u64 <= (1 << 12) + events, "more than the limit");
            assert_lines(&lines, events);
        }
        start = end;
    }
}

/// Where messages end.
fn messages_of_forward(stream: &[u8], portion: usize) -> Vec<usize> {
    let (mut ends, mut found, mut start) = (Ends::new(1 << 12), Vec::new(), 0);
    let portion = portion.min(stream.len()).max(1);
    for there in (portion..stream.len() + portion).step_by(portion) {
        let there = there.min(stream.len());
        loop {
            match ends.next(&stream[start..there]) {
                Ok(length) => {
                    assert!(length > 0 && start + length <= there, "it goes on where nothing is");
                    start += length;
                    found.push(start);
                }
                Err(NoValue::More) => break,
                Err(_) => return found,
            }
        }
    }
    found
}

/// RELP frames: what a frame holds does not depend on what comes after it, and is missed until it is whole.
pub fn relp(input: &[u8]) {
    let mut rest = input;
    while let Ok(found) = frames::frame(rest, 1 << 10) {
        assert!(found.data.len() <= 1 << 10 && found.data.end < found.next, "it goes on where nothing is");
        let alone = &rest[..found.next];
        assert_eq!(frames::frame(alone, 1 << 10).as_ref(), Ok(&found));
        let cut = &alone[..found.next - 1];
        assert_eq!(frames::frame(cut, 1 << 10), Err(frames::NoFrame::More));
        rest = &rest[found.next..];
    }
}

/// GELF datagrams: the first byte of each says how long it is.
pub fn gelf(input: &[u8]) {
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (mut parts, mut records, mut events) = (Parts::new(1 << 10), Vec::new(), 0);
    let (mut rest, mut now) = (input, Duration::ZERO);
    while let Some((length, after)) = rest.split_first() {
        let (datagram, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        now += Duration::from_millis(500);
        let message = match parts.take(datagram, peer, now) {
            Datagram::Whole(message) => message,
            Datagram::Plain => datagram.to_vec(),
            Datagram::Part | Datagram::Broken => continue,
        };
        if let Some(message) = unpacked(&message, 1 << 12) {
            events += u64::from(record(&message, &mut records));
        }
        parts.given_up(now);
    }
    assert_lines(&records, events);
}

/// Journal export streams.
pub fn journal_export(input: &[u8]) {
    let (whole, dribbled) = (entries(input, usize::MAX), entries(input, 5));
    assert_eq!(whole, dribbled, "it depends on how the bytes arrive");
    assert_lines(&whole.0, whole.0.iter().filter(|byte| **byte == b'\n').count() as u64);
}

fn entries(stream: &[u8], portion: usize) -> (Vec<u8>, bool) {
    let (mut lines, mut held) = (Lines::default(), Vec::new());
    let mut portions = stream.chunks(portion.min(stream.len()).max(1));
    loop {
        let more = portions.next();
        held.extend_from_slice(more.unwrap_or_default());
        loop {
            match entry(&held, more.is_none(), 256, &mut lines) {
                Exported::Entry { next } => drop(held.drain(..next)),
                Exported::More { .. } => break,
                Exported::Broken => return (lines.payload().to_vec(), true),
            }
        }
        if more.is_none() {
            return (lines.payload().to_vec(), false);
        }
    }
}

/// OTLP requests, protobuf and JSON: what they become is read as the format says.
pub fn otlp(input: &[u8]) {
    let protobuf = transcode::protobuf(input, 1 << 10, MOST).unwrap_or_default();
    for records in protobuf.into_iter().chain(transcode::json(input)) {
        if records.payload.len() < 1 << 11 {
            input::read(Some(Format::Otlp), &records.payload);
        }
    }
}

/// So many lines, each a JSON object.
fn assert_lines(payload: &[u8], events: u64) {
    let lines: Vec<&[u8]> = payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len() as u64, events, "as many lines as events");
    for line in lines {
        let object = serde_json::from_slice::<&serde_json::value::RawValue>(line);
        assert!(
            object.is_ok_and(|object| object.get().starts_with('{')),
            "{} is no object",
            line.escape_ascii()
        );
    }
}
