//! `ward backup`: store, lake and journal of one moment, also while the hub runs.
//!
//! Files are held: given a second name in a folder beside them, from before the store is copied until after it, so that
//! nothing the hub removes meanwhile is gone. Only then is anything else done: the files that the copy lists are linked,
//! the journal is copied. What a dump of PostgreSQL lists cannot be asked, so that all is linked that it may list; what
//! it does not is in no search of a hub that was restored.
//!
//! Invariant: of every event that the copied store counts as done, the file is there; every other event that
//! was acknowledged before the copy is in the journal's segments. A segment that was done after the copy was
//! held before.
//! Invariant: the manifest is written last. A folder without one is no backup.

mod hold;
pub mod manifest;
pub mod restore;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use ward_store::{Kind, backup, lake_files, ledger};

use super::office::{Office, Place};
use super::tell;
use crate::Ending;
use crate::clock::now;
use crate::detect::problems::chain;
use crate::error::Error;
use crate::held;
use crate::hub::people::KEY_FILE;
use crate::terminal::{bytes, counted};
use hold::{Hold, Lister, Names, Places};
use manifest::{Manifest, copy};
pub use restore::RestoreArgs;

/// Back up store, lake and journal into a new folder, also while the hub runs.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct BackupArgs {
    /// A folder that is empty or does not exist yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// PostgreSQL: the command that dumps the database into $WARD_BACKUP/ward.pgdump
    #[arg(long, value_name = "COMMAND")]
    dump: Option<String>,
    #[command(flatten)]
    place: Place,
}

const AFTER_HELP: &str = "\
Examples:
  ward backup /srv/backup/2026-11-23
  ward backup /srv/backup/2026-11-23 --dump 'pg_dump --format=custom --file \"$WARD_BACKUP/ward.pgdump\" ward'
  ward restore /srv/backup/2026-11-23 --into /var/lib/ward

On the same disk, files of the lake are linked and not copied: that costs no space, and saves from mistakes, not
from a broken disk. The backup holds the digests of all tokens, the key of second factors and every event: guard it
as you guard the hub.
docs/operate.md states the whole procedure.";

/// The copy of the store.
pub const STORE: &str = "ward.db";
/// The dump of a PostgreSQL database.
pub const DUMP: &str = "ward.pgdump";

/// Carries out the command.
///
/// # Errors
/// Something cannot be read or copied; then there is no manifest.
pub fn run(args: &BackupArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    let folder = &args.folder;
    manifest::empty(folder)?;
    let dump = match (office.store.kind(), &args.dump) {
        (Kind::Postgres, None) => {
            let why = "back up a PostgreSQL database by itself: name the command that dumps it with --dump";
            return Err(Error::Asked(why.to_owned()));
        }
        (Kind::Sqlite, _) => None,
        (Kind::Postgres, Some(command)) => Some(command.as_str()),
    };
    let data = office.config.data.folder.clone();
    give_back(&data)?;
    let places = Places { journal: office.config.journal(), lake: office.config.lake(), data };
    let hold = Hold::begin(places, now(), office.lister())?;
    let mut manifest = match dump {
        Some(command) => {
            dumped(command, folder)?;
            Manifest::new(now(), DUMP)
        }
        None => {
            office.wait(backup::backup_to(&office.store, &folder.join(STORE)))?;
            Manifest::new(now(), STORE)
        }
    };
    // All else may take as long as it does: nothing is gone any more.
    let held = hold.end()?;
    let files = match dump {
        // Nobody can tell of which moment it is: whatever it may list.
        Some(_) => held.lake()?,
        None => {
            // Exactly what the copy lists, and the ledger's end in it.
            let copied = office.beside(&folder.join(STORE))?;
            manifest.head = Some(copied.wait(ledger::head(&copied.store))?);
            copied.wait(lake_files::listed(&copied.store, &copied.scope))?.live
        }
    };
    manifest.store = manifest::digest(folder, &manifest.store.path)?;
    for path in &files {
        if !held.has(path) {
            return Err(Error::Backup(format!("the lake has no file {path}")));
        }
        manifest.files.push(link(&held, folder, &format!("lake/{path}"))?);
    }
    for name in held.journal()? {
        manifest.files.push(copy(held.path(), folder, &format!("journal/{name}"))?);
    }
    if office.config.data.folder.join(KEY_FILE).exists() {
        manifest.files.push(copy(&office.config.data.folder, folder, KEY_FILE)?);
    }
    if let Some(config) = args.place.file() {
        let text = fs::read(&config).map_err(|source| Error::Read { path: config.clone(), source })?;
        fs::write(folder.join("ward.toml"), text)
            .map_err(|source| Error::WriteFile { path: folder.join("ward.toml"), source })?;
        manifest.files.push(manifest::digest(folder, "ward.toml")?);
    }
    manifest.write(folder)?;
    let size = bytes(manifest.bytes());
    tell(&format!("{}, {size}, backed up.", counted(manifest.files.len() as u64 + 1, "file", "files")))?;
    Ok(Ending::Nothing)
}

/// Removes what backups that were killed left in the data folder.
fn give_back(data: &Path) -> Result<(), Error> {
    let swept = held::sweep(data)?;
    for error in &swept.stuck {
        tell(&format!("What a backup that broke off left keeps its room: could not {}.", chain(error)))?;
    }
    if swept.folders > 0 {
        let backups = counted(swept.folders, "backup that broke off", "backups that broke off");
        tell(&format!("What {backups} had left was removed: {} given back.", bytes(swept.bytes)))?;
    }
    Ok(())
}

/// Runs the command that dumps the database.
fn dumped(command: &str, folder: &Path) -> Result<(), Error> {
    let done = Command::new("sh").arg("-c").arg(command).env("WARD_BACKUP", folder).status();
    let reason = match done {
        Err(error) => error.to_string(),
        Ok(status) if !status.success() => status.to_string(),
        Ok(_) if !folder.join(DUMP).is_file() => format!("it made no {DUMP} in $WARD_BACKUP"),
        Ok(_) => return Ok(()),
    };
    Err(Error::Backup(format!("the command that dumps the database failed: {reason}")))
}

/// A file of the lake never changes, so that a second name is as good as a copy.
fn link(held: &Names, folder: &Path, path: &str) -> Result<manifest::Entry, Error> {
    let target = manifest::parent(folder, path)?;
    match fs::hard_link(held.path().join(path), &target) {
        Ok(()) => manifest::digest(folder, path),
        // Another disk, or one that has no links.
        Err(_) => copy(held.path(), folder, path),
    }
}

impl Office {
    /// Tells what the store lists at each time, to a thread.
    fn lister(&self) -> impl Lister {
        let (store, scope, runtime) = (self.store.clone(), self.scope.clone(), self.runtime.handle().clone());
        move || Ok(runtime.block_on(lake_files::listed(&store, &scope))?)
    }

    /// The same office over a copy of its store.
    fn beside(&self, store: &Path) -> Result<Self, Error> {
        let mut config = self.config.clone();
        config.data.store = Some(ward_store::Store::url_of(store));
        Self::open(config)
    }
}
