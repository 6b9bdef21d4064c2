//! README.md and ARCHITECTURE.md are true.

use std::collections::BTreeSet;
use std::fs;

use xtask::readme::{How, commands};
use xtask::workspace::{files, root};

use crate::tree::ours;

#[test]
fn the_first_two_commands_of_the_readme_are_the_demo_and_the_tests() {
    let readme = read("README.md");
    let commands = commands(&readme).unwrap();
    let first: Vec<&str> = commands.iter().take(2).map(|command| command.text.as_str()).collect();
    assert_eq!(first, ["cargo xtask demo", "cargo xtask test"]);
}

#[test]
fn ci_runs_the_commands_that_the_readme_says_it_runs() {
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    let by_ci = commands(&readme).unwrap().into_iter().filter(|command| command.how == How::ByCi);
    let by_ci: Vec<String> = by_ci.map(|command| command.text).collect();
    assert!(by_ci.contains(&"cargo xtask test".to_owned()), "{by_ci:?}");
    for command in by_ci {
        assert!(ci.lines().any(|line| line.trim() == command), ".ci/run does not run {command}");
    }
}

#[test]
fn the_architecture_names_every_room_that_exists_and_no_other() {
    let text = read("ARCHITECTURE.md");
    let named: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(path, _)| path)
        .collect();
    for path in &named {
        assert!(root().join(path).is_dir(), "ARCHITECTURE.md names {path}, which does not exist");
    }
    for package in ours() {
        let folder = package.manifest.parent().unwrap().strip_prefix(root()).unwrap();
        let folder = folder.display().to_string();
        assert!(named.contains(folder.as_str()), "ARCHITECTURE.md does not name {folder}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in files().unwrap().iter().filter(|path| path.extension().is_some_and(|ext| ext == "md")) {
        let text = read(&path.display().to_string());
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let place = root().join(path).parent().unwrap().join(target);
            assert!(place.exists(), "{} links to {target}, which does not exist", path.display());
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
