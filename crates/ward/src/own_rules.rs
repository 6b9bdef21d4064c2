//! The rules that come with Ward, put into the binary when it is built.

/// Path (from the repository's root) and text of each file, sorted by path.
pub const OWN_RULES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/own_rules.rs"));
