//! Exceptions, heartbeats and dead letters: what is not told, not heard and not understood.

use std::collections::BTreeSet;

use ward_core::{BatchId, EventId, Scope, Source, Timestamp};
use ward_store::dead_letters::{self, DeadLetter, DeadLetterFilter};
use ward_store::exceptions::{self, NewException};
use ward_store::heartbeats::{self, Hearing, Heartbeat};
use ward_store::{ExceptionId, Store, StoreError, alerts, findings, ledger, sources};

use crate::support::*;

fn exception(of: &str, and_below: bool) -> NewException {
    NewException {
        organisation: org(of),
        and_below,
        filter: "title: our scanner\nfilter:\n  selection:\n    Image: x\n".to_owned(),
        reason: "the scanner does this each night".to_owned(),
        owner: "bo".to_owned(),
        expires: later(10),
    }
}

async fn in_force(store: &Store, scope: &Scope, now: Timestamp) -> Vec<BTreeSet<String>> {
    let names = |each: exceptions::InForce| each.organisations.iter().map(ToString::to_string).collect();
    exceptions::in_force(store, scope, now).await.unwrap().into_iter().map(names).collect()
}

fn names<const N: usize>(codes: [&str; N]) -> BTreeSet<String> {
    codes.map(str::to_owned).into()
}

#[test]
fn an_exception_is_for_its_organisation_or_all_below_until_it_ends() {
    on_each(|store| async move {
        sector(&store).await;
        exceptions::add(&store, &root(), NOW, &all(), &exception("LEEDS", false)).await.unwrap();
        assert_eq!(in_force(&store, &all(), later(9)).await, [names(["LEEDS"])]);
        assert_eq!(in_force(&store, &all(), later(10)).await, []);
        let wide = exceptions::add(&store, &root(), later(1), &all(), &exception("QWO", true)).await.unwrap();
        let both = in_force(&store, &all(), later(9)).await;
        assert!(both.contains(&names(["QWO", "LEEDS", "LEEDS-1", "YORK"])) && both.len() == 2);
        assert_eq!(in_force(&store, &only("YORK"), later(9)).await, [names(["YORK"])]);
        exceptions::remove(&store, &root(), later(2), &all(), wide).await.unwrap();
        assert_eq!(in_force(&store, &all(), later(9)).await, [names(["LEEDS"])]);
        let list = exceptions::list(&store, &all()).await.unwrap();
        assert_eq!(list.iter().map(|each| each.removed).collect::<Vec<_>>(), [Some(later(2)), None]);
        assert_eq!(list[1].exception, exception("LEEDS", false));
    });
}

#[test]
fn what_is_muted_is_kept_and_counted_and_alerts_nobody() {
    on_each(|store| async move {
        sector(&store).await;
        let id = exceptions::add(&store, &root(), NOW, &all(), &exception("LEEDS", false)).await.unwrap();
        let mut muted = finding(1, "LEEDS");
        muted.exception = Some(id);
        for _ in 0..2 {
            let both = [muted.clone(), finding(2, "LEEDS")];
            findings::record(&store, &watch(), NOW, &both).await.unwrap();
        }
        assert_eq!(exceptions::list(&store, &all()).await.unwrap()[0].muted, 1);
        let stored = findings::get(&store, &all(), muted.id).await.unwrap();
        assert_eq!((stored.alert, stored.finding.exception), (None, Some(id)));
        let page = alerts::list(&store, &all(), &alerts::AlertFilter::default(), None, 9).await.unwrap();
        assert_eq!((page.total, page.alerts[0].count), (1, 1));
    });
}

#[test]
fn an_exception_without_reason_owner_filter_or_end_is_refused() {
    on_each(|store| async move {
        sector(&store).await;
        let good = exception("LEEDS", false);
        let wrong = [
            NewException { reason: " ".to_owned(), ..good.clone() },
            NewException { owner: String::new(), ..good.clone() },
            NewException { filter: "\n".to_owned(), ..good.clone() },
            NewException { expires: NOW, ..good },
        ];
        for each in wrong {
            let error = exceptions::add(&store, &root(), NOW, &all(), &each).await.unwrap_err();
            assert!(matches!(error, StoreError::Refused(_)), "{each:?}");
        }
    });
}

#[test]
fn nobody_sees_makes_or_ends_exceptions_of_others() {
    on_each(|store| async move {
        sector(&store).await;
        let york = exceptions::add(&store, &root(), NOW, &all(), &exception("YORK", false)).await.unwrap();
        let leeds = only("LEEDS");
        assert_eq!(exceptions::list(&store, &leeds).await.unwrap(), []);
        assert_eq!(in_force(&store, &leeds, NOW).await, []);
        for id in [york, ExceptionId([1; 16])] {
            let error = exceptions::remove(&store, &root(), NOW, &leeds, id).await.unwrap_err();
            assert!(matches!(error, StoreError::NotFound("exception")));
        }
        for code in ["YORK", "QWO", "NOWHERE"] {
            let made = exceptions::add(&store, &root(), NOW, &leeds, &exception(code, true)).await;
            assert!(matches!(made.unwrap_err(), StoreError::NotFound("organisation")));
        }
        assert_eq!(in_force(&store, &all(), NOW).await.len(), 1);
    });
}

fn beat(of: &str, device: &str, from: i64, to: i64) -> Heartbeat {
    Heartbeat {
        organisation: org(of),
        source: src(&format!("{}-dc", of.to_lowercase())),
        device: device.to_owned(),
        first_seen: later(from),
        last_seen: later(to),
        events: 3,
    }
}

#[test]
fn heartbeats_add_up_in_any_order_and_are_not_in_the_ledger() {
    on_each(|store| async move {
        let head = ledger::head(&store).await.unwrap();
        let twice = [beat("LEEDS", "pc1", 5, 6), beat("LEEDS", "pc1", 1, 2), beat("LEEDS", "pc2", 1, 1)];
        heartbeats::record(&store, NOW, &twice).await.unwrap();
        heartbeats::record(&store, NOW, &[beat("LEEDS", "pc1", 3, 9)]).await.unwrap();
        heartbeats::record(&store, NOW, &[]).await.unwrap();
        let devices = heartbeats::list(&store, &all(), None, 10).await.unwrap();
        let pc1 = Heartbeat { events: 9, ..beat("LEEDS", "pc1", 1, 9) };
        assert_eq!(devices, [pc1.clone(), beat("LEEDS", "pc2", 1, 1)]);
        assert_eq!(heartbeats::list(&store, &all(), Some(&pc1), 10).await.unwrap(), devices[1..]);
        assert_eq!(ledger::head(&store).await.unwrap(), head);
    });
}

#[test]
fn a_source_is_silent_when_none_of_its_devices_was_heard_for_too_long() {
    on_each(|store| async move {
        sector(&store).await;
        let beats = [beat("LEEDS", "pc1", 0, 10), beat("LEEDS", "pc2", 0, 5)];
        heartbeats::record(&store, NOW, &beats).await.unwrap();
        assert_eq!(heartbeats::silent(&store, &all(), Hearing::ever(later(HOUR))).await.unwrap(), []);
        let silent = heartbeats::silent(&store, &all(), Hearing::ever(later(HOUR + 1))).await.unwrap();
        assert_eq!((silent.len(), silent[0].source.id.as_str(), silent[0].ever), (1, "york-dc", false));
        let silent = heartbeats::silent(&store, &all(), Hearing::ever(later(HOUR + 11))).await.unwrap();
        assert_eq!(
            (silent[0].source.id.as_str(), silent[0].since, silent[0].ever),
            ("leeds-dc", later(10), true)
        );
        sources::enable(&store, &root(), NOW, &src("leeds-dc"), false).await.unwrap();
        let mut patient = source("york-dc", "YORK");
        patient.silent_after = None;
        sources::put(&store, &root(), NOW, &patient).await.unwrap();
        assert_eq!(heartbeats::silent(&store, &all(), Hearing::ever(later(HOUR + 11))).await.unwrap(), []);
    });
}

#[test]
fn a_silence_that_is_too_short_to_be_told_is_refused() {
    on_each(|store| async move {
        sector(&store).await;
        let after = |silent_after| Source { silent_after: Some(silent_after), ..source("york-dc", "YORK") };
        let shortest = sources::SHORTEST_SILENCE;
        sources::put(&store, &root(), NOW, &after(shortest)).await.unwrap();
        let error = sources::put(&store, &root(), NOW, &after(shortest - 1)).await.unwrap_err();
        assert!(error.to_string().contains("less than a minute"), "{error}");
    });
}

#[test]
fn nobody_is_silent_while_nobody_could_be_heard() {
    on_each(|store| async move {
        sector(&store).await;
        heartbeats::record(&store, NOW, &[beat("LEEDS", "pc1", 0, 10)]).await.unwrap();
        let names = async |since, until| {
            let hearing = Hearing { since: later(since), until: later(until) };
            let silent = heartbeats::silent(&store, &all(), hearing).await.unwrap();
            silent.into_iter().map(|each| (each.source.id.to_string(), each.since)).collect::<Vec<_>>()
        };
        let start = 5 * HOUR;
        assert_eq!(names(start, start).await, [], "the hub has just started");
        assert_eq!(names(start, start + HOUR).await, []);
        let both = [("leeds-dc".to_owned(), later(10)), ("york-dc".to_owned(), NOW)];
        assert_eq!(names(start, start + HOUR + 1).await, both, "and tells since when");
        assert_eq!(names(start, 10).await, [], "what came before the start is being looked at yet");
    });
}

#[test]
fn a_source_as_a_whole_is_listed_among_devices_if_it_sent_events_that_name_none() {
    on_each(|store| async move {
        sector(&store).await;
        let whole = |events| Heartbeat { events, ..beat("LEEDS", heartbeats::WHOLE_SOURCE, 1, 1) };
        heartbeats::record(&store, NOW, &[whole(0), beat("LEEDS", "pc1", 1, 1)]).await.unwrap();
        let devices = async || heartbeats::list(&store, &all(), None, 10).await.unwrap();
        assert_eq!(devices().await, [beat("LEEDS", "pc1", 1, 1)]);
        heartbeats::record(&store, NOW, &[whole(2)]).await.unwrap();
        assert_eq!(devices().await, [whole(2), beat("LEEDS", "pc1", 1, 1)]);
    });
}

#[test]
fn nobody_hears_of_devices_and_silence_of_others() {
    on_each(|store| async move {
        sector(&store).await;
        heartbeats::record(&store, NOW, &[beat("YORK", "pc1", 0, 0)]).await.unwrap();
        assert_eq!(heartbeats::list(&store, &only("LEEDS"), None, 10).await.unwrap(), []);
        assert_eq!(heartbeats::list(&store, &only("YORK"), None, 10).await.unwrap().len(), 1);
        let silent =
            heartbeats::silent(&store, &only("LEEDS"), Hearing::ever(later(3 * HOUR))).await.unwrap();
        assert_eq!(silent.iter().map(|each| each.source.id.as_str()).collect::<Vec<_>>(), ["leeds-dc"]);
    });
}

fn letter(batch: u64, index: u32, of: &str, reason: &str) -> DeadLetter {
    DeadLetter {
        id: EventId { batch: BatchId(batch), index },
        organisation: org(of),
        source: src(&format!("{}-dc", of.to_lowercase())),
        received: NOW,
        format: "json".to_owned(),
        reason: reason.to_owned(),
        detail: "a brace is missing".to_owned(),
        content: vec![0, 255, b'{', 0],
    }
}

async fn set_aside(store: &Store, letters: &[DeadLetter]) -> u64 {
    dead_letters::set_aside(store, &watch(), NOW, letters).await.unwrap()
}

#[test]
fn what_could_not_be_decoded_is_set_aside_whole_and_once() {
    on_each(|store| async move {
        let both = [letter(1, 0, "LEEDS", "bad_json"), letter(1, 7, "LEEDS", "too_long")];
        assert_eq!(set_aside(&store, &both).await, 2);
        let head = ledger::head(&store).await.unwrap();
        assert_eq!(set_aside(&store, &both).await, 0);
        assert_eq!(set_aside(&store, &[]).await, 0);
        assert_eq!(ledger::head(&store).await.unwrap(), head);
        assert_eq!(dead_letters::get(&store, &all(), both[1].id).await.unwrap(), both[1]);
        let counts = dead_letters::counts(&store, &all()).await.unwrap();
        assert_eq!(counts, [("bad_json".to_owned(), 1), ("too_long".to_owned(), 1)]);
    });
}

#[test]
fn dead_letters_are_listed_in_pages_replayed_and_discarded() {
    on_each(|store| async move {
        let three = [letter(1, 0, "LEEDS", "a"), letter(1, 1, "LEEDS", "b"), letter(2, 0, "YORK", "b")];
        set_aside(&store, &three).await;
        let list = async |filter: &DeadLetterFilter, after| {
            let listed = dead_letters::list(&store, &all(), filter, after, 2).await.unwrap();
            listed.into_iter().map(|each| (each.letter.id, each.bytes)).collect::<Vec<_>>()
        };
        let everything = DeadLetterFilter::default();
        assert_eq!(list(&everything, None).await, [(three[0].id, 4), (three[1].id, 4)]);
        assert_eq!(list(&everything, Some(three[1].id)).await, [(three[2].id, 4)]);
        let b = DeadLetterFilter { reason: Some("b".to_owned()), ..DeadLetterFilter::default() };
        assert_eq!(list(&b, None).await.len(), 2);

        let ids = [three[0].id, three[1].id, EventId { batch: BatchId(9), index: 9 }];
        assert_eq!(dead_letters::mark_replayed(&store, &root(), later(5), &all(), &ids).await.unwrap(), 2);
        let waiting = DeadLetterFilter { waiting: true, ..DeadLetterFilter::default() };
        assert_eq!(list(&waiting, None).await, [(three[2].id, 4)]);
        let york = DeadLetterFilter { source: Some(src("york-dc")), ..DeadLetterFilter::default() };
        assert_eq!(dead_letters::discard(&store, &root(), NOW, &all(), &york).await.unwrap(), 1);
        assert_eq!(dead_letters::discard(&store, &root(), NOW, &all(), &york).await.unwrap(), 0);
        assert_eq!(list(&everything, None).await.len(), 2);
    });
}

#[test]
fn nobody_reads_marks_or_discards_dead_letters_of_others() {
    on_each(|store| async move {
        let york = letter(1, 0, "YORK", "a");
        set_aside(&store, std::slice::from_ref(&york)).await;
        let (leeds, everything) = (only("LEEDS"), DeadLetterFilter::default());
        for id in [york.id, EventId { batch: BatchId(9), index: 9 }] {
            let error = dead_letters::get(&store, &leeds, id).await.unwrap_err();
            assert!(matches!(error, StoreError::NotFound("dead letter")));
        }
        assert_eq!(dead_letters::list(&store, &leeds, &everything, None, 9).await.unwrap(), []);
        assert_eq!(dead_letters::counts(&store, &leeds).await.unwrap(), []);
        let marked = dead_letters::mark_replayed(&store, &root(), NOW, &leeds, &[york.id]).await;
        assert_eq!(marked.unwrap(), 0);
        assert_eq!(dead_letters::discard(&store, &root(), NOW, &leeds, &everything).await.unwrap(), 0);
        assert_eq!(dead_letters::get(&store, &only("YORK"), york.id).await.unwrap(), york);
    });
}
