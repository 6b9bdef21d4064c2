//! Inputs made to hurt: the fault is told with its place, all else is read, memory stays bounded.

use crate::reading::{Reading, names, read, read_from};
use flate2::{Compression, write::GzEncoder};
use std::io::{Read, Write};
use ward_telemetry::Error;
use ward_telemetry::input::{Decoded, Decoder, Format, Limits, Options};

fn read_text(text: &[u8]) -> Reading {
    read(text, &names(&["a", "message"]), &Options::default())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A line of `length` letters between two good ones, never held in memory.
fn long_line(length: u64) -> Box<dyn Read + Send> {
    let first = &b"{\"a\":1}\n{\"a\":\""[..];
    Box::new(first.chain(std::io::repeat(b'x').take(length)).chain(&b"\"}\n{\"a\":3}\n"[..]))
}

#[test]
fn a_line_of_a_gigabyte_is_skipped_in_bounded_memory() {
    let options = Options::default();
    let reading = read_from(long_line(1 << 30), &names(&["a"]), &options);
    assert_eq!(reading.events.iter().map(|(record, _)| *record).collect::<Vec<_>>(), [1, 3]);
    assert!(matches!(reading.bad[..], [(2, 8, Error::TooLong { .. })]), "{:?}", reading.bad);
    let Limits { record, block, .. } = options.limits;
    assert!(reading.largest_block <= 2 * (record + block));
}

#[test]
fn an_object_of_a_gigabyte_in_an_array_is_skipped_in_bounded_memory() {
    let text = b"[\n{\"a\":1},\n{\"a\":\"".chain(std::io::repeat(b'x').take(1 << 30));
    let source = text.chain(&b"\"},\n{\"a\":3}\n]\n"[..]);
    let reading = read_from(Box::new(source), &names(&["a"]), &Options::default());
    assert_eq!(reading.count(), 2);
    assert!(matches!(reading.bad[..], [(2, 11, Error::TooLong { .. })]), "{:?}", reading.bad);
}

#[test]
fn deep_nesting_is_told_and_the_next_record_read() {
    let deep = "{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    for text in [format!("{{\"a\":1}}\n{deep}\n{{\"a\":3}}\n"), format!("[{{\"a\":1}},{deep},{{\"a\":3}}]")] {
        let reading = read_text(text.as_bytes());
        assert_eq!(reading.events.iter().map(|(record, _)| *record).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(reading.bad.len(), 1);
        assert_eq!(reading.bad[0].0, 2);
    }
}

#[test]
fn opened_and_never_closed_brackets_cost_linear_time() {
    let start = std::time::Instant::now();
    let text = "[\n".to_owned() + &"{\n".repeat(3_000_000);
    let reading = read_text(text.as_bytes());
    assert!(reading.bad.iter().any(|(_, _, error)| matches!(error, Error::GivenUp)), "{}", reading.bad.len());
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn bytes_that_are_not_utf_8_are_told_and_the_record_is_read_all_the_same() {
    let reading = read_text(b"{\"a\":1}\n{\"a\":\"x\xff\xfey\"}\n{\"a\":3}\n");
    assert_eq!(reading.events[1].1, [("a".to_owned(), Some("x\u{fffd}\u{fffd}y".to_owned()))]);
    assert!(matches!(reading.bad[..], [(2, 8, Error::NotUtf8 { at: 7 })]), "{:?}", reading.bad);
    let reading = read_text(b"<34>Oct 11 22:14:15 h app: caf\xe9\n<34>Oct 11 22:14:15 h app: x\n");
    assert_eq!((reading.count(), reading.bad.len()), (2, 1));
    assert_eq!(reading.events[0].1[0].1.as_deref(), Some("caf\u{fffd}"));
}

#[test]
fn a_cut_or_damaged_archive_gives_what_came_before() {
    let mut text: Vec<u8> = (0..50_000).flat_map(|i| format!("{{\"a\":\"{i}\"}}\n").into_bytes()).collect();
    let whole = gzip(&text);
    let reading = read_text(&whole[..whole.len() / 2]);
    assert!(matches!(reading.failure, Some(Error::Compressed { kind: "gzip", .. })), "{:?}", reading.failure);
    assert!(reading.count() > 10_000, "{}", reading.count());
    assert!(reading.bad.len() <= 1, "only the line at the cut");
    text.truncate(100);
    let mut damaged = gzip(&text);
    let last = damaged.len() - 5;
    damaged[last] ^= 1;
    assert!(matches!(read_text(&damaged).failure, Some(Error::Compressed { .. })));
}

#[test]
fn a_bomb_is_told_and_its_first_records_read() {
    let mut text = b"{\"a\":1}\n".to_vec();
    text.resize(128 << 20, b' ');
    let reading = read_text(&gzip(&text));
    // How far blanks compress is for the compressor to say.
    let bombed = matches!(reading.failure, Some(Error::Bomb { .. }));
    let skipped = matches!(reading.bad[..], [(2, 8, Error::TooLong { .. }), ..]);
    assert!(bombed || skipped, "{:?} {:?}", reading.failure, reading.bad);
    assert_eq!(reading.count(), 1);
    let limits = Limits { ratio: 100, ratio_from: 1 << 20, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let reading = read(&gzip(&text), &names(&["a"]), &options);
    assert!(matches!(reading.failure, Some(Error::Bomb { .. })));
    assert_eq!(reading.count(), 1);
}

#[test]
fn unknown_content_names_the_formats_and_shows_the_start() {
    let reading = read_text(b"\x7fELF\x02\x01 not a log");
    let text = reading.failure.unwrap().to_string();
    assert!(text.contains(r"\x7fELF") && text.contains("evtx, ndjson"), "{text}");
    let empty = read_text(b" \n\n");
    assert!(empty.failure.is_none() && empty.bad.is_empty() && empty.count() == 0);
}

#[test]
fn a_live_input_hands_on_what_is_there() {
    struct Slowly(Vec<&'static [u8]>);
    impl Read for Slowly {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let next = self.0.last_mut().expect("nothing is read beyond what was handed out");
            let count = next.read(out)?;
            self.0.retain(|piece| !piece.is_empty());
            Ok(count)
        }
    }
    let pieces = vec![&b"{\"a\":3}\n"[..], b"2}\n{\"a\":", b"{\"a\":1}\n{\"a\":"];
    let options = Options { live: true, ..Options::default() };
    let mut input = ward_telemetry::input::Input::open(Box::new(Slowly(pieces)), &options)
        .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(input.format(), Format::JsonLines);
    for expected in [8, 8] {
        assert_eq!(input.next_block(Vec::new()).unwrap().unwrap().len(), expected);
    }
}

#[test]
fn threads_share_one_input_and_lose_nothing() {
    let text: Vec<u8> = (0..100_000).flat_map(|i| format!("{{\"a\":{i}}}\n").into_bytes()).collect();
    let options = Options { limits: Limits { block: 4096, ..Limits::default() }, ..Options::default() };
    let input = ward_telemetry::input::Input::open(Box::new(std::io::Cursor::new(text)), &options).unwrap();
    let (input, names) = (std::sync::Mutex::new(input), names(&["a"]));
    let sum = || {
        let mut decoder = Decoder::new(&options);
        let (mut sum, mut memory) = (0, Vec::new());
        while let Some(mut block) = { input.lock().unwrap().next_block(memory).unwrap() } {
            decoder.decode(&mut block, &names, &mut |decoded| match decoded {
                Decoded::Event { record, .. } => sum += record,
                Decoded::Bad { error, .. } => panic!("{error}"),
            });
            memory = block.into_memory();
        }
        sum
    };
    let total: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(sum)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(total, 100_000 * 100_001 / 2);
}
