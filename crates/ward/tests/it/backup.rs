//! Backups of a hub that works, and what is left of those that broke off.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::desk::event;
use crate::dice::Dice;
use crate::postgres;
use crate::proof::strays;
use crate::running::{Hub, until};

#[test]
fn a_backup_of_a_running_hub_is_restored_with_all_that_it_had() {
    let mut hub = Hub::new();
    hub.start();
    let lines: Vec<String> =
        (0..50).map(|at| event(at, "PACS01", if at == 7 { "delete shadows" } else { "whoami" })).collect();
    assert_eq!(hub.post(&lines.join("\n"), "a"), Some(200));
    let hunt = ["hunt", "device:pacs01", "--format", "json"];
    until("all is in the lake", || hub.rows(&hunt).len() == 50);
    let alerts = hub.rows(&["alerts", "--format", "json"]);
    let backup = hub.desk.path().join("backup").display().to_string();
    hub.ward(&["backup", &backup]);
    // what comes after the backup is not in it
    assert_eq!(hub.post(&event(60, "PACS01", "whoami"), "b"), Some(200));
    hub.kill();
    let into = hub.data().display().to_string();
    std::fs::rename(hub.data(), hub.desk.path().join("broken")).unwrap();
    hub.ward(&["restore", &backup, "--into", &into]);
    hub.start();
    assert_eq!(hub.rows(&hunt).len(), 50);
    assert_eq!(hub.rows(&["alerts", "--format", "json"]), alerts);
    assert!(hub.ward(&["verify"]).contains("unbroken"));
    assert_eq!(hub.post(&lines.join("\n"), "a"), Some(200), "the same again");
    assert_eq!(hub.post(&event(61, "PACS01", "whoami"), "c"), Some(200));
    until("it goes on", || hub.rows(&hunt).len() == 51);
}

#[test]
fn a_backup_of_a_hub_that_takes_seals_and_tidies_has_each_event_acknowledged_before_it_once() {
    let hub = Hub::with("tidy_seconds = 1");
    let hub = under_load(hub, |hub, backup| drop(hub.ward(&["backup", backup])), |_, _| {});
    until("no file of the lake is nobody's", || strays(&hub).is_empty());
}

#[test]
fn so_it_is_when_its_store_is_postgresql_and_the_dump_takes_its_time() {
    let store = match postgres::schema() {
        Ok(store) => store,
        Err(why) => return postgres::say_skipped(&why),
    };
    let (host, schema) = place(&store);
    let back_up = |hub: &Hub, backup: &str| {
        let [dumped, tidied] = ["dumped", "tidied"].map(|name| hub.desk.path().join(name));
        let dump = format!(
            "pg_dump -Fc -h {host} -U ward -n {schema} -f \"$WARD_BACKUP/ward.pgdump\" postgres && touch {} && \
             while [ ! -e {} ]; do sleep 0.1; done",
            dumped.display(),
            tidied.display()
        );
        std::thread::scope(|scope| {
            let running = scope.spawn(|| hub.ward(&["backup", backup, "--dump", &dump]));
            until("the dump", || dumped.exists());
            // What the dump lists as live is so no longer when it ends.
            let before = merged(hub);
            until("it was put together", || merged(hub) >= before + 2);
            File::create(tidied).unwrap();
            running.join().unwrap();
        });
    };
    let put_back = |_: &Hub, backup: &str| {
        postgres::server().unwrap(); // which stops when nobody has used it for a minute
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        let connection = ["-h", &host, "-U", "ward", "-d", "postgres"];
        let run = |command: &mut Command| assert!(command.args(connection).status().unwrap().success());
        run(Command::new("psql").args(["-q", "-c", &drop]));
        run(Command::new("pg_restore").arg(format!("{backup}/ward.pgdump")));
    };
    let hub = under_load(Hub::over(store, "tidy_seconds = 1"), back_up, put_back);
    let told = "no catalogue knows these files of the lake";
    until("what was put together after the dump is told", || hub.log().contains(told));
}

/// Backs up a hub that works, loses it, restores it, and looks what it has.
fn under_load(mut hub: Hub, back_up: impl Fn(&Hub, &str), put_back: impl Fn(&Hub, &str)) -> Hub {
    let config = fs::read_to_string(hub.config()).unwrap();
    // Many small segments, so that many small files are put together.
    fs::write(hub.config(), config.replace("seal_seconds = 1", "seal_seconds = 1\nseal_megabytes = 1"))
        .unwrap();
    hub.start();
    let backup = hub.desk.path().join("backup").display().to_string();
    let (acknowledged, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let before: Vec<String> = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&hub, &acknowledged, &stop));
        let _stopping = Stopping(&stop);
        until("the hub tidies", || merged(&hub) >= 1 || sending.is_finished());
        let before = acknowledged.lock().unwrap().clone();
        back_up(&hub, &backup);
        stop.store(true, Ordering::Relaxed);
        sending.join().unwrap();
        before
    });
    hub.kill();
    fs::rename(hub.data(), hub.desk.path().join("broken")).unwrap();
    hub.ward(&["restore", &backup, "--into", &hub.data().display().to_string()]);
    put_back(&hub, &backup);
    hub.start();
    until("all is looked at", || hub.figure("ward_journal_segments") == Some(0.0));
    let sent: BTreeSet<String> = acknowledged.into_inner().unwrap().into_iter().collect();
    let sql = "SELECT device, count(*) AS n FROM events GROUP BY device";
    let rows = hub.rows(&["hunt", "--sql", sql, "--format", "json", "--limit", "1000000"]);
    let count =
        |row: &serde_json::Value| (row["device"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap());
    let found: BTreeMap<String, u64> = rows.iter().map(count).collect();
    println!("{} acknowledged before, {} in all, {} restored", before.len(), sent.len(), found.len());
    let missing: Vec<_> = before.iter().filter(|name| !found.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), before.len());
    assert!(found.values().all(|count| *count == 1), "{found:?}");
    assert!(hub.ward(&["verify"]).contains("unbroken"));
    assert!(held(&hub).is_empty(), "nothing is left of the backup in the data folder");
    hub
}

/// Sends until it is told to stop. What was acknowledged is noted.
fn send(hub: &Hub, acknowledged: &Mutex<Vec<String>>, stop: &AtomicBool) {
    // What cannot be packed fills segments quickly.
    let mut dice = Dice::new(7);
    let text: String = (0..10 * LONG).map(|_| char::from(b'a' + dice.below(26) as u8)).collect();
    for batch in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let names: Vec<String> = (0..10).map(|at| format!("pc-{batch}-{at}")).collect();
        let parts = (0..10).map(|at| &text[at * LONG..][..LONG]);
        let lines: Vec<String> =
            names.iter().zip(parts).map(|(name, part)| event(batch % 3_600, name, part)).collect();
        while hub.post(&lines.join("\n"), &batch.to_string()) != Some(200) {
            std::thread::sleep(Duration::from_millis(50));
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
        acknowledged.lock().unwrap().extend(names);
    }
}

/// Length of what the event of a process says.
const LONG: usize = 60_000;

/// How many files of the lake were made of others.
fn merged(hub: &Hub) -> usize {
    names(&hub.data().join("lake/organisation=RXX/day=2026-11-23"), "merged-").len()
}

/// Folders of second names that a hub has.
fn held(hub: &Hub) -> Vec<String> {
    names(hub.data(), ".backup-")
}

fn names(folder: &Path, first: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(first)).collect()
}

/// Folder of the socket and schema of a store for tests.
fn place(store: &str) -> (String, String) {
    let (rest, schema) = store.split_once("&options=-c%20search_path%3D").unwrap();
    (rest.split_once("host=").unwrap().1.to_owned(), schema.to_owned())
}

#[test]
fn what_a_backup_that_broke_off_left_goes_with_the_next_start_or_backup_and_no_other() {
    let mut hub = Hub::new();
    let leave = || {
        let left = hub.data().join(".backup-1/lake/organisation=RXX");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("1.parquet"), vec![7; 1 << 20]).unwrap();
    };
    leave();
    let used = hub.data().join(".backup-2");
    fs::create_dir_all(&used).unwrap();
    let lock = File::create(used.join("backup.lock")).unwrap();
    lock.lock().unwrap();
    let data = hub.data().to_owned();
    hub.start();
    assert_eq!(names(&data, ".backup-"), [".backup-2"]);
    assert!(hub.log().contains("removed what backups that broke off had left"), "{}", hub.log());
    let leave = || fs::create_dir_all(data.join(".backup-1/journal")).unwrap();
    leave();
    let backup = hub.desk.path().join("backup");
    let told = hub.command(&["backup", &backup.display().to_string()]).output().unwrap();
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("1 backup that broke off had left was removed"), "{told}");
    assert_eq!(held(&hub), [".backup-2"]);
    drop(lock);
    hub.kill();
    hub.start();
    assert_eq!(held(&hub), [""; 0], "nobody uses it any more");
}

#[test]
fn a_backup_that_is_killed_keeps_its_files_until_the_hub_starts_again() {
    let store = match postgres::schema() {
        Ok(store) => store,
        Err(why) => return postgres::say_skipped(&why),
    };
    let mut hub = Hub::over(store, "");
    hub.start();
    let [backup, number] = ["backup", "number"].map(|name| hub.desk.path().join(name).display().to_string());
    let dump = format!("echo $$ >{number}.new; mv {number}.new {number}; exec sleep 100");
    let mut command = hub.command(&["backup", &backup, "--dump", &dump]);
    let mut running = command.stderr(Stdio::null()).spawn().unwrap();
    until("the dump", || Path::new(&number).exists());
    hub.kill();
    hub.start();
    assert_eq!(held(&hub).len(), 1, "it is in use");
    running.kill().unwrap();
    running.wait().unwrap();
    let dumping = fs::read_to_string(&number).unwrap();
    assert!(Command::new("kill").arg(dumping.trim()).status().unwrap().success());
    assert_eq!(held(&hub).len(), 1, "it could not clean up");
    hub.kill();
    hub.start();
    assert_eq!(held(&hub), [""; 0]);
}

/// However a test ends, what it sends does, too.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
