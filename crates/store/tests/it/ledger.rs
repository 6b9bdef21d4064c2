//! Everything that is done is in the ledger, and what is done to the ledger is found.

use ward_ledger::{Broken, Why};
use ward_store::{Store, StoreError, findings, ledger};

use crate::support::*;

async fn three_entries(store: &Store) {
    sector(store).await;
    assert_eq!(ledger::head(store).await.unwrap().number, 3);
}

#[test]
fn each_change_is_one_entry_and_the_chain_is_whole() {
    on_each(|store| async move {
        assert_eq!(ledger::verify(&store, &[]).await.unwrap().unwrap().number, 0);
        three_entries(&store).await;
        let entries = ledger::entries(&store, &all(), 0, 10).await.unwrap();
        let told: Vec<_> =
            entries.iter().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
        let expected =
            [("organisation.put", "5 organisations"), ("source.put", "leeds-dc"), ("source.put", "york-dc")];
        assert_eq!(told, expected);
        assert!(entries.iter().all(|entry| entry.actor == root() && entry.time == NOW));
        let head = ledger::verify(&store, &[entries[1].head()]).await.unwrap().unwrap();
        assert_eq!(head, ledger::head(&store).await.unwrap());
        assert_eq!(ledger::entries(&store, &all(), 2, 10).await.unwrap(), entries[2..]);
    });
}

#[test]
fn the_ledger_is_shown_only_to_who_sees_the_whole_sector() {
    on_each(|store| async move {
        three_entries(&store).await;
        let error = ledger::entries(&store, &only("LEEDS"), 0, 10).await.unwrap_err();
        assert!(matches!(error, StoreError::NotFound("ledger")));
    });
}

#[test]
fn whatever_is_done_to_an_entry_is_found_at_that_entry() {
    let touches = [
        ("UPDATE ledger SET subject = 'x' WHERE number = 2", 2, Why::Altered),
        ("UPDATE ledger SET actor_kind = 'nobody' WHERE number = 2", 2, Why::Altered),
        ("UPDATE ledger SET hash = 'x' WHERE number = 2", 2, Why::Altered),
        ("UPDATE ledger SET time = time + 1 WHERE number = 1", 1, Why::Altered),
        ("DELETE FROM ledger WHERE number = 1", 1, Why::Missing { found: 2 }),
        ("DELETE FROM ledger WHERE number = 3", 3, Why::CutOff),
        ("UPDATE ledger SET number = 9 WHERE number = 3", 3, Why::CutOff),
        (
            "INSERT INTO ledger SELECT 4, time, actor_kind, actor_name, action, subject, detail, previous, hash \
             FROM ledger WHERE number = 3",
            4,
            Why::Beyond,
        ),
        ("UPDATE ledger_head SET hash = (SELECT hash FROM ledger WHERE number = 1)", 3, Why::Rewritten),
    ];
    for (touch, number, why) in touches {
        on_each_place(async |place| {
            let store = place.open().await;
            three_entries(&store).await;
            run(&place.url, touch).await;
            let found = ledger::verify(&store, &[]).await.unwrap();
            assert_eq!(found, Err(Broken { number, why }), "{touch}");
        });
    }
}

#[test]
fn an_end_that_was_cut_with_its_note_is_found_by_a_head_that_was_noted_elsewhere() {
    on_each_place(async |place| {
        let store = place.open().await;
        three_entries(&store).await;
        let noted = ledger::head(&store).await.unwrap();
        run(
            &place.url,
            "DELETE FROM ledger WHERE number = 3; \
             UPDATE ledger_head SET number = 2, hash = (SELECT hash FROM ledger WHERE number = 2)",
        )
        .await;
        assert!(ledger::verify(&store, &[]).await.unwrap().is_ok());
        let found = ledger::verify(&store, &[noted]).await.unwrap();
        assert_eq!(found, Err(Broken { number: 3, why: Why::CutOff }));
    });
}

#[test]
fn a_change_that_is_not_finished_leaves_nothing() {
    on_each_place(async |place| {
        let store = place.open().await;
        three_entries(&store).await;
        // The ledger refuses its entry at the end of the change, as a full disk would.
        run(
            &place.url,
            "INSERT INTO ledger SELECT 4, time, actor_kind, actor_name, action, subject, detail, \
                         previous, hash FROM ledger WHERE number = 3",
        )
        .await;
        let recorded = findings::record(&store, &watch(), NOW, &[finding(1, "LEEDS")]).await;
        assert!(recorded.is_err());
        for table in ["findings", "alerts"] {
            assert_eq!(column(&place.url, &format!("SELECT id FROM {table}")).await, Vec::<String>::new());
        }
        run(&place.url, "DELETE FROM ledger WHERE number = 4").await;
        let recorded = findings::record(&store, &watch(), NOW, &[finding(1, "LEEDS")]).await.unwrap();
        assert_eq!((recorded.new.len(), recorded.opened.len()), (1, 1));
    });
}

#[test]
fn many_who_write_at_once_get_their_turn_and_the_chain_stays_whole() {
    on_each_place(async |place| {
        let (hub, command_line) = (place.open().await, place.open().await);
        let mut tasks = Vec::new();
        for task in 0..8_u32 {
            let store = if task % 2 == 0 { hub.clone() } else { command_line.clone() };
            tasks.push(tokio::spawn(async move {
                for round in 0..5 {
                    // Every finding is recorded by two tasks.
                    let number = task / 2 * 100 + round;
                    let found = [finding(number, "LEEDS")];
                    findings::record(&store, &watch(), NOW, &found).await.unwrap();
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(ledger::verify(&hub, &[]).await.unwrap().unwrap().number, 20);
        let counts = column(&place.url, "SELECT CAST(count AS TEXT) FROM alerts").await;
        assert_eq!(counts, ["20"]);
    });
}
