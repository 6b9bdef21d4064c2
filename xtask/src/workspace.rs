//! The repository: where it is, what is in it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::TaskError;
use crate::cargo::{cargo, output};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// What `cargo metadata` says about this workspace and, on this machine's platform, its dependencies.
///
/// # Errors
/// Cargo fails, or does not print JSON.
pub fn metadata() -> Result<Value, TaskError> {
    let platform = host()?;
    let mut metadata = cargo(&["metadata", "--format-version=1", "--all-features"]);
    metadata.args(["--filter-platform", &platform]);
    json("cargo metadata", &output(&mut metadata)?)
}

/// Where cargo builds.
///
/// # Errors
/// Cargo fails, or does not say.
pub fn target_directory() -> Result<PathBuf, TaskError> {
    let mut metadata = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    let metadata = json("cargo metadata", &output(&mut metadata)?)?;
    let directory = metadata.get("target_directory").and_then(Value::as_str);
    directory.map(PathBuf::from).ok_or_else(|| unexpected("cargo metadata", "no target_directory"))
}

/// The platform's triple, such as `x86_64-unknown-linux-gnu`.
///
/// # Errors
/// The compiler cannot be asked.
pub fn host() -> Result<String, TaskError> {
    let about = output(crate::cargo::program("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| unexpected("rustc -vV", "no host"))
}

/// The files that are, or are about to be, under version control, as paths from the root.
///
/// # Errors
/// Git fails.
pub fn files() -> Result<Vec<PathBuf>, TaskError> {
    let mut git = crate::cargo::program("git");
    let listed = output(git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let files = listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(files.filter(|path| root().join(path).is_file()).collect())
}

/// Whether this is a run of CI, where nothing may be left out.
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn json(what: &str, text: &str) -> Result<Value, TaskError> {
    serde_json::from_str(text).map_err(|error| unexpected(what, &error.to_string()))
}

fn unexpected(what: &str, reason: &str) -> TaskError {
    TaskError::Unexpected { what: what.to_owned(), reason: reason.to_owned() }
}
