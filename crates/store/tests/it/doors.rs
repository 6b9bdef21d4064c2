//! Every function that reads takes a scope, and every function that changes something takes who does it, or is
//! named here with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What takes neither, and why it may.
const WITHOUT: &[(&str, &str)] = &[
    ("auth::authenticate", "makes the scope"),
    ("auth::authenticate_session", "makes the scope"),
    ("auth::ingest_sources", "who may send, for intake itself"),
    ("backup::backup_to", "by whoever may read the file"),
    ("checkpoints::get", "state of the watch, nobody's data"),
    ("checkpoints::names", "what states of the watch are called"),
    ("database::close", "no data"),
    ("database::look", "the database, as it is"),
    ("database::open", "no data"),
    ("database::ping", "no data"),
    ("heartbeats::record", "a measurement"),
    ("lake_files::to_unlink", "names of files, for the lake itself"),
    ("lake_files::unknown", "names of files, for the lake itself"),
    ("ledger::head", "a number and a hash"),
    ("ledger::verify", "a number and a hash"),
    ("people::credentials::email_of", "one's own"),
    ("people::credentials::of_login", "before there is a scope"),
    ("people::credentials::of_person", "one's own"),
    ("people::credentials::rehash", "a measurement"),
    ("people::grants::has_administrator", "yes or no"),
    ("people::links::accept", "the link says who it is"),
    ("people::links::accept_first", "the link says that it may"),
    ("people::links::look", "the link says who it is"),
    ("people::persons::names", "whoever sees an alert sees who worked on it"),
    ("people::recovery_codes::left", "one's own"),
    ("people::second_factors::are_there_any", "yes or no"),
    ("people::second_factors::check", "one's own, and a measurement"),
    ("people::second_factors::has", "one's own"),
    ("people::second_factors::proposed", "one's own"),
    ("people::sessions::half", "before there is a scope"),
    ("people::sessions::note_seen", "a measurement"),
    ("people::sessions::own", "one's own"),
    ("people::sign_ins::note", "a measurement"),
    ("people::sign_ins::own", "one's own"),
    ("people::tidy", "a measurement"),
    ("room::give_back", "no data"),
    ("segments::is_done", "yes or no"),
    ("segments::is_one_open", "yes or no"),
    ("segments::last_done", "a number"),
    ("segments::names_since", "hashes of senders' choice, for the journal"),
    ("tokens::note_use", "a measurement"),
    ("views::list", "one's own"),
];

/// What changes something without being asked whose it is, since the caller has decided that already: with roles, at
/// the console and the command line; or since it is one's own.
const UNSCOPED_CHANGES: &[&str] = &[
    "checkpoints::put",
    "checkpoints::remove",
    "dead_letters::set_aside",
    "findings::record",
    "lake_files::replace_files",
    "lake_files::reserve",
    "lake_files::retire_files",
    "lake_files::unlinked",
    "organisations::put",
    "organisations::put_all",
    "people::credentials::choose",
    "people::links::make_first",
    "people::recovery_codes::make",
    "people::recovery_codes::spend",
    "people::second_factors::confirm",
    "people::second_factors::propose",
    "people::sessions::begin",
    "people::sessions::end_own",
    "people::sessions::step_up",
    "segments::segment_done",
    "sources::enable",
    "sources::put",
    "sources::put_certificate",
    "sources::remove_certificate",
    "tokens::issue",
    "tokens::revoke",
    "views::remove",
    "views::save",
];

#[test]
fn no_function_reads_without_a_scope_or_changes_without_an_actor() {
    let without: BTreeSet<String> =
        doors().filter(|door| !door.scope && !door.actor).map(|door| door.name).collect();
    let named: BTreeSet<String> = WITHOUT.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(without, named);
    let unscoped: BTreeSet<String> =
        doors().filter(|door| door.actor && !door.scope).map(|door| door.name).collect();
    let named: BTreeSet<String> = UNSCOPED_CHANGES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(unscoped, named);
}

struct Door {
    name: String,
    scope: bool,
    actor: bool,
}

/// The public functions that reach the database.
fn doors() -> impl Iterator<Item = Door> {
    files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))).into_iter().flat_map(|path| {
        let module = module(&path);
        let text = fs::read_to_string(&path).unwrap();
        let doors: Vec<Door> = text
            .split("\npub async fn ")
            .skip(1)
            .chain(text.split("\n    pub async fn ").skip(1).filter(|_| module == "database"))
            .map(|rest| {
                let (name, rest) = rest.split_once('(').unwrap();
                let parameters = rest.split_once(") ").unwrap().0;
                Door {
                    name: format!("{module}::{name}"),
                    scope: parameters.contains("scope: &Scope") || parameters.contains("powers: &Powers"),
                    actor: parameters.contains("by: &Actor"),
                }
            })
            .collect();
        doors
    })
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// `people::persons` of `.../src/people/persons.rs`.
fn module(path: &Path) -> String {
    let path = path.with_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let from = parts.iter().rposition(|part| part == "src").unwrap() + 1;
    parts[from..].iter().filter(|part| *part != "mod").cloned().collect::<Vec<_>>().join("::")
}

#[test]
fn functions_in_folders_are_found_too() {
    let names: BTreeSet<String> = doors().map(|door| door.name).collect();
    for name in ["alerts::list", "people::persons::add", "people::tidy", "database::open"] {
        assert!(names.contains(name), "{name}");
    }
}
