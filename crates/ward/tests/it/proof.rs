//! What a hub has, held against what was sent to it and what it promised.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use ward_core::Scope;
use ward_store::findings::{self, Stored};
use ward_store::{Store, StoreOptions, lake_files};

use crate::running::Hub;
use crate::senders::{Account, Client};

/// Everything that a hub has.
pub struct Proof {
    /// How often an event of this name is in the lake, and whose doing it was.
    events: BTreeMap<String, (u32, String)>,
    /// How often which rule found something about which host or user.
    findings: BTreeMap<(String, String), u32>,
}

/// How it came out.
pub struct Told {
    acknowledged: usize,
    found: usize,
    findings: usize,
    unanswered: usize,
}

impl Proof {
    /// Of what this hub has now.
    pub fn of(hub: &Hub) -> Self {
        let mut events = BTreeMap::new();
        let sql = "SELECT device, \"user\", count(*) AS n FROM events GROUP BY device, \"user\"";
        let all = ["--format", "json", "--limit", "100000000", "--seconds", "600"];
        for row in hub.rows(&[&["hunt", "--sql", sql][..], &all].concat()) {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let times = u32::try_from(row["n"].as_u64().unwrap()).unwrap();
            let entry: &mut (u32, String) = events.entry(text("device")).or_default();
            (entry.0, entry.1) = (entry.0 + times, text("user"));
        }
        let mut findings = BTreeMap::new();
        for Stored { finding, .. } in with_store(hub, async |store| all_findings(store).await) {
            let user = finding.matched.get("User").and_then(|user| user.as_str());
            let about = match finding.rule.id.as_str() {
                "thrice" => user.unwrap().to_owned(),
                _ => finding.host.clone().unwrap_or_default(),
            };
            *findings.entry((finding.rule.id, about.to_lowercase())).or_default() += 1;
        }
        Self { events, findings }
    }

    /// Holds it against what clients sent and heard, and against the names that the journal was seen to have.
    pub fn hold(&self, accounts: &[(Client, Account)], kept: &BTreeMap<String, u32>) -> Told {
        let sent: BTreeSet<&String> = accounts.iter().flat_map(|(_, account)| &account.sent).collect();
        for (name, (times, _)) in &self.events {
            assert!(sent.contains(name), "{name} was never sent");
            assert_eq!(*times, 1, "{name} is in the lake {times} times");
        }
        let mut told = Told { acknowledged: 0, found: self.events.len(), findings: 0, unanswered: 0 };
        for (client, account) in accounts {
            let lost: Vec<_> =
                account.acknowledged.iter().filter(|name| !self.events.contains_key(*name)).collect();
            assert!(lost.is_empty(), "{client:?}: {} acknowledged events are lost: {lost:?}", lost.len());
            assert_eq!(account.acknowledged.is_empty(), *client == Client::Syslog, "{client:?} was answered");
            let refused = account.refused.iter().filter(|name| self.events.contains_key(*name)).count();
            assert_eq!(refused, 0, "{client:?}: refused events are in the lake");
            told.acknowledged += account.acknowledged.len();
            told.unanswered += account.sent.len() - account.acknowledged.len();
        }
        let missing: Vec<_> = kept.keys().filter(|name| !self.events.contains_key(*name)).collect();
        assert!(missing.is_empty(), "the journal had, and the lake has not: {missing:?}");
        told.findings = self.hold_findings();
        told
    }

    /// Each marked event is found once, and each user with three of them.
    fn hold_findings(&self) -> usize {
        let mut expected: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut users: BTreeMap<&str, u32> = BTreeMap::new();
        for (name, (_, user)) in &self.events {
            let number: u64 = name.rsplit('-').next().unwrap().parse().unwrap();
            if number.is_multiple_of(3) {
                let is_syslog = name.starts_with(Client::Syslog.name());
                let rule = if is_syslog { "told" } else { "shadow" };
                expected.insert((rule.to_owned(), name.clone()), 1);
                if !is_syslog {
                    *users.entry(user).or_default() += 1;
                }
            }
        }
        for (user, _) in users.into_iter().filter(|(_, count)| *count >= 3) {
            expected.insert(("thrice".to_owned(), user.to_owned()), 1);
        }
        let differ = |one: &BTreeMap<(String, String), u32>, other: &BTreeMap<(String, String), u32>| {
            one.iter()
                .filter(|(what, count)| other.get(*what) != Some(count))
                .map(|(what, count)| format!("{what:?} x {count}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(differ(&expected, &self.findings), [""; 0], "expected findings");
        assert_eq!(differ(&self.findings, &expected), [""; 0], "findings nobody expected");
        expected.len()
    }
}

/// Files that lie in the lake's folder and are in no catalogue.
pub fn strays(hub: &Hub) -> Vec<String> {
    let lake = hub.data().join("lake");
    let path = |file: PathBuf| file.strip_prefix(&lake).unwrap().to_string_lossy().into_owned();
    let paths: Vec<String> = files_below(&lake).into_iter().map(path).collect();
    with_store(hub, async |store| lake_files::unknown(store, &paths).await.unwrap())
}

fn with_store<T>(hub: &Hub, ask: impl AsyncFnOnce(&Store) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(hub.store(), StoreOptions::default()).await.unwrap();
        ask(&store).await
    })
}

async fn all_findings(store: &Store) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let after = all.last().map(|stored| (stored.finding.time, stored.finding.id));
        let page = findings::list(store, &Scope::whole_sector(), after, 1_000).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| files_below(folder)));
    files
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events acknowledged, all found once; {} not answered; {} in the lake, none twice; {} findings, each once",
            self.acknowledged, self.unanswered, self.found, self.findings
        )
    }
}
