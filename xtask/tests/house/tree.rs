//! The workspace as the tests see it: packages, who needs whom, source files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use xtask::workspace::{files, metadata, root};

/// A package, ours or from outside.
#[derive(Debug)]
pub struct Package {
    pub name: String,
    pub licence: String,
    pub manifest: PathBuf,
    pub ours: bool,
    /// What it needs to run or to be built, on this platform.
    pub needs: BTreeSet<String>,
    /// What only its tests, benches and examples need.
    pub needs_for_tests: BTreeSet<String>,
}

/// All packages, by their cargo id.
pub fn packages() -> &'static BTreeMap<String, Package> {
    static PACKAGES: OnceLock<BTreeMap<String, Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let metadata = metadata().expect("cargo metadata runs");
        let members: BTreeSet<&str> =
            list(&metadata["workspace_members"]).filter_map(Value::as_str).collect();
        let package = |package: &Value| {
            let id = text(&package["id"]);
            let node = list(&metadata["resolve"]["nodes"]).find(|node| node["id"] == package["id"]);
            let needed = |test: bool| {
                let edges = node.iter().flat_map(|node| list(&node["deps"]));
                let edges =
                    edges.filter(|edge| list(&edge["dep_kinds"]).any(|k| (k["kind"] == "dev") == test));
                edges.map(|edge| text(&edge["pkg"])).collect()
            };
            let fresh = Package {
                name: text(&package["name"]),
                licence: package["license"].as_str().unwrap_or("none stated").to_owned(),
                manifest: PathBuf::from(text(&package["manifest_path"])),
                ours: members.contains(id.as_str()),
                needs: needed(false),
                needs_for_tests: needed(true),
            };
            (id, fresh)
        };
        list(&metadata["packages"]).map(package).collect()
    })
}

/// Our packages.
pub fn ours() -> impl Iterator<Item = &'static Package> {
    packages().values().filter(|package| package.ours)
}

/// One of our packages.
pub fn our(name: &str) -> &'static Package {
    ours().find(|package| package.name == name).unwrap_or_else(|| panic!("there is no package {name}"))
}

/// Everything that ends up in, or builds, the package: what it needs, and what that needs.
pub fn closure(package: &'static Package) -> Vec<&'static Package> {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&Package> = vec![package];
    let mut all = Vec::new();
    while let Some(package) = open.pop() {
        for id in &package.needs {
            if known.insert(id) {
                all.push(&packages()[id]);
                open.push(&packages()[id]);
            }
        }
    }
    all
}

/// Name and licence of every package that cargo really builds for these `cargo tree` arguments, features
/// and platform considered (which `cargo metadata` overestimates).
pub fn built(arguments: &[&str]) -> BTreeSet<(String, String)> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--prefix=none", "--format={p}|{l}"]).args(arguments).current_dir(root());
    let output = tree.output().expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let package = |line: &str| {
        let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
        Some((package.split(' ').next()?.to_owned(), licence.to_owned()))
    };
    text.lines().filter_map(package).collect()
}

/// A Rust source file of ours.
#[derive(Debug)]
pub struct Source {
    /// From the root.
    pub path: String,
    pub text: String,
}

impl Source {
    /// Whether the whole file is there for tests and measurements only.
    pub fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "benches" | "bench" | "fuzz" | "examples"))
            || test_modules().contains(self.path.trim_end_matches(".rs").trim_end_matches("/mod"))
    }

    /// The lines, with their numbers, that are neither comments nor the tests at the end of the file.
    pub fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        lines.filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(at, line)| (at + 1, line))
    }

    /// The modules in files of their own that it declares for tests only, as paths without `.rs`.
    fn declared_for_tests(&self) -> impl Iterator<Item = String> {
        let place = self.path.trim_end_matches(".rs");
        let folder = ["/mod", "/lib", "/main"].iter().find_map(|name| place.strip_suffix(name));
        let folder = folder.unwrap_or(place);
        let after = self.text.split("#[cfg(test)]\nmod ").skip(1);
        let names = after.filter_map(|rest| rest.split_once(';')).map(|(name, _)| name);
        let names = names.filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
        names.map(move |name| format!("{folder}/{name}"))
    }
}

fn test_modules() -> &'static BTreeSet<String> {
    static MODULES: OnceLock<BTreeSet<String>> = OnceLock::new();
    MODULES.get_or_init(|| sources().iter().flat_map(Source::declared_for_tests).collect())
}

/// All Rust source files of ours.
pub fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let files = files().expect("git lists the files");
        let rust = files.iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
        let source = |path: &PathBuf| Source {
            path: path.display().to_string(),
            text: std::fs::read_to_string(root().join(path)).expect("sources are UTF-8"),
        };
        rust.map(source).collect()
    })
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
