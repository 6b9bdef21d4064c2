//! The built binary, as its users meet it.

mod desk;
mod detect;
mod formats;
mod rules;
