//! The interface as those see it who ask.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod browser;
mod described;
mod doors;
mod events;
mod kit;
mod manners;
mod roles;
mod scope;
mod views;
mod work;
