//! Reading an input to its end, and writing down all that came out of it.

use std::io::Cursor;
use std::path::PathBuf;
use ward_core::{Event, FieldNames, ValueKind};
use ward_telemetry::Error;
use ward_telemetry::input::{Decoded, Decoder, Format, Input, Limits, Options, Source, without_head};

/// The values of an event by field; nothing for null.
pub type Values = Vec<(String, Option<String>)>;

/// All that came out of an input.
#[derive(Debug, Default)]
pub struct Reading {
    pub format: Option<Format>,
    /// Number of the record, values.
    pub events: Vec<(u64, Values)>,
    /// Number of the record, offset, error.
    pub bad: Vec<(u64, u64, Error)>,
    /// Why the input could not be opened or read to its end.
    pub failure: Option<Error>,
    /// Most bytes of a block.
    pub largest_block: usize,
}

impl Reading {
    /// What came out, to be compared. Faults come before the events of their block, so their order depends on
    /// the blocks.
    pub fn outcome(&self) -> String {
        let mut bad: Vec<_> =
            self.bad.iter().map(|(record, at, error)| format!("{record} at {at} {error}")).collect();
        bad.sort();
        let failure = self.failure.as_ref().map(ToString::to_string);
        format!("{:?}\n{:#?}\n{bad:#?}\n{failure:?}", self.format, self.events)
    }

    pub fn count(&self) -> usize {
        self.events.len()
    }
}

pub fn names(known: &[&str]) -> FieldNames {
    let mut names = FieldNames::default();
    for name in known {
        names.intern(name).unwrap();
    }
    names
}

pub fn read(bytes: &[u8], names: &FieldNames, options: &Options) -> Reading {
    read_from(Box::new(Cursor::new(bytes.to_vec())), names, options)
}

pub fn read_from(source: Source, names: &FieldNames, options: &Options) -> Reading {
    let mut reading = Reading::default();
    let mut input = match Input::open(source, options) {
        Ok(input) => input,
        Err(error) => return Reading { failure: Some(error), ..reading },
    };
    reading.format = Some(input.format());
    let mut decoder = Decoder::new(options);
    let mut again = Again::new(input.format(), options);
    let mut memory = Vec::new();
    loop {
        match input.next_block(memory) {
            Ok(Some(mut block)) => {
                reading.largest_block = reading.largest_block.max(block.len());
                decoder.decode(&mut block, names, &mut |decoded| {
                    again.compare(&decoded, names);
                    note(decoded, names, &mut reading);
                });
                memory = block.into_memory();
            }
            Ok(None) => return reading,
            Err(error) => {
                reading.failure = Some(error);
                assert!(matches!(input.next_block(Vec::new()), Ok(None)), "a failure is the end");
                return reading;
            }
        }
    }
}

fn note(decoded: Decoded<'_>, names: &FieldNames, reading: &mut Reading) {
    match decoded {
        Decoded::Event { event, record, .. } => reading.events.push((record, values(&event, names))),
        Decoded::Bad { record, offset, error, .. } => reading.bad.push((record, offset, error)),
    }
}

/// Reads each record once more as it would be kept, alone.
struct Again {
    format: Format,
    decoder: Decoder,
}

impl Again {
    fn new(format: Format, options: &Options) -> Self {
        // What was decoded as another format may be longer than what came.
        let limits = Limits { record: usize::MAX, ..options.limits.clone() };
        Self { format, decoder: Decoder::new(&Options { limits, ..options.clone() }) }
    }

    fn compare(&mut self, decoded: &Decoded<'_>, names: &FieldNames) {
        let Decoded::Event { event, head, .. } = decoded else { return };
        let is_table = matches!(self.format, Format::Csv | Format::Zeek | Format::W3c);
        if is_table == head.is_empty() {
            return assert!(is_table, "only tables have headers");
        }
        let (kept, mut read) = ([*head, event.record].concat(), Vec::new());
        self.decoder.decode_kept(self.format, &kept, names, &mut |decoded| {
            if let Decoded::Event { event, .. } = decoded {
                read.push(values(&event, names));
            }
        });
        let shown = String::from_utf8_lossy(&kept);
        assert_eq!(read, [values(event, names)], "kept as {}: {shown}", self.format);
        assert_eq!(without_head(self.format, &kept), event.record, "{shown}");
    }
}

fn values(event: &Event<'_>, names: &FieldNames) -> Values {
    let mut scratch = Vec::new();
    let spans = event.fields.iter().filter(|span| span.kind != ValueKind::Container);
    spans
        .map(|span| {
            let text = String::from_utf8(event.text_of(span, &mut scratch).to_vec()).unwrap();
            (names.name(span.field).to_owned(), (span.kind != ValueKind::Null).then_some(text))
        })
        .collect()
}

/// The folder of the detection corpus.
pub fn corpus() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/corpus/detection");
    let folder = std::env::var_os("WARD_CORPUS").map_or_else(|| PathBuf::from(default), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no corpus");
    None
}

/// The files below a folder with this extension, in order.
pub fn files_below(folder: &std::path::Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
