//! The schema is the same on both databases, and comes about in steps that can be repeated.

use ward_store::{Kind, Store, StoreError, StoreOptions, ledger};

use crate::support::*;

const COLUMNS_SQLITE: &str = "SELECT m.name || '.' || c.name || ' ' || REPLACE(c.type, 'BLOB', 'BYTEA') || \
     CASE WHEN c.\"notnull\" = 1 THEN ' NOT NULL' ELSE '' END || CASE WHEN c.pk > 0 THEN ' KEY ' || c.pk ELSE '' END \
     FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1";

const COLUMNS_POSTGRES: &str = "SELECT c.table_name || '.' || c.column_name || ' ' || UPPER(c.data_type) || \
     CASE WHEN c.is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END || \
     COALESCE(' KEY ' || (SELECT k.ordinal_position FROM information_schema.key_column_usage k \
     JOIN information_schema.table_constraints t ON t.constraint_name = k.constraint_name \
     AND t.table_schema = k.table_schema WHERE t.constraint_type = 'PRIMARY KEY' \
     AND k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name), '') \
     FROM information_schema.columns c WHERE c.table_schema = current_schema() ORDER BY 1";

const INDEXES_SQLITE: &str = "SELECT m.name || ' (' || (SELECT GROUP_CONCAT(i.name, ', ') FROM \
     pragma_index_info(m.name) i) || ')' FROM sqlite_master m WHERE m.type = 'index' \
     AND m.name NOT LIKE 'sqlite_%' ORDER BY 1";

const INDEXES_POSTGRES: &str = "SELECT i.relname || ' (' || (SELECT STRING_AGG(a.attname, ', ' ORDER BY a.attnum) \
     FROM pg_attribute a WHERE a.attrelid = i.oid) || ')' FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
     WHERE NOT x.indisprimary AND i.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) \
     ORDER BY 1";

async fn schema(place: &Place) -> Vec<String> {
    let (columns, indexes) = match place.kind {
        Kind::Sqlite => (COLUMNS_SQLITE, INDEXES_SQLITE),
        Kind::Postgres => (COLUMNS_POSTGRES, INDEXES_POSTGRES),
    };
    let mut lines = column(&place.url, columns).await;
    lines.extend(column(&place.url, indexes).await);
    lines.sort();
    lines
}

/// Both databases are compared with one file, and so with each other. `UPDATE_SCHEMA=1` writes it anew.
#[test]
fn the_schema_of_both_databases_is_the_one_that_is_written_down() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/schema.txt");
    on_each_place(async |place| {
        place.open().await;
        let schema = schema(place).await.join("\n") + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() && place.kind == Kind::Sqlite {
            std::fs::write(file, &schema).unwrap();
        }
        assert_eq!(schema, std::fs::read_to_string(file).unwrap(), "{:?}", place.kind);
    });
}

#[test]
fn opening_again_changes_nothing_and_loses_nothing() {
    on_each_place(async |place| {
        let store = place.open().await;
        sector(&store).await;
        let (before, head) = (schema(place).await, ledger::head(&store).await.unwrap());
        store.close().await;
        let store = place.open().await;
        assert_eq!(schema(place).await, before);
        assert_eq!(ledger::head(&store).await.unwrap(), head);
    });
}

#[test]
fn many_who_open_a_new_database_at_once_make_it_once() {
    on_each_place(async |place| {
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let url = place.url.clone();
                tokio::spawn(async move { Store::open(&url, StoreOptions::default()).await.map(drop) })
            })
            .collect();
        for each in opening {
            each.await.unwrap().unwrap();
        }
    });
}

#[test]
fn a_database_of_a_newer_ward_is_left_alone_and_the_reason_is_said() {
    on_each_place(async |place| {
        place.open().await.close().await;
        run(&place.url, "INSERT INTO schema_steps (number, digest) VALUES (99, 'x')").await;
        let error = Store::open(&place.url, StoreOptions::default()).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("needs a newer ward"), "{error}");
        let look = Store::look(&place.url, StoreOptions::default()).await.unwrap().unwrap();
        assert!(look.ping().await.is_ok(), "who only looks is let in, and changes nothing");
        look.close().await;
    });
}

#[test]
fn a_database_whose_steps_were_other_ones_is_left_alone() {
    on_each_place(async |place| {
        place.open().await.close().await;
        run(&place.url, "UPDATE schema_steps SET digest = 'x' WHERE number = 2").await;
        let error = Store::open(&place.url, StoreOptions::default()).await.unwrap_err();
        assert!(matches!(error, StoreError::Foreign { number: 2 }), "{error}");
    });
}
