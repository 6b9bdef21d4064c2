//! The console: pages for people, made on the server, that work without JavaScript.
//!
//! [`VIEWS`] is one table of all pages, as [`crate::ROUTES`] is of the interface for programs; both share the
//! functions of their domains. What a request goes through: `guard` finds the browser's session and refuses forms
//! that come from elsewhere; the table says who may; only then does the function of the page run, with a
//! `visit::Visit` that holds all it may use.
//!
//! Invariant: a page changes nothing when it is only looked at (GET), and nothing at all for a form of another site.
//! Invariant: what is outside the scope of whoever looks answers exactly as what does not exist.
//! Invariant: nothing secret stands in a page that is packed, or in a query string.

mod account;
mod alerts;
mod connect;
mod cookies;
mod doors;
mod form;
mod guard;
mod hunt;
mod letters;
mod list;
mod live;
mod now;
mod organisations;
mod origin;
mod overview;
mod people;
mod places;
mod record;
mod refused;
mod rules;
mod sign_in;
mod sources;
mod table;
mod view;
mod visit;

pub use table::VIEWS;
pub use view::{Door, View};

pub(crate) use doors::Doors;
pub(crate) use guard::{nowhere, pages};
pub(crate) use live::places;
pub(crate) use overview::Overviews;
