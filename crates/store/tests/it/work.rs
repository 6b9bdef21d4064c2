//! What people do with alerts, one by one and many at once, and the history that tells it.

use serde_json::json;
use ward_core::{Actor, Scope};
use ward_store::alerts::{self, Judgement, LONGEST_TEXT, MOST_AT_ONCE, State, Step, Verdict};
use ward_store::findings;
use ward_store::{AlertId, Store, StoreError, ledger};

use crate::support::*;

fn anna() -> Actor {
    Actor::person("anna")
}

/// Alerts, one for each of these organisations, in this order.
async fn opened(store: &Store, of: &[&str]) -> Vec<AlertId> {
    let mut ids = Vec::new();
    for (number, code) in (0..).zip(of) {
        let mut each = finding(number, code);
        each.host = Some(format!("pc{number}"));
        ids.extend(findings::record(store, &watch(), NOW, &[each]).await.unwrap().opened);
    }
    ids
}

async fn history(store: &Store, id: AlertId) -> Vec<Step> {
    alerts::steps(store, &all(), id).await.unwrap()
}

/// Subject and detail of the ledger's entries of this action.
async fn entered(store: &Store, action: &str) -> Vec<(String, serde_json::Value)> {
    let entries = ledger::entries(store, &all(), 0, 5_000).await.unwrap();
    let of_action = entries.into_iter().filter(|entry| entry.action == action);
    of_action.map(|entry| (entry.subject, serde_json::from_str(&entry.detail).unwrap())).collect()
}

#[test]
fn the_history_tells_what_really_changed_who_did_it_and_why_oldest_first() {
    on_each(|store| async move {
        let id = opened(&store, &["LEEDS"]).await[0];
        assert_eq!(history(&store, id).await, []);
        let taken = Judgement {
            state: Some(State::Acknowledged),
            verdict: Some(Verdict::Undecided),
            owner: Some(Some("anna".to_owned())),
            ..Judgement::default()
        };
        alerts::judge(&store, &anna(), later(1), &only("LEEDS"), id, &taken).await.unwrap();
        alerts::comment(&store, &root(), later(2), &only("LEEDS"), id, " called the ward \n").await.unwrap();
        let left = Judgement {
            verdict: Some(Verdict::Benign),
            owner: Some(None),
            reason: Some("a drill, says caf\u{e9}\0".to_owned()),
            ..taken
        };
        alerts::judge(&store, &anna(), later(2), &all(), id, &left).await.unwrap();

        let steps = history(&store, id).await;
        let [first, second, third] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!((first.time, &first.by, first.state), (later(1), &anna(), Some(State::Acknowledged)));
        assert_eq!((first.verdict, &first.owner), (None, &Some(Some("anna".to_owned()))));
        assert_eq!(first.text, "");
        assert_eq!((&second.by, second.text.as_str()), (&root(), "called the ward"));
        assert_eq!((second.state, second.verdict, &second.owner), (None, None, &None));
        assert_eq!((third.state, third.verdict, &third.owner), (None, Some(Verdict::Benign), &Some(None)));
        assert_eq!(third.text, "a drill, says caf\u{e9}\u{FFFD}");
        let entries = ledger::entries(&store, &all(), 0, 100).await.unwrap();
        for step in &steps {
            let entry = entries.iter().find(|entry| entry.number == step.id).unwrap();
            assert_eq!(
                (&entry.actor, entry.time, entry.subject.clone()),
                (&step.by, step.time, id.to_string())
            );
        }
        assert_eq!(alerts::get(&store, &all(), id, 0).await.unwrap().0.changed, later(2));
    });
}

#[test]
fn a_decision_that_changes_nothing_is_no_step_unless_it_says_why() {
    on_each(|store| async move {
        let id = opened(&store, &["LEEDS"]).await[0];
        let same = Judgement { state: Some(State::Open), owner: Some(None), ..Judgement::default() };
        for reason in [None, Some(String::new()), Some("  ".to_owned())] {
            let same = Judgement { reason, ..same.clone() };
            alerts::judge(&store, &anna(), NOW, &all(), id, &same).await.unwrap();
        }
        let noted = Judgement { note: Some("a drill".to_owned()), ..Judgement::default() };
        assert_eq!(alerts::judge(&store, &anna(), NOW, &all(), id, &noted).await.unwrap().note, "a drill");
        assert_eq!(history(&store, id).await, []);
        let why = Judgement { reason: Some("looked again".to_owned()), ..same };
        alerts::judge(&store, &anna(), NOW, &all(), id, &why).await.unwrap();
        let steps = history(&store, id).await;
        assert_eq!((steps.len(), steps[0].state, steps[0].text.as_str()), (1, None, "looked again"));
    });
}

#[test]
fn what_people_write_is_not_in_the_ledger() {
    on_each(|store| async move {
        let id = opened(&store, &["LEEDS"]).await[0];
        let why =
            Judgement { reason: Some("Mrs Jones asked".to_owned()), state: Some(State::Closed), ..default() };
        alerts::judge(&store, &anna(), NOW, &all(), id, &why).await.unwrap();
        alerts::comment(&store, &anna(), NOW, &all(), id, "Mrs Jones called").await.unwrap();
        let entries = ledger::entries(&store, &all(), 0, 100).await.unwrap();
        assert!(entries.iter().all(|entry| !entry.detail.contains("Jones")));
        assert_eq!(entered(&store, "alert.judge").await[0].1["reason_letters"], json!(15));
        let comments = entered(&store, "alert.comment").await;
        assert_eq!(comments, [(id.to_string(), json!({ "letters": 16 }))]);
    });
}

fn default() -> Judgement {
    Judgement::default()
}

#[test]
fn what_says_nothing_or_too_much_is_refused_and_changes_nothing() {
    on_each(|store| async move {
        let id = opened(&store, &["LEEDS"]).await[0];
        let head = ledger::head(&store).await.unwrap();
        let long = "x".repeat(LONGEST_TEXT + 1);
        for text in ["", " \n", &long] {
            let error = alerts::comment(&store, &anna(), later(1), &all(), id, text).await.unwrap_err();
            assert!(matches!(error, StoreError::Refused(_)), "{error}");
        }
        let judgement = Judgement { reason: Some(long), state: Some(State::Closed), ..default() };
        let judged = alerts::judge(&store, &anna(), later(1), &all(), id, &judgement).await;
        assert!(matches!(judged.unwrap_err(), StoreError::Refused(_)));
        assert_eq!(alerts::get(&store, &all(), id, 0).await.unwrap().0.changed, NOW);
        assert_eq!(ledger::head(&store).await.unwrap(), head);
    });
}

#[test]
fn a_history_shows_its_newest_steps() {
    on_each_place(async |place| {
        let store = place.open().await;
        let id = opened(&store, &["LEEDS"]).await[0];
        let fill = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) INSERT INTO alert_steps \
             (id, alert, time, actor_kind, actor_name, owner_decided, text) SELECT i, '{id}', i, 'person', 'anna', 0, \
             CAST(i AS TEXT) FROM n"
        );
        run(&place.url, &fill).await;
        let steps = history(&store, id).await;
        let ends = (steps.first().unwrap().text.clone(), steps.last().unwrap().text.clone());
        assert_eq!((steps.len(), ends), (500, ("101".to_owned(), "600".to_owned())));
    });
}

#[test]
fn nobody_comments_on_alerts_of_others_or_reads_their_history() {
    on_each(|store| async move {
        let york = opened(&store, &["YORK"]).await[0];
        alerts::comment(&store, &root(), NOW, &all(), york, "hidden").await.unwrap();
        for scope in [only("LEEDS"), Scope::nothing()] {
            for id in [york, AlertId([1; 16])] {
                let steps = alerts::steps(&store, &scope, id).await.unwrap_err();
                let comment = alerts::comment(&store, &anna(), NOW, &scope, id, "I").await.unwrap_err();
                for error in [steps, comment] {
                    assert!(matches!(error, StoreError::NotFound("alert")), "{error}");
                }
            }
        }
        assert_eq!(alerts::steps(&store, &only("YORK"), york).await.unwrap().len(), 1);
    });
}

#[test]
fn many_are_judged_as_one_and_those_of_others_are_left_out() {
    on_each(|store| async move {
        let ids = opened(&store, &["LEEDS", "YORK", "LEEDS", "LEEDS"]).await;
        let gone = Judgement { state: Some(State::Closed), reason: Some("a drill".to_owned()), ..default() };
        alerts::judge(&store, &root(), NOW, &all(), ids[3], &gone).await.unwrap();
        let judgement = Judgement {
            owner: Some(Some("anna".to_owned())),
            verdict: Some(Verdict::Benign),
            note: Some("see INC0042".to_owned()),
            reason: None,
            ..gone
        };
        let asked = [ids[2], ids[1], ids[0], AlertId([1; 16]), ids[3], ids[2]];
        let judged =
            alerts::judge_all(&store, &anna(), later(3), &only("LEEDS"), &asked, &judgement).await.unwrap();
        assert_eq!(judged, [ids[2], ids[0], ids[3]]);
        for id in judged {
            let (alert, _) = alerts::get(&store, &all(), id, 0).await.unwrap();
            assert_eq!((alert.state, alert.verdict), (State::Closed, Verdict::Benign));
            assert_eq!((alert.owner.as_deref(), alert.note.as_str()), (Some("anna"), "see INC0042"));
            assert_eq!(alert.changed, later(3));
        }
        let (york, _) = alerts::get(&store, &all(), ids[1], 0).await.unwrap();
        assert_eq!((york.state, york.owner, york.changed), (State::Open, None, NOW));
        assert_eq!(history(&store, ids[1]).await, []);
        // What was closed already only found an owner and a verdict.
        assert_eq!(history(&store, ids[0]).await[0].state, Some(State::Closed));
        assert_eq!(history(&store, ids[3]).await[1].state, None);

        let entries: Vec<_> = entered(&store, "alert.judge").await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(entries, [ids[3], ids[2], ids[0], ids[3]].map(|id| id.to_string()));
        assert!(ledger::verify(&store, &[]).await.unwrap().is_ok());
    });
}

#[test]
fn as_many_as_a_page_shows_are_judged_at_once_and_more_are_refused() {
    on_each(|store| async move {
        let many: Vec<_> = (0..MOST_AT_ONCE as u32)
            .map(|number| {
                let mut each = finding(number, if number % 2 == 0 { "LEEDS" } else { "YORK" });
                each.host = Some(format!("pc{number}"));
                each
            })
            .collect();
        let mut ids = findings::record(&store, &watch(), NOW, &many).await.unwrap().opened;
        let closed =
            Judgement { state: Some(State::Closed), reason: Some("a drill".to_owned()), ..default() };
        let judged = alerts::judge_all(&store, &anna(), later(1), &all(), &ids, &closed).await.unwrap();
        assert_eq!(judged, ids);
        assert_eq!(alerts::totals(&store, &all()).await.unwrap()[0].0, State::Closed);
        assert_eq!(history(&store, ids[499]).await[0].text, "a drill");
        assert_eq!(entered(&store, "alert.judge").await.len(), MOST_AT_ONCE);
        assert!(ledger::verify(&store, &[]).await.unwrap().is_ok());

        let head = ledger::head(&store).await.unwrap();
        for nobodys in [vec![], vec![AlertId([1; 16])]] {
            let none = alerts::judge_all(&store, &anna(), NOW, &all(), &nobodys, &closed).await.unwrap();
            assert_eq!(none, []);
        }
        ids.push(AlertId([1; 16]));
        let error = alerts::judge_all(&store, &anna(), NOW, &all(), &ids, &closed).await.unwrap_err();
        assert_eq!(error.to_string(), "501 alerts could not be judged at once: 500 is the most");
        assert_eq!(ledger::head(&store).await.unwrap(), head, "nothing was judged, so nothing is told");
    });
}
