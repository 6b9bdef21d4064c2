//! Puts what the repository's `rules/` has into the binary, as tables of path and text: Sigma rules
//! (`*.yml`) and tables of log sources (`*.toml`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = manifest.join("../../rules");
    let mut files = Vec::new();
    if root.is_dir() {
        collect(&root, &mut files)?;
    }
    files.sort();
    let out = PathBuf::from(variable("OUT_DIR")?);
    for (endings, name) in [(&["yml", "yaml"][..], "own_rules.rs"), (&["toml"], "own_tables.rs")] {
        let mut table = String::from("[\n");
        for file in files.iter().filter(|file| has_ending(file, endings)) {
            let shown = file.strip_prefix(&root).unwrap_or(file).to_string_lossy().replace('\\', "/");
            let _ = writeln!(table, "    (\"rules/{shown}\", include_str!({:?})),", file.canonicalize()?);
        }
        table.push_str("]\n");
        fs::write(out.join(name), table)?;
    }
    Ok(())
}

fn has_ending(file: &Path, endings: &[&str]) -> bool {
    file.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known))
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|e| io::Error::other(format!("{name}: {e}")))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
