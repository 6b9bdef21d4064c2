//! Which files are scanned, in which order.
//!
//! Folders are walked in sorted order, so that a scan of the same folder gives the same findings in the
//! same order. Hidden files and links to folders are left alone, so no walk goes round in circles.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// An input to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its path as given, or below the folder given; `-` for standard input.
    pub shown: String,
    /// Where to read it. `None`: standard input.
    pub path: Option<PathBuf>,
    /// The user named it: if it is no telemetry, that is an error.
    pub by_name: bool,
    /// Its size in bytes, if known.
    pub size: Option<u64>,
}

/// What there is to scan.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The inputs, in order.
    pub list: Vec<Named>,
    /// Files in folders that are no telemetry by their names.
    pub documents: u64,
    /// Folders that could not be read, and why.
    pub unreadable: Vec<(String, io::Error)>,
}

impl Inputs {
    /// Looks up what the paths name. One that is not there is found out when it is opened.
    pub fn find(paths: &[PathBuf]) -> Self {
        let mut inputs = Self::default();
        for path in paths {
            if path.as_os_str() == "-" {
                inputs.list.push(Named { shown: "-".to_owned(), path: None, by_name: true, size: None });
                continue;
            }
            match fs::metadata(path) {
                Ok(data) if data.is_dir() => inputs.walk(path),
                Ok(data) => inputs.push(path, true, data.is_file().then_some(data.len())),
                Err(_) => inputs.push(path, true, Some(0)),
            }
        }
        inputs
    }

    /// Bytes of all inputs. `None`: of some it is not known.
    pub fn total(&self) -> Option<u64> {
        self.list.iter().map(|input| input.size).sum()
    }

    fn walk(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable.push((folder.to_string_lossy().into_owned(), error));
                return;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                self.walk(&path);
            } else if let Ok(data) = fs::metadata(&path)
                && data.is_file()
            {
                if is_document(&path) {
                    self.documents += 1;
                } else {
                    self.push(&path, false, Some(data.len()));
                }
            }
        }
    }

    fn push(&mut self, path: &Path, by_name: bool, size: Option<u64>) {
        let shown = path.to_string_lossy().into_owned();
        self.list.push(Named { shown, path: Some(path.to_owned()), by_name, size });
    }
}

/// Whether the name is that of something about telemetry rather than telemetry.
fn is_document(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    DOCUMENT_STEMS.contains(&stem) || DOCUMENT_EXTENSIONS.contains(&extension)
}

const DOCUMENT_STEMS: [&str; 6] = ["readme", "license", "licence", "changelog", "contributing", "makefile"];

const DOCUMENT_EXTENSIONS: [&str; 27] = [
    "md", "rst", "adoc", "html", "htm", "css", "js", "yml", "yaml", "toml", "ini", "py", "rs", "ps1", "psm1",
    "sh", "bat", "png", "jpg", "jpeg", "gif", "svg", "pdf", "doc", "docx", "xlsx", "lock",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_without_what_only_describes() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("b/deep")).unwrap();
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        for name in
            ["b/deep/x.evtx", "b/a.json", "a.log", "README.md", "b/info.yml", ".git/x.log", ".hidden.log"]
        {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let inputs = Inputs::find(&[folder.path().to_owned(), PathBuf::from("-")]);
        let root = format!("{}/", folder.path().display());
        let shown: Vec<_> = inputs.list.iter().map(|i| i.shown.replace(&root, "")).collect();
        assert_eq!(shown, ["a.log", "b/a.json", "b/deep/x.evtx", "-"]);
        assert_eq!(inputs.documents, 2);
        assert_eq!(inputs.total(), None);
    }

    #[test]
    fn what_is_named_is_scanned_whatever_it_is_called_() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("README.md");
        fs::write(&file, "x").unwrap();
        let inputs = Inputs::find(std::slice::from_ref(&file));
        assert!(inputs.list[0].by_name);
        assert_eq!(inputs.total(), Some(1));
        assert!(Inputs::find(&[folder.path().join("absent")]).list[0].by_name);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
        fs::write(folder.path().join("a.log"), "x").unwrap();
        assert_eq!(Inputs::find(&[folder.path().to_owned()]).list.len(), 1);
    }
}
