//! The list of alerts is read from an index, however many alerts there are. Plans are tested, since they are the same
//! on every machine; times are not. SQLite must never sort; PostgreSQL may, where it knows that little is left to sort.

use std::collections::BTreeSet;

use ward_core::{Scope, Severity};
use ward_store::Kind;
use ward_store::alerts::{self, AlertFilter, OwnedBy, State, Verdict};

use crate::support::*;

/// 100,000 alerts of 1,000 organisations, 50 rules and all levels and states.
const FILL: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
     INSERT INTO alerts (id, key, organisation, rule, title, tags, entity_kind, entity, level, state, verdict, owner, note, \
     first_seen, last_seen, count, opened, changed) \
     SELECT '00000000000000000000000000' || CAST(100000 + i AS TEXT), CAST(i AS TEXT), \
     'T' || CAST(i % 1000 AS TEXT), 'r' || CAST(i % 50 AS TEXT), 'Bad thing', '[]', 'host', 'pc' || CAST(i % 500 AS TEXT), \
     i % 5, (i / 7) % 3, 'undecided', CASE WHEN i % 3 = 0 THEN 'p' || CAST(i % 90 AS TEXT) END, '', i * 1000, i * 1000, 1, 0, 0 FROM n";

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
        let entity = || AlertFilter { entity: Some("pc7".to_owned()), ..AlertFilter::default() };
        let owner = |owner: OwnedBy| AlertFilter { owner: Some(owner), ..AlertFilter::default() };
        let somebody = || owner(OwnedBy::Somebody("p30".to_owned()));
        let only_high = AlertFilter { exactly: Some(Severity::High), ..AlertFilter::default() };
        let undecided = AlertFilter { verdict: Some(Verdict::Undecided), ..AlertFilter::default() };
        let open = BTreeSet::from([State::Open]);
        let cases = [
            (all(), entity()),
            (all(), AlertFilter { states: open.clone(), at_least: Some(Severity::Medium), ..entity() }),
            (large.clone(), entity()),
            (only("T7"), AlertFilter { owner: Some(OwnedBy::Nobody), ..AlertFilter::default() }),
            (all(), somebody()),
            (all(), AlertFilter { states: open.clone(), ..somebody() }),
            (large.clone(), somebody()),
            (all(), owner(OwnedBy::Nobody)),
            (all(), AlertFilter { states: open.clone(), ..owner(OwnedBy::Nobody) }),
            (large.clone(), AlertFilter { exactly: Some(Severity::Low), ..owner(OwnedBy::Nobody) }),
            (all(), only_high.clone()),
            (all(), AlertFilter { states: open, ..only_high }),
            (all(), undecided),
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
