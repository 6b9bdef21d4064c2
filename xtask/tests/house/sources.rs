//! What may not stand in the repository.

use std::fs;

use xtask::workspace::{files, root};

use crate::tree::{ours, sources};

#[test]
fn no_crate_may_use_unsafe_code() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"forbid\""));
    for package in ours() {
        let manifest = fs::read_to_string(&package.manifest).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not take the workspace's lints",
            package.name
        );
    }
}

#[test]
fn no_test_is_ignored() {
    let mark = ["#[", "ignore"].concat();
    for source in sources() {
        let line = source.text.lines().position(|line| line.trim_start().starts_with(&mark));
        assert_eq!(line, None, "{} ignores a test", source.path);
    }
}

#[test]
fn no_work_is_left_marked_as_unfinished() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    for source in sources() {
        for mark in &marks {
            let line = source.text.lines().position(|line| line.contains(mark));
            assert_eq!(line.map(|at| at + 1), None, "{}: {mark}", source.path);
        }
    }
}

/// Where it was built, and from where its parts came, is nobody's business and soon untrue.
#[test]
fn no_file_names_a_build_machine_or_a_package_registry() {
    let here = root().display().to_string();
    let words = [
        ["crates", ".io"].concat(),
        ["registry.npm", "js.org"].concat(),
        ["pypi", ".org"].concat(),
        ["proxy.gol", "ang.org"].concat(),
        ["/work", "/shared"].concat(),
        ["/work", "/main"].concat(),
        ["/tmp/bash", "_jobs"].concat(),
        here,
    ];
    let mut found = Vec::new();
    for path in files().unwrap() {
        if path.ends_with("Cargo.lock") {
            continue; // cargo writes the index's public name
        }
        let bytes = fs::read(root().join(&path)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for word in words.iter().filter(|word| text.contains(*word)) {
            found.push(format!("{}: {word}", path.display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
