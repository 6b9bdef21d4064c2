//! How fast findings are recorded, and alerts listed, tallied and judged, on a database of one's choice:
//! `cargo run --release -p ward-store --example rates -- sqlite:/var/tmp/rates.db 1000000`. The database should be new.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ward_core::{
    Actor, BatchId, EventId, Organisation, OrganisationId, OrganisationKind, Scope, Severity, SourceId,
    Timestamp,
};
use ward_store::alerts::{self, AlertFilter, Judgement, OwnedBy, State};
use ward_store::findings::{self, Finding, RuleName};
use ward_store::{FindingId, Store, StoreOptions, ledger, organisations};

const ORGANISATIONS: u64 = 40_000;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite:rates.db".to_owned());
    let alerts: u64 = arguments.next().map_or(100_000, |count| count.parse().unwrap());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    println!("{:?}", store.kind());
    let mut number = 0;
    for (size, calls) in [(1, 200), (100, 200), (1_000, 40)] {
        for (what, hosts) in [("of 50 hosts", 50), ("each of a new host", u64::MAX)] {
            let start = Instant::now();
            record(&store, &mut number, size, calls, hosts).await;
            let (rows, took) = (size * calls, start.elapsed());
            let each = took.as_secs_f64() * 1e3 / calls as f64;
            println!(
                "{size:>5} findings a call, {what}: {:.0} rows/s, {each:.2} ms a call",
                rate(rows, took)
            );
        }
    }
    let start = Instant::now();
    record(&store, &mut number, 1_000, alerts / 1_000, u64::MAX).await;
    println!("{alerts} more findings, each an alert: {:.0} rows/s", rate(alerts, start.elapsed()));
    let start = Instant::now();
    ledger::verify(&store, &[]).await.unwrap().unwrap();
    println!("ledger verified in {:?}", start.elapsed());
    list(&store).await;
    overview(&store).await;
}

/// What pages show of all alerts together, and what they need of the tree.
async fn overview(store: &Store) {
    let tree: Vec<Organisation> = (0..ORGANISATIONS + 42).map(in_tree).collect();
    organisations::put_all(store, &Actor::operator("root"), Timestamp::from_micros(0), &tree).await.unwrap();
    let all = Scope::whole_sector();
    let large = Scope::of((0..ORGANISATIONS).map(organisation));
    for (name, scope) in [("whole sector", &all), ("40,000 organisations", &large)] {
        let start = Instant::now();
        let boards = organisations::care_boards(store, scope).await.unwrap().len();
        let care_boards = start.elapsed();
        let start = Instant::now();
        let tallies = alerts::tallies(store, scope).await.unwrap().len();
        let took = start.elapsed();
        println!("{name}: care boards of {boards} in {care_boards:?}, {tallies} tallies in {took:?}");
        let start = Instant::now();
        alerts::totals(store, scope).await.unwrap();
        let totals = start.elapsed();
        let (start, from) = (Instant::now(), Timestamp::from_micros(0));
        let until = Timestamp::from_micros(100_000_000);
        let steps = alerts::opened(store, scope, from, until, 500_000).await.unwrap().len();
        println!("{name}: totals in {totals:?}, {steps} bars of a histogram in {:?}", start.elapsed());
    }
    let ids: Vec<_> = alerts::list(store, &all, &AlertFilter::default(), None, 500).await.unwrap().alerts;
    let ids: Vec<_> = ids.into_iter().map(|alert| alert.id).collect();
    let judgement = Judgement { owner: Some(Some("anna".to_owned())), ..Judgement::default() };
    let start = Instant::now();
    let by = Actor::operator("root");
    alerts::judge_all(store, &by, Timestamp::from_micros(1), &all, &ids, &judgement).await.unwrap();
    println!("{} alerts judged at once in {:?}", ids.len(), start.elapsed());
}

/// A nation, 41 care boards, and the organisations in them.
fn in_tree(number: u64) -> Organisation {
    let code = |text: String| OrganisationId::new(&text).unwrap();
    let (id, parent, kind) = match number {
        0 => (code("ENG".to_owned()), None, OrganisationKind::Nation),
        1..=41 => (code(format!("Q{number}")), Some(code("ENG".to_owned())), OrganisationKind::CareBoard),
        _ => {
            let board = code(format!("Q{}", number % 41 + 1));
            (organisation(number - 42), Some(board), OrganisationKind::Organisation)
        }
    };
    Organisation { name: format!("The {id}"), id, parent, kind }
}

async fn record(store: &Store, number: &mut u64, size: u64, calls: u64, hosts: u64) {
    let by = Actor::ward("watch");
    for _ in 0..calls {
        let batch: Vec<Finding> = (*number..*number + size).map(|each| finding(each, hosts)).collect();
        *number += size;
        let now = Timestamp::from_micros(*number as i64);
        assert_eq!(findings::record(store, &by, now, &batch).await.unwrap().new.len() as u64, size);
    }
}

async fn list(store: &Store) {
    let some = |count: u64| Scope::of((0..count).map(|number| organisation(number * 7)));
    let scopes = [
        ("whole sector", Scope::whole_sector()),
        ("1 organisation", some(1)),
        ("500 organisations", some(500)),
        ("5,000 organisations", some(5_000)),
        ("40,000 organisations", Scope::of((0..ORGANISATIONS).map(organisation))),
    ];
    let active = AlertFilter {
        states: BTreeSet::from([State::Open, State::Acknowledged]),
        at_least: Some(Severity::High),
        ..AlertFilter::default()
    };
    let rule = AlertFilter { rule: Some("rule-7".to_owned()), ..AlertFilter::default() };
    let host = AlertFilter { entity: Some("pc7.leeds.nhs.uk".to_owned()), ..AlertFilter::default() };
    let nobodys = AlertFilter { owner: Some(OwnedBy::Nobody), ..active.clone() };
    for (name, scope) in &scopes {
        for (what, filter) in [
            ("all", AlertFilter::default()),
            ("active, high", active.clone()),
            ("a rule", rule.clone()),
            ("a host", host.clone()),
            ("nobody's, active, high", nobodys.clone()),
        ] {
            let start = Instant::now();
            let page = alerts::list(store, scope, &filter, None, 50).await.unwrap();
            let first = start.elapsed();
            let start = Instant::now();
            alerts::list(store, scope, &filter, page.next.as_ref(), 50).await.unwrap();
            println!("list {name}, {what}: {first:?}, next {:?} ({} in all)", start.elapsed(), page.total);
        }
    }
}

fn finding(number: u64, hosts: u64) -> Finding {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let host = number % hosts;
    let time = Timestamp::from_micros(1_772_020_800_000_000 + number as i64 * 1_000);
    let matched = [
        ("CommandLine", "powershell.exe -NoProfile -EncodedCommand SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoA"),
        ("Image", "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"),
        ("ParentImage", "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE"),
    ];
    Finding {
        id: FindingId(id),
        organisation: organisation(host),
        source: SourceId::new("dc").unwrap(),
        events: vec![EventId { batch: BatchId(number / 100), index: (number % 100) as u32 }],
        rule: RuleName {
            id: format!("rule-{}", host % 97),
            title: "Suspicious Encoded PowerShell Command Line".to_owned(),
            tags: vec!["attack.execution".to_owned(), "attack.t1059.001".to_owned()],
        },
        level: Severity::ALL[(host % 5) as usize],
        host: Some(format!("pc{host}.leeds.nhs.uk")),
        user: Some("LEEDS\\anna".to_owned()),
        time,
        received: time,
        matched: matched.iter().map(|(field, value)| ((*field).to_owned(), (*value).into())).collect(),
        exception: None,
    }
}

fn organisation(number: u64) -> OrganisationId {
    OrganisationId::new(&format!("T{:05}", number % ORGANISATIONS)).unwrap()
}

fn rate(rows: u64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64()
}
