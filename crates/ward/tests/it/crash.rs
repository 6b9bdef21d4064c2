//! The hub is killed again and again while four clients send. What it acknowledged is found once, and so is
//! what its rules should find.
//!
//! `cargo xtask crash` runs these with more kills. `WARD_CRASH_KILLS` says how many, `WARD_CRASH_SEED` which,
//! and `WARD_CRASH_RESTART_MILLISECONDS` how long a restart may take; without it nothing timed is asserted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ward_journal::{Item, Journal, Options, Position, RealDisk};

use crate::desk::rule;
use crate::dice::Dice;
use crate::postgres;
use crate::proof::{Proof, strays};
use crate::running::{Hub, until};
use crate::senders::{Account, Client, Gate};

#[test]
fn whatever_the_hub_acknowledged_is_there_once_however_often_it_is_killed() {
    killed(setting("WARD_CRASH_KILLS").unwrap_or(50), Hub::with(LAKE));
}

#[test]
fn so_it_is_when_its_store_is_postgresql() {
    match postgres::schema() {
        Ok(store) => killed(setting("WARD_CRASH_KILLS").unwrap_or(15), Hub::over(store, LAKE)),
        Err(why) => postgres::say_skipped(&why),
    }
}

const LAKE: &str = "tidy_seconds = 1";

fn killed(kills: u64, mut hub: Hub) {
    let seed = setting("WARD_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{kills} kills, seed {seed}");
    add_rules(&hub);
    let mut dice = Dice::new(seed);
    let mut restarts = vec![hub.start()];
    let mut kept = BTreeMap::new();
    let stop = AtomicBool::new(false);
    let gate = Gate::of(&hub);
    let accounts: Vec<(Client, Account)> = std::thread::scope(|scope| {
        let clients: Vec<_> = Client::ALL
            .into_iter()
            .zip(1..)
            .map(|(client, nth)| {
                let (gate, stop) = (&gate, &stop);
                (client, scope.spawn(move || client.run(gate, seed.wrapping_mul(31) + nth, stop)))
            })
            .collect();
        // However this ends, the clients do, too.
        let _stopping = Stopping(&stop);
        for kill in 0..kills {
            // Sometimes it does not even come to its feet.
            if kill > 0 && dice.below(5) == 0 {
                hub.begin();
                std::thread::sleep(Duration::from_millis(dice.below(300)));
            } else {
                if kill > 0 {
                    restarts.push(hub.start());
                }
                std::thread::sleep(Duration::from_millis(dice.below(2_200)));
            }
            hub.kill();
            if hub.store().starts_with("postgres:") {
                // which stops when nobody has used it for a minute
                postgres::server().unwrap();
            }
            keep_books(&hub, &mut kept);
        }
        restarts.push(hub.start());
        std::thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|(client, thread)| (client, thread.join().unwrap())).collect()
    });
    until("the journal is empty", || hub.figure("ward_journal_segments") == Some(0.0));
    // What a killed hub left lying about is swept up by the next.
    hub.kill();
    restarts.push(hub.start());
    until("no file of the lake is nobody's", || strays(&hub).is_empty());
    let told = Proof::of(&hub).hold(&accounts, &kept);
    restarts.sort_unstable();
    let (p95, worst) = (restarts[restarts.len() * 95 / 100], restarts[restarts.len() - 1]);
    println!("{told}");
    println!("{} restarts: p95 {p95:?}, worst {worst:?}", restarts.len());
    assert!(!hub.log().contains("panicked"), "{}", hub.log());
    assert!(hub.ward(&["verify"]).contains("unbroken"));
    if let Some(most) = setting("WARD_CRASH_RESTART_MILLISECONDS") {
        assert!(worst <= Duration::from_millis(most), "a restart took {worst:?}");
    }
}

/// What is found in each marked event, and three of a user's make one more.
fn add_rules(hub: &Hub) {
    let shadow = rule("shadow", "high", crate::senders::MARK);
    hub.desk.write("rules/shadow.yml", format!("name: shadow\n{shadow}"));
    let keyword = format!("detection:\n  words:\n    - '{}'\n  condition: words\n", crate::senders::MARK);
    let told = "title: told\nid: told\nstatus: test\nlevel: medium\nlogsource:\n  product: linux\n";
    hub.desk.write("rules/told.yml", format!("{told}{keyword}"));
    hub.desk.write(
        "rules/thrice.yml",
        "title: thrice\nid: thrice\nstatus: test\nlevel: critical\ncorrelation:\n  type: event_count\n  \
         rules: [shadow]\n  group-by: [User]\n  timespan: 1h\n  condition: {gte: 3}\n  generate: true\n",
    );
}

/// Notes which messages of syslog the journal of a killed hub has: for them there is no other promise.
fn keep_books(hub: &Hub, kept: &mut BTreeMap<String, u32>) {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(hub.desk.path().join("data/journal")).unwrap() {
        let file = file.unwrap().path();
        std::fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    for name in names_in_journal(copy.path()).into_iter().filter(|name| name.starts_with("syslog-")) {
        *kept.entry(name).or_default() += 1;
    }
}

fn names_in_journal(folder: &Path) -> Vec<String> {
    let disk = RealDisk::open(folder).unwrap();
    let (journal, _) = Journal::open(Arc::new(disk), Options::default()).unwrap();
    let mut reader = journal.reader(Position::START);
    let mut names = Vec::new();
    while let Some(item) = reader.next().unwrap() {
        let Item::Frame(frame) = item else { panic!("damage in the journal: {item:?}") };
        for batch in frame.batches().filter(|batch| batch.format == "syslog-frames") {
            let text = String::from_utf8(batch.payload.to_vec()).unwrap();
            names.extend(text.split(' ').filter(|word| word.starts_with("syslog-")).map(str::to_owned));
        }
    }
    names.retain(|name| !name.contains("group"));
    names
}

struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}
