//! The program that libFuzzer drives: `cargo xtask fuzz`.
#![no_main]
#![allow(clippy::panic)] // without a target there is nothing to do, and libFuzzer owns `main`

use std::sync::OnceLock;

use ward_fuzz::Target;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let name = std::env::var("WARD_FUZZ_TARGET").unwrap_or_default();
        Target::named(&name).unwrap_or_else(|| panic!("WARD_FUZZ_TARGET names no target: '{name}'"))
    });
    (target.run)(input);
});
