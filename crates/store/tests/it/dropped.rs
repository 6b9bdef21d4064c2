//! What is kept of dead letters, what goes first, and that its room is given back.

use ward_core::{BatchId, EventId, Scope};
use ward_store::dead_letters::{self, DeadLetter, DeadLetterFilter};
use ward_store::dropped_letters::{self, APART, Bound, Dropped, Kept, Why};
use ward_store::{Kind, Store, backup, ledger, room};

use crate::support::*;

/// A letter of the source of an organisation, which came so many hours after noon.
fn letter(batch: u64, of: &str, hours: i64, bytes: usize) -> DeadLetter {
    DeadLetter {
        id: EventId { batch: BatchId(batch), index: 0 },
        organisation: org(of),
        source: src(&format!("{}-dc", of.to_lowercase())),
        received: later(hours * HOUR),
        format: "ndjson".to_owned(),
        reason: "bad_json".to_owned(),
        detail: "no JSON".to_owned(),
        content: vec![batch as u8; bytes],
    }
}

async fn set_aside(store: &Store, letters: &[DeadLetter]) {
    dead_letters::set_aside(store, &watch(), NOW, letters).await.unwrap();
}

async fn batches(store: &Store, scope: &Scope) -> Vec<u64> {
    let listed = dead_letters::list(store, scope, &DeadLetterFilter::default(), None, 1_000).await.unwrap();
    listed.iter().map(|listed| listed.letter.id.batch.0).collect()
}

async fn drop_oldest(store: &Store, scope: &Scope, of: &str, bound: Bound) -> Vec<Dropped> {
    dropped_letters::drop_oldest(store, &watch(), later(1), scope, &src(of), bound).await.unwrap()
}

fn went(of: &str, why: Why, letters: u64, bytes: u64) -> Dropped {
    let source = src(&format!("{}-dc", of.to_lowercase()));
    Dropped { organisation: org(of), source, why, letters, bytes, latest: later(1) }
}

#[test]
fn a_flood_of_one_source_displaces_its_own_oldest_letters_and_no_others() {
    on_each(|store| async move {
        // The numbers of batches are not what is older.
        let hours = [5_i64, 1, 3, 2, 4];
        let flood = hours.map(|hours| letter(hours.unsigned_abs(), "LEEDS", hours, 1_000));
        set_aside(&store, &flood).await;
        set_aside(&store, &[letter(9, "YORK", -100, 1_000_000)]).await;
        let kept = dropped_letters::kept(&store, &all(), None).await.unwrap();
        let leeds = Kept { source: src("leeds-dc"), letters: 5, bytes: 5_000, oldest: later(HOUR) };
        assert_eq!((kept.len(), &kept[0]), (2, &leeds));
        assert_eq!(leeds.room(), 5 * (1_000 + APART));

        let enough = Bound::Room(leeds.room());
        let head = ledger::head(&store).await.unwrap();
        assert_eq!(drop_oldest(&store, &all(), "leeds-dc", enough).await, []);
        assert_eq!(ledger::head(&store).await.unwrap(), head, "nothing went, nothing is told");
        // A byte too much, and a tenth is made free.
        let short = Bound::Room(leeds.room() - 1);
        let gone = drop_oldest(&store, &all(), "leeds-dc", short).await;
        assert_eq!(gone, [went("LEEDS", Why::Quota, 1, 1_000)]);
        assert_eq!(batches(&store, &all()).await, [2, 3, 4, 5, 9]);
        let two = Bound::Room(2 * (1_000 + APART) + 700);
        assert_eq!(drop_oldest(&store, &all(), "leeds-dc", two).await, [went("LEEDS", Why::Quota, 2, 2_000)]);
        assert_eq!(batches(&store, &all()).await, [4, 5, 9]);
        let leeds_only = dropped_letters::kept(&store, &all(), Some(&src("leeds-dc"))).await.unwrap();
        assert_eq!((leeds_only.len(), leeds_only[0].bytes), (1, 2_000));
        // The totals, and what the ledger says.
        let totals = dropped_letters::dropped(&store, &all(), None).await.unwrap();
        assert_eq!(totals, [went("LEEDS", Why::Quota, 3, 3_000)]);
        let entries = ledger::entries(&store, &all(), head.number, 10).await.unwrap();
        let told: Vec<_> =
            entries.iter().map(|entry| (entry.action.as_str(), entry.subject.as_str())).collect();
        assert_eq!(told, [("dead_letter.drop", "1 records"), ("dead_letter.drop", "2 records")]);
        let detail: serde_json::Value = serde_json::from_str(&entries[1].detail).unwrap();
        let expected =
            serde_json::json!({ "bytes": 2_000, "count": 2, "source": "leeds-dc", "why": "quota" });
        assert_eq!(detail, expected);
        // Not even the newest stays, where it is too large by itself.
        assert_eq!(
            drop_oldest(&store, &all(), "york-dc", Bound::Room(1_000)).await,
            [went("YORK", Why::Quota, 1, 1_000_000)]
        );
    });
}

#[test]
fn letters_that_came_too_long_ago_go() {
    on_each(|store| async move {
        let letters = [("LEEDS", 1), ("LEEDS", 2), ("LEEDS", 3), ("YORK", 1)];
        let letters = (1..).zip(letters).map(|(batch, (of, hours))| letter(batch, of, hours, 10));
        set_aside(&store, &letters.collect::<Vec<_>>()).await;
        let since = Bound::Since(later(3 * HOUR));
        assert_eq!(drop_oldest(&store, &all(), "leeds-dc", since).await, [went("LEEDS", Why::Age, 2, 20)]);
        assert_eq!(drop_oldest(&store, &all(), "leeds-dc", since).await, []);
        assert_eq!(batches(&store, &all()).await, [3, 4]);
        assert_eq!(drop_oldest(&store, &all(), "york-dc", since).await, [went("YORK", Why::Age, 1, 10)]);
        assert_eq!(drop_oldest(&store, &all(), "nobodys", since).await, []);
    });
}

#[test]
fn nobody_sees_or_drops_letters_of_others() {
    on_each(|store| async move {
        // The source was another organisation's before.
        let moved = DeadLetter { source: src("leeds-dc"), ..letter(1, "YORK", 1, 10) };
        set_aside(&store, &[moved, letter(2, "LEEDS", 2, 20)]).await;
        let (leeds, york) = (only("LEEDS"), only("YORK"));
        let kept = dropped_letters::kept(&store, &leeds, None).await.unwrap();
        assert_eq!((kept[0].letters, kept[0].bytes), (1, 20));
        assert_eq!(dropped_letters::kept(&store, &Scope::of([]), None).await.unwrap(), []);
        let nothing = Bound::Room(0);
        assert_eq!(
            drop_oldest(&store, &leeds, "leeds-dc", nothing).await,
            [went("LEEDS", Why::Quota, 1, 20)]
        );
        assert_eq!(batches(&store, &all()).await, [1]);
        assert_eq!(dropped_letters::dropped(&store, &york, None).await.unwrap(), []);
        let totals = dropped_letters::dropped(&store, &leeds, Some(&src("leeds-dc"))).await.unwrap();
        assert_eq!(totals, [went("LEEDS", Why::Quota, 1, 20)]);
        let whole = drop_oldest(&store, &all(), "leeds-dc", Bound::Since(later(9 * HOUR))).await;
        assert_eq!(whole[0].organisation, org("YORK"));
    });
}

#[test]
fn many_small_letters_go_in_several_changes() {
    on_each(|store| async move {
        let letters: Vec<_> = (0..5_100).map(|batch| letter(batch, "LEEDS", 0, 1)).collect();
        set_aside(&store, &letters).await;
        let all_of_them = Bound::Since(later(1));
        let mut went = Vec::new();
        loop {
            let gone = drop_oldest(&store, &all(), "leeds-dc", all_of_them).await;
            let Some(of_leeds) = gone.first() else { break };
            went.push(of_leeds.letters);
        }
        assert_eq!(went, [5_000, 100]);
    });
}

#[test]
fn letters_of_a_database_from_before_count_with_their_size() {
    on_each_place(async |place| {
        let store = place.open().await;
        set_aside(&store, &[letter(1, "LEEDS", 0, 300)]).await;
        store.close().await;
        // As it was: without the seventh step, which made these, and those after it, which find what they made.
        let before = "DROP TABLE dropped_letters; DROP INDEX dead_letters_by_source; \
                      ALTER TABLE dead_letters DROP COLUMN bytes; \
                      DELETE FROM schema_steps WHERE number >= 7";
        run(&place.url, before).await;
        let store = place.open().await;
        let kept = dropped_letters::kept(&store, &all(), None).await.unwrap();
        assert_eq!((kept[0].letters, kept[0].bytes), (1, 300));
    });
}

#[test]
fn what_is_kept_is_added_up_from_an_index_alone() {
    on_each_place(async |place| {
        place.open().await;
        if place.kind == Kind::Sqlite {
            for question in [
                "SELECT source, COUNT(*), SUM(bytes), MIN(received) FROM dead_letters GROUP BY source",
                "SELECT received, batch, place, bytes, organisation FROM dead_letters WHERE source = 'a' \
                 ORDER BY received, batch, place",
            ] {
                let text = format!("EXPLAIN QUERY PLAN {question}");
                let plan = details(&place.url, &text).await.join("\n");
                assert!(plan.contains("COVERING INDEX dead_letters_by_source"), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
    });
}

/// How a statement would be run.
async fn details(url: &str, text: &str) -> Vec<String> {
    use sqlx::{AnyConnection, Connection, Row};
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let rows = sqlx::query(sqlx::AssertSqlSafe(text.to_owned())).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.get(3)).collect()
}

#[test]
fn the_room_of_letters_that_went_is_given_back_to_the_disk() {
    on_each_place(async |place| {
        let store = place.open().await;
        let letters: Vec<_> = (0..16).map(|batch| letter(batch, "LEEDS", 0, 1 << 20)).collect();
        set_aside(&store, &letters).await;
        let everything = DeadLetterFilter::default();
        dead_letters::discard(&store, &root(), NOW, &all(), &everything).await.unwrap();
        if place.kind == Kind::Postgres {
            assert_eq!(room::give_back(&store, 0, u64::MAX).await.unwrap(), 0, "it does so itself");
            return;
        }
        let file = place.folder.path().join("ward.db");
        let size = || std::fs::metadata(&file).unwrap().len();
        assert_eq!(room::give_back(&store, 64 << 20, u64::MAX).await.unwrap(), 0, "so much may stay free");
        assert_eq!(room::give_back(&store, 0, 1 << 20).await.unwrap(), 4 << 20, "a step");
        let given = room::give_back(&store, 1 << 20, u64::MAX).await.unwrap();
        assert!((10 << 20..12 << 20).contains(&given), "{given}");
        assert!(size() < 2 << 20, "{} bytes", size());
        set_aside(&store, &[letter(99, "LEEDS", 0, 10)]).await;
        store.close().await;
        assert!(size() < 2 << 20, "{} bytes", size());
        assert_eq!(column(&place.url, "PRAGMA integrity_check").await, ["ok"]);
        assert_eq!(batches(&place.open().await, &all()).await, [99]);
    });
}

#[test]
fn a_database_of_an_older_ward_gives_room_back_once_it_was_backed_up_and_restored() {
    on_each_place(async |place| {
        if place.kind == Kind::Postgres {
            return;
        }
        std::fs::File::create(place.folder.path().join("ward.db")).unwrap();
        run(&place.url, "PRAGMA auto_vacuum = NONE; CREATE TABLE earlier (a BIGINT)").await;
        let store = place.open().await;
        let freed = async |store: &Store| {
            set_aside(store, &[letter(1, "LEEDS", 0, 1 << 20)]).await;
            let everything = DeadLetterFilter::default();
            dead_letters::discard(store, &root(), NOW, &all(), &everything).await.unwrap();
            room::give_back(store, 0, u64::MAX).await.unwrap()
        };
        assert_eq!(freed(&store).await, 0);
        let copy = place.folder.path().join("copy.db");
        backup::backup_to(&store, &copy).await.unwrap();
        let restored = Store::open(&Store::url_of(&copy), ward_store::StoreOptions::default()).await.unwrap();
        assert!(freed(&restored).await >= 1 << 20);
    });
}
