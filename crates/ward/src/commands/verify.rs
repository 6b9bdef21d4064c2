//! `ward verify`: whether ledger and lake are what was written.

use clap::Args;
use ward_lake::{LakeError, LakeFile};
use ward_ledger::{Hash, Head};
use ward_store::lake_files::FileFilter;
use ward_store::ledger;

use super::office::{Office, Place};
use super::{print, tell};
use crate::Ending;
use crate::detect::problems::chain;
use crate::error::Error;
use crate::terminal::{bytes, counted, grouped};

/// Check that ledger and lake are what was written.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct VerifyArgs {
    /// A head that the ledger is known to have had, NUMBER:HASH as an earlier run told it; may be repeated
    #[arg(long, value_name = "NUMBER:HASH", value_parser = head)]
    head: Vec<Head>,
    /// Check the ledger only: the files of the lake are not read
    #[arg(long)]
    ledger_only: bool,
    #[command(flatten)]
    place: Place,
}

const AFTER_HELP: &str = "\
Example:
  ward verify
  ward verify --head 4711:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Note the head somewhere else, such as on paper: whoever can change the store can also write a new, unbroken
ledger, but not one with the head that you have noted.

Exit codes: 0 everything is as it was written; 1 it is not, and the first bad entry and each bad file are named;
2 it could not be checked.";

/// Carries out the command.
///
/// # Errors
/// It cannot be checked.
pub fn run(args: &VerifyArgs) -> Result<Ending, Error> {
    let office = args.place.open()?;
    let mut good = true;
    match office.wait(ledger::verify(&office.store, &args.head))? {
        Ok(Head { number, hash }) => {
            print(&format!("Ledger: {} entries, unbroken, head {number}:{hash}\n", grouped(number)))?;
        }
        Err(broken) => {
            good = false;
            print(&format!("Ledger: {broken}\n"))?;
        }
    }
    if !args.ledger_only {
        good &= lake(&office)?;
    }
    Ok(if good { Ending::Nothing } else { Ending::Something })
}

fn lake(office: &Office) -> Result<bool, Error> {
    let files = office.files(&FileFilter::default())?;
    let lake = office.lake();
    let suspects: Vec<(&LakeFile, LakeError)> =
        files.iter().filter_map(|file| Some((file, lake.verify(file).err()?))).collect();
    // The hub may have put another file in the place of one, or removed it for its age, meanwhile.
    let still = if suspects.is_empty() { Vec::new() } else { office.files(&FileFilter::default())? };
    let mut bad = 0;
    for (file, error) in &suspects {
        if still.iter().any(|live| live.path == file.path) {
            bad += 1;
            tell(&format!("ward could not {}", chain(error)))?;
        }
    }
    let (many, size) =
        (counted(files.len() as u64, "file", "files"), bytes(files.iter().map(|file| file.bytes).sum()));
    let verdict =
        if bad == 0 { "as they were written".to_owned() } else { format!("{bad} not as they were written") };
    print(&format!("Lake: {many}, {size}, {verdict}\n"))?;
    Ok(bad == 0)
}

fn head(text: &str) -> Result<Head, String> {
    let wrong = || format!("'{text}' is no head such as 4711:9f86d0...");
    let (number, hash) = text.split_once(':').ok_or_else(wrong)?;
    let hash: Hash = hash.parse().map_err(|_| wrong())?;
    Ok(Head { number: number.parse().map_err(|_| wrong())?, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_from_what_is_told() {
        let hash = Hash::of(b"x");
        assert_eq!(head(&format!("7:{hash}")), Ok(Head { number: 7, hash }));
        for wrong in ["", "7", "7:", "x:00", &format!("-1:{hash}")] {
            assert!(head(wrong).is_err(), "{wrong}");
        }
    }
}
