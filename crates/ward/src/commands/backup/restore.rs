//! `ward restore`: a backup becomes the folder of a hub again.

use std::path::PathBuf;

use clap::Args;

use super::manifest::{Manifest, copy, digest, empty};
use super::{DUMP, STORE};
use crate::Ending;
use crate::commands::tell;
use crate::error::Error;
use crate::terminal::counted;

/// Restore a backup into a new folder, after checking all of it.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct RestoreArgs {
    /// The folder that `ward backup` made
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The folder of the hub's data, empty or not there yet
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
}

const AFTER_HELP: &str = "\
Example, with the hub stopped and its broken folder moved aside:
  ward restore /srv/backup/2026-11-23 --into /var/lib/ward
  ward verify --head NUMBER:HASH      # the head that restore tells

Every file is compared with the manifest before and after it is copied. A PostgreSQL dump is left to pg_restore.
docs/operate.md states the whole procedure.";

/// Carries out the command.
///
/// # Errors
/// The backup is not what its manifest says, or the folder cannot be used.
pub fn run(args: &RestoreArgs) -> Result<Ending, Error> {
    let manifest = Manifest::read(&args.folder)?;
    for entry in manifest.entries() {
        if digest(&args.folder, &entry.path)? != *entry {
            return Err(Error::Backup(format!("{} is not the file that was backed up", entry.path)));
        }
    }
    empty(&args.into)?;
    for entry in manifest.entries().filter(|entry| entry.path != DUMP) {
        if copy(&args.folder, &args.into, &entry.path)? != *entry {
            return Err(Error::Backup(format!("{} changed while it was copied", entry.path)));
        }
    }
    let many = counted(manifest.files.len() as u64 + 1, "file", "files");
    tell(&format!("{many} of the backup of {} restored.", manifest.made))?;
    if let Some(head) = manifest.head {
        tell(&format!("Now check it: ward verify --head {}:{}", head.number, head.hash))?;
    }
    if manifest.store.path != STORE {
        let dump = args.folder.join(DUMP);
        tell(&format!("The database is still to be restored: pg_restore --dbname=... {}", dump.display()))?;
    }
    Ok(Ending::Nothing)
}
