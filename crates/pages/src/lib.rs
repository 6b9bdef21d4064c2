//! The console's pages: what they look like, and the headers they go out with. What is on them comes from `web`.
//!
//! A page is a template below `templates/`, named by its path there, that extends `layout.jinja` and fills its block
//! `content` with the official macros of the NHS.UK frontend and ours (`charts.jinja`). A
//! [`Console`] is made once; [`Console::render`] fills a template with a [`Page`] (title, navigation, notices,
//! errors) and with what the page shows; [`headers::page`] makes an answer of it. [`Console::assets`] serves
//! styles and scripts out of the program.
//!
//! Invariant: every page works without JavaScript; a script only adds to it.
//! Invariant: what a page shows is text and is escaped, unless it is a [`Markup`], which only this crate writes.
//! Invariant: no inline style, no inline script, nothing from another host (`tests/it/whole.rs` looks for them).
//! Invariant: the official macros render as their authors say: `tests/it/conformance.rs` renders all their fixtures.
//!
//! Pure but for naming axum's types: no clock, files or network of its own.

pub mod asset;
pub mod brand;
pub mod chart;
mod console;
mod embedded;
mod engine;
mod gzip;
pub mod headers;
mod markup;
pub mod navigation;
mod page;
mod router;
mod shims;
pub mod table;
pub mod words;

pub use brand::{BadBrand, Brand};
pub use console::{Console, PagesError};
pub use engine::environment;
pub use markup::Markup;
pub use page::{Fault, Link, Notice, Page};
