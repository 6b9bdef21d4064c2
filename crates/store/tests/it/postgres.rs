//! A PostgreSQL server for all tests of a run, those of `ward` too, started by the first of them.
//!
//! Each test is a process of its own: the first one to hold the lock starts the server from the binaries it
//! finds on this machine, in a temporary folder, reached by its socket only. A shell beside it stops it a
//! minute after the last test has asked for it and takes the folder away.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

/// Says, once a process, that there is no server: a test that passed without one is counted as skipped.
pub fn say_skipped(why: &str) {
    static SAID: Once = Once::new();
    SAID.call_once(|| println!("skipped: no PostgreSQL: {why}"));
}

/// The URL of an empty schema of the caller's own, or why there is none.
pub fn schema() -> Result<String, String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    static SERVER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = SERVER.get_or_init(server).as_ref().map_err(String::clone)?;
    let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let statement = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
    let psql = ["-q", "-U", "ward", "-c", &statement, "postgres", "-h"];
    let made =
        Command::new("psql").args(psql).arg(folder).output().map_err(|error| format!("psql: {error}"))?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned());
    }
    let host = folder.display();
    Ok(format!("postgres://ward@localhost/postgres?host={host}&options=-c%20search_path%3D{name}"))
}

/// The folder of the server's socket, and that it is still in use.
pub fn server() -> Result<PathBuf, String> {
    let binaries = binaries().ok_or("there is no initdb of version 15 or newer")?;
    let temporary = std::env::temp_dir();
    let lock = File::create(temporary.join("ward-store-tests.lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let note = temporary.join("ward-store-tests.folder");
    if let Ok(folder) = fs::read_to_string(&note) {
        let folder = PathBuf::from(folder);
        if answers(&binaries, &folder) && File::create(folder.join("used")).is_ok() {
            return Ok(folder);
        }
    }
    let folder = start(&binaries, &temporary)?;
    fs::write(&note, folder.display().to_string()).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// The folder of the newest server's binaries.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let found = versions.map(|entry| entry.path()).filter(|path| path.join("bin/initdb").exists());
    let newest =
        found.filter(|path| number(path).is_some_and(|number| number >= 15)).max_by_key(|path| number(path));
    newest.map(|path| path.join("bin"))
}

fn answers(binaries: &Path, folder: &Path) -> bool {
    let asked = Command::new(binaries.join("pg_isready")).arg("-q").arg("-h").arg(folder).status();
    asked.is_ok_and(|status| status.success())
}

fn start(binaries: &Path, temporary: &Path) -> Result<PathBuf, String> {
    let folder = temporary.join(format!("ward-store-tests-{}", std::process::id()));
    let script = format!(
        r#"set -e
mkdir -m 777 '{folder}'; cd '{folder}'; touch used; chmod 666 used
'{binaries}/initdb' -D data -U ward -A trust -E UTF8 --locale=C.UTF-8 --no-sync >log 2>&1
'{binaries}/postgres' -D data -k '{folder}' -c listen_addresses='' -c fsync=off -c max_connections=200 \
    -c synchronous_commit=off -c full_page_writes=off </dev/null >>log 2>&1 &
server=$!
(
    while kill -0 $server && [ $(($(date +%s) - $(stat -c %Y used))) -lt 60 ]; do sleep 2; done
    kill -INT $server; wait; cd /; sleep 2; rm -rf '{folder}'
) </dev/null >/dev/null 2>&1 &
"#,
        folder = folder.display(),
        binaries = binaries.display()
    );
    // The server refuses to run as root.
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", &script]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        command
    };
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = quiet.status().map_err(|error| error.to_string())?;
    for _ in 0..300 {
        if answers(binaries, &folder) {
            return Ok(folder);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("the server did not start ({status})"))
}
