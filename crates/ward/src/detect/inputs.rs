//! Which files are scanned, in which order.
//!
//! Folders are walked in sorted order, so that a scan of the same folder gives the same findings in the
//! same order. Hidden files are left alone. So are links to folders, and no walk goes round in circles, and
//! what is no file, as a pipe could be waited for without end; these are counted.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::documents::is_document;

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
    /// What stands in folders and is neither file nor folder: pipes, sockets, devices, links to folders.
    pub irregular: u64,
    /// What in folders could not be read, folders too, and why.
    pub unreadable: Vec<(String, String)>,
    /// The folders named, and which inputs were found in each.
    folders: Vec<(String, Range<usize>)>,
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
                Ok(data) if data.is_dir() => inputs.folder(path),
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

    /// The folders named in which no input is telemetry, given the numbers of those that are not, sorted.
    pub fn empty(&self, unrecognised: &[u32]) -> impl Iterator<Item = &str> {
        let within = |range: &Range<usize>| {
            let before = |end: usize| unrecognised.partition_point(|&number| (number as usize) < end);
            before(range.end) - before(range.start)
        };
        let empty = self.folders.iter().filter(move |(_, range)| within(range) == range.len());
        empty.map(|(shown, _)| shown.as_str())
    }

    fn folder(&mut self, path: &Path) {
        let (first, failed) = (self.list.len(), self.unreadable.len());
        self.walk(path);
        // Where something could not be read, nobody knows whether there is telemetry.
        if self.unreadable.len() == failed {
            self.folders.push((path.to_string_lossy().into_owned(), first..self.list.len()));
        }
    }

    fn walk(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.fail(folder, error.to_string()),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            match entry.file_type().and_then(|kind| Ok((kind, fs::metadata(&path)?))) {
                Ok((kind, data)) if data.is_dir() && !kind.is_symlink() => self.walk(&path),
                Ok((_, data)) if !data.is_file() => self.irregular += 1,
                Ok(_) if is_document(&path) => self.documents += 1,
                Ok((_, data)) => self.push(&path, false, Some(data.len())),
                Err(error) => self.fail(&path, reason(&path, &error)),
            }
        }
    }

    fn fail(&mut self, path: &Path, reason: String) {
        self.unreadable.push((path.to_string_lossy().into_owned(), reason));
    }

    fn push(&mut self, path: &Path, by_name: bool, size: Option<u64>) {
        let shown = path.to_string_lossy().into_owned();
        self.list.push(Named { shown, path: Some(path.to_owned()), by_name, size });
    }
}

/// Why it cannot be looked at; where a link leads is said, since the link itself is there.
fn reason(path: &Path, error: &io::Error) -> String {
    match fs::read_link(path) {
        Ok(target) => format!("it is a link to {}: {error}", target.display()),
        Err(_) => error.to_string(),
    }
}

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
    fn what_is_no_file_is_counted_and_links_to_folders_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink(folder.path(), at("round")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        fs::write(at("a.log"), "x").unwrap();
        std::os::unix::fs::symlink("a.log", at("b.log")).unwrap();
        let inputs = Inputs::find(&[folder.path().to_owned()]);
        assert_eq!((inputs.list.len(), inputs.irregular, inputs.unreadable.len()), (2, 2, 0));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_told_with_where_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("rotated.log", folder.path().join("a.log")).unwrap();
        let inputs = Inputs::find(&[folder.path().to_owned()]);
        let (path, reason) = &inputs.unreadable[0];
        assert!(path.ends_with("/a.log"), "{path}");
        assert!(reason.starts_with("it is a link to rotated.log: No such file"), "{reason}");
        assert_eq!(inputs.empty(&[]).count(), 0, "nobody knows what it was");
    }

    #[test]
    fn a_folder_is_empty_when_nothing_in_it_is_telemetry() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1", "a/2", "b/3", "b/4", "c/README.md"] {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let inputs = Inputs::find(&["a", "b", "c"].map(|name| folder.path().join(name)));
        let empty = |unrecognised: &[u32]| -> String {
            inputs.empty(unrecognised).filter_map(|shown| shown.chars().last()).collect()
        };
        assert_eq!(
            [empty(&[]), empty(&[0, 2]), empty(&[0, 1, 3]), empty(&[0, 1, 2, 3])],
            ["c", "c", "ac", "abc"]
        );
    }
}
