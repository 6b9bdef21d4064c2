//! What can be wrong with bytes from outside. Each text finishes the sentence "could not read ...:".

use crate::input::Format;
use crate::json::Malformed;
use thiserror::Error;

/// Why an input, a part of it or one record could not be read, or not as it stands.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The reader failed.
    #[error("reading failed after byte {offset}")]
    Read {
        /// Decompressed bytes read before.
        offset: u64,
        /// What the reader said.
        source: std::io::Error,
    },
    /// Compressed data ends too early or is damaged.
    #[error("the {kind} data is cut or damaged after {offset} decompressed bytes")]
    Compressed {
        /// `gzip` or `zstd`.
        kind: &'static str,
        /// Decompressed bytes read before.
        offset: u64,
        /// What the decompressor said.
        source: std::io::Error,
    },
    /// Compressed data grows out of all proportion, as a decompression bomb does.
    #[error("{compressed} compressed bytes grew to {decompressed}, more than the limits allow")]
    Bomb {
        /// Bytes taken in.
        compressed: u64,
        /// Bytes they became.
        decompressed: u64,
    },
    /// The content is of no known format.
    #[error(
        "unknown content, it starts with {start}: no magic number, JSON, syslog, key=value or header \
         line was found; the known formats are {formats}, each also as gzip or zstd",
        formats = Format::list()
    )]
    UnknownContent {
        /// The first bytes, escaped.
        start: String,
    },
    /// The name is that of no format.
    #[error("'{name}' is no format; the known formats are {formats}", formats = Format::list())]
    UnknownFormat {
        /// The name as given.
        name: String,
    },
    /// A record is too long; it was skipped.
    #[error("the record is longer than {limit} bytes and was skipped")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A record nests too deep; it was skipped.
    #[error("the record nests deeper than {limit} levels and was skipped")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// A table has too many columns; those beyond the limit are not read.
    #[error("the header has {found} columns, those beyond {limit} are not read")]
    TooManyColumns {
        /// Columns in the header.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A record holds bytes that are not UTF-8. It is read with U+FFFD in their place.
    #[error("byte {at} of the record is not UTF-8; it is read as U+FFFD")]
    NotUtf8 {
        /// Offset in the record.
        at: usize,
    },
    /// A record is no JSON object.
    #[error(transparent)]
    Json(#[from] Malformed),
    /// A record is broken in a way that hides where it ends; reading went on at the next one found.
    #[error("{what}; reading goes on at the next record found")]
    Unclosed {
        /// What is broken.
        what: &'static str,
    },
    /// An element of an array is no object.
    #[error("the value is no object and was skipped")]
    NotAnObject,
    /// The input ends too early.
    #[error("the input ends before {before}")]
    Cut {
        /// What should have come.
        before: &'static str,
    },
    /// Records end wrongly too often: searching on from each of them would take too long.
    #[error("too many records do not end; the rest of the input was not searched")]
    GivenUp,
    /// A line is not what its format wants.
    #[error("the line is not {format}: {reason}")]
    Line {
        /// The format.
        format: Format,
        /// What is missing or wrong.
        reason: &'static str,
    },
    /// A document is not OTLP as JSON.
    #[error("the document is not OTLP")]
    Otlp(#[source] serde_json::Error),
    /// Part of an EVTX file is missing or damaged. What it still held was read.
    #[error("EVTX: {what}")]
    Evtx {
        /// What is wrong.
        what: &'static str,
    },
    /// An EVTX chunk or record could not be decoded.
    #[error("EVTX: {what}")]
    EvtxPart {
        /// What could not be decoded.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A short code for counting: lower case, with hyphens.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Compressed { .. } => "compression",
            Self::Bomb { .. } => "bomb",
            Self::UnknownContent { .. } => "unknown-content",
            Self::UnknownFormat { .. } => "unknown-format",
            Self::TooLong { .. } => "too-long",
            Self::TooDeep { .. } => "too-deep",
            Self::TooManyColumns { .. } => "too-many-columns",
            Self::NotUtf8 { .. } => "not-utf8",
            Self::Json(_) => "json",
            Self::Unclosed { .. } => "unclosed",
            Self::NotAnObject => "no-object",
            Self::Cut { .. } => "cut",
            Self::GivenUp => "given-up",
            Self::Line { .. } => "line",
            Self::Otlp(_) => "otlp",
            Self::Evtx { .. } | Self::EvtxPart { .. } => "evtx",
        }
    }
}
