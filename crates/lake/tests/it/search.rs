//! A search finds what the plain meaning of its query says, and looks at no more than it must.

use std::fs;
use std::time::Duration;

use proptest::prelude::*;
use ward_core::Scope;
use ward_lake::{LakeError, Limits, Query, TimeRange};

use crate::sample::{TestLake, at, event, events, everyone, leeds, organisation};

#[test]
fn each_kind_of_question_is_answered_as_it_is_meant() {
    let lake = TestLake::new().with("1-1", events(0..2_500)).with("2-2", events(2_500..4_000));
    for query in [
        "powershell",
        "POWERSHELL pc0007",
        r#""C:\Windows\System32\cmd.exe""#,
        r#"system32\\c?d*exe"#,
        "Spiegel\u{e9}",
        "EventID:4625",
        r"winlog.event_data.Image:*\\cmd.exe",
        "event_data.LogonType:(3 OR 10)",
        "bytes>4000",
        "bytes:[100 TO 120]",
        "ip:10.0.0.6",
        "ip:10.0.0.0/24",
        "ip:2001:db8::1a",
        "host:PC0003.RR8.EXAMPLE",
        "user:trust\\\\user7",
        "hash:0000000000000000000000000000000000000000000000000000000000000009",
        "domain:*.evil.example NOT domain:d0*",
        "url:https\\://d50.evil.example/a\\?b=c",
        "observable:d36.evil.example OR observable:10.1.0.4",
        "class:1007 format:syslog",
        "log_source:windows/process_creation/*",
        "id:3.17",
        "time>=2026-11-26",
        "time:2026-11-25 AND NOT org:rcb",
        "received<2026-11-24T06:10:00Z",
        "org:RAE user:*",
        "NOT user:*",
        "NOT (EventID:4624 OR EventID:4625) cmd",
        "nothing-has-this",
        "*",
    ] {
        let (found, scanned) = lake.search(&everyone(), query);
        assert_eq!(found, lake.plainly(query), "{query}");
        assert!(scanned.damaged.is_empty());
        let least = if query == "nothing-has-this" { 0 } else { 1 };
        assert!(found.len() >= least, "{query} finds nothing, so the test says nothing");
    }
}

fn queries() -> impl Strategy<Value = String> {
    let term = prop_oneof![
        (0_u64..5_000).prop_map(|nth| format!(
            "ip:{}",
            event(nth).addresses.first().cloned().unwrap_or("10.9.9.9".into())
        )),
        (0_u64..300).prop_map(|nth| format!("device:pc{nth:04}.rr8.example")),
        (0_u64..60).prop_map(|nth| format!("user:\"trust\\\\user{nth}\"")),
        (0_u64..60).prop_map(|nth| format!("domain:d{nth}.evil.example")),
        (0_u64..60).prop_map(|nth| format!("observable:d{nth}.evil.*")),
        (4623_u64..4628).prop_map(|id| format!("EventID:{id}")),
        (0_u64..12).prop_map(|kind| format!("LogonType>={kind}")),
        (0_u64..1_800).prop_map(|nth| format!("time<\"{}\"", event(nth).time)),
        (0_u64..1_800).prop_map(|nth| format!("time>=\"{}\"", event(nth).time)),
        (0_u64..1_800).prop_map(|nth| format!("id:{}", event(nth).id)),
        prop_oneof![Just("org:RR8"), Just("org:r*"), Just("class<=1007"), Just("format:syslog")]
            .prop_map(str::to_owned),
        prop_oneof![Just("cmd.exe"), Just("p?wer*shell"), Just("\"4625\"")].prop_map(str::to_owned),
    ];
    term.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT {a}")),
        ]
    })
}

#[test]
fn any_query_finds_what_it_means() {
    let lake = TestLake::new().with("1-1", events(0..1_000)).with("2-2", events(800..1_800));
    let config = ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(query in queries(), rows in 1_usize..500)| {
        let plainly = lake.plainly(&query);
        prop_assert_eq!(&lake.search(&everyone(), &query).0, &plainly, "{}", query);
        let limits = Limits { rows, ..Limits::default() };
        let (newest, _) = lake.search_in(&everyone(), &query, TimeRange::ALL, limits);
        prop_assert_eq!(&newest[..], &plainly[..rows.min(plainly.len())], "newest {} of {}", rows, query);
        let canonical = Query::parse(&query).unwrap().to_string();
        prop_assert_eq!(Query::parse(&canonical).unwrap(), Query::parse(&query).unwrap());
    });
}

#[test]
fn one_observable_costs_one_row_group_however_many_there_are() {
    let lake = TestLake::new().with("1-1", events(0..20_000));
    let (found, scanned) = lake.search(&everyone(), "url:\"https://d9900.evil.example/a?b=c\"");
    assert_eq!(found.len(), 1);
    assert!(scanned.groups_read <= 3, "{scanned:?}");
    assert!(scanned.files_pruned + 3 >= scanned.files, "{scanned:?}");
    let (none, scanned) = lake.search(&everyone(), "ip:192.0.2.1 org:RR8");
    assert!(none.is_empty() && scanned.rows < 2_000, "{scanned:?}");
    let (one, scanned) = lake.search(&everyone(), "id:150.7");
    // each of the three organisations has events of that batch
    assert!(one.len() == 1 && scanned.groups_read == 3, "{scanned:?}");
}

#[test]
fn the_newest_come_first_and_older_files_are_not_opened_for_them() {
    let lake = TestLake::new().with("1-1", events(0..9_000));
    let limits = Limits { rows: 10, threads: 1, ..Limits::default() };
    let (found, scanned) = lake.search_in(&everyone(), "", TimeRange::ALL, limits);
    assert_eq!(found, lake.plainly("")[..10]);
    assert!(scanned.groups_read <= 4, "{scanned:?}");
}

#[test]
fn a_time_range_is_kept_and_prunes() {
    let lake = TestLake::new().with("1-1", events(0..4_000));
    let range = TimeRange { from: Some(at("2026-11-25T00:00:00Z")), to: Some(at("2026-11-25T01:00:00Z")) };
    let (found, scanned) = lake.search_in(&everyone(), "", range, Limits::default());
    assert_eq!(found, lake.plainly("time>=2026-11-25T00:00:00Z time<2026-11-25T01:00:00Z"));
    assert!(scanned.files_pruned >= 6, "{scanned:?}");
    let estimate = lake.lake.estimate(&everyone(), &lake.files, &Query::ALL, range);
    assert_eq!(estimate.files, scanned.files - scanned.files_pruned);
}

#[test]
fn nobody_sees_another_organisations_events_by_any_question() {
    let lake = TestLake::new().with("1-1", events(0..900));
    for query in ["", "org:RCB", "NOT org:RR8", "org:RR8 OR org:RCB", "org:*", "observable:*", "rcb"] {
        let (found, scanned) = lake.search(&leeds(), query);
        assert!(found.iter().all(|row| row.organisation == organisation("RR8")), "{query}");
        assert_eq!(scanned.files, 1, "{query}: what is outside is not even counted");
    }
    let theirs = event(1).id;
    assert!(lake.lake.get(&leeds(), &lake.files, theirs).unwrap().is_none());
    assert_eq!(lake.lake.get(&everyone(), &lake.files, theirs).unwrap(), Some(event(1)));
}

#[test]
fn a_list_of_files_that_lies_shows_nothing() {
    let mut lake = TestLake::new().with("1-1", events(0..900));
    let theirs = lake.files.iter().position(|file| file.organisation == organisation("RCB")).unwrap();
    lake.files[theirs].organisation = organisation("RR8");
    lake.files.push(ward_lake::LakeFile {
        path: "organisation=RR8/day=2026-11-24/../../organisation=RCB/day=2026-11-24/1-1.parquet".into(),
        organisation: organisation("RR8"),
        ..lake.files[theirs].clone()
    });
    let (found, _) = lake.search(&leeds(), "");
    assert_eq!(found.len(), 300);
    assert!(found.iter().all(|row| row.organisation == organisation("RR8")));
}

#[test]
fn a_damaged_file_is_named_and_the_rest_is_searched() {
    let lake = TestLake::new().with("1-1", events(0..1_500));
    let path = lake.folder.path().join(&lake.files[0].path);
    let whole = fs::read(&path).unwrap();
    let good = |row: &ward_lake::FoundRow| {
        row.organisation != lake.files[0].organisation || ward_lake::Day::of(row.time) != lake.files[0].day
    };
    let expected: Vec<_> = lake.plainly("").into_iter().filter(good).collect();
    for length in [0, 3, 100, whole.len() / 2, whole.len() - 9] {
        fs::write(&path, &whole[..length]).unwrap();
        let (found, scanned) = lake.search(&everyone(), "");
        assert_eq!(found, expected, "cut to {length} bytes");
        assert_eq!(scanned.damaged[0].0, lake.files[0].path);
        assert!(lake.lake.verify(&lake.files[0]).is_err());
    }
    fs::remove_file(&path).unwrap();
    let (found, scanned) = lake.search(&everyone(), "ip:10.0.0.6 OR cmd");
    assert!(!found.is_empty());
    assert_eq!(scanned.damaged.len(), 1, "{:?}", scanned.damaged);
}

#[test]
fn flipped_bytes_never_end_a_search_of_the_others() {
    let lake = TestLake::new().with("1-1", events(0..300));
    let path = lake.folder.path().join(&lake.files[0].path);
    let whole = fs::read(&path).unwrap();
    for place in (0..whole.len()).step_by(whole.len() / 120) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        let (found, _) = lake.search(&everyone(), "cmd OR ip:10.0.0.6");
        let others = |row: &&ward_lake::FoundRow| row.organisation != lake.files[0].organisation;
        let plainly = lake.plainly("cmd OR ip:10.0.0.6");
        assert_eq!(found.iter().filter(others).count(), plainly.iter().filter(others).count());
    }
}

#[test]
fn a_search_ends_when_its_time_is_up_or_it_is_called_off() {
    let lake = TestLake::new().with("1-1", events(0..3_000));
    let query = Query::parse("nothing-has-this").unwrap();
    let limits = Limits { time: Duration::ZERO, ..Limits::default() };
    let mut search = lake.lake.search(&everyone(), &lake.files, &query, TimeRange::ALL, limits).unwrap();
    assert!(matches!(search.blocking_next(), Some(Err(LakeError::OutOfTime(_)))));
    assert!(search.blocking_next().is_none());
    let limits = Limits::default();
    limits.cancel.cancel();
    let mut search = lake.lake.search(&everyone(), &lake.files, &query, TimeRange::ALL, limits).unwrap();
    assert!(matches!(search.blocking_next(), Some(Err(LakeError::Cancelled))));
}

#[test]
fn rows_that_wait_take_no_more_memory_than_they_may() {
    let lake = TestLake::new().with("1-1", events(0..3_000));
    let limits = Limits { memory: 50_000, rows: usize::MAX, ..Limits::default() };
    let mut search =
        lake.lake.search(&Scope::whole_sector(), &lake.files, &Query::ALL, TimeRange::ALL, limits).unwrap();
    let last = std::iter::from_fn(|| search.blocking_next()).last();
    assert!(matches!(last, Some(Err(LakeError::OutOfMemory(50_000)))), "{last:?}");
}
