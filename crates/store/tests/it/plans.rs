//! The list of alerts is read from an index, however many alerts there are. Plans are tested, since they are the same
//! on every machine; times are not. SQLite must never sort; PostgreSQL may, where it knows that little is left to sort.

use std::collections::BTreeSet;

use ward_core::{Scope, Severity};
use ward_store::alerts::{self, AlertFilter, OwnedBy, State, Verdict};
use ward_store::{Kind, Store};

use crate::support::*;

/// 100,000 alerts of 1,000 organisations, 50 rules and all levels and states, at 501 hosts; a third has one of 31 owners.
const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
     INSERT INTO alerts (id, key, organisation, rule, title, tags, entity_kind, entity, level, state, verdict, owner, \
     note, first_seen, last_seen, count, opened, changed) \
     SELECT '00000000000000000000000000' || CAST(100000 + i AS TEXT), CAST(i AS TEXT), \
     'T' || CAST(i % 1000 AS TEXT), 'r' || CAST(i % 50 AS TEXT), 'Bad thing', '[]', 'host', \
     'pc' || CAST(i % 501 AS TEXT), i % 5, (i / 7) % 3, 'undecided', \
     CASE WHEN i % 3 = 0 THEN 'p' || CAST(i % 93 AS TEXT) END, '', i * 1000, i * 1000, 1, i * 1000, 0 FROM n";

#[test]
fn the_list_of_alerts_is_read_in_order_from_an_index() {
    on_each_place(async |place| {
        let store = place.open().await;
        run(&place.url, &format!("{FILL}; ANALYZE alerts")).await;
        let state = |states: &[State]| AlertFilter {
            states: states.iter().copied().collect::<BTreeSet<_>>(),
            ..AlertFilter::default()
        };
        let large = Scope::of((0..40_000).map(|number| org(&format!("T{number}"))));
        let rule = AlertFilter { rule: Some("r7".to_owned()), ..state(&[State::Open]) };
        let grave = AlertFilter { at_least: Some(Severity::High), ..AlertFilter::default() };
        let one = AlertFilter { organisations: Some(BTreeSet::from([org("T7")])), ..AlertFilter::default() };
        let cases = [
            (all(), AlertFilter::default()),
            (all(), state(&[State::Open])),
            (all(), state(&[State::Open, State::Acknowledged])),
            (all(), rule),
            (all(), grave),
            (all(), one),
            (only("T7"), AlertFilter::default()),
            (only("T7"), state(&[State::Open])),
            (large.clone(), AlertFilter::default()),
            (large, state(&[State::Open, State::Acknowledged])),
        ];
        for (scope, filter) in cases {
            let page = alerts::list(&store, &scope, &filter, None, 50).await.unwrap();
            assert!(page.alerts.len() > 30, "{filter:?}");
            for after in [None, page.next.as_ref()] {
                let plan = alerts::explain(&store, &scope, &filter, after).await.unwrap().join("\n");
                assert!(in_order(place.kind, &plan), "{filter:?}\n{plan}");
            }
        }
    });
}

/// Whether SQLite keeps statistics or not: nobody is asked to see to it that it does.
#[test]
fn what_is_asked_for_decides_from_which_index_the_list_is_read() {
    on_each_place(async |place| {
        let store = place.open().await;
        run(&place.url, FILL).await;
        if place.kind == Kind::Sqlite {
            check_indexes(&store).await;
        }
        store.close().await;
        run(&place.url, "ANALYZE").await;
        check_indexes(&place.open().await).await;
    });
}

async fn check_indexes(store: &Store) {
    // More than are gathered and sorted.
    let large = || Scope::of((0..3_000).map(|number| org(&format!("T{number}"))));
    let default = AlertFilter::default;
    let entity = || AlertFilter { entity: Some("pc7".to_owned()), ..default() };
    let somebody = || AlertFilter { owner: Some(OwnedBy::Somebody("p30".to_owned())), ..default() };
    let nobody = || AlertFilter { owner: Some(OwnedBy::Nobody), ..default() };
    let high = || AlertFilter { exactly: Some(Severity::High), ..default() };
    let open = || BTreeSet::from([State::Open]);
    let active = || BTreeSet::from([State::Open, State::Acknowledged]);
    let rule = Some("r7".to_owned());
    let cases = [
        (all(), entity(), "entity"),
        (all(), AlertFilter { states: open(), at_least: Some(Severity::Medium), ..entity() }, "entity"),
        (all(), AlertFilter { rule: rule.clone(), owner: Some(OwnedBy::Nobody), ..entity() }, "entity"),
        (large(), AlertFilter { states: active(), ..entity() }, "entity"),
        (all(), somebody(), "owner"),
        (all(), AlertFilter { states: open(), exactly: Some(Severity::High), ..somebody() }, "owner"),
        (only("T930"), somebody(), "owner"),
        (large(), somebody(), "owner"),
        (all(), nobody(), "owner"),
        (large(), AlertFilter { states: active(), ..nobody() }, "owner"),
        (large(), AlertFilter { exactly: Some(Severity::Low), ..nobody() }, "owner"),
        (all(), AlertFilter { states: open(), ..nobody() }, "state"),
        (all(), AlertFilter { rule, ..nobody() }, "rule"),
        (only("T7"), nobody(), "organisation"),
        (only("T8"), high(), "organisation"),
        (all(), AlertFilter { states: open(), ..high() }, "state"),
        (all(), high(), "order"),
        (large(), AlertFilter { states: active(), ..high() }, "order"),
        (all(), AlertFilter { verdict: Some(Verdict::Undecided), ..default() }, "order"),
    ];
    for (scope, filter, index) in cases {
        let page = alerts::list(store, &scope, &filter, None, 2).await.unwrap();
        assert!(!page.alerts.is_empty(), "{filter:?}");
        for after in [None, page.next.as_ref()] {
            let plan = alerts::explain(store, &scope, &filter, after).await.unwrap().join("\n");
            assert!(in_order(store.kind(), &plan), "{filter:?}\n{plan}");
            let index = if index == "order" { "alerts_in_order" } else { &format!("alerts_by_{index}") };
            // PostgreSQL knows how much each leaves, and may know better.
            let may_know_better = store.kind() == Kind::Postgres && index != "alerts_by_entity";
            assert!(may_know_better || plan.contains(index), "{filter:?}: not by {index}\n{plan}");
            let enters = |columns: &str| plan.contains(&format!("{columns})"));
            if store.kind() == Kind::Sqlite && after.is_some() && index == "alerts_in_order" {
                assert!(enters("(last_seen,id)<(?,?)") || enters("(level,last_seen,id)<(?,?,?)"), "{plan}");
            }
        }
    }
}

fn in_order(kind: Kind, plan: &str) -> bool {
    match kind {
        Kind::Sqlite => plan.contains(" INDEX alerts_") && !plan.contains("TEMP B-TREE"),
        Kind::Postgres => plan.contains(" alerts_") && !plan.contains("Seq Scan"),
    }
}
