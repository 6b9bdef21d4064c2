//! `cargo xtask assets`: what the console's pages are made of and is not ours.
//!
//! The templates come from PyPI and the styles and scripts from npm, by `pip` and `npm` as they are set up here.
//! Their versions and checksums are in `crates/pages/upstream`; both tools refuse anything else. What is needed of
//! them is laid out in `target/assets`, from where `crates/pages` puts it into the program.
//!
//! Invariant: what is laid out fetches nothing from elsewhere: no remote font, no source map.
//! Invariant: `target/assets` is whole and of the versions that its stamp says, or not there.

mod style;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::{program, shown};
use crate::workspace::{root, target_directory};
use crate::{Command, TaskError};

/// The subcommand.
pub const COMMAND: Command = Command {
    name: "assets",
    summary: "fetch the templates, styles and scripts that the pages are made of",
    help: HELP,
    run,
};

const HELP: &str = "\
Fetches the NHS.UK frontend (templates with pip, styles and scripts with npm, both in pinned versions and checked)
and lays out in target/assets what crates/pages puts into the program:
  templates  the official templates
  public     styles, scripts and pictures, without the fonts that they would fetch from elsewhere
  fixtures   the official examples, which a test renders
Usage: cargo xtask assets

Needed once after a clone, and when crates/pages/upstream changes; demo, test, bench, crash and deb do it themselves.
Does nothing where all is there. WARD_ASSETS names a folder where it is laid out already, for builds without network.
  cargo xtask assets && cargo build --release";

/// Names the folder where everything is laid out, if it is not `target/assets`.
pub const VARIABLE: &str = "WARD_ASSETS";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    if let Some(argument) = arguments.first() {
        return Err(TaskError::argument(argument, "unknown; see cargo xtask assets --help"));
    }
    println!("assets: {}", lay_out()?.display());
    Ok(true)
}

/// Gives the folder, laying it out first where it is missing or of other versions.
///
/// # Errors
/// `WARD_ASSETS` names no folder; `pip` or `npm` fail, or bring something else than expected.
pub fn lay_out() -> Result<PathBuf, TaskError> {
    if let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        let reason = "the folder named by WARD_ASSETS does not exist";
        return fs::canonicalize(&folder)
            .map_err(|_| TaskError::argument(&folder.display().to_string(), reason));
    }
    let folder = target_directory()?.join("assets");
    let upstream = root().join("crates/pages/upstream");
    let stamp = stamp(&upstream)?;
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|known| known == stamp) {
        return Ok(folder);
    }
    let fetched = Fetched::fetch(&upstream, &folder.with_extension("fetched"))?;
    let fresh = folder.with_extension("fresh");
    remove(&fresh)?;
    fetched.lay_out(&fresh)?;
    write(&fresh.join(STAMP), stamp.as_bytes())?;
    remove(&folder)?;
    fs::rename(&fresh, &folder).map_err(TaskError::file(&folder))?;
    remove(&fetched.0)?;
    Ok(folder)
}

/// Says which versions are laid out, and how. `crates/pages/build.rs` reads it too.
const STAMP: &str = "stamp";

/// The files of `crates/pages/upstream` that pin versions and checksums.
const PINS: [&str; 2] = ["requirements.txt", "package-lock.json"];

/// To be raised when something is laid out otherwise.
const LAYOUT: &str = "layout 1\n";

/// What the stamp of the pinned versions is: the pins themselves, then the layout.
fn stamp(upstream: &Path) -> Result<String, TaskError> {
    let mut stamp = String::new();
    for name in PINS {
        let path = upstream.join(name);
        stamp.push_str(&fs::read_to_string(&path).map_err(TaskError::file(&path))?);
    }
    Ok(stamp + LAYOUT)
}

/// The folder that `pip` and `npm` installed into.
struct Fetched(PathBuf);

impl Fetched {
    fn fetch(upstream: &Path, into: &Path) -> Result<Self, TaskError> {
        remove(into)?;
        let (python, node) = (into.join("python"), into.join("node"));
        for name in ["package.json", "package-lock.json"] {
            copy(&upstream.join(name), &node.join(name))?;
        }
        let mut pip = program("python3");
        // as root it warns of what is done into a folder of ours
        pip.env("PIP_ROOT_USER_ACTION", "ignore");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]);
        pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--target"]).arg(&python);
        done(pip.arg("--requirement").arg(upstream.join("requirements.txt")), "Python 3 with pip")?;
        let mut npm = program("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        done(npm.current_dir(&node), "Node.js with npm")?;
        Ok(Self(into.to_owned()))
    }

    fn lay_out(&self, into: &Path) -> Result<(), TaskError> {
        let python = self.0.join("python");
        let node = self.0.join("node/node_modules/nhsuk-frontend");
        let (templates, dist) = (python.join("nhsuk_frontend_jinja/templates"), node.join("dist/nhsuk"));
        for path in files(&templates)? {
            copy(&templates.join(&path), &into.join("templates").join(&path))?;
        }
        let style = read(&dist.join("nhsuk-frontend.min.css"))?;
        let style = style::local(&style).map_err(|reason| unexpected("nhsuk-frontend.min.css", &reason))?;
        write(&into.join("public/nhsuk-frontend.css"), style.as_bytes())?;
        for name in style::pictures(&style) {
            copy(&dist.join("assets").join(name), &into.join("public").join(name))?;
        }
        let script = read(&dist.join("nhsuk-frontend.min.js"))?;
        write(&into.join("public/nhsuk-frontend.js"), style::without_map(&script).as_bytes())?;
        for path in files(&dist.join("components"))?.iter().filter(|path| path.ends_with("fixtures.json")) {
            let Some(component) = path.parent() else { continue };
            let name = component.display().to_string().replace('/', "-");
            copy(&dist.join("components").join(path), &into.join(format!("fixtures/{name}.json")))?;
        }
        Ok(())
    }
}

/// Runs a command that must succeed.
fn done(command: &mut std::process::Command, needs: &str) -> Result<(), TaskError> {
    if shown(command)? {
        return Ok(());
    }
    Err(TaskError::Failed(format!("fetching the assets (it needs {needs})")))
}

/// All files below a folder, as paths from it, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, TaskError> {
    let (mut open, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place).map_err(TaskError::file(&place))? {
            let path = entry.map_err(TaskError::file(&place))?.path();
            match path.strip_prefix(folder) {
                _ if path.is_dir() => open.push(path),
                Ok(inside) => found.push(inside.to_owned()),
                Err(_) => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String, TaskError> {
    fs::read_to_string(path).map_err(TaskError::file(path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TaskError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(TaskError::file(folder))?;
    }
    fs::write(path, bytes).map_err(TaskError::file(path))
}

fn copy(from: &Path, to: &Path) -> Result<(), TaskError> {
    write(to, &fs::read(from).map_err(TaskError::file(from))?)
}

fn remove(folder: &Path) -> Result<(), TaskError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(TaskError::file(folder)(error)),
        _ => Ok(()),
    }
}

fn unexpected(what: &str, reason: &str) -> TaskError {
    TaskError::Unexpected { what: what.to_owned(), reason: reason.to_owned() }
}
