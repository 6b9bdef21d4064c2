//! Killed while it writes, a process leaves whole changes only, and every one it was told of.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use ward_core::OrganisationKind;
use ward_store::alerts::{self, AlertFilter};
use ward_store::{Kind, Store, StoreError, StoreOptions, backup, findings, ledger, organisations};

use crate::support::*;

/// A hub whose machine lost its power holds the lock of the ledger for as long as the server believes in it.
#[test]
fn who_holds_the_ledger_and_never_answers_is_not_waited_for_without_end() {
    use sqlx::{AnyConnection, Connection, Executor};
    on_each_place(async |place| {
        let options = StoreOptions { wait: Duration::from_secs(1), ..StoreOptions::default() };
        let store = Store::open(&place.url, options).await.unwrap();
        enter(&store, "RXX").await.unwrap();
        let mut gone = AnyConnection::connect(&place.url).await.unwrap();
        let begin = if place.kind == Kind::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        gone.execute(begin).await.unwrap();
        gone.execute("UPDATE ledger_head SET number = number WHERE id = 1").await.unwrap();
        let begun = std::time::Instant::now();
        assert!(enter(&store, "RYY").await.is_err());
        assert!(begun.elapsed() < Duration::from_secs(20), "it was told, after {:?}", begun.elapsed());
        gone.close_hard().await.unwrap();
        enter(&store, "RYY").await.unwrap();
    });
}

async fn enter(store: &Store, code: &str) -> Result<(), StoreError> {
    organisations::put(store, &root(), NOW, &organisation(code, None, OrganisationKind::Organisation)).await
}

const VICTIM: &str = "WARD_STORE_TEST_VICTIM";

#[test]
fn what_was_answered_before_a_kill_is_there_and_nothing_is_there_in_part() {
    if let Ok(url) = std::env::var(VICTIM) {
        return write_until_killed(&url);
    }
    on_each_place(async |place| {
        let store = place.open().await;
        let mut answered = 0;
        for round in 0..5_u64 {
            answered = answered.max(killed_after(&place.url, Duration::from_millis(40 + round * 17)));
            let entries = ledger::verify(&store, &[]).await.unwrap().unwrap().number;
            let recorded = entries as u32;
            assert!(recorded >= answered, "{answered} were answered, {recorded} are there");
            let found = findings::list(&store, &all(), None, 100_000).await.unwrap();
            assert_eq!(found.len() as u32, recorded * 3, "each change has three findings and an entry");
            let page = alerts::list(&store, &all(), &AlertFilter::default(), None, 9).await.unwrap();
            assert_eq!(page.alerts.iter().map(|alert| alert.count).sum::<u64>(), found.len() as u64);
        }
        assert!(answered >= 5, "only {answered} changes were made before the kills");
    });
}

/// Lets a process write for a while after its first answer, and kills it. Tells how many changes the ledger had
/// when it last answered.
fn killed_after(url: &str, time: Duration) -> u32 {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "crash::what_was_answered_before_a_kill_is_there_and_nothing_is_there_in_part",
        ])
        .env(VICTIM, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut last = lines.find_map(|line| answer(&line)).expect("a first answer");
    std::thread::sleep(time);
    victim.kill().unwrap();
    victim.wait().unwrap();
    for line in lines {
        last = answer(&line).unwrap_or(last);
    }
    last
}

fn answer(line: &str) -> Option<u32> {
    line.split_once("answered ")?.1.split_once(';')?.0.parse().ok()
}

fn write_until_killed(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(url, StoreOptions::default()).await.unwrap();
        for change in ledger::head(&store).await.unwrap().number as u32.. {
            let three = [0, 1, 2].map(|number| finding(change * 3 + number, "LEEDS"));
            findings::record(&store, &watch(), NOW, &three).await.unwrap();
            println!("answered {};", change + 1);
        }
    });
}

#[test]
fn a_backup_is_a_whole_database_and_never_overwrites_one() {
    on_each_place(async |place| {
        let store = place.open().await;
        sector(&store).await;
        findings::record(&store, &watch(), NOW, &[finding(1, "LEEDS")]).await.unwrap();
        let copy = place.folder.path().join("it's a copy.db");
        let done = backup::backup_to(&store, &copy).await;
        if place.kind == Kind::Postgres {
            assert!(done.unwrap_err().to_string().contains("pg_dump"));
            return;
        }
        done.unwrap();
        findings::record(&store, &watch(), NOW, &[finding(2, "LEEDS")]).await.unwrap();
        assert!(backup::backup_to(&store, &copy).await.is_err(), "it exists");
        let restored = Store::open(&Store::url_of(&copy), StoreOptions::default()).await.unwrap();
        assert_eq!(findings::list(&restored, &all(), None, 9).await.unwrap().len(), 1);
        let head = ledger::verify(&restored, &[]).await.unwrap().unwrap();
        assert_eq!(head.number + 1, ledger::head(&store).await.unwrap().number);
    });
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_files_of_a_database_and_its_backup() {
    use std::os::unix::fs::PermissionsExt;
    on_each_place(async |place| {
        if place.kind == Kind::Postgres {
            return;
        }
        let store = place.open().await;
        sector(&store).await;
        backup::backup_to(&store, &place.folder.path().join("copy.db")).await.unwrap();
        let modes: Vec<_> = std::fs::read_dir(place.folder.path())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().permissions().mode() & 0o777)
            .collect();
        assert!(modes.len() >= 3 && modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
    });
}

#[test]
fn a_database_that_is_not_there_is_said_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = StoreOptions { wait: Duration::from_millis(300), ..StoreOptions::default() };
        let error = Store::open("sqlite:/no/such/folder/ward.db", options).await.unwrap_err();
        assert_eq!(error.to_string(), "the database could not make its file /no/such/folder/ward.db");
        let error = Store::open("postgres://ward@127.0.0.1:1/ward", options).await.unwrap_err();
        assert_eq!(error.to_string(), "the database at 127.0.0.1:1, database ward could not be connected to");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("refused"), "{cause}");
        assert!(Store::look("sqlite:/no/such/folder/ward.db", options).await.unwrap().is_none());
    });
}
