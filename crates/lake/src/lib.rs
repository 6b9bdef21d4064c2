//! Events as Parquet, by organisation and day, and the search over them.
//!
//! A [`SegmentWriter`] makes files of a segment of the journal; the caller records them in the catalogue as
//! [`LakeFile`]s, and only then lets the segment go. [`Lake::search`] answers a [`Query`], newest first;
//! [`Lake::sql`] answers SQL; [`Lake::raw_events`] gives the original bytes back, to be matched again.
//! [`Lake::compact`] merges small files, [`Retention`] tells which are too old, [`Lake::leftovers`] what unfinished
//! work left.
//!
//! Invariants:
//! - What the catalogue lists is whole and durable: files get their names last.
//! - A scope is enforced under the question: files beyond it are never opened, whatever is asked.
//! - The fast search answers what [`Query::matches`] answers. (properties in `tests/it`)

pub mod query;

mod error;
mod fields;
mod file;
mod json;
mod retention;
mod row;

#[cfg(feature = "engine")]
mod compact;
#[cfg(feature = "engine")]
mod disk;
#[cfg(feature = "engine")]
mod export;
#[cfg(feature = "engine")]
mod index;
#[cfg(feature = "engine")]
mod lake;
#[cfg(feature = "engine")]
mod raw;
#[cfg(feature = "engine")]
mod read;
#[cfg(feature = "engine")]
mod schema;
#[cfg(feature = "engine")]
mod search;
#[cfg(feature = "engine")]
mod sql;
#[cfg(feature = "engine")]
mod view;
#[cfg(feature = "engine")]
mod write;

#[cfg(feature = "engine")]
pub use disk::{Disk, RealDisk};
pub use error::LakeError;
#[cfg(feature = "engine")]
pub use export::{Export, ExportFormat};
pub use file::{Day, LakeFile, path_of, place_of};
#[cfg(feature = "engine")]
pub use lake::Lake;
pub use query::{Query, QueryError};
#[cfg(feature = "engine")]
pub use raw::{RawEvent, RawEvents};
pub use retention::Retention;
pub use row::{FoundRow, LakeRow};
#[cfg(feature = "engine")]
pub use search::{Cancel, Estimate, Limits, Scanned, Search, TimeRange};
#[cfg(feature = "engine")]
pub use sql::{SqlAnswer, SqlProcess, SqlProgram};
#[cfg(feature = "engine")]
pub use write::{SegmentWriter, WriteOptions};
