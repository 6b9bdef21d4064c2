//! What is in the lake, and how far the journal is done.

use std::collections::BTreeSet;

use ward_core::{BatchId, Scope, Timestamp};
use ward_store::lake_files::{self, FileFilter, LakeFile};
use ward_store::segments::{self, BatchName, Done, SegmentDone};
use ward_store::{Store, checkpoints};

use crate::support::*;

fn segment(first: u64, last: u64) -> SegmentDone {
    SegmentDone { first: BatchId(first), last: BatchId(last), events: 10, findings: 1, undecodable: 0 }
}

fn file(path: &str, of: &str, from: i64, to: i64) -> LakeFile {
    LakeFile {
        path: path.to_owned(),
        organisation: org(of),
        day: 20_509,
        rows: 10,
        bytes: 1_000,
        min_time: later(from),
        max_time: later(to),
        digest: u32::MAX,
        index: vec![0, 1, 255],
    }
}

async fn done(store: &Store, segment: SegmentDone, files: &[LakeFile]) -> Done {
    done_at(store, NOW, segment, files).await
}

async fn done_at(store: &Store, now: Timestamp, segment: SegmentDone, files: &[LakeFile]) -> Done {
    segments::segment_done(store, &watch(), now, &segment, files, &[], NOW).await.unwrap()
}

async fn paths(store: &Store, scope: &Scope, filter: &FileFilter) -> Vec<String> {
    lake_files::files(store, scope, filter).await.unwrap().into_iter().map(|file| file.path).collect()
}

async fn is_known(store: &Store, path: &str) -> bool {
    lake_files::unknown(store, &[path.to_owned()]).await.unwrap().is_empty()
}

#[test]
fn numbers_go_on_above_the_last_segment_whatever_gaps_there_are() {
    on_each(|store| async move {
        assert_eq!(segments::last_done(&store).await.unwrap(), BatchId(0));
        done(&store, segment(31, 40), &[]).await;
        assert_eq!(segments::last_done(&store).await.unwrap(), BatchId(40));
        done(&store, segment(1, 10), &[]).await;
        done(&store, segment(11, 20), &[]).await;
        assert_eq!(segments::last_done(&store).await.unwrap(), BatchId(40));
        for (batch, is_done) in [(1, true), (20, true), (21, false), (30, false), (31, true), (41, false)] {
            assert_eq!(segments::is_done(&store, BatchId(batch)).await.unwrap(), is_done, "{batch}");
        }
    });
}

#[test]
fn what_senders_called_their_batches_is_known_for_a_time() {
    on_each(|store| async move {
        let name = |number: u8, at| BatchName {
            key: [number; 32],
            batch: BatchId(number.into()),
            received: later(at),
        };
        let done = async |number: u8, names: &[BatchName], forget| {
            let segment = segment(number.into(), number.into());
            segments::segment_done(&store, &watch(), NOW, &segment, &[], names, later(forget)).await.unwrap()
        };
        let known = async |from| segments::names_since(&store, later(from)).await.unwrap();
        done(1, &[name(1, 0), name(1, 5)], 0).await;
        done(2, &[], 0).await;
        done(3, &[name(3, 10)], 5).await;
        assert_eq!(known(0).await, [name(1, 0), name(1, 5), name(3, 10)]);
        assert_eq!(known(1).await, [name(1, 5), name(3, 10)]);
        done(4, &[], 6).await;
        assert_eq!(known(0).await, [name(3, 10)], "the others are forgotten");
        done(3, &[name(9, 20)], 0).await;
        assert_eq!(known(0).await, [name(3, 10)], "a second attempt changes nothing");
    });
}

#[test]
fn a_segment_is_done_once_and_the_files_of_a_second_attempt_are_nobodys() {
    on_each(|store| async move {
        assert_eq!(done(&store, segment(1, 10), &[file("a", "LEEDS", 0, 9)]).await, Done::Now);
        assert_eq!(done(&store, segment(1, 10), &[file("b", "LEEDS", 0, 9)]).await, Done::Before);
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["a"]);
        let both = ["b".to_owned(), "a".to_owned()];
        assert_eq!(lake_files::unknown(&store, &both).await.unwrap(), ["b"]);
    });
}

#[test]
fn overlapping_segments_and_known_files_are_refused_whole() {
    on_each(|store| async move {
        done(&store, segment(5, 10), &[file("a", "LEEDS", 0, 9)]).await;
        for wrong in
            [segment(10, 12), segment(4, 5), segment(1, 20), segment(6, 7), segment(9, 3), segment(0, 3)]
        {
            let refused = segments::segment_done(&store, &watch(), NOW, &wrong, &[], &[], NOW).await;
            assert!(refused.is_err(), "{wrong:?}");
        }
        let files = [file("new", "LEEDS", 0, 9), file("a", "LEEDS", 0, 9)];
        assert!(
            segments::segment_done(&store, &watch(), NOW, &segment(11, 20), &files, &[], NOW).await.is_err()
        );
        assert!(!segments::is_done(&store, BatchId(11)).await.unwrap());
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["a"]);
    });
}

#[test]
fn a_search_gets_the_files_of_its_time_and_scope_only() {
    on_each(|store| async move {
        let files = [file("l1", "LEEDS", 0, 9), file("l2", "LEEDS", 10, 19), file("y1", "YORK", 0, 19)];
        done(&store, segment(1, 1), &files).await;
        let between = |from, until| FileFilter {
            from: Some(later(from)),
            until: Some(later(until)),
            ..FileFilter::default()
        };
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["l2", "y1", "l1"]);
        assert_eq!(paths(&store, &all(), &between(9, 10)).await, ["y1", "l1"]);
        assert_eq!(paths(&store, &all(), &between(20, 30)).await, Vec::<String>::new());
        assert_eq!(paths(&store, &only("LEEDS"), &between(0, 30)).await, ["l2", "l1"]);
        let york = FileFilter { organisations: Some(BTreeSet::from([org("YORK")])), ..FileFilter::default() };
        assert_eq!(paths(&store, &all(), &york).await, ["y1"]);
        assert_eq!(paths(&store, &only("LEEDS"), &york).await, Vec::<String>::new());
        assert_eq!(paths(&store, &only("NOWHERE"), &FileFilter::default()).await, Vec::<String>::new());
    });
}

#[test]
fn compaction_changes_files_at_once_or_not_at_all() {
    on_each(|store| async move {
        done(&store, segment(1, 1), &[file("a", "LEEDS", 0, 9), file("b", "LEEDS", 0, 9)]).await;
        let old = ["a".to_owned(), "b".to_owned()];
        let new = [file("ab", "LEEDS", 0, 9)];
        lake_files::replace_files(&store, &watch(), later(5), &old, &new).await.unwrap();
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["ab"]);
        let again = [file("ab2", "LEEDS", 0, 9)];
        assert!(lake_files::replace_files(&store, &watch(), later(6), &old, &again).await.is_err());
        let half = ["ab".to_owned(), "none".to_owned()];
        assert!(lake_files::retire_files(&store, &watch(), later(6), &half).await.is_err());
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["ab"]);
    });
}

#[test]
fn a_file_in_the_making_is_known_and_goes_unless_it_comes_to_live() {
    on_each(|store| async move {
        done(&store, segment(1, 1), &[file("a", "LEEDS", 0, 9), file("b", "LEEDS", 0, 9)]).await;
        let reserve =
            async |path, at| lake_files::reserve(&store, &watch(), later(at), path, &org("LEEDS")).await;
        for path in ["ab", "dead"] {
            reserve(path, 5).await.unwrap();
            assert!(is_known(&store, path).await);
        }
        assert!(reserve("ab", 6).await.is_err() && reserve("a", 6).await.is_err(), "once, and nothing live");
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["a", "b"], "no search reads it");
        let old = ["a".to_owned(), "b".to_owned()];
        let new = [file("ab", "LEEDS", 0, 9)];
        lake_files::replace_files(&store, &watch(), later(7), &old, &new).await.unwrap();
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["ab"]);
        assert_eq!(lake_files::to_unlink(&store, later(5)).await.unwrap(), ["dead"]);
        assert_eq!(lake_files::to_unlink(&store, later(7)).await.unwrap(), ["a", "b", "dead"]);
        lake_files::unlinked(&store, &watch(), later(8), &["dead".to_owned()]).await.unwrap();
        assert!(!is_known(&store, "dead").await);
    });
}

#[test]
fn who_copies_the_lake_is_told_what_is_live_and_what_was() {
    on_each(|store| async move {
        let files = ["a", "b", "c", "d"].map(|path| file(path, "LEEDS", 0, 9));
        done(&store, segment(1, 1), &[&files[..], &[file("y", "YORK", 0, 9)]].concat()).await;
        lake_files::reserve(&store, &watch(), later(4), "dead", &org("LEEDS")).await.unwrap();
        let (old, new) = (["a".to_owned(), "b".to_owned()], [file("ab", "LEEDS", 0, 9)]);
        lake_files::replace_files(&store, &watch(), later(5), &old, &new).await.unwrap();
        lake_files::retire_files(&store, &watch(), later(5), &["c".to_owned()]).await.unwrap();
        let listed = lake_files::listed(&store, &all()).await.unwrap();
        assert_eq!((listed.live, listed.ended), (texts(&["ab", "d", "y"]), texts(&["a", "b", "c"])));
        let york = lake_files::listed(&store, &only("YORK")).await.unwrap();
        assert_eq!((york.live, york.ended), (texts(&["y"]), vec![]));
        lake_files::unlinked(&store, &watch(), later(6), &texts(&["a", "b"])).await.unwrap();
        assert_eq!(lake_files::listed(&store, &all()).await.unwrap().ended, ["c"]);
    });
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_file_is_forgotten_only_after_it_is_gone() {
    on_each(|store| async move {
        done(&store, segment(1, 1), &[file("a", "LEEDS", 0, 9), file("b", "LEEDS", 0, 9)]).await;
        let (a, b) = (["a".to_owned()], ["b".to_owned()]);
        lake_files::retire_files(&store, &watch(), later(5), &a).await.unwrap();
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, ["b"]);
        assert_eq!(lake_files::to_unlink(&store, later(4)).await.unwrap(), Vec::<String>::new());
        assert_eq!(lake_files::to_unlink(&store, later(5)).await.unwrap(), a);
        lake_files::unlinked(&store, &watch(), later(6), &[a[0].clone(), b[0].clone()]).await.unwrap();
        assert!(!is_known(&store, "a").await);
        assert_eq!(paths(&store, &all(), &FileFilter::default()).await, b, "a live file is never forgotten");
    });
}

#[test]
fn a_checkpoint_is_replaced_with_its_place() {
    on_each(|store| async move {
        assert_eq!(checkpoints::get(&store, "watch").await.unwrap(), None);
        let bytes: Vec<u8> = (0..=255).collect();
        for (position, content) in [(4, &bytes[..]), (9, &[])] {
            checkpoints::put(&store, &watch(), NOW, "watch", BatchId(position), content).await.unwrap();
            let checkpoint = checkpoints::get(&store, "watch").await.unwrap().unwrap();
            assert_eq!((checkpoint.position, &checkpoint.content[..]), (BatchId(position), content));
        }
        for _ in 0..2 {
            checkpoints::remove(&store, &watch(), NOW, "watch").await.unwrap();
            assert_eq!(checkpoints::get(&store, "watch").await.unwrap(), None);
        }
    });
}

#[test]
fn the_small_files_of_a_day_are_told_apart_from_those_of_others() {
    on_each(|store| async move {
        let sized = |path: &str, of: &str, day, bytes| LakeFile { day, bytes, ..file(path, of, 0, 1) };
        let files = [
            sized("a", "RR8", 20_509, 3),
            sized("b", "RR8", 20_509, 1),
            sized("c", "RR8", 20_509, 2),
            sized("large", "RR8", 20_509, 4),
            sized("alone", "RR8", 20_510, 1),
            sized("theirs", "RCB", 20_509, 1),
            sized("theirs too", "RCB", 20_509, 1),
        ];
        done(&store, segment(1, 10), &files).await;
        let days = |scope| lake_files::days(&store, scope, 3);
        let (own, whole) = (Scope::of([org("RR8")]), all());
        let named = |days: Vec<lake_files::DayOfFiles>| {
            days.into_iter().map(|of| (of.organisation.to_string(), of.day, of.small)).collect::<Vec<_>>()
        };
        let day = ("RR8".to_owned(), 20_509, 3);
        let theirs = ("RCB".to_owned(), 20_509, 2);
        assert_eq!(named(days(&whole).await.unwrap()), [theirs, day.clone()]);
        assert_eq!(named(days(&own).await.unwrap()), [day]);
        let of = days(&own).await.unwrap().remove(0);
        let smallest = async |scope, most| {
            let files = lake_files::smallest(&store, scope, &of, 3, most).await.unwrap();
            files.into_iter().map(|file| file.path).collect::<Vec<_>>()
        };
        assert_eq!(smallest(&whole, 9).await, ["b", "c", "a"]);
        assert_eq!(smallest(&whole, 2).await, ["b", "c"]);
        let (other, nobody) = (Scope::of([org("RCB")]), Scope::of([]));
        assert_eq!(smallest(&other, 9).await, [""; 0]);
        assert_eq!(lake_files::days(&store, &nobody, 3).await.unwrap(), []);
        lake_files::replace_files(&store, &watch(), NOW, &["a".to_owned(), "b".to_owned()], &[])
            .await
            .unwrap();
        assert_eq!(smallest(&whole, 9).await, ["c"], "what was replaced is not live");
    });
}

#[test]
fn files_are_over_when_they_came_long_ago_whatever_was_put_together_since() {
    const DAY: i64 = 86_400_000_000;
    on_each(|store| async move {
        for (first, came, path) in [(1, 0, "a"), (2, 1, "b"), (3, DAY, "c"), (4, DAY, "d")] {
            let files = [file(path, "LEEDS", 0, 9)];
            done_at(&store, later(came), segment(first, first), &files).await;
        }
        let days = lake_files::days(&store, &all(), 1 << 40).await.unwrap();
        assert_eq!(days.iter().map(|of| of.small).collect::<Vec<_>>(), [2, 2], "by the day they came");
        let old = ["a".to_owned(), "b".to_owned()];
        lake_files::replace_files(&store, &watch(), later(5 * DAY), &old, &[file("ab", "LEEDS", 0, 9)])
            .await
            .unwrap();
        assert_eq!(lake_files::earliest(&store, &all()).await.unwrap(), [(org("LEEDS"), later(1))]);
        assert_eq!(lake_files::earliest(&store, &only("YORK")).await.unwrap(), []);
        let over = async |scope: Scope, of, until| {
            lake_files::came_before(&store, &scope, &org(of), later(until)).await.unwrap()
        };
        assert_eq!(over(all(), "LEEDS", 1).await, [""; 0]);
        assert_eq!(over(all(), "LEEDS", 2).await, ["ab"], "when its last event came");
        assert_eq!(over(all(), "LEEDS", DAY + 1).await, ["ab", "c", "d"]);
        assert_eq!(over(all(), "YORK", DAY + 1).await, [""; 0]);
        assert_eq!(over(only("YORK"), "LEEDS", DAY + 1).await, [""; 0]);
    });
}
