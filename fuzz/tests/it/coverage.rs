//! No parser of outside bytes without a fuzz target.

use std::fs;
use std::path::{Path, PathBuf};

use ward_fuzz::{TARGETS, Target};
use ward_telemetry::input::Format;

/// Folders whose every source file reads outside bytes, or is named in [`NOT_READING`].
const READING_ROOMS: &[&str] = &[
    "telemetry/src",
    "detect/src",
    "intake/src/beats",
    "intake/src/fluent",
    "intake/src/gelf",
    "intake/src/http/elastic",
    "intake/src/http/hec",
    "intake/src/http/journal_upload",
    "intake/src/http/otlp",
    "intake/src/relp",
    "intake/src/syslog",
    "journal/src",
    "people/src",
];

/// Source files of those folders that get no outside bytes, with the reason.
const NOT_READING: &[(&str, &str)] = &[
    ("detect/src/correlation_rule.rs", "what loading makes"),
    ("detect/src/error.rs", "what is said of errors"),
    ("detect/src/exception.rs", "asks what loading reads"),
    ("detect/src/lib.rs", "names the modules"),
    ("detect/src/rule.rs", "what loading makes"),
    ("journal/src/disk", "passes bytes on"),
    ("journal/src/error.rs", "what is said of errors"),
    ("journal/src/faulty", "for tests"),
    ("journal/src/group.rs", "what is written"),
    ("journal/src/index.rs", "what is known already"),
    ("journal/src/journal.rs", "hands work on"),
    ("journal/src/keys.rs", "what is known already"),
    ("journal/src/lib.rs", "names the modules"),
    ("journal/src/options.rs", "limits"),
    ("journal/src/queue.rs", "what is written"),
    ("journal/src/shared.rs", "what threads have in common"),
    ("journal/src/slot.rs", "what is written"),
    ("journal/src/sync.rs", "locks"),
    ("journal/src/usage.rs", "figures"),
    ("journal/src/writer.rs", "what is written"),
    ("intake/src/beats/serve.rs", "what to do with frames"),
    ("intake/src/fluent/serve.rs", "what to do with messages"),
    ("intake/src/gelf/tcp.rs", "cuts at a NUL"),
    ("intake/src/gelf/udp.rs", "what to do with datagrams"),
    ("intake/src/http/elastic/handshake.rs", "answers"),
    ("intake/src/http/hec/answer.rs", "answers"),
    ("intake/src/http/hec/channels.rs", "reads a list of numbers with serde_json"),
    ("intake/src/http/otlp/grpc.rs", "reads five bytes before the message"),
    ("intake/src/http/otlp/status.rs", "what is said of errors"),
    ("intake/src/relp/serve.rs", "what to do with frames"),
    ("intake/src/syslog/tcp.rs", "what to do with messages"),
    ("intake/src/syslog/udp.rs", "what to do with datagrams"),
    ("people/src/base32.rs", "what is written"),
    ("people/src/lib.rs", "names the modules"),
    ("people/src/link.rs", "times, and names of ours"),
    ("people/src/permission.rs", "names of ours"),
    ("people/src/powers.rs", "what was given"),
    ("people/src/qr.rs", "what is written"),
    ("people/src/role.rs", "names of ours"),
    ("people/src/secret.rs", "what is compared and shown"),
    ("people/src/session.rs", "times, and names of ours"),
    ("people/src/throttle", "for tests"),
    ("people/src/throttle.rs", "counts what was read"),
    ("telemetry/src/error.rs", "what is said of errors"),
    ("telemetry/src/input/block.rs", "holds what was cut already"),
    ("telemetry/src/input/fields.rs", "lays out what was read already"),
    ("telemetry/src/input/format.rs", "names of formats"),
    ("telemetry/src/input/options.rs", "limits"),
    ("telemetry/src/lib.rs", "names the modules"),
];

#[test]
fn every_source_file_that_reads_outside_bytes_has_a_target() {
    let covered: Vec<&str> = TARGETS.iter().flat_map(|target| target.covers).copied().collect();
    let plain: Vec<&str> = NOT_READING.iter().map(|(file, _)| *file).collect();
    let mut missing = Vec::new();
    for room in READING_ROOMS {
        for file in sources(&crates().join(room)) {
            let file = file.strip_prefix(crates()).unwrap().to_string_lossy().replace('\\', "/");
            let is = |list: &[&str]| list.iter().any(|entry| within(&file, entry));
            match (is(&covered), is(&plain)) {
                (false, false) => missing.push(file),
                (true, true) => panic!("{file} is fuzzed: take it out of NOT_READING"),
                _ => {}
            }
        }
    }
    assert!(missing.is_empty(), "name these in a fuzz target's `covers`, or in NOT_READING: {missing:#?}");
}

#[test]
fn every_format_has_a_target_of_its_name() {
    for format in Format::ALL {
        assert!(Target::named(format.as_str()).is_some(), "{format}");
    }
}

#[test]
fn every_file_named_exists() {
    let covered = TARGETS.iter().flat_map(|target| target.covers);
    for file in covered.copied().chain(NOT_READING.iter().map(|(file, _)| *file)) {
        assert!(crates().join(file).exists(), "{file} is gone");
    }
}

fn within(file: &str, entry: &str) -> bool {
    file.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}
