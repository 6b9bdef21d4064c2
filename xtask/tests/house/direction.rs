//! Rules of direction: which room may know which.

use crate::tree::{closure, our, ours, packages, sources};

/// What each of our packages may need of ours. A new room is entered here, and in ARCHITECTURE.md.
const MAY_NEED: &[(&str, &[&str])] = &[
    ("ward-core", &[]),
    ("ward-telemetry", &["ward-core"]),
    ("ward-detect", &["ward-core"]),
    ("ward-journal", &["ward-core"]),
    ("ward-ledger", &["ward-core"]),
    ("ward-pages", &["ward-core"]),
    ("ward-people", &["ward-core"]),
    ("ward-store", &["ward-core", "ward-ledger", "ward-people"]),
    ("ward-web", &["ward-core", "ward-lake", "ward-ledger", "ward-pages", "ward-people", "ward-store"]),
    ("ward-intake", &["ward-core", "ward-telemetry"]),
    ("ward-lake", &["ward-core", "ward-telemetry"]),
    (
        "ward",
        &[
            "ward-core",
            "ward-detect",
            "ward-intake",
            "ward-journal",
            "ward-lake",
            "ward-ledger",
            "ward-pages",
            "ward-people",
            "ward-store",
            "ward-telemetry",
            "ward-web",
        ],
    ),
    ("ward-bench", &["ward-core", "ward-telemetry", "ward-detect", "ward-store", "ward"]),
    (
        "ward-fuzz",
        &[
            "ward-core",
            "ward-telemetry",
            "ward-detect",
            "ward-intake",
            "ward-journal",
            "ward-lake",
            "ward-people",
            "ward",
        ],
    ),
    ("xtask", &[]),
];

/// Rooms of pure decisions: no clock, files, network, environment.
const PURE: &[&str] = &["ward-core", "ward-telemetry", "ward-detect", "ward-ledger", "ward-people"];

/// Rooms that are as pure, but put their answers into the types of a web server.
const PURE_BUT_FOR_TYPES: &[&str] = &["ward-pages"];

/// Packages that no pure room may pull in, however deep: runtimes, networks, databases.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "curl",
    "diesel",
    "h2",
    "hyper",
    "mio",
    "mongodb",
    "postgres",
    "quinn",
    "redis",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "sqlx-core",
    "tokio",
    "tonic",
    "ureq",
];

/// What source text of a pure room may not say, outside its tests.
const IMPURE_WORDS: &[&str] = &[
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "std::env",
    "env::var",
    "std::fs",
    "fs::",
    "File::open",
    "std::process",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "thread::sleep",
];

/// Packages that only these of ours may name.
const ONLY: &[(&str, &[&str])] = &[
    ("clap", &["ward", "ward-bench"]),
    ("hyper", &["ward-intake"]),
    ("libfuzzer-sys", &["ward-fuzz"]),
    ("minijinja", &["ward-pages"]),
    ("opentelemetry-proto", &["ward-intake"]),
    ("rsigma-eval", &["ward-bench"]),
    ("socket2", &["ward-intake"]),
    ("sonic-rs", &["ward-bench"]),
    ("sqlx", &["ward-store"]),
];

/// Where a scope may be made: where somebody has been authenticated, and by Ward itself.
const SCOPE_MAKERS: &[&str] = &["crates/core/src/scope.rs", "crates/store/src/auth.rs", "crates/ward/src/"];

#[test]
fn each_room_needs_only_the_rooms_below_it() {
    for package in ours() {
        let rule = MAY_NEED.iter().find(|(name, _)| *name == package.name);
        let (_, allowed) = rule.unwrap_or_else(|| panic!("{} has no rule in MAY_NEED", package.name));
        for needed in package.needs.iter().map(|id| &packages()[id]).filter(|needed| needed.ours) {
            assert!(
                allowed.contains(&needed.name.as_str()),
                "{} may not depend on {}",
                package.name,
                needed.name
            );
        }
    }
}

#[test]
fn pure_rooms_pull_in_no_runtime_network_or_database() {
    for name in PURE {
        for needed in closure(our(name)) {
            assert!(!IMPURE.contains(&needed.name.as_str()), "{name} pulls in {}", needed.name);
        }
    }
}

#[test]
fn pure_rooms_read_no_clock_file_network_or_environment() {
    let mut found = Vec::new();
    for name in PURE.iter().chain(PURE_BUT_FOR_TYPES) {
        let folder = format!("crates/{}/src/", name.trim_start_matches("ward-"));
        for source in sources().iter().filter(|s| s.path.starts_with(&folder) && !s.is_test()) {
            for (line, text) in source.shipped_lines() {
                if let Some(word) = IMPURE_WORDS.iter().find(|word| says(text, word)) {
                    found.push(format!("{}:{line}: {word}", source.path));
                }
            }
        }
    }
    assert!(found.is_empty(), "this belongs in the crate `ward`:\n{}", found.join("\n"));
}

#[test]
fn a_scope_is_made_only_where_somebody_was_authenticated() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.path.contains("/src/") && !source.is_test()) {
        if SCOPE_MAKERS.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        for (line, text) in source.shipped_lines() {
            if ["Scope::of(", "Scope::whole_sector("].iter().any(|word| says(text, word)) {
                found.push(format!("{}:{line}", source.path));
            }
        }
    }
    assert!(found.is_empty(), "a scope comes from ward_store::auth:\n{}", found.join("\n"));
}

#[test]
fn a_package_with_a_home_is_named_nowhere_else() {
    for (guest, homes) in ONLY {
        for package in ours().filter(|package| !homes.contains(&package.name.as_str())) {
            let named = package.needs.iter().chain(&package.needs_for_tests);
            let named = named.map(|id| packages()[id].name.as_str()).any(|name| name == *guest);
            assert!(!named, "only {homes:?} may name {guest}, not {}", package.name);
        }
    }
}

/// Whether the word stands in the text by itself, not as the end of another.
fn says(text: &str, word: &str) -> bool {
    let ends_another = |before: &str| before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| !ends_another(&text[..at]))
}
