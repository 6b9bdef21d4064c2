//! The detection corpus: rules, Windows event logs and attack simulations that are not in the repository.
//!
//! It comes packed beside the repository and is laid out once per version of the archive. Tests find it
//! through an environment variable; without it they say "skipped: no corpus".

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

use crate::TaskError;
use crate::workspace::{root, target_directory};

/// Names the folder of the unpacked corpus, to tests and benches.
pub const VARIABLE: &str = "WARD_CORPUS";

/// What a test prints when it needs the corpus and there is none.
pub const SKIPPED: &str = "skipped: no corpus";

/// Gives the corpus's folder, unpacking it first where it is only there packed. `None`: there is none.
///
/// # Errors
/// `WARD_CORPUS` names no folder, or the archive cannot be unpacked.
pub fn lay_out() -> Result<Option<PathBuf>, TaskError> {
    if let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        let reason = "the folder named by WARD_CORPUS does not exist";
        return fs::canonicalize(&folder)
            .map(Some)
            .map_err(|_| TaskError::argument(&folder.display().to_string(), reason));
    }
    let folder = target_directory()?.join("corpus").join(NAME);
    let archive = packed_folder().join(format!("{NAME}.tar.zst"));
    if archive.is_file() {
        unpack(&archive, &folder)?;
    }
    Ok(folder.is_dir().then_some(folder))
}

/// The archive and the folder it unpacks to.
const NAME: &str = "detection";

fn packed_folder() -> PathBuf {
    std::env::var_os("WARD_CORPUS_PACKED").map_or_else(|| root().join("../shared/corpus"), PathBuf::from)
}

/// Unpacks beside `folder` and then puts it in place, so that a half-unpacked corpus is never used.
fn unpack(archive: &Path, folder: &Path) -> Result<(), TaskError> {
    let packed = fs::read(archive).map_err(TaskError::file(archive))?;
    let stamp = stamp(&packed);
    let stamp_file = folder.join(".version");
    if fs::read_to_string(&stamp_file).is_ok_and(|known| known == stamp) {
        return Ok(());
    }
    println!("unpacking {} to {}", archive.display(), folder.display());
    let fresh = folder.with_extension("unpacking");
    for old in [&fresh, &folder.to_owned()] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(TaskError::file(old))?;
        }
    }
    let plain = ruzstd::decoding::StreamingDecoder::new(packed.as_slice()).map_err(|error| {
        TaskError::Unexpected { what: archive.display().to_string(), reason: error.to_string() }
    })?;
    tar::Archive::new(plain).unpack(&fresh).map_err(TaskError::file(archive))?;
    fs::write(fresh.join(".version"), stamp).map_err(TaskError::file(&fresh))?;
    fs::rename(&fresh, folder).map_err(TaskError::file(folder))
}

/// Tells versions of the archive apart.
fn stamp(packed: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(packed);
    format!("{} bytes, {:016x}", packed.len(), hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(path: &Path, content: &str) {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, "sigma/rule.yml", content.as_bytes()).unwrap();
        let plain = tar.into_inner().unwrap();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        fs::write(path, ruzstd::encoding::compress_to_vec(plain.as_slice(), level)).unwrap();
    }

    #[test]
    fn a_new_version_of_the_archive_replaces_the_old_one_and_the_same_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let (packed, folder) = (place.path().join("detection.tar.zst"), place.path().join("detection"));
        archive(&packed, "title: one");
        unpack(&packed, &folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join("sigma/rule.yml")).unwrap(), "title: one");

        fs::write(folder.join("kept"), "").unwrap();
        unpack(&packed, &folder).unwrap();
        assert!(folder.join("kept").exists());

        archive(&packed, "title: two");
        unpack(&packed, &folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join("sigma/rule.yml")).unwrap(), "title: two");
        assert!(!folder.join("kept").exists());
    }

    #[test]
    fn a_broken_archive_leaves_no_corpus_behind() {
        let place = tempfile::tempdir().unwrap();
        let (packed, folder) = (place.path().join("detection.tar.zst"), place.path().join("detection"));
        archive(&packed, &"title: long ".repeat(1000));
        let whole = fs::read(&packed).unwrap();
        fs::write(&packed, &whole[..whole.len() / 2]).unwrap();
        assert!(unpack(&packed, &folder).is_err());
        assert!(!folder.exists());
    }
}
