//! The built binary, as its users meet it.

#![allow(clippy::unwrap_used)]

mod desk;
mod detect;
mod formats;
mod hub;
mod rules;
mod running;
