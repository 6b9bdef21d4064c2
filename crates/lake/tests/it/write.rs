//! What is written is found again, and nothing else is there.

use std::fs;
use std::path::Path;

use ward_core::Scope;
use ward_lake::{Lake, SegmentWriter, WriteOptions};

use crate::sample::{TestLake, at, event, events, everyone, organisation, push, small};

#[test]
fn rows_out_are_the_rows_in_with_all_their_columns() {
    let lake = TestLake::new().with("1-1", events(0..3_000)).with("2-2", events(3_000..4_000));
    let (found, scanned) = lake.search(&everyone(), "");
    assert_eq!(found, lake.plainly(""));
    assert_eq!((scanned.found, scanned.rows), (4_000, 4_000));
}

#[test]
fn each_organisation_and_day_has_a_file_of_its_own() {
    let lake = TestLake::new().with("1-1", events(0..3_000));
    let paths: Vec<&str> = lake.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths.len(), 9, "{paths:?}");
    assert_eq!(paths[0], "organisation=RAE/day=2026-11-24/1-1.parquet");
    assert_eq!(lake.files.iter().map(|file| file.rows).sum::<u64>(), 3_000);
    for file in &lake.files {
        let rows = lake.rows.iter().filter(|row| {
            row.organisation == file.organisation && file.day.start() <= row.time && row.time < file.day.end()
        });
        assert_eq!(rows.clone().count() as u64, file.rows);
        assert_eq!(rows.clone().map(|row| row.time).min(), Some(file.min_time));
        assert_eq!(rows.map(|row| row.time).max(), Some(file.max_time));
        assert_eq!(fs::metadata(lake.folder.path().join(&file.path)).unwrap().len(), file.bytes);
        lake.lake.verify(file).unwrap();
        assert_eq!(lake.lake.entry(&file.path).unwrap(), *file, "the file tells the same of itself");
    }
}

#[test]
fn a_replay_makes_the_same_files_and_no_more() {
    let lake = TestLake::new().with("1-1", events(0..2_000));
    let again = lake.write("1-1", &lake.rows, small());
    assert_eq!(again, lake.files);
    assert_eq!(names(lake.folder.path()).len(), lake.files.len());
}

#[test]
fn what_is_searched_by_is_in_lower_case_and_the_original_as_it_came() {
    let mut row = event(0);
    row.device = Some("PACS01.Trust.Example".into());
    row.user = Some(String::new());
    row.domains = vec!["EVIL.Example".into(), "B\u{dc}CHER.example".into(), String::new()];
    row.raw = vec![0xff, 0, b'A'];
    let lake = TestLake::new().with("1-1", vec![row]);
    let (found, _) = lake.search(&everyone(), "");
    assert_eq!(found[0].device.as_deref(), Some("pacs01.trust.example"));
    assert_eq!(found[0].user, None);
    assert_eq!(found[0].domains, ["evil.example", "b\u{fc}cher.example"]);
    assert_eq!(found[0].raw, [0xff, 0, b'A']);
}

#[test]
fn a_silly_time_is_that_of_its_coming() {
    let mut row = event(0);
    row.time = at("2099-01-01T00:00:00Z");
    row.received = at("2026-11-26T10:00:00Z");
    let lake = TestLake::new().with("1-1", vec![row]);
    assert_eq!(lake.files[0].path, "organisation=RR8/day=2026-11-26/1-1.parquet");
    assert_eq!(lake.search(&everyone(), "").0[0].time, at("2026-11-26T10:00:00Z"));
}

#[test]
fn memory_stays_within_its_budget_and_nothing_is_lost() {
    let lake = TestLake::new();
    let mut rows = events(0..6_000);
    for (nth, row) in rows.iter_mut().enumerate() {
        row.organisation = organisation(&format!("T{}", nth % 40));
        row.raw.resize(2_000, b'x');
    }
    let budget = 24 << 20;
    let options = WriteOptions { memory: budget, ..WriteOptions::default() };
    let writer = SegmentWriter::new(&lake.lake, "1-1", options.clone()).unwrap();
    let mut over = 0;
    for row in &rows {
        push(&writer, row);
        over = over.max(writer.memory().saturating_sub(budget));
    }
    assert_eq!(over, 0);
    assert!(writer.peak_memory() > budget / 2, "the budget is used: {}", writer.peak_memory());
    let files = writer.finish().unwrap();
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 6_000);
    assert_eq!(lake.write("1-1", &rows, options), files, "the same however often");
}

#[test]
fn a_segment_that_is_given_up_leaves_nothing() {
    let lake = TestLake::new();
    let options = WriteOptions { memory: 0, ..WriteOptions::default() };
    let writer = SegmentWriter::new(&lake.lake, "1-1", options).unwrap();
    events(0..5_000).iter().for_each(|row| push(&writer, row));
    let made = names(lake.folder.path());
    assert!(!made.is_empty() && made.iter().all(|name| name.starts_with('.') && name.ends_with(".tmp")));
    drop(writer);
    assert_eq!(names(lake.folder.path()), [""; 0]);
}

#[test]
fn a_name_that_leads_elsewhere_is_no_segment() {
    for name in ["", "../1", "a/b", ".1", "1\0"] {
        assert!(
            SegmentWriter::new(&Lake::new("/nowhere"), name, WriteOptions::default()).is_err(),
            "{name:?}"
        );
    }
    let lake = TestLake::new().with("1-1", vec![event(0)]);
    assert!(lake.lake.entry("organisation=RR8/day=2026-11-24/../../x.parquet").is_err());
    assert!(lake.search(&Scope::of([]), "").0.is_empty());
}

/// Names of all files under a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(names(&path)),
            false => found.push(path.file_name().unwrap().to_string_lossy().into_owned()),
        }
    }
    found.sort();
    found
}
