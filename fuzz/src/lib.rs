//! Fuzz targets: one for every parser of outside bytes.
//!
//! A target takes any bytes and must come back: no panic, no overflow, no endless loop, no memory beyond
//! the parser's own limits. Where there is a second opinion (another parser, a slower matcher), a target
//! also compares. `cargo xtask fuzz` drives them; the tests of this crate replay the seeds in `seeds/`,
//! whole, cut short and with flipped bits, on every machine.
//!
//! Invariant: every source file that reads outside bytes is named by a target's `covers`
//! (`tests/it/coverage.rs` keeps it).

#![allow(clippy::panic)] // a target reports by panicking

mod json;

/// One fuzz target.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its folder in `seeds/`.
    pub name: &'static str,
    /// The source files, or folders of them, whose parsers it exercises, from `crates/`.
    pub covers: &'static [&'static str],
    /// Runs one input.
    pub run: fn(&[u8]),
}

impl Target {
    /// The target of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }
}

/// All targets, by name.
pub const TARGETS: &[Target] =
    &[Target { name: "json", covers: &["telemetry/src/json.rs"], run: json::scanner }];
