//! A whole hub in this process, with sockets and a store, on disks that can do what real ones rarely do.

mod disks;
mod failing;
mod faults;
mod power;
mod states;
mod tidying;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use ward_core::{
    Actor, Batch, Organisation, OrganisationId, OrganisationKind, Scope, Source, SourceId, Timestamp,
};
use ward_lake::{Limits, Query, TimeRange};
use ward_store::lake_files::{self, FileFilter};
use ward_store::{Store, StoreOptions, findings, organisations, sources};
use ward_web::catalogue;

use super::Hub;
use super::config::HubConfig;
use crate::clock::now;

/// Organisations, each with a source and a listener of its own, and whether what they send is old.
const SENDERS: [(&str, bool); 2] = [("RXX", false), ("RYY", true)];
/// Events of a batch.
const TOGETHER: usize = 2;
/// Events of a user, whom a rule is to find when all of them are there.
const OF_A_USER: usize = 3;

/// A folder, in memory where there is such a file system: the order of writes is what counts here.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Rules and settings of a hub in this folder. It seals and tidies when it is told to.
pub fn configure(folder: &Path, workers: usize) -> HubConfig {
    let rules = folder.join("rules.yml");
    std::fs::write(&rules, RULES).unwrap();
    let mut text = format!(
        "[data]\nfolder = \"{}/data\"\n[journal]\nseal_seconds = 3600\nreserve_megabytes = 0\n\
         [watch]\nrules = [\"{}\"]\nworkers = {workers}\n[lake]\ntidy_seconds = 3600\n",
        folder.display(),
        rules.display(),
    );
    for (code, _) in SENDERS {
        let name = code.to_lowercase();
        text += &format!(
            "[[intake.http]]\nname = \"{name}\"\nlisten = \"127.0.0.1:0\"\nsource = \"{name}\"\n\
             protocols = [\"events\"]\n"
        );
    }
    let path = folder.join("ward.toml");
    std::fs::write(&path, text).unwrap();
    let config = HubConfig::load(Some(&path)).unwrap();
    std::fs::create_dir_all(&config.data.folder).unwrap();
    config
}

/// Enters who sends.
pub async fn enter_senders(config: &HubConfig) {
    let (by, now) = (Actor::operator("test".to_owned()), now());
    let store = Store::open(&config.store_url(), StoreOptions::default()).await.unwrap();
    for (code, _) in SENDERS {
        let id = OrganisationId::new(code).unwrap();
        let kind = OrganisationKind::Organisation;
        let organisation = Organisation { id: id.clone(), parent: None, kind, name: code.to_owned() };
        organisations::put(&store, &by, now, &organisation).await.unwrap();
        let name = SourceId::new(&code.to_lowercase()).unwrap();
        let source = Source { id: name, organisation: id, rate: None, silent_after: None };
        sources::put(&store, &by, now, &source).await.unwrap();
    }
    store.close().await;
}

/// A batch that comes at this time.
pub fn batch(nth: usize, received: Timestamp) -> Batch {
    let (code, is_old) = SENDERS[nth % SENDERS.len()];
    let time = if is_old { "2026-11-20T08:00:00Z".to_owned() } else { received.to_string() };
    let lines: Vec<String> = events_of(nth).map(|(event, user)| line(&time, &event, &user)).collect();
    Batch {
        organisation: OrganisationId::new(code).unwrap(),
        source: SourceId::new(&code.to_lowercase()).unwrap(),
        received,
        format: "ndjson".to_owned(),
        payload: lines.join("\n").into_bytes(),
    }
}

/// Sends a batch; what is answered.
pub async fn send(hub: &Hub, nth: usize) -> u16 {
    let address = hub.bound()[nth % SENDERS.len()].address;
    let sending = tokio::task::spawn_blocking(move || {
        ureq::post(format!("http://{address}/ingest/v1/events?format=ndjson"))
            .header("Idempotency-Key", nth.to_string())
            .config()
            .http_status_as_error(false)
            .build()
            .send(&batch(nth, now()).payload)
    });
    let answer = sending.await.unwrap().unwrap();
    let status = answer.status().as_u16();
    assert_eq!(status == 503, answer.headers().contains_key("retry-after"), "{status}");
    status
}

/// What makes [`fault`] one.
const FAULT: &[u8] = b"a fault, for a trial";

/// Looking at such a payload is a fault in Ward.
pub fn fault(payload: &[u8]) {
    assert!(payload != FAULT, "a trial");
}

/// An event that the rules find.
fn line(time: &str, host: &str, user: &str) -> String {
    format!(
        "{{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1,\"UtcTime\":\"{time}\",\
         \"Hostname\":\"{host}\",\"User\":\"{user}\",\"CommandLine\":\"vssadmin delete shadows\"}}"
    )
}

/// The events of a batch, and whose doing each is. Users are spread over batches, and so over segments.
fn events_of(batch: usize) -> impl Iterator<Item = (String, String)> {
    let (sender, first) = (batch % SENDERS.len(), batch / SENDERS.len() * TOGETHER);
    (first..first + TOGETHER)
        .map(move |event| (format!("pc-{sender}-{event}"), format!("user-{sender}-{}", event / OF_A_USER)))
}

/// What is in the lake when these batches are, and what rules find then: each once.
pub fn expected(batches: impl Iterator<Item = usize>) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let mut events: BTreeMap<String, usize> = BTreeMap::new();
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for (event, user) in batches.flat_map(events_of) {
        events.insert(event, 1);
        *users.entry(user).or_default() += 1;
    }
    let whole = users.into_iter().filter(|(_, count)| *count == OF_A_USER).map(|(user, _)| (user, 1));
    let findings = events.clone().into_iter().chain(whole).collect();
    (events, findings)
}

/// Waits until everything in the journal is done.
pub async fn settle(hub: &Hub) {
    hub.post.journal.seal();
    for _ in 0..6_000 {
        if hub.post.journal.segments().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the journal is not done after a minute: {:?}", hub.post.journal.segments());
}

/// How often an event of which name is in the lake, by the files that the catalogue has.
pub async fn events(hub: &Hub) -> BTreeMap<String, usize> {
    let scope = Scope::whole_sector();
    let files = lake_files::files(&hub.store, &scope, &FileFilter::default()).await.unwrap();
    let (files, lake) = (catalogue::files(files), &hub.post.lake);
    files.iter().for_each(|file| lake.verify(file).unwrap());
    let limits = Limits { rows: usize::MAX, ..Limits::default() };
    let mut search = lake.search(&scope, &files, &Query::parse("").unwrap(), TimeRange::ALL, limits).unwrap();
    let mut found = BTreeMap::new();
    while let Some(row) = search.next().await {
        *found.entry(row.unwrap().device.unwrap()).or_default() += 1;
    }
    found
}

/// How often something was found about which host or user.
pub async fn found_by_rules(store: &Store) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for stored in findings::list(store, &Scope::whole_sector(), None, 100_000).await.unwrap() {
        let finding = stored.finding;
        let about = match finding.rule.id.as_str() {
            "thrice" => finding.matched["User"].as_str().unwrap().to_owned(),
            _ => finding.host.unwrap(),
        };
        *found.entry(about).or_default() += 1;
    }
    found
}

const RULES: &str = "\
title: shadow
id: shadow
name: shadow
status: test
level: high
logsource:
  category: process_creation
  product: windows
detection:
  sel:
    CommandLine|contains: 'delete shadows'
  condition: sel
---
title: thrice
id: thrice
status: test
level: critical
correlation:
  type: event_count
  rules: [shadow]
  group-by: [User]
  timespan: 1h
  condition: {gte: 3}
  generate: true
";
