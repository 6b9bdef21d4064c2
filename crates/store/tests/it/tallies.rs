//! How many alerts there are is what counting them would give, whatever happens to them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ward_core::{Scope, Severity};
use ward_store::alerts::{self, AlertFilter, Judgement, State, Tally};
use ward_store::findings::{self, Finding};
use ward_store::{AlertId, Store, StoreError};

use crate::support::*;

const TALLIES: &str = "SELECT organisation || ' ' || CAST(state AS TEXT) || ' ' || CAST(level AS TEXT) || ' ' || \
     CAST(count AS TEXT) FROM alert_tallies WHERE count <> 0 ORDER BY 1";

const COUNTED: &str = "SELECT organisation || ' ' || CAST(state AS TEXT) || ' ' || CAST(level AS TEXT) || ' ' || \
     CAST(COUNT(*) AS TEXT) FROM alerts GROUP BY organisation, state, level ORDER BY 1";

const CODES: [&str; 3] = ["LEEDS", "YORK", "HULL"];

/// Something that happens to alerts.
#[derive(Debug, Clone)]
enum Event {
    /// Findings in one call: organisation, host, level and hour.
    Found(Vec<(usize, u8, usize, i64)>),
    /// Somebody judges the alert of this place.
    Judged(prop::sample::Index, usize),
    /// Somebody judges those from one place to another.
    AllJudged(prop::sample::Index, prop::sample::Index, usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let found = prop::collection::vec((0..3_usize, 0..3_u8, 0..5_usize, 0..100_i64), 1..25);
    let index = any::<prop::sample::Index>;
    let event = prop_oneof![
        3 => found.prop_map(Event::Found),
        2 => (index(), 0..3_usize).prop_map(|(at, state)| Event::Judged(at, state)),
        1 => (index(), index(), 0..3_usize).prop_map(|(from, to, state)| Event::AllJudged(from, to, state)),
    ];
    prop::collection::vec(event, 1..20)
}

#[test]
fn tallies_are_what_counting_would_give_whatever_happens() {
    let config = ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(events in events())| {
        on_each_place(async |place| {
            let store = place.open().await;
            let mut number = 0;
            for event in &events {
                happen(&store, event, &mut number).await;
                assert_eq!(column(&place.url, TALLIES).await, column(&place.url, COUNTED).await, "{event:?}");
            }
            agree(&store).await;
        });
    });
}

async fn happen(store: &Store, event: &Event, number: &mut u32) {
    let ids: Vec<AlertId> = everything(store).await.iter().map(|alert| alert.id).collect();
    let judgement = |state: usize| Judgement { state: Some(State::ALL[state]), ..Judgement::default() };
    match event {
        Event::Found(found) => {
            let found: Vec<Finding> = found
                .iter()
                .map(|(organisation, host, level, hour)| {
                    *number += 1;
                    let mut each = finding(*number, CODES[*organisation]);
                    each.host = Some(format!("pc{host}"));
                    each.level = Severity::ALL[*level];
                    each.time = later(hour * HOUR);
                    each
                })
                .collect();
            findings::record(store, &watch(), NOW, &found).await.unwrap();
        }
        Event::Judged(..) | Event::AllJudged(..) if ids.is_empty() => {}
        Event::Judged(at, state) => {
            let id = ids[at.index(ids.len())];
            alerts::judge(store, &root(), NOW, &all(), id, &judgement(*state)).await.unwrap();
        }
        Event::AllJudged(from, to, state) => {
            let (from, to) = (from.index(ids.len()), to.index(ids.len()));
            let ids = &ids[from.min(to)..=from.max(to)];
            let scope = Scope::of(["LEEDS", "HULL"].map(org));
            alerts::judge_all(store, &root(), NOW, &scope, ids, &judgement(*state)).await.unwrap();
        }
    }
}

async fn everything(store: &Store) -> Vec<alerts::Alert> {
    alerts::list(store, &all(), &AlertFilter::default(), None, 1_000).await.unwrap().alerts
}

/// That all that tells how many there are tells the same, to everybody.
async fn agree(store: &Store) {
    let filter = AlertFilter::default;
    let filters = [
        filter(),
        AlertFilter { states: BTreeSet::from([State::Open]), ..filter() },
        AlertFilter { states: BTreeSet::from([State::Acknowledged, State::Closed]), ..filter() },
        AlertFilter { at_least: Some(Severity::High), ..filter() },
        AlertFilter { exactly: Some(Severity::Low), ..filter() },
        AlertFilter { organisations: Some(BTreeSet::from(["YORK", "HULL"].map(org))), ..filter() },
    ];
    let many = (0..100).map(|number| org(&format!("T{number}")));
    let scopes = [all(), only("LEEDS"), Scope::of(["LEEDS", "YORK"].map(org)), Scope::nothing()];
    for scope in scopes.into_iter().chain([Scope::of(many.chain([org("HULL")]))]) {
        for filter in &filters {
            let page = alerts::list(store, &scope, filter, None, 1_000).await.unwrap();
            assert_eq!(page.total as usize, page.alerts.len(), "{filter:?}");
            // A start before all of them changes nothing but that they are counted.
            let counted = AlertFilter { from: Some(later(-HOUR)), ..filter.clone() };
            let counted = alerts::list(store, &scope, &counted, None, 1).await.unwrap();
            assert_eq!(counted.total, page.total, "{filter:?}");
        }
        let seen = alerts::list(store, &scope, &filter(), None, 1_000).await.unwrap().alerts;
        let tallies = alerts::tallies(store, &scope).await.unwrap();
        for Tally { organisation, state, level, count } in &tallies {
            let same = seen.iter().filter(|alert| {
                alert.organisation == *organisation && alert.state == *state && alert.level == *level
            });
            assert_eq!(same.count() as u64, *count);
        }
        assert_eq!(tallies.iter().map(|tally| tally.count).sum::<u64>(), seen.len() as u64);
        for (state, level, count) in alerts::totals(store, &scope).await.unwrap() {
            let same = tallies.iter().filter(|tally| (tally.state, tally.level) == (state, level));
            assert_eq!(same.map(|tally| tally.count).sum::<u64>(), count);
        }
    }
}

#[test]
fn a_database_from_before_gets_its_tallies_when_it_is_opened() {
    on_each_place(async |place| {
        let store = place.open().await;
        let mut number = 0;
        let found = Event::Found(vec![(0, 0, 1, 0), (0, 1, 1, 0), (1, 0, 4, 0)]);
        happen(&store, &found, &mut number).await;
        let before = column(&place.url, TALLIES).await;
        store.close().await;
        run(&place.url, "DELETE FROM alert_tallies; DELETE FROM schema_steps WHERE number >= 9").await;
        let store = place.open().await;
        assert_eq!(column(&place.url, TALLIES).await, before);
        assert_eq!(before, ["LEEDS 0 1 2", "YORK 0 4 1"]);
        agree(&store).await;
    });
}

#[test]
fn alerts_are_counted_by_when_they_were_opened() {
    on_each(|store| async move {
        // One opened each minute, in turn at Leeds and York, and critical every third time.
        for number in 0..12 {
            let mut each = finding(number, CODES[number as usize % 2]);
            each.host = Some(format!("pc{number}"));
            each.level = if number % 3 == 0 { Severity::Critical } else { Severity::Low };
            let now = later(i64::from(number) * MINUTE);
            findings::record(&store, &watch(), now, &[each]).await.unwrap();
        }
        let (low, critical) = (Severity::Low, Severity::Critical);
        let opened = async |scope: Scope, from: i64, until: i64, step: i64| {
            alerts::opened(&store, &scope, later(from), later(until), step).await
        };
        let six = opened(all(), 0, 12 * MINUTE, 6 * MINUTE).await.unwrap();
        let half = later(6 * MINUTE);
        assert_eq!(six, [(NOW, low, 4), (NOW, critical, 2), (half, low, 4), (half, critical, 2)]);
        let leeds = opened(only("LEEDS"), 0, 12 * MINUTE, 12 * MINUTE).await.unwrap();
        assert_eq!(leeds, [(NOW, low, 4), (NOW, critical, 2)]);
        // From the third minute, with it, to the fifth, without.
        let some = opened(all(), 3 * MINUTE, 5 * MINUTE, 10 * MINUTE).await.unwrap();
        assert_eq!(some, [(later(3 * MINUTE), low, 1), (later(3 * MINUTE), critical, 1)]);
        let many = Scope::of((0..3_000).map(|number| org(&format!("T{number}"))).chain([org("YORK")]));
        assert_eq!(opened(many, 0, 12 * MINUTE, HOUR).await.unwrap().len(), 2);
        assert_eq!(opened(Scope::nothing(), 0, HOUR, HOUR).await.unwrap(), []);
        assert_eq!(opened(all(), HOUR, 0, HOUR).await.unwrap(), []);

        assert_eq!(opened(all(), 0, 200 * MINUTE, MINUTE).await.unwrap().len(), 12);
        for (until, step) in [(200 * MINUTE + 1, MINUTE), (i64::MAX - NOW.micros(), 1), (HOUR, 0), (HOUR, -1)]
        {
            let error = opened(all(), 0, until, step).await.unwrap_err();
            assert!(matches!(error, StoreError::Refused(_)), "{error}");
        }
    });
}

const MINUTE: i64 = 60_000_000;
