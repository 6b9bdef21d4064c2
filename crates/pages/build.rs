//! Puts templates, styles and scripts into the program: the official ones, as `cargo xtask assets` laid them out,
//! and ours beside them.
//!
//! Without the official ones there are no pages, so the build then ends, and says which command brings them.

#![allow(clippy::print_stdout)] // it speaks to cargo

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::{Compression, GzBuilder};
use twox_hash::XxHash64;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    for ours in ["assets", "templates", "upstream", "build.rs"] {
        println!("cargo::rerun-if-changed={ours}");
    }
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let official = match official(&here)? {
        Ok(folder) => folder,
        Err(why) => {
            println!("cargo::error={why}: run `cargo xtask assets`");
            return Ok(());
        }
    };
    println!("cargo::rerun-if-changed={}", official.join("stamp").display());
    println!("cargo::rustc-env=WARD_PAGES_FIXTURES={}", official.join("fixtures").display());
    let mut out = Out { folder: variable("OUT_DIR")?.into(), assets: String::new(), urls: BTreeMap::new() };
    out.assets(&official.join("public"))?;
    out.assets(&here.join("assets"))?;
    out.finish([&official.join("templates"), &here.join("templates")])
}

/// Names the folder where the official ones are laid out, if not in cargo's target folder.
const VARIABLE: &str = "WARD_ASSETS";

/// Where the official ones are laid out; or why not.
fn official(here: &Path) -> Outcome<Result<PathBuf, &'static str>> {
    let places = match env::var_os(VARIABLE) {
        Some(folder) => vec![PathBuf::from(folder)],
        None => {
            let out = PathBuf::from(variable("OUT_DIR")?);
            let above = out.ancestors().map(|folder| folder.join("assets"));
            above.chain([here.join("../../target/assets")]).collect()
        }
    };
    let Some(folder) = places.into_iter().find(|folder| folder.join("stamp").is_file()) else {
        return Ok(Err("the official templates and styles of the console are missing"));
    };
    let mut pins = String::new();
    for name in ["requirements.txt", "package-lock.json"] {
        pins.push_str(&fs::read_to_string(here.join("upstream").join(name))?);
    }
    let as_pinned = fs::read_to_string(folder.join("stamp"))?.starts_with(&pins);
    Ok(if as_pinned { Ok(folder) } else { Err("the official templates and styles are of other versions") })
}

/// What is put into the program.
struct Out {
    folder: PathBuf,
    /// Entries of the table, as source text.
    assets: String,
    /// Where each asset is served.
    urls: BTreeMap<String, String>,
}

impl Out {
    /// Adds an asset: itself, its hash, and itself compressed if that is worth while.
    fn asset(&mut self, name: &str, bytes: Vec<u8>) -> Outcome<()> {
        let hash = format!("{:016x}", XxHash64::oneshot(0, &bytes));
        let place = self.folder.join("public").join(name);
        fs::create_dir_all(place.parent().unwrap_or(&self.folder))?;
        fs::write(&place, &bytes)?;
        let packed = compressed(&bytes)?;
        let gzip = if packed.len() * 10 < bytes.len() * 9 {
            let place = format!("{}.gz", place.display());
            fs::write(&place, packed)?;
            format!("Some(include_bytes!({place:?}))")
        } else {
            "None".to_owned()
        };
        writeln!(self.assets, "    asset({name:?}, {hash:?}, include_bytes!({place:?}), {gzip}),")?;
        self.urls.insert(name.to_owned(), format!("/assets/{hash}/{name}"));
        Ok(())
    }

    /// Adds all assets below a folder, those first that name no others. `/assets/NAME` in a style or script becomes
    /// the address of that asset, with its hash.
    fn assets(&mut self, folder: &Path) -> Outcome<()> {
        let (naming, others): (Vec<_>, Vec<_>) = files(folder)?
            .into_iter()
            .partition(|path| path.extension().is_some_and(|kind| kind == "css" || kind == "js"));
        for path in others {
            self.asset(&name(&path, folder)?, fs::read(&path)?)?;
        }
        for path in naming {
            let text = fs::read_to_string(&path)?;
            let text =
                self.addressed(&text).map_err(|name| format!("{}: no asset {name}", path.display()))?;
            self.asset(&name(&path, folder)?, text.into_bytes())?;
        }
        Ok(())
    }

    /// The text with the addresses of all assets that it names; or the name that is none.
    fn addressed(&self, text: &str) -> Result<String, String> {
        let mut pieces = text.split("/assets/");
        let mut addressed = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(['"', '\'', ')', '`', ' ', '\n']).unwrap_or(piece.len());
            let (name, rest) = piece.split_at(end);
            addressed.push_str(self.urls.get(name).ok_or(name)?);
            addressed.push_str(rest);
        }
        Ok(addressed)
    }

    /// Writes the tables that `src/embedded.rs` includes.
    fn finish(self, templates: [&Path; 2]) -> Outcome<()> {
        let mut text = format!("pub(crate) static ASSETS: &[Asset] = &[\n{}];\n", self.assets);
        text.push_str("pub(crate) static TEMPLATES: &[(&str, &str)] = &[\n");
        for folder in templates {
            for path in files(folder)? {
                writeln!(text, "    ({:?}, include_str!({path:?})),", name(&path, folder)?)?;
            }
        }
        text.push_str("];\n");
        fs::write(self.folder.join("embedded.rs"), text)?;
        Ok(())
    }
}

fn compressed(bytes: &[u8]) -> Outcome<Vec<u8>> {
    // No time and no name in it: the same build gives the same bytes.
    let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
    packer.write_all(bytes)?;
    Ok(packer.finish()?)
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let (mut open, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place).map_err(|error| format!("{}: {error}", place.display()))? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

/// The name of a file below a folder.
fn name(path: &Path, folder: &Path) -> Outcome<String> {
    let name = path.strip_prefix(folder)?.to_str().ok_or("a name is not UTF-8")?;
    Ok(name.replace('\\', "/"))
}

fn variable(name: &str) -> Outcome<String> {
    env::var(name).map_err(|error| format!("{name}: {error}").into())
}
