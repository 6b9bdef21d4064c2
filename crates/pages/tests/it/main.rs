//! The pages as browsers get them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod conformance;
mod contrast;
mod html;
mod layout;
#[path = "../sample/mod.rs"]
mod sample;
mod whole;
