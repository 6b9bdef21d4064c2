//! Streams of bytes to events, as each format: nothing panics, spans lie inside their text, and what is
//! handed out does not depend on how the bytes arrive or how long blocks are.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{self, Cursor, Read};

use ward_core::{Event, FieldNames, Timestamp, ValueKind};
use ward_telemetry::Error;
use ward_telemetry::input::{
    Decoded, Decoder, Format, Input, Limits, Options, Part, Source, parts, stands_verbatim,
};
use ward_telemetry::taxonomy::{Resolver, Taxonomy};

/// Reads `input` as a format (`None`: as recognised) twice, in other portions, and compares.
pub fn read(format: Option<Format>, input: &[u8]) {
    let whole = Box::new(Cursor::new(input.to_vec()));
    let dribble = Box::new(Dribble { bytes: input.to_vec(), at: 0 });
    let (first, second) = (said(whole, format, 1 << 16), said(dribble, format, 64));
    // When a bomb is noticed, and how much comes out of damaged compressed data before the damage, depends
    // on how much was read ahead.
    if let (Some(first), Some(second)) = (first, second) {
        assert_eq!(first, second, "it depends on how the bytes arrive");
    }
}

/// Cuts `input` into streams that are complete in themselves, as `ward ingest` does.
pub fn streams(input: &[u8]) {
    let options = Options { format: None, live: false, received: received(), limits: limits(1 << 16) };
    let Ok(mut input) = Input::open(Box::new(Cursor::new(input.to_vec())), &options) else { return };
    while let Ok(Some(block)) = input.next_block(Vec::new()) {
        block.streams(512, &mut |stream| drop(std::hint::black_box(stream)));
    }
}

/// Takes `input` for a record that was kept alone, in each format. A text that must stand in its bytes does.
pub fn kept_alone(input: &[u8]) {
    let bytes = String::from_utf8_lossy(input).to_ascii_lowercase();
    for format in Format::ALL {
        let mut decoder = Decoder::new(&Options { limits: limits(64), ..Options::default() });
        TABLES.with_borrow(|(names, _)| {
            decoder.decode_kept(format, input, names, &mut |decoded| {
                std::hint::black_box(&decoded);
            });
        });
        parts(format, input, &mut |part| {
            let Part::Field { name, value } = part else { return };
            for run in value.split(|c: char| !c.is_ascii_alphanumeric() && !" _.-:@".contains(c)) {
                let stands = bytes.contains(&run.to_ascii_lowercase());
                assert!(stands || !stands_verbatim(run, name, format, input), "{format}: {name} has {run}");
            }
        });
    }
}

/// Everything that reading tells, as text. `None`: its compression is damaged or a bomb.
fn said(source: Source, format: Option<Format>, block: usize) -> Option<String> {
    let options = Options { format, live: false, received: received(), limits: limits(block) };
    let mut said = String::new();
    let mut input = match Input::open(source, &options) {
        Ok(input) => input,
        Err(Error::Bomb { .. } | Error::Compressed { .. }) => return None,
        Err(error) => return Some(format!("not opened: {error}")),
    };
    let mut decoder = Decoder::new(&options);
    let unlimited = Limits { record: usize::MAX, ..options.limits.clone() };
    let mut again = Decoder::new(&Options { limits: unlimited, ..options });
    let format = input.format();
    let mut reuse = Vec::new();
    loop {
        match input.next_block(reuse) {
            Ok(Some(mut block)) => {
                TABLES.with_borrow_mut(|(names, resolver)| {
                    decoder.decode(&mut block, names, &mut |decoded| {
                        kept(&decoded, format, &mut again, names);
                        tell(&decoded, names, resolver, &mut said);
                    });
                });
                reuse = block.into_memory();
            }
            Ok(None) => return Some(said),
            Err(Error::Bomb { .. } | Error::Compressed { .. }) => return None,
            Err(error) => return Some(said + &format!("ended: {error}\n")),
        }
    }
}

fn tell(decoded: &Decoded<'_>, names: &FieldNames, resolver: &mut Resolver, said: &mut String) {
    // Writing to a String cannot fail.
    let _ = match decoded {
        Decoded::Event { event, record, .. } => {
            let class = resolver.resolve(event);
            let _ = write!(said, "{record} {:?}", class.log_sources);
            fields(event, names, said);
            let (time, host, user) = (resolver.time(event), resolver.host(event), resolver.user(event));
            writeln!(said, " {time:?} {host:?} {user:?}")
        }
        Decoded::Bad { record, offset, error, .. } => writeln!(said, "{record} at {offset}: {error}"),
    };
}

/// A record that is kept alone has the fields that it had when it came.
fn kept(decoded: &Decoded<'_>, format: Format, again: &mut Decoder, names: &FieldNames) {
    let Decoded::Event { event, head, .. } = decoded else { return };
    if head.is_empty() && matches!(format, Format::Csv | Format::Zeek | Format::W3c) {
        return;
    }
    let kept = [*head, event.record].concat();
    let (mut first, mut second) = (String::new(), String::new());
    fields(event, names, &mut first);
    again.decode_kept(format, &kept, names, &mut |decoded| {
        if let Decoded::Event { event, .. } = decoded {
            fields(&event, names, &mut second);
        }
    });
    assert_eq!(first, second, "{}", String::from_utf8_lossy(&kept));
}

fn fields(event: &Event<'_>, names: &FieldNames, said: &mut String) {
    let mut scratch = Vec::new();
    for span in event.fields {
        let inside = span.start <= span.end && span.end as usize <= event.text.len();
        assert!(inside, "a span of {} outside its text: {span:?}", names.name(span.field));
        let text = event.text_of(span, &mut scratch);
        if matches!(span.kind, ValueKind::Text) {
            assert!(std::str::from_utf8(text).is_ok(), "{} is not UTF-8", names.name(span.field));
        }
        let _ = write!(said, " {}={:?}", names.name(span.field), String::from_utf8_lossy(text));
    }
}

/// Small limits, so that small inputs reach them.
fn limits(block: usize) -> Limits {
    Limits {
        record: 2048,
        columns: 16,
        block,
        ratio: 100,
        ratio_from: 1 << 16,
        decompressed: 1 << 20,
        zstd_window: 1 << 20,
    }
}

fn received() -> Option<Timestamp> {
    Timestamp::parse("2026-11-23T12:00:00Z")
}

/// Gives one byte at a time at first, then ever more.
struct Dribble {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Dribble {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.len().min(space.len()).min(1 + self.at / 16);
        space[..len].copy_from_slice(&rest[..len]);
        self.at += len;
        Ok(len)
    }
}

/// Names that the formats give beside those of the tables.
const RULE_FIELDS: &[&str] = &[
    "CommandLine",
    "EventID",
    "Image",
    "act",
    "cs-uri-query",
    "deviceVendor",
    "key",
    "message",
    "msg",
    "name",
    "src",
    "status",
    "type",
    "uri",
];

thread_local! {
    pub static TABLES: RefCell<(FieldNames, Resolver)> = RefCell::new(tables());
}

#[allow(clippy::expect_used)] // without the built-in tables there is nothing to fuzz
fn tables() -> (FieldNames, Resolver) {
    let taxonomy = Taxonomy::builtin().expect("the built-in tables are read");
    let names = taxonomy.field_names(RULE_FIELDS.iter().copied()).expect("there is room for the names");
    let resolver = taxonomy.resolver(&names).expect("the names are those of the tables");
    (names, resolver)
}
