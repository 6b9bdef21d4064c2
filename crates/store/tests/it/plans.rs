//! The list of alerts is read from an index, however many alerts there are. Plans are tested, since they are the same
//! on every machine; times are not. SQLite must never sort; PostgreSQL may, where it knows that little is left to sort.

use std::collections::BTreeSet;

use ward_core::{Scope, Severity};
use ward_store::Kind;
use ward_store::alerts::{self, AlertFilter, State};

use crate::support::*;

/// 100,000 alerts of 1,000 organisations, 50 rules and all levels and states.
const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
     INSERT INTO alerts (id, key, organisation, rule, title, tags, entity_kind, entity, level, state, verdict, note, \
     first_seen, last_seen, count, opened, changed) \
     SELECT '00000000000000000000000000' || CAST(100000 + i AS TEXT), CAST(i AS TEXT), \
     'T' || CAST(i % 1000 AS TEXT), 'r' || CAST(i % 50 AS TEXT), 'Bad thing', '[]', 'host', 'pc', i % 5, (i / 7) % 3, \
     'undecided', '', i * 1000, i * 1000, 1, 0, 0 FROM n";

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

fn in_order(kind: Kind, plan: &str) -> bool {
    match kind {
        Kind::Sqlite => plan.contains(" INDEX alerts_") && !plan.contains("TEMP B-TREE"),
        Kind::Postgres => plan.contains(" alerts_") && !plan.contains("Seq Scan"),
    }
}
