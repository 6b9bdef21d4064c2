//! `docs/dependencies.md` names what we build upon, exactly, and nothing that may not be shipped is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use xtask::workspace::root;

use crate::licence::complies;
use crate::tree::{built, ours, packages};

/// Cryptography that needs a foreign library or build; the one permitted is `ring`.
const FOREIGN_CRYPTOGRAPHY: &[&str] = &[
    "aws-lc-fips-sys",
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "mbedtls",
    "native-tls",
    "openssl",
    "openssl-sys",
    "wolfssl",
];

#[test]
fn the_document_names_every_direct_dependency_with_its_licence_and_purpose_and_no_other() {
    let mut used: BTreeMap<&str, &str> = BTreeMap::new();
    for package in ours() {
        for needed in package.needs.iter().chain(&package.needs_for_tests).map(|id| &packages()[id]) {
            if !needed.ours {
                used.insert(&needed.name, &needed.licence);
            }
        }
    }
    let document = document();
    let mut named: BTreeMap<&str, &str> = BTreeMap::new();
    for row in rows(&document) {
        let [name, licence, users, why] = row[..] else { panic!("a row of four cells: {row:?}") };
        assert!(!users.is_empty() && why.len() > 10, "{name}: who uses it, and why?");
        assert_eq!(named.insert(name.trim_matches('`'), licence), None, "{name} is named twice");
    }
    let names = |map: &BTreeMap<&str, &str>| map.keys().map(|name| name.to_string()).collect::<BTreeSet<_>>();
    let missing: Vec<_> = names(&used).difference(&names(&named)).cloned().collect();
    let gone: Vec<_> = names(&named).difference(&names(&used)).cloned().collect();
    assert!(missing.is_empty(), "docs/dependencies.md does not name {missing:?}");
    assert!(gone.is_empty(), "docs/dependencies.md names {gone:?}, which nothing depends on any more");
    for (name, licence) in used {
        assert_eq!(named[name], licence, "the licence of {name}");
    }
}

#[test]
fn what_is_shipped_is_under_permitted_licences() {
    let document = document();
    let shipped = permitted(&document, "shipped");
    let packages = built(&["--package=ward", "--edges=normal,build"]);
    assert!(packages.len() > 50, "cargo tree tells only {packages:?}");
    assert_eq!(forbidden(packages, &shipped), Vec::<String>::new());
}

#[test]
fn what_tests_and_tools_use_is_under_permitted_licences() {
    let document = document();
    let mut allowed = permitted(&document, "shipped");
    allowed.extend(permitted(&document, "tests and tools"));
    let packages = built(&["--workspace", "--all-features", "--edges=normal,build,dev"]);
    assert_eq!(forbidden(packages, &allowed), Vec::<String>::new());
}

#[test]
fn no_foreign_cryptography() {
    for (name, _) in built(&["--workspace", "--all-features", "--edges=normal,build,dev"]) {
        assert!(!FOREIGN_CRYPTOGRAPHY.contains(&name.as_str()), "{name}");
    }
}

fn forbidden(packages: BTreeSet<(String, String)>, allowed: &[&str]) -> Vec<String> {
    let forbidden = packages.into_iter().filter(|(_, licence)| !complies(licence, allowed));
    forbidden.map(|(name, licence)| format!("{name} ({licence})")).collect()
}

fn document() -> String {
    fs::read_to_string(root().join("docs/dependencies.md")).unwrap()
}

/// The rows of the tables, without headings and rules.
fn rows(document: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

/// The licences after `Permitted in WHAT:`.
fn permitted<'a>(document: &'a str, what: &str) -> Vec<&'a str> {
    let start = format!("Permitted in {what}: ");
    let line = document.lines().find_map(|line| line.strip_prefix(start.as_str()));
    line.expect("the line is there").trim_end_matches('.').split(", ").collect()
}
