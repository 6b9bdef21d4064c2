//! The rules that come with Ward, and the tables of log sources they need, put into the binary when it is
//! built.

/// Path (from the repository's root) and text of each file, sorted by path.
pub const OWN_RULES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/own_rules.rs"));

/// Path and text of each table of log sources (TOML), sorted by path.
pub const OWN_TABLES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/own_tables.rs"));
