//! The hub over HTTP: JSON for programs below `/api/v1`, and the console, pages for people ([`console`]).
//!
//! [`ROUTES`] is one table of all that is served. The router, the checks before each answer, the description
//! at `/api/v1/openapi.json` and the tests of who may see what are all made from it, so that none of them can
//! drift from the others.
//!
//! What a request goes through: `guard` gives it a number, a time limit and the headers that every answer
//! carries; `access` finds out who is asking; the table says which role that needs and which parameters
//! there are; only then does the function of its domain run, with an `ask::Ask` that holds all it may use.
//!
//! Invariant: nothing below `/api/v1` answers anything before a token was found good.
//! Invariant: what is outside the scope of a token answers exactly as what does not exist.
//! Invariant: a failure of ours tells its number, and nothing else.
//! Invariant: no token, query or event is logged.

mod access;
mod alerts;
mod ask;
pub mod catalogue;
pub mod console;
mod cursor;
mod dead_letters;
mod devices;
mod events;
mod exceptions;
mod findings;
mod guard;
mod health;
mod json;
mod ledger;
mod me;
mod openapi;
mod organisations;
mod parameters;
mod refusal;
mod route;
mod rules;
mod sources;
mod sql;
mod state;
mod table;
mod turns;

pub use guard::routes;
pub use openapi::document;
pub use route::{Kind, Least, Parameter, Route};
pub use state::{Answering, Caller, Check, HuntLimits, RefusedRule, RuleText, RulesReport, State, Telling};
pub use table::ROUTES;
