//! The shared words of Ward. Pure: no clock, no files, no network.
//!
//! An event travels as an [`Event`]: the bytes it came in, and a list of [`FieldSpan`]s that say which
//! part of those bytes is the value of which known field. Field names are interned once in
//! [`FieldNames`]; what kind of event it is, and therefore which rules apply, is its [`EventClass`].
//! Sources hand events over in a [`Batch`] on behalf of an [`Organisation`]; what is stored is read under a
//! [`Scope`] and written by an [`Actor`].

pub mod batch;
pub mod class;
pub mod event;
pub mod field;
pub mod json;
pub mod log_source;
pub mod organisation;
pub mod scope;
pub mod severity;
pub mod time;

pub use batch::{Batch, BatchId, EventId};
pub use class::{ClassId, EventClass};
pub use event::{Event, EventBuf, FieldSpan, RecordForm, ValueKind};
pub use field::{FieldId, FieldNames, NodeId};
pub use log_source::LogSource;
pub use organisation::{BadCode, Organisation, OrganisationId, OrganisationKind, Source, SourceId};
pub use scope::{Actor, ActorKind, Scope};
pub use severity::Severity;
pub use time::Timestamp;
