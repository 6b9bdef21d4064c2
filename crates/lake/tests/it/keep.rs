//! Merging, sweeping, and giving the original bytes back.

use std::fs;

use ward_lake::{LakeError, LakeFile, TimeRange, WriteOptions};

use crate::sample::{TestLake, at, events, everyone, leeds, organisation, small};
use crate::write::names;

fn of_leeds(lake: &TestLake) -> Vec<LakeFile> {
    let day = "2026-11-24".parse().unwrap();
    let is = |file: &&LakeFile| file.organisation == organisation("RR8") && file.day == day;
    lake.files.iter().filter(is).cloned().collect()
}

fn many() -> TestLake {
    (0..6).fold(TestLake::new(), |lake, nth| {
        lake.with(&format!("{nth}-{nth}"), events(nth * 150..nth * 150 + 150))
    })
}

#[test]
fn merging_changes_no_answer() {
    let mut lake = many();
    let before: Vec<_> = ["", "cmd", "ip:10.0.0.6", "observable:d36.evil.example", "id:3.3"]
        .map(|query| lake.search(&everyone(), query).0)
        .to_vec();
    let old = of_leeds(&lake);
    assert_eq!(old.len(), 6);
    let merged = lake.lake.compact(&old, "c-0-5", &small()).unwrap();
    assert_eq!(merged.rows, old.iter().map(|file| file.rows).sum::<u64>());
    assert!(merged.bytes < old.iter().map(|file| file.bytes).sum());
    assert_eq!(lake.lake.entry(&merged.path).unwrap(), merged);
    lake.files.retain(|file| !old.contains(file));
    lake.files.push(merged.clone());
    for _ in 0..2 {
        lake.lake.delete(old.iter().map(|file| file.path.as_str())).unwrap(); // a second time after a crash
    }
    for (query, before) in
        ["", "cmd", "ip:10.0.0.6", "observable:d36.evil.example", "id:3.3"].iter().zip(before)
    {
        assert_eq!(lake.search(&everyone(), query).0, before, "{query}");
    }
}

#[test]
fn only_files_of_one_organisation_and_day_are_merged_and_only_whole_ones() {
    let lake = many();
    let mixed = lake.lake.compact(&lake.files, "c-0-5", &small());
    assert!(matches!(mixed, Err(LakeError::MixedFiles)));
    assert!(matches!(lake.lake.compact(&[], "c-0-5", &small()), Err(LakeError::MixedFiles)));
    let old = of_leeds(&lake);
    assert!(lake.lake.compact(&old, "0-0", &small()).is_err(), "the name of one of them");
    let path = lake.folder.path().join(&old[2].path);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(lake.lake.compact(&old, "c-0-5", &small()).is_err());
    let left = names(lake.folder.path());
    assert!(left.iter().all(|name| !name.contains("c-0-5")), "{left:?}");
}

#[test]
fn row_groups_of_a_merged_file_are_as_large_as_they_may_be() {
    let lake = many();
    let options = WriteOptions { group_rows: 100, ..small() };
    let merged = lake.lake.compact(&of_leeds(&lake), "c-0-5", &options).unwrap();
    let alone = lake.lake.compact(std::slice::from_ref(&merged), "c-1", &small()).unwrap();
    assert_eq!(merged.rows, 300);
    assert!(merged.index.len() > 2 * alone.index.len(), "three groups, then one");
}

#[test]
fn what_unfinished_work_left_is_told_by_its_segment_and_can_be_deleted() {
    let lake = many();
    let day = "organisation=RR8/day=2026-11-24";
    let path = |name: &str| format!("{day}/{name}");
    let folder = lake.folder.path().join(day);
    for stray in [".0-9.parquet.tmp", ".9-9.parquet.tmp", "notes.txt", ".tmp", ".x.tmp"] {
        fs::write(folder.join(stray), b"half").unwrap();
    }
    let left = |is_over: &dyn Fn(&str, bool) -> bool| lake.lake.leftovers(is_over).unwrap();
    assert_eq!(left(&|_, _| false), [""; 0]);
    assert_eq!(left(&|_, finished| !finished), [path(".0-9.parquet.tmp"), path(".9-9.parquet.tmp")]);
    let of_first = left(&|segment, _| segment.starts_with("0-"));
    assert_eq!(of_first.len(), 4, "one for each organisation, and one in the making: {of_first:?}");
    lake.lake.delete(of_first.iter().map(String::as_str)).unwrap();
    assert_eq!(left(&|segment, _| segment.starts_with("0-")), [""; 0]);
    assert!(folder.join("notes.txt").exists() && folder.join("1-1.parquet").exists());
    assert!(lake.lake.delete(["organisation=RR8/day=2026-11-24/../../x"]).is_err());
    assert!(lake.lake.delete([path("notes.txt").as_str()]).is_err(), "none of the lake's");
}

#[test]
fn original_bytes_come_back_as_they_came_oldest_day_first() {
    let lake = TestLake::new().with("1-1", events(0..4_000));
    let all: Vec<_> =
        lake.lake.raw_events(&everyone(), &lake.files, TimeRange::ALL).map(Result::unwrap).collect();
    assert_eq!(all.len(), 4_000);
    assert!(all.is_sorted_by_key(|event| ward_lake::Day::of(event.time)));
    for event in &all {
        let row = &lake.rows[((event.id.batch.0 - 1) * 100) as usize + event.id.index as usize];
        assert_eq!((&event.raw, &event.format, &event.source), (&row.raw, &row.format, &row.source));
    }
    let range = TimeRange { from: Some(at("2026-11-25T00:00:00Z")), to: Some(at("2026-11-25T06:00:00Z")) };
    let some = lake.lake.raw_events(&leeds(), &lake.files, range).map(Result::unwrap);
    let expected = lake.plainly("org:RR8 time>=2026-11-25T00:00:00Z time<2026-11-25T06:00:00Z").len();
    assert_eq!(some.inspect(|event| assert_eq!(event.organisation.as_str(), "RR8")).count(), expected);
}

#[test]
fn a_file_that_is_gone_is_told_and_the_next_is_read() {
    let lake = many();
    fs::remove_file(lake.folder.path().join(&lake.files[0].path)).unwrap();
    let (events, errors): (Vec<_>, Vec<_>) =
        lake.lake.raw_events(&everyone(), &lake.files, TimeRange::ALL).partition(Result::is_ok);
    assert_eq!(errors.len(), 1);
    assert_eq!(events.len() as u64, 900 - lake.files[0].rows);
}
