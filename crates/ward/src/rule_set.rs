//! Rules from files: found, read and parsed on all threads, then linked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ward_detect::load::{self, LoadOptions, ParsedFile, RuleSet};
use ward_detect::pipeline::{Pipeline, Pipelines};
use ward_detect::placeholders::{self, Placeholders};

use crate::detect::args::SigmaArgs;
use crate::error::Error;
use crate::own_rules::OWN_RULES;

/// Loads the rules in files and folders; without any, those that come with Ward.
///
/// # Errors
/// A file or folder that cannot be read, or is not what the arguments say it is. Rules that are refused are
/// not an error: the set's report names them.
pub fn load(paths: &[PathBuf], sigma: &SigmaArgs, threads: usize) -> Result<RuleSet, Error> {
    let options = options(sigma)?;
    if paths.is_empty() {
        let parse = |at: usize| OWN_RULES.get(at).map(|(path, text)| Ok(load::parse(path, text, &options)));
        return Ok(load::link(on_threads(OWN_RULES.len(), threads, parse)?));
    }
    let mut files = Vec::new();
    for path in paths {
        find(path, true, &mut files)?;
    }
    let parse = |at: usize| {
        let path = files.get(at)?;
        Some(read(path).map(|text| load::parse(&path.to_string_lossy(), &text, &options)))
    };
    Ok(load::link(on_threads(files.len(), threads, parse)?))
}

/// The command that lists what was refused of the rules in `paths`.
pub fn check_command(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    format!("ward rules check {}", paths.join(" ")).trim_end().to_owned()
}

fn options(sigma: &SigmaArgs) -> Result<LoadOptions, Error> {
    let placeholders = match &sigma.placeholders {
        Some(path) => placeholders(path)?,
        None => Placeholders::new(),
    };
    let mut pipelines = Vec::new();
    for path in &sigma.pipelines {
        pipelines.push(Pipeline::parse(&path.to_string_lossy(), &read(path)?)?);
    }
    let pipelines = Pipelines::new(pipelines);
    Ok(LoadOptions { placeholders, pipelines })
}

/// Parses the files with numbers below `count`, in their order.
fn on_threads(
    count: usize,
    threads: usize,
    parse: impl Fn(usize) -> Option<Result<ParsedFile, Error>> + Sync,
) -> Result<Vec<ParsedFile>, Error> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                let mut mine = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = parse(at) else { break };
                    mine.push((at, file));
                }
                done.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, file)| file).collect()
}

/// Rule files below `path`, in sorted order. A file that is named is taken whatever its name.
fn find(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(fail)?.is_dir() {
        let is_rule = path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        if named || is_rule {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    let mut entries = fs::read_dir(path).and_then(|e| e.collect::<io::Result<Vec<_>>>()).map_err(fail)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let is_link_to_folder =
            entry.file_type().is_ok_and(|kind| kind.is_symlink()) && entry.path().is_dir();
        // a pipe or device holds no rules, and opening one could wait for ever
        let is_special = fs::metadata(entry.path()).is_ok_and(|data| !data.is_file() && !data.is_dir());
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && !is_link_to_folder && !is_special {
            find(&entry.path(), false, files)?;
        }
    }
    Ok(())
}

/// The text of a file; bytes that are not UTF-8 are left to the loader to complain about.
pub fn read(path: &Path) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Names and values from a file of TOML (by its ending) or YAML.
fn placeholders(path: &Path) -> Result<Placeholders, Error> {
    let text = read(path)?;
    let is_toml = path.extension().is_some_and(|e| e == "toml");
    let parsed = if is_toml { placeholders::from_toml(&text) } else { placeholders::from_yaml(&text) };
    parsed.map_err(|source| Error::Placeholders { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str =
        "title: T\nlogsource:\n  product: windows\ndetection:\n  a:\n    B: c\n  condition: a\n";

    #[test]
    fn rules_are_found_in_folders_in_sorted_order_on_any_number_of_threads() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["b.yml", "sub/a.yaml", "a.yml", "readme.md", ".hidden.yml"] {
            fs::write(folder.path().join(name), RULE.replace("title: T", &format!("title: {name}"))).unwrap();
        }
        for threads in [1, 8] {
            let set = load(&[folder.path().to_owned()], &SigmaArgs::default(), threads).unwrap();
            let titles: Vec<_> = set.rules.iter().map(|rule| rule.title.as_str()).collect();
            assert_eq!(titles, ["a.yml", "b.yml", "sub/a.yaml"]);
        }
    }

    #[test]
    fn placeholders_may_be_toml_or_yaml() {
        let folder = tempfile::tempdir().unwrap();
        let toml = folder.path().join("p.toml");
        fs::write(&toml, "admins = [\"root\", 5]\n").unwrap();
        let yaml = folder.path().join("p.yml");
        fs::write(&yaml, "admins:\n  - root\n  - 5\n").unwrap();
        for path in [&toml, &yaml] {
            assert_eq!(placeholders(path).unwrap()["admins"], ["root", "5"]);
        }
        fs::write(&yaml, "admins:\n  a: b\n").unwrap();
        assert!(matches!(placeholders(&yaml), Err(Error::Placeholders { .. })));
    }

    #[test]
    fn pipelines_rename_what_rules_read() {
        let folder = tempfile::tempdir().unwrap();
        let (rule, pipeline) = (folder.path().join("r.yml"), folder.path().join("p.yml"));
        fs::write(&rule, RULE).unwrap();
        fs::write(
            &pipeline,
            "name: p\ntransformations:\n  - type: field_name_mapping\n    mapping: {B: other}\n",
        )
        .unwrap();
        let sigma = SigmaArgs { pipelines: vec![pipeline.clone()], placeholders: None };
        let set = load(std::slice::from_ref(&rule), &sigma, 1).unwrap();
        let mut fields = Vec::new();
        set.rules[0].condition.each_field(&mut |field| fields.push(field.to_owned()));
        assert_eq!(fields, ["other"]);
        fs::write(&pipeline, "transformations:\n  - type: no_such_thing\n").unwrap();
        assert!(matches!(load(&[rule], &sigma, 1), Err(Error::Pipeline(_))));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(matches!(load(&["/no/such".into()], &SigmaArgs::default(), 1), Err(Error::Read { .. })));
    }
}
