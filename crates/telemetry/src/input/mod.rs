//! Streams of bytes to events.
//!
//! [`Input::open`] undoes the compression and recognises the format, both by content. [`Input::next_block`]
//! then hands out blocks of whole records: the only step that threads which share an input take in turn.
//! Each thread decodes its blocks with a [`Decoder`] of its own.
//!
//! Invariant: what is handed out does not depend on how the bytes arrive or how long blocks are.
//! Invariant: each record is given as an event, or as an error with its number and place; what could be
//! read before, in and after a damaged part is given.
//! Invariant: memory is bounded by [`Limits`], whatever the input.
//!
//! The formats are those of [`Format`]; each one's module says which field names it gives and which
//! document it follows. A byte order mark is passed over; UTF-16 is read as UTF-8.

mod access_log;
mod auditd;
mod block;
mod cef;
mod compression;
mod decode;
mod documents;
mod evtx;
mod fields;
mod format;
mod frame;
mod gzip;
mod kept;
mod leef;
mod logfmt;
mod options;
mod otlp;
mod payload;
mod reader;
mod recognise;
mod streams;
mod syslog;
mod table;
mod utf16;
mod window;
mod zstd;

pub use block::Block;
pub use compression::Source;
pub use decode::{Decoded, Decoder, MAX_HEAD};
pub use format::Format;
pub use kept::{Part, parts, stands_verbatim, without_head};
pub use options::{Limits, Options};
pub use streams::Stream;
pub use zstd::Zstd;

use crate::Error;
use compression::Plain;
use documents::Documents;
use frame::Framer;
use reader::Progress;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use table::Columns;
use window::Window;

/// An input being read.
pub struct Input {
    format: Format,
    options: Options,
    window: Window,
    framer: Option<Box<dyn Framer>>,
    progress: Progress,
    /// The header in force where the next block starts, for tables.
    columns: Option<Arc<Columns>>,
}

impl Input {
    /// Looks at the first bytes of `source` and gets ready to read it. An input without any bytes but white
    /// space has no records.
    ///
    /// # Errors
    /// The source cannot be read, or its content is of no known format.
    pub fn open(source: Source, options: &Options) -> Result<Self, Error> {
        let mut window = Window::new(Plain::open(source, &options.limits)?, options.live);
        let head = window.look_ahead(recognise::HEAD);
        let mark = if head.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        window.discard(mark);
        let head = window.data();
        let known = match options.format {
            // Which of the ways to write JSON it is, is still told from the content.
            Some(Format::Json) => Ok(match recognise::recognise(head, window.ended()) {
                Ok(format @ (Format::JsonLines | Format::Otlp)) => format,
                _ => Format::Json,
            }),
            Some(format) => Ok(format),
            None if head.trim_ascii().is_empty() => Ok(Format::Lines),
            None => recognise::recognise(head, window.ended()),
        };
        let format = match known {
            Ok(format) => format,
            Err(unknown) => return Err(window.failure().unwrap_or(unknown)),
        };
        let framer = framer(format, head, options);
        let columns = matches!(format, Format::Zeek | Format::W3c).then(|| Arc::new(Columns::none(format)));
        window.keep_ahead();
        let options = options.clone();
        Ok(Self { format, options, window, framer, progress: Progress::default(), columns })
    }

    /// The format it is read as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes taken from the source so far, compressed as they are; another thread may look at it.
    pub fn taken(&self) -> Arc<AtomicU64> {
        self.window.taken()
    }

    /// The next block, in the memory of `reuse` (see [`Block::into_memory`]). `None`: the end.
    ///
    /// # Errors
    /// The input ends before its end: it cannot be read on, its compression is damaged, or it is a bomb.
    /// This is told once, after all that came before.
    pub fn next_block(&mut self, reuse: Vec<u8>) -> Result<Option<Block>, Error> {
        self.window.begin(reuse);
        let block = match self.framer.take() {
            Some(mut framer) => {
                let block = self.frames(framer.as_mut());
                self.framer = Some(framer);
                block
            }
            None => self.lines(),
        };
        match block {
            Some(block) => Ok(Some(block)),
            None => self.window.failure().map_or(Ok(None), Err),
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What finds the records of a format. `None`: they are lines.
fn framer(format: Format, head: &[u8], options: &Options) -> Option<Box<dyn Framer>> {
    Some(match format {
        Format::Evtx => Box::new(evtx::Chunks::default()),
        Format::Json => Box::new(Documents::default()),
        Format::Otlp => Box::new(Documents::otlp()),
        Format::SyslogFrames => Box::new(frame::Counted { limit: options.limits.record }),
        Format::Csv => {
            let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
            let header = String::from_utf8_lossy(head.get(..end).unwrap_or_default());
            Box::new(frame::Rows { delimiter: table::csv_delimiter(&header).unwrap_or(',') })
        }
        _ => return None,
    })
}
