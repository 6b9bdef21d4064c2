//! A block as streams that stand alone: to hand an input on in pieces.
//!
//! Invariant: decoding the streams of all blocks, one after another, gives the records of the input in their
//! order, each once.
//! Invariant: a stream is no longer than the limit, unless it holds a single record.

use super::block::Unit;
use super::documents::{Extent, object_end};
use super::{Block, Format, evtx};
use crate::Error;

/// Whole records, with all that is needed to read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The format of the bytes. JSON documents become lines.
    pub format: Format,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many records it holds, as far as that is seen without decoding.
    pub records: u64,
    /// Where its first record starts in the decompressed input, in bytes.
    pub offset: u64,
}

impl Block {
    /// Gives `each` the records, as streams of at most `limit` bytes, in their order.
    pub fn streams(&self, limit: usize, each: &mut dyn FnMut(Stream)) {
        match &self.units {
            Some(units) => self.units(units, limit, each),
            None => self.lines(limit, each),
        }
    }

    /// What could not be read at this place and is in no stream: number of the record, place and error.
    pub fn faults(&self) -> impl Iterator<Item = (u64, u64, &Error)> {
        self.faults.iter().map(|fault| (fault.record, fault.offset, &fault.error))
    }

    fn lines(&self, limit: usize, each: &mut dyn FnMut(Stream)) {
        let mut header = self.columns.as_ref().map(|columns| columns.head()).unwrap_or_default();
        let mut columns = self.columns.as_deref().cloned();
        let (mut rest, mut offset) = (self.data(), self.offset);
        while !rest.is_empty() {
            let room = limit.saturating_sub(header.len()).max(1);
            let cut = match rest.get(..room) {
                None => rest.len(),
                Some(fits) => memchr::memrchr(b'\n', fits)
                    .or_else(|| memchr::memchr(b'\n', rest))
                    .map_or(rest.len(), |newline| newline + 1),
            };
            let (piece, later) = rest.split_at(cut);
            let records = records_in(piece, columns.is_some());
            if records > 0 {
                let bytes = [header.as_slice(), piece].concat();
                each(Stream { format: self.format, bytes, records, offset });
            }
            // Directives of this piece are in force in the next.
            if let Some(columns) = &mut columns {
                for line in piece.split(|b| *b == b'\n').filter(|line| line.starts_with(b"#")) {
                    let _ = columns.directive(&String::from_utf8_lossy(line), usize::MAX);
                }
                header = columns.head();
            }
            (rest, offset) = (later, offset + cut as u64);
        }
    }

    fn units(&self, units: &[Unit], limit: usize, each: &mut dyn FnMut(Stream)) {
        let header = match &self.columns {
            Some(columns) if self.format == Format::Csv => columns.head(),
            _ => Vec::new(),
        };
        let mut open: Option<Stream> = None;
        for unit in units {
            let record = self.data().get(unit.start..unit.end).unwrap_or_default();
            if open.as_ref().is_some_and(|open| open.bytes.len() + record.len() + MARGIN > limit) {
                open.take().map(|open| self.closed(open)).into_iter().for_each(&mut *each);
            }
            let open = open.get_or_insert_with(|| self.begun(&header, unit));
            self.append(record, &header, open);
        }
        open.map(|open| self.closed(open)).into_iter().for_each(each);
    }

    fn begun(&self, header: &[u8], unit: &Unit) -> Stream {
        let mut bytes = header.to_vec();
        match self.format {
            Format::Evtx => bytes.extend(evtx::file_header(0)),
            Format::Otlp => bytes.extend_from_slice(OTLP),
            _ => {}
        }
        let format = if self.format == Format::Json { Format::JsonLines } else { self.format };
        Stream { format, bytes, records: 0, offset: self.offset + unit.start as u64 }
    }

    fn append(&self, record: &[u8], header: &[u8], to: &mut Stream) {
        let out = &mut to.bytes;
        match self.format {
            Format::Json => {
                // No JSON string holds a newline, so each is white space.
                out.extend(record.iter().map(|b| if *b == b'\n' { b' ' } else { *b }));
                out.push(b'\n');
                to.records += 1;
            }
            Format::Otlp => {
                if out.len() > OTLP.len() {
                    out.push(b',');
                }
                out.extend_from_slice(record);
                to.records += logs_in(record);
            }
            Format::SyslogFrames => {
                out.extend_from_slice(format!("{} ", record.len()).as_bytes());
                out.extend_from_slice(record);
                to.records += 1;
            }
            Format::Evtx => {
                out.extend_from_slice(record);
                to.records += evtx::records_in(record);
            }
            _ => {
                // The first row of the first block is the header itself.
                let is_header = header.is_empty() && out.is_empty();
                out.extend_from_slice(record);
                if !record.ends_with(b"\n") {
                    out.push(b'\n');
                }
                to.records += u64::from(!is_header);
            }
        }
    }

    fn closed(&self, mut stream: Stream) -> Stream {
        match self.format {
            Format::Otlp => stream.bytes.extend_from_slice(b"]}"),
            Format::Evtx => {
                let chunks = (stream.bytes.len() - evtx::HEADER) / evtx::CHUNK;
                let header = evtx::file_header(u16::try_from(chunks).unwrap_or(u16::MAX));
                stream.bytes.iter_mut().zip(header).for_each(|(old, new)| *old = new);
            }
            _ => {}
        }
        stream
    }
}

const OTLP: &[u8] = b"{\"resourceLogs\":[";
/// What a record takes beside its own bytes: a count, a comma, a closing bracket.
const MARGIN: usize = 16;

/// Lines that are records. `directives`: those that start with `#` are none.
fn records_in(lines: &[u8], directives: bool) -> u64 {
    let is_record = |line: &&[u8]| !(line.trim_ascii().is_empty() || directives && line.starts_with(b"#"));
    lines.split(|b| *b == b'\n').filter(is_record).count() as u64
}

/// OTLP log records in an element of `resourceLogs`.
fn logs_in(element: &[u8]) -> u64 {
    match object_end(element, 0) {
        Extent::End { inner, .. } => inner,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;
    use ward_core::FieldNames;

    use super::super::{Decoded, Decoder, Input, Options};
    use super::*;

    /// The fields `a` and `b` of all events of an input.
    fn events(bytes: &[u8], format: Option<Format>) -> Vec<String> {
        let mut names = FieldNames::default();
        let fields = ["a", "b", "message", "c-ip"].map(|name| names.intern(name).unwrap());
        let mut found = Vec::new();
        each_block(bytes, format, |block, decoder| {
            decoder.decode(block, &names, &mut |decoded| {
                let Decoded::Event { event, .. } = decoded else { return found.push("bad".to_owned()) };
                let values = fields.map(|field| event.first(field).unwrap_or_default());
                found.push(values.join("|"));
            });
        });
        found
    }

    fn each_block(bytes: &[u8], format: Option<Format>, mut each: impl FnMut(&mut Block, &mut Decoder)) {
        let options = Options { format, ..Options::default() };
        let mut input = Input::open(Box::new(Cursor::new(bytes.to_vec())), &options).unwrap();
        let mut decoder = Decoder::new(&options);
        while let Some(mut block) = input.next_block(Vec::new()).unwrap() {
            each(&mut block, &mut decoder);
        }
    }

    fn streams(bytes: &[u8], limit: usize, format: Option<Format>) -> Vec<Stream> {
        let mut streams = Vec::new();
        each_block(bytes, format, |block, _| block.streams(limit, &mut |stream| streams.push(stream)));
        streams
    }

    fn holds(bytes: &[u8], limit: usize, format: Option<Format>) -> Vec<Stream> {
        let streams = streams(bytes, limit, format);
        let apart: Vec<String> =
            streams.iter().flat_map(|stream| events(&stream.bytes, Some(stream.format))).collect();
        let whole = events(bytes, format);
        assert_eq!(apart, whole, "{}", String::from_utf8_lossy(bytes));
        assert_eq!(streams.iter().map(|stream| stream.records).sum::<u64>(), whole.len() as u64);
        assert!(streams.iter().all(|stream| stream.bytes.len() <= limit || stream.records == 1));
        streams
    }

    #[test]
    fn each_stream_of_a_table_has_its_header() {
        let zeek = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#fields\ta\tb\n\
                    #types\tstring\tset[string]\n1\tx,y\n2\t(empty)\n3\t-\n#fields\tb\ta\n4\t5\n6\t7\n";
        for (text, limit) in [
            ("a,b\n1,\"x\ny\"\n2,z\n3,w\n", 16),
            ("a;b\r\n1;2\r\n3;4", 12),
            (zeek, 120),
            ("#Fields: c-ip a\n10.0.0.1 x\n10.0.0.2 y\n#Fields: a c-ip\nz 10.0.0.3\n", 40),
        ] {
            assert!(holds(text.as_bytes(), limit, None).len() > 1, "{text}");
        }
    }

    #[test]
    fn documents_become_lines_and_wrappers_go() {
        let text =
            "{\"Records\": [\n {\n\"a\": 1},\n {\"a\": 2, \"b\": \"}\"}]}\n[{\"a\":3}]{\"a\":4}{\"a\":5}";
        let streams = holds(text.as_bytes(), 48, None);
        assert!(streams.len() > 1 && streams.iter().all(|stream| stream.format == Format::JsonLines));
        let otlp = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}},{}]}]},{"scopeLogs":
            [{"logRecords":[{"attributes":[{"key":"a","value":{"stringValue":"1"}}]}]}]}]}"#;
        assert_eq!(holds(otlp, 120, Some(Format::Otlp)).len(), 2);
    }

    #[test]
    fn counted_frames_are_counted_again() {
        assert!(holds(b"8 <1>a\nb c8 <1>d\ne f<1>line\n", 30, Some(Format::SyslogFrames)).len() > 1);
    }

    #[test]
    fn an_event_log_is_cut_between_chunks_and_no_piece_is_told_as_damaged() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance");
        let logs = evtx_files(std::path::Path::new(folder));
        assert!(!logs.is_empty(), "there is no event log to test with");
        for log in logs {
            let bytes = std::fs::read(&log).unwrap();
            let count = |bytes: &[u8]| {
                let (mut events, mut bad) = (0_u64, 0_u64);
                each_block(bytes, Some(Format::Evtx), |block, decoder| {
                    decoder.decode(block, &FieldNames::default(), &mut |decoded| match decoded {
                        Decoded::Event { .. } => events += 1,
                        Decoded::Bad { .. } => bad += 1,
                    });
                });
                (events, bad)
            };
            let (whole, bad) = count(&bytes);
            let pieces = streams(&bytes, 200_000, Some(Format::Evtx));
            let apart: Vec<_> = pieces.iter().map(|piece| count(&piece.bytes)).collect();
            assert_eq!(apart.iter().map(|(events, _)| events).sum::<u64>(), whole, "{}", log.display());
            assert!(apart.iter().map(|(_, bad)| bad).sum::<u64>() <= bad, "{}", log.display());
            if bad == 0 {
                assert_eq!(pieces.iter().map(|piece| piece.records).sum::<u64>(), whole);
            }
        }
    }

    fn evtx_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        let is_log = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "evtx");
        let files = files.into_iter().filter(is_log);
        files.chain(folders.iter().flat_map(|folder| evtx_files(folder))).collect()
    }

    proptest! {
        #[test]
        fn any_lines_come_back(lines in prop::collection::vec("[a-z ]{0,20}", 0..30), limit in 1_usize..60) {
            holds(lines.join("\n").as_bytes(), limit, Some(Format::Lines));
        }
    }
}
