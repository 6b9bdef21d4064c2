//! Findings become alerts, once, and people judge them.

use std::collections::BTreeSet;

use ward_core::{Scope, Severity, Timestamp};
use ward_store::alerts::{self, AlertFilter, Judgement, OwnedBy, State, Verdict};
use ward_store::findings::{self, Finding};
use ward_store::{AlertId, Store, StoreError, ledger};

use crate::support::*;

async fn record(store: &Store, findings: &[Finding]) -> findings::Recorded {
    findings::record(store, &watch(), NOW, findings).await.unwrap()
}

async fn listed(store: &Store, scope: &Scope, filter: &AlertFilter) -> Vec<alerts::Alert> {
    alerts::list(store, scope, filter, None, 1_000).await.unwrap().alerts
}

#[test]
fn a_finding_comes_back_as_it_was_recorded() {
    on_each(|store| async move {
        let mut whole = finding(1, "LEEDS");
        whole.matched.insert("Odd\0".to_owned(), serde_json::json!("caf\u{e9}\u{0}"));
        let mut bare = finding(2, "LEEDS");
        (bare.host, bare.user) = (None, None);
        (bare.events, bare.rule.tags) = (vec![], vec![]);
        record(&store, &[whole.clone(), bare.clone()]).await;
        let stored = findings::get(&store, &all(), whole.id).await.unwrap();
        assert_eq!((stored.finding, stored.stored), (whole, NOW));
        assert_eq!(findings::get(&store, &all(), bare.id).await.unwrap().finding, bare);
    });
}

#[test]
fn a_name_with_a_nul_in_it_does_not_stop_the_watch() {
    on_each(|store| async move {
        let mut odd = finding(1, "LEEDS");
        odd.host = Some("pc\0".to_owned());
        record(&store, &[odd.clone()]).await;
        assert_eq!(findings::get(&store, &all(), odd.id).await.unwrap().finding.host.unwrap(), "pc\u{FFFD}");
    });
}

#[test]
fn findings_of_one_thing_are_one_alert() {
    on_each(|store| async move {
        let first = record(&store, &[finding(1, "LEEDS"), finding(2, "LEEDS")]).await;
        assert_eq!((first.new.len(), first.opened.len(), first.grown.len()), (2, 1, 0));
        let mut grave = finding(3, "LEEDS");
        grave.level = Severity::Critical;
        let second = record(&store, &[grave, finding(4, "YORK")]).await;
        assert_eq!((second.opened.len(), &second.grown), (1, &first.opened));

        let (alert, found) = alerts::get(&store, &all(), first.opened[0], 2).await.unwrap();
        assert_eq!((alert.count, alert.level, alert.state), (3, Severity::Critical, State::Open));
        assert_eq!((alert.first_seen, alert.last_seen), (later(1), later(3)));
        assert_eq!(alert.entity.name(), "pc1");
        let numbers: Vec<u32> = found.iter().map(|each| each.finding.events[0].index).collect();
        assert_eq!(numbers, [3, 2]);
        let last = (found[1].finding.time, found[1].finding.id);
        let more = alerts::more_findings(&store, &all(), alert.id, last, 10).await.unwrap();
        assert_eq!(more.len(), 1);
    });
}

#[test]
fn a_replay_changes_nothing_and_is_not_in_the_ledger() {
    on_each(|store| async move {
        let both = [finding(1, "LEEDS"), finding(2, "LEEDS")];
        let first = record(&store, &both).await;
        let head = ledger::head(&store).await.unwrap();
        let again = record(&store, &both).await;
        assert_eq!(again, findings::Recorded::default());
        assert_eq!(ledger::head(&store).await.unwrap(), head);
        let half = record(&store, &[finding(2, "LEEDS"), finding(3, "LEEDS"), finding(3, "LEEDS")]).await;
        assert_eq!((half.new.len(), half.grown), (1, first.opened.clone()));
        assert_eq!(alerts::get(&store, &all(), first.opened[0], 10).await.unwrap().0.count, 3);
    });
}

#[test]
fn a_replay_after_the_alert_was_closed_does_not_open_it_again() {
    on_each(|store| async move {
        let first = record(&store, &[finding(1, "LEEDS")]).await;
        let closed = Judgement { state: Some(State::Closed), ..Judgement::default() };
        alerts::judge(&store, &root(), NOW, &all(), first.opened[0], &closed).await.unwrap();
        assert_eq!(record(&store, &[finding(1, "LEEDS")]).await, findings::Recorded::default());
        let next = record(&store, &[finding(2, "LEEDS")]).await;
        assert_eq!((next.opened.len(), next.grown.len()), (1, 0));
        assert_ne!(next.opened, first.opened);
    });
}

#[test]
fn a_day_of_quiet_ends_an_alert() {
    on_each(|store| async move {
        let mut next_day = finding(2, "LEEDS");
        next_day.time = later(25 * HOUR);
        record(&store, &[finding(1, "LEEDS")]).await;
        assert_eq!(record(&store, &[next_day]).await.opened.len(), 1);
    });
}

#[test]
fn what_people_decide_is_kept_and_the_rest_stays() {
    on_each(|store| async move {
        let id = record(&store, &[finding(1, "LEEDS")]).await.opened[0];
        let taken = Judgement {
            state: Some(State::Acknowledged),
            owner: Some(Some("bo".to_owned())),
            ..Judgement::default()
        };
        alerts::judge(&store, &root(), later(5), &only("LEEDS"), id, &taken).await.unwrap();
        let found = Judgement {
            verdict: Some(Verdict::Benign),
            note: Some("a drill".to_owned()),
            ..Judgement::default()
        };
        let answered = alerts::judge(&store, &root(), later(6), &only("LEEDS"), id, &found).await.unwrap();
        record(&store, &[finding(2, "LEEDS")]).await;
        let (alert, _) = alerts::get(&store, &all(), id, 0).await.unwrap();
        assert_eq!((alert.state, alert.verdict), (State::Acknowledged, Verdict::Benign));
        assert_eq!((alert.owner.as_deref(), alert.note.as_str(), alert.count), (Some("bo"), "a drill", 2));
        assert_eq!((answered.state, answered.changed), (State::Acknowledged, later(6)));
    });
}

#[test]
fn nobody_sees_or_judges_alerts_and_findings_of_others() {
    on_each(|store| async move {
        let york = record(&store, &[finding(1, "YORK")]).await;
        let leeds = only("LEEDS");
        let (hidden, absent) = (york.opened[0], AlertId([1; 16]));
        for scope in [leeds.clone(), Scope::of([])] {
            for id in [hidden, absent] {
                let error = alerts::get(&store, &scope, id, 10).await.unwrap_err();
                assert!(matches!(error, StoreError::NotFound("alert")));
                let judged = alerts::judge(&store, &root(), NOW, &scope, id, &Judgement::default()).await;
                assert!(matches!(judged.unwrap_err(), StoreError::NotFound("alert")));
                let more = (later(HOUR), finding(9, "YORK").id);
                assert_eq!(alerts::more_findings(&store, &scope, id, more, 10).await.unwrap(), []);
            }
            for id in [york.new[0], finding(9, "YORK").id] {
                let error = findings::get(&store, &scope, id).await.unwrap_err();
                assert!(matches!(error, StoreError::NotFound("finding")));
            }
            let organisations = Some(BTreeSet::from([org("YORK")]));
            for filter in [AlertFilter::default(), AlertFilter { organisations, ..AlertFilter::default() }] {
                let page = alerts::list(&store, &scope, &filter, None, 10).await.unwrap();
                assert_eq!((page.alerts, page.next, page.total), (vec![], None, 0));
            }
            assert_eq!(findings::list(&store, &scope, None, 10).await.unwrap(), []);
        }
        assert_eq!(listed(&store, &only("YORK"), &AlertFilter::default()).await.len(), 1);
        assert_eq!(findings::list(&store, &only("YORK"), None, 10).await.unwrap().len(), 1);
    });
}

/// 40 alerts of both organisations, of all levels, two of each at the same time.
async fn forty(store: &Store) {
    let many: Vec<Finding> = (0..40)
        .map(|number| {
            let mut each = finding(number, if number % 2 == 0 { "LEEDS" } else { "YORK" });
            each.host = Some(format!("pc{number}"));
            each.rule.id = format!("r{}", number % 4);
            each.level = Severity::ALL[number as usize % 5];
            each.time = later(i64::from(number / 2));
            each
        })
        .collect();
    record(store, &many).await;
}

#[test]
fn pages_together_are_the_whole_list_in_order() {
    on_each(|store| async move {
        forty(&store).await;
        let one_level = AlertFilter { exactly: Some(Severity::High), ..AlertFilter::default() };
        for (filter, count) in [(AlertFilter::default(), 40), (one_level, 8)] {
            let whole = listed(&store, &all(), &filter).await;
            let order: Vec<_> = whole.iter().map(|alert| (alert.level, alert.last_seen, alert.id)).collect();
            assert!(order.iter().rev().is_sorted() && whole.len() == count);
            let (mut paged, mut after) = (Vec::new(), None);
            loop {
                let page = alerts::list(&store, &all(), &filter, after.as_ref(), 3).await.unwrap();
                assert_eq!(page.total as usize, count);
                paged.extend(page.alerts);
                match page.next {
                    Some(next) => after = Some(next.to_string().parse().unwrap()),
                    None => break,
                }
            }
            assert_eq!(paged, whole);
        }
    });
}

#[test]
fn a_filter_lets_through_exactly_what_it_says() {
    on_each(|store| async move {
        forty(&store).await;
        let whole = listed(&store, &all(), &AlertFilter::default()).await;
        let closed = Judgement { state: Some(State::Closed), ..Judgement::default() };
        for alert in whole.iter().step_by(3) {
            alerts::judge(&store, &root(), NOW, &all(), alert.id, &closed).await.unwrap();
        }
        let found = Judgement {
            verdict: Some(Verdict::Benign),
            owner: Some(Some("bo".to_owned())),
            ..Judgement::default()
        };
        for alert in whole.iter().step_by(4) {
            alerts::judge(&store, &root(), NOW, &all(), alert.id, &found).await.unwrap();
        }
        let whole = listed(&store, &all(), &AlertFilter::default()).await;
        let from = |micros| Some(Timestamp::from_micros(NOW.micros() + micros));
        let filters = [
            AlertFilter { states: BTreeSet::from([State::Open]), ..AlertFilter::default() },
            AlertFilter {
                states: BTreeSet::from([State::Acknowledged, State::Closed]),
                ..AlertFilter::default()
            },
            AlertFilter { at_least: Some(Severity::High), ..AlertFilter::default() },
            AlertFilter {
                rule: Some("r1".to_owned()),
                states: BTreeSet::from([State::Open]),
                ..AlertFilter::default()
            },
            AlertFilter { organisations: Some(BTreeSet::from([org("YORK")])), ..AlertFilter::default() },
            AlertFilter { from: from(3), until: from(9), ..AlertFilter::default() },
            AlertFilter { exactly: Some(Severity::Medium), ..AlertFilter::default() },
            AlertFilter { entity: Some("pc7".to_owned()), ..AlertFilter::default() },
            AlertFilter { entity: Some("PC7".to_owned()), ..AlertFilter::default() },
            AlertFilter { verdict: Some(Verdict::Benign), ..AlertFilter::default() },
            AlertFilter { owner: Some(OwnedBy::Nobody), ..AlertFilter::default() },
            AlertFilter {
                owner: Some(OwnedBy::Somebody("bo".to_owned())),
                states: BTreeSet::from([State::Open]),
                exactly: Some(Severity::High),
                rule: Some("r0".to_owned()),
                ..AlertFilter::default()
            },
        ];
        for filter in filters {
            for scope in [all(), only("LEEDS"), Scope::of(["LEEDS", "YORK", "QWO"].map(org))] {
                let expected: Vec<_> = whole.iter().filter(|alert| passes(alert, &filter, &scope)).collect();
                let page = alerts::list(&store, &scope, &filter, None, 1_000).await.unwrap();
                assert_eq!(page.alerts.iter().collect::<Vec<_>>(), expected, "{filter:?}");
                assert_eq!(page.total as usize, expected.len());
            }
        }
    });
}

fn passes(alert: &alerts::Alert, filter: &AlertFilter, scope: &Scope) -> bool {
    scope.sees(&alert.organisation)
        && (filter.states.is_empty() || filter.states.contains(&alert.state))
        && filter.at_least.is_none_or(|level| alert.level >= level)
        && filter.organisations.as_ref().is_none_or(|wanted| wanted.contains(&alert.organisation))
        && filter.rule.as_ref().is_none_or(|rule| *rule == alert.rule)
        && filter.from.is_none_or(|from| alert.last_seen >= from)
        && filter.until.is_none_or(|until| alert.last_seen < until)
        && filter.exactly.is_none_or(|level| alert.level == level)
        && filter.entity.as_ref().is_none_or(|entity| entity == alert.entity.name())
        && filter.verdict.is_none_or(|verdict| alert.verdict == verdict)
        && match &filter.owner {
            None => true,
            Some(OwnedBy::Nobody) => alert.owner.is_none(),
            Some(OwnedBy::Somebody(name)) => alert.owner.as_ref() == Some(name),
        }
}

#[test]
fn a_scope_of_forty_thousand_organisations_sees_what_is_in_it() {
    on_each(|store| async move {
        forty(&store).await;
        let many = (0..40_000).map(|number| org(&format!("T{number}")));
        let with_leeds = Scope::of(many.clone().chain([org("LEEDS")]));
        let page = alerts::list(&store, &with_leeds, &AlertFilter::default(), None, 7).await.unwrap();
        assert_eq!((page.alerts.len(), page.total), (7, 20));
        let without = alerts::list(&store, &Scope::of(many), &AlertFilter::default(), None, 7).await.unwrap();
        assert_eq!((without.alerts.len(), without.total), (0, 0));
    });
}
