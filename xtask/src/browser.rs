//! `cargo xtask browser`: walks the console as its users do, in Chromium.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::{answers, program, shown};
use crate::demo::{Demo, Visitor};
use crate::tally::Tally;
use crate::workspace::{in_ci, root, target_directory};
use crate::{Command, TaskError, clients};

/// The subcommand.
pub const COMMAND: Command =
    Command { name: "browser", summary: "walk the console in Chromium, as its users do", help: HELP, run };

const HELP: &str = "\
Starts the demonstration, lets a person of each role come in by a link, and opens every page that they are offered in
Chromium: at 1280 and 375 pixels, with and without JavaScript. Each page must fit its width, have no violation of
axe-core (wcag2a/aa, 21, 22, best practice) and say nothing on the browser's console. A verdict is recorded by keys
alone, and by forms alone. Pictures and report.json go to target/browser.
Usage: cargo xtask browser

Needs Node.js with npm and Chromium (WARD_CHROMIUM, else /usr/bin/chromium).
  cargo xtask browser                    after a change of a page; then look at the pictures";

/// Where the scripts are.
const SCRIPTS: &str = "tests/browser";

/// Who walks.
const PEOPLE: [Visitor; 5] = [
    ("Noor Analyst", "national-analyst", &["--whole-sector"]),
    ("Lena Lead", "organisation-lead", &["--at", "RGH"]),
    ("Mo Manager", "organisation-member", &["--at", "RGH"]),
    ("Bea Board", "board-member", &["--at", "RGH"]),
    ("Ada Admin", "administrator", &["--whole-sector"]),
];

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    if let Some(argument) = arguments.first() {
        return Err(TaskError::argument(argument, "unknown; see cargo xtask browser --help"));
    }
    Ok(walk()?.failed == 0)
}

/// Walks, and counts it as one. Skipped where there is no browser; CI installs one.
///
/// # Errors
/// Something of it cannot be run at all.
pub fn walk() -> Result<Tally, TaskError> {
    let chromium =
        std::env::var_os("WARD_CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    if !chromium.exists() && in_ci() {
        clients::install_package("chromium");
    }
    if !chromium.exists() || !answers("npm", &["--version"]) {
        println!("skipped: no Chromium at {}, or no npm", chromium.display());
        return Ok(Tally::skip());
    }
    let (folder, output) =
        (target_directory()?.join("browser/run"), target_directory()?.join("browser/pictures"));
    lay_out(&folder)?;
    if output.exists() {
        fs::remove_dir_all(&output).map_err(TaskError::file(&output))?;
    }
    if !shown(program("npm").args(["ci", "--no-audit", "--no-fund", "--prefix"]).arg(&folder))? {
        return Err(TaskError::Failed("npm ci".to_owned()));
    }
    let mut demo = Demo::begin(&PEOPLE)?;
    let people: Vec<String> = PEOPLE
        .iter()
        .zip(&demo.links)
        .map(|((name, role, _), link)| format!(r#"{{"name":"{name}","role":"{role}","link":"{link}"}}"#))
        .collect();
    let mut node = program("node");
    node.arg(folder.join("walk.mjs"))
        .arg(&output)
        .env("WARD_SITE", demo.site())
        .env("WARD_CHROMIUM", &chromium);
    node.env("WARD_PEOPLE", format!("[{}]", people.join(",")));
    let good = shown(&mut node)?;
    demo.stop()?;
    Ok(Tally::one(good))
}

/// Copies the scripts to where packages may lie beside them.
fn lay_out(folder: &Path) -> Result<(), TaskError> {
    fs::create_dir_all(folder).map_err(TaskError::file(folder))?;
    let scripts = root().join(SCRIPTS);
    for entry in fs::read_dir(&scripts).map_err(TaskError::file(&scripts))? {
        let entry = entry.map_err(TaskError::file(&scripts))?;
        if entry.path().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).map_err(TaskError::file(folder))?;
        }
    }
    Ok(())
}
