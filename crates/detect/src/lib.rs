//! Sigma rules to a compiled matcher to findings, and correlation over time.
//!
//! The way of a rule: [`load`] parses YAML text and lowers it to a [`Rule`] whose condition is an
//! [`Expr`]; a [`pipeline`] may rename fields and change log sources on the way. The way of an event:
//! its class picks a partition of the rules, compiled once for that class, which tells the rules
//! that fire. [`plain`] says the same by walking the tree: slow, obvious, and the judge of the fast way.
//!
//! Invariant: no clock, files, network or environment in here; time is an argument.
//! Invariant: a rule is either fully in force or named in the load report with its reason.

pub mod about;
pub mod compiled;
pub mod correlate;
pub mod correlation_rule;
pub mod error;
pub mod exception;
pub mod explain;
pub mod leaf;
pub mod load;
pub mod pipeline;
pub mod placeholders;
pub mod plain;
pub mod rule;
mod yaml;

pub use correlation_rule::{Alias, CorrelationCondition, CorrelationKind, CorrelationRule, RefExpr, RuleRef};
pub use error::Error;
pub use exception::Exception;
pub use explain::{Explanation, explain};
pub use load::{LoadOptions, LoadReport, ParsedFile, Problem, RuleSet};
pub use plain::PlainEvent;
pub use rule::{Expr, FieldTest, Pattern, Piece, Rule, Test, TextTest};
