//! Every function that reads takes a scope, and every function that changes something takes who does it, or is
//! named here with the reason.

use std::collections::BTreeSet;
use std::fs;

/// What takes neither, and why it may.
const WITHOUT: &[(&str, &str)] = &[
    ("auth::authenticate", "makes the scope"),
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
    ("room::give_back", "no data"),
    ("segments::is_done", "yes or no"),
    ("segments::is_one_open", "yes or no"),
    ("segments::last_done", "a number"),
    ("segments::names_since", "hashes of senders' choice, for the journal"),
    ("tokens::note_use", "a measurement"),
];

/// What changes something without being asked whose it is, since the caller has decided that already: with roles, at
/// the console and the command line.
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
    "segments::segment_done",
    "sources::enable",
    "sources::put",
    "sources::put_certificate",
    "sources::remove_certificate",
    "tokens::issue",
    "tokens::revoke",
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
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    fs::read_dir(folder).unwrap().flat_map(|file| {
        let path = file.unwrap().path();
        let module = path.file_stem().unwrap().to_string_lossy().into_owned();
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
                    scope: parameters.contains("scope: &Scope"),
                    actor: parameters.contains("by: &Actor"),
                }
            })
            .collect();
        doors
    })
}
