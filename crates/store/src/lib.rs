//! Relational state of the hub, on SQLite or PostgreSQL: who is there, who may do what, what was found, and where the
//! events are. The only room that speaks SQL.
//!
//! Each domain is a module of functions over a [`Store`]. The same SQL text runs on both databases, over TEXT,
//! BIGINT and BYTEA columns.
//!
//! Invariant: every write of somebody's takes an [`Actor`](ward_core::Actor) and a time, and enters the ledger in the
//! same transaction. What is only measured (heartbeats, last use of tokens, tries to sign in) is not entered.
//! Invariant: every read of what belongs to an organisation takes a [`Scope`](ward_core::Scope), which becomes part
//! of the statement; what is outside answers as what does not exist.
//! Invariant: what comes from outside is bound, never part of a statement's text.
//! Invariant: a function that fails has changed nothing, and one that answered has changed it for good.

pub mod alerts;
pub mod auth;
pub mod backup;
mod change;
pub mod checkpoints;
mod database;
pub mod dead_letters;
pub mod dropped_letters;
mod error;
pub mod exceptions;
mod file;
pub mod findings;
pub mod grouping;
pub mod heartbeats;
mod ids;
pub mod lake_files;
pub mod ledger;
mod migrate;
pub mod organisations;
pub mod people;
mod reach;
pub mod room;
#[cfg(test)]
mod sample;
pub mod segments;
mod server;
pub mod sources;
mod sql;
pub mod tokens;
pub mod views;

pub use database::{Kind, Store, StoreOptions};
pub use error::StoreError;
pub use ids::{AlertId, ExceptionId, FindingId, GlassId, GrantId, LinkId, PersonId, SessionId, ViewId};
