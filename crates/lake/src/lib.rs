//! Events as Parquet, by organisation and day, and the search over them.

pub mod query;

mod error;
mod file;
mod json;
mod row;

#[cfg(feature = "engine")]
mod index;
#[cfg(feature = "engine")]
mod lake;
#[cfg(feature = "engine")]
mod read;
#[cfg(feature = "engine")]
mod schema;
#[cfg(feature = "engine")]
mod search;
#[cfg(feature = "engine")]
mod view;
#[cfg(feature = "engine")]
mod write;

pub use error::LakeError;
pub use file::{Day, LakeFile, place_of};
#[cfg(feature = "engine")]
pub use lake::Lake;
pub use query::{Query, QueryError};
pub use row::{FoundRow, LakeRow};
#[cfg(feature = "engine")]
pub use search::{Cancel, Estimate, Limits, Scanned, Search, TimeRange};
#[cfg(feature = "engine")]
pub use write::{SegmentWriter, WriteOptions};
