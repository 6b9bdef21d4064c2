//! Blocks to events.

use super::block::{Block, Fault, Unit};
use super::evtx::ChunkReader;
use super::fields::Fields;
use super::options::Options;
use super::syslog::Message;
use super::table::Columns;
use super::{Format, access_log, auditd, cef, leef, logfmt, otlp, payload};
use crate::Error;
use crate::json::Scanner;
use ward_core::{Event, EventBuf, FieldNames};

/// What a block holds.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// An event.
    Event {
        /// The event, borrowed from the decoder and the block.
        event: Event<'a>,
        /// Its `EventRecordID` (EVTX), or the number of its line, element or row, from 1. A header counts.
        record: u64,
        /// Lines of the header of its table, which make the row complete when they are put before it (see
        /// [`Decoder::decode_kept`]). Empty for other formats, and where they have more than [`MAX_HEAD`] bytes or
        /// a name that goes over more than one line.
        head: &'a [u8],
    },
    /// Something that could not be read, or not as it stands. A record that was read in spite of it follows
    /// as an event of its own.
    Bad {
        /// The number of the record; 0 where an EVTX file is damaged and it is not known.
        record: u64,
        /// Where it starts in the decompressed input, in bytes.
        offset: u64,
        /// Its bytes, without the newline; 0 where it is not known where it ends.
        length: usize,
        /// What is wrong.
        error: Error,
    },
}

/// Most bytes of the header of a table that are handed out with each of its rows.
pub const MAX_HEAD: usize = 16 << 10;

/// Takes blocks apart. One for each thread.
pub struct Decoder {
    pub(super) options: Options,
    scanner: Scanner,
    event: EventBuf,
    chunks: ChunkReader,
    /// A record that was not UTF-8, mended.
    mended: String,
}

/// Where results go.
pub(super) type Each<'f> = dyn FnMut(Decoded<'_>) + 'f;

/// A record and its place.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub bytes: &'a [u8],
    pub number: u64,
    pub offset: u64,
}

/// The header that a row stands under.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    pub columns: &'a Columns,
    /// See [`Decoded::Event`].
    pub head: &'a [u8],
}

/// What is known of a run of lines.
#[derive(Clone, Copy)]
struct Lines {
    format: Format,
    /// Number of the first.
    first: u64,
    /// Where the run starts, in bytes.
    offset: u64,
}

impl Decoder {
    /// A decoder for the blocks of inputs opened with these options.
    pub fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            scanner: Scanner::default(),
            event: EventBuf::default(),
            chunks: ChunkReader::default(),
            mended: String::new(),
        }
    }

    /// Gives `each` what `block` holds, in order; what lies between records comes first.
    pub fn decode(&mut self, block: &mut Block, names: &FieldNames, each: &mut Each<'_>) {
        for fault in block.faults.drain(..) {
            let Fault { record, offset, error } = fault;
            each(Decoded::Bad { record, offset, length: 0, error });
        }
        match &block.units {
            Some(units) if block.format == Format::Evtx => self.chunks(block, units, names, each),
            Some(units) => self.units(block, units, names, each),
            None => {
                let lines = Lines { format: block.format, first: block.first_record, offset: block.offset };
                self.lines(block.data(), lines, block.columns.as_deref(), names, each);
            }
        }
    }

    /// Gives `each` the records of `data`, which are lines of a format without a header, without copying
    /// them. Gives back `false`, and nothing else, for other formats: they are read as an
    /// [`Input`](super::Input).
    pub fn decode_lines(
        &mut self,
        format: Format,
        data: &[u8],
        names: &FieldNames,
        each: &mut Each<'_>,
    ) -> bool {
        let is_lines = matches!(
            format,
            Format::JsonLines
                | Format::Syslog
                | Format::Cef
                | Format::Leef
                | Format::Logfmt
                | Format::Auditd
                | Format::AccessLog
                | Format::Lines
        );
        if is_lines {
            self.lines(data, Lines { format, first: 1, offset: 0 }, None, names, each);
        }
        is_lines
    }

    fn chunks(&mut self, block: &Block, units: &[Unit], names: &FieldNames, each: &mut Each<'_>) {
        let (scanner, event) = (&mut self.scanner, &mut self.event);
        for &Unit { start, end, .. } in units {
            let offset = block.offset + start as u64;
            let chunk = block.data().get(start..end).unwrap_or_default();
            self.chunks.decode(chunk, &mut |record, json| {
                let scanned = json.and_then(|json| {
                    scanner.scan(json, names, event)?;
                    Ok(json)
                });
                match scanned {
                    Ok(json) => each(Decoded::Event { event: event.json_event(json), record, head: &[] }),
                    Err(error) => each(Decoded::Bad { record, offset, length: 0, error }),
                }
            });
        }
    }

    fn units(&mut self, block: &Block, units: &[Unit], names: &FieldNames, each: &mut Each<'_>) {
        let head = block.columns.as_deref().map(Columns::short_head).unwrap_or_default();
        let table = block.columns.as_deref().map(|columns| Table { columns, head: &head });
        let clean = std::str::from_utf8(block.data()).is_ok();
        for &Unit { start, end, record: number } in units {
            let bytes = without_newline(block.data().get(start..end).unwrap_or_default());
            let record = Record { bytes, number, offset: block.offset + start as u64 };
            self.record(record, clean, block.format, table, names, each);
        }
    }

    fn lines(
        &mut self,
        data: &[u8],
        lines: Lines,
        columns: Option<&Columns>,
        names: &FieldNames,
        each: &mut Each<'_>,
    ) {
        let clean = std::str::from_utf8(data).is_ok();
        let (mut columns, mut head) = (columns.cloned(), None);
        let (mut start, mut number) = (0, lines.first);
        let ends =
            memchr::memchr_iter(b'\n', data).chain((data.last() != Some(&b'\n')).then_some(data.len()));
        for end in ends {
            let bytes = without_newline(data.get(start..end).unwrap_or_default());
            let record = Record { bytes, number, offset: lines.offset + start as u64 };
            (start, number) = (end + 1, number + 1);
            match &mut columns {
                Some(columns) if bytes.starts_with(b"#") => {
                    // Too many columns were told by the reader.
                    let _ = columns.directive(&String::from_utf8_lossy(bytes), self.options.limits.columns);
                    head = None;
                }
                Some(columns) => {
                    let head = head.get_or_insert_with(|| columns.short_head());
                    let table = Some(Table { columns, head });
                    self.record(record, clean, lines.format, table, names, each);
                }
                None => self.record(record, clean, lines.format, None, names, each),
            }
        }
    }

    #[inline]
    pub(super) fn record(
        &mut self,
        record: Record<'_>,
        clean: bool,
        format: Format,
        table: Option<Table<'_>>,
        names: &FieldNames,
        each: &mut Each<'_>,
    ) {
        let Record { bytes, number, offset } = record;
        if bytes.first().is_none_or(u8::is_ascii_whitespace) && bytes.trim_ascii().is_empty() {
            return;
        }
        if bytes.len() > self.options.limits.record {
            let error = Error::TooLong { limit: self.options.limits.record };
            return each(Decoded::Bad { record: number, offset, length: bytes.len(), error });
        }
        if clean && format == Format::JsonLines {
            return self.json(record, names, each);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text, record, format, table, names, each),
            Err(e) => {
                let error = Error::NotUtf8 { at: e.valid_up_to() };
                each(Decoded::Bad { record: number, offset, length: bytes.len(), error });
                let mut mended = std::mem::take(&mut self.mended);
                mended.clear();
                mended.push_str(&String::from_utf8_lossy(bytes));
                self.text(&mended, Record { bytes: mended.as_bytes(), ..record }, format, table, names, each);
                self.mended = mended;
            }
        }
    }

    #[inline]
    fn json(&mut self, record: Record<'_>, names: &FieldNames, each: &mut Each<'_>) {
        let Record { bytes, number, offset } = record;
        match self.scanner.scan(bytes, names, &mut self.event) {
            Ok(()) => {
                each(Decoded::Event { event: self.event.json_event(bytes), record: number, head: &[] });
            }
            Err(error) => {
                each(Decoded::Bad { record: number, offset, length: bytes.len(), error: error.into() });
            }
        }
    }

    fn text(
        &mut self,
        text: &str,
        record: Record<'_>,
        format: Format,
        table: Option<Table<'_>>,
        names: &FieldNames,
        each: &mut Each<'_>,
    ) {
        let columns = table.map(|table| table.columns);
        match format {
            Format::Json | Format::JsonLines | Format::Evtx => return self.json(record, names, each),
            Format::Otlp => return self.otlp(text, record, names, each),
            Format::Syslog | Format::SyslogFrames | Format::Lines => self.message(text, format, names),
            _ => self.event.clear(),
        }
        if columns.is_some_and(|columns| columns.is_header(text)) {
            return;
        }
        let decoded = self.line(text, format, columns, names);
        let Record { bytes, number, offset } = record;
        if let Err(reason) = decoded {
            let error = Error::Line { format, reason };
            each(Decoded::Bad { record: number, offset, length: bytes.len(), error });
        }
        // A row is read as far as it has columns; the other formats say nothing of a line they do not fit.
        if decoded.is_ok() || columns.is_some_and(Columns::is_named) {
            let head = table.map_or(&[][..], |table| table.head);
            each(Decoded::Event { event: self.event.text_event(bytes), record: number, head });
        }
    }

    fn otlp(&mut self, text: &str, record: Record<'_>, names: &FieldNames, each: &mut Each<'_>) {
        let mut number = record.number;
        let result = otlp::decode(text, names, &mut self.scanner, &mut self.event, &mut |event| {
            each(Decoded::Event { event, record: number, head: &[] });
            number += 1;
        });
        if let Err(error) = result {
            let Record { bytes, offset, .. } = record;
            each(Decoded::Bad { record: number, offset, length: bytes.len(), error });
        }
    }

    /// Lays out a syslog message, or a line without structure, with what its text holds.
    fn message(&mut self, text: &str, format: Format, names: &FieldNames) {
        let message = if format == Format::Lines { Message::plain(text) } else { Message::of(text) };
        payload::decode(message.message, &mut self.scanner, names, &mut self.event);
        message.put(self.options.received, &mut Fields::new(names, &mut self.event));
    }

    /// Lays out a line of one of the other formats.
    fn line(
        &mut self,
        text: &str,
        format: Format,
        columns: Option<&Columns>,
        names: &FieldNames,
    ) -> Result<(), &'static str> {
        let mut fields = Fields::new(names, &mut self.event);
        match (format, columns) {
            (Format::Cef, _) => cef::decode_line(text, &mut fields),
            (Format::Leef, _) => leef::decode_line(text, &mut fields),
            (Format::Logfmt, _) => logfmt::decode_line(text, &mut fields),
            (Format::Auditd, _) => auditd::decode_line(text, &mut fields),
            (Format::AccessLog, _) => access_log::decode_line(text, &mut fields),
            (_, Some(columns)) => columns.decode_line(text, &mut fields),
            _ => Ok(()),
        }
    }
}

fn without_newline(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
