//! A store to test with: each case runs on SQLite and on PostgreSQL, in a database of its own.

use std::future::Future;

use tempfile::TempDir;
use ward_core::{
    Actor, BatchId, EventId, Organisation, OrganisationId, OrganisationKind, Scope, Severity, Source,
    SourceId, Timestamp,
};
use ward_store::findings::{Finding, RuleName};
use ward_store::{FindingId, Kind, Store, StoreOptions, organisations, sources};

use crate::postgres;

/// Noon of a day in 2026.
pub const NOW: Timestamp = Timestamp::from_micros(1_772_020_800_000_000);
pub const HOUR: i64 = 3_600_000_000;

/// A database of a test's own.
pub struct Place {
    pub url: String,
    pub kind: Kind,
    pub folder: TempDir,
}

/// Runs a case on both databases, each with a fresh store.
pub fn on_each<F: Future<Output = ()>>(case: impl Fn(Store) -> F) {
    on_each_place(async |place: &Place| case(place.open().await).await);
}

/// Runs a case on both databases, and lets it open the store itself.
pub fn on_each_place(case: impl AsyncFn(&Place)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = Store::url_of(&folder.path().join("ward.db"));
    runtime.block_on(case(&Place { url, kind: Kind::Sqlite, folder }));
    match postgres::schema() {
        Ok(url) => {
            let folder = tempfile::tempdir().unwrap();
            runtime.block_on(case(&Place { url, kind: Kind::Postgres, folder }));
        }
        Err(why) => postgres::say_skipped(&why),
    }
}

impl Place {
    pub async fn open(&self) -> Store {
        Store::open(&self.url, StoreOptions::default()).await.unwrap()
    }
}

/// Runs statements past the store, as somebody would who should not.
pub async fn run(url: &str, text: &str) {
    use sqlx::{AnyConnection, Connection, Executor};
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))).await.unwrap();
    connection.close().await.unwrap();
}

/// The first column of a statement's rows, as text, read past the store.
pub async fn column(url: &str, text: &str) -> Vec<String> {
    use sqlx::{AnyConnection, Connection, Row};
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let rows = sqlx::query(sqlx::AssertSqlSafe(text.to_owned())).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

pub fn root() -> Actor {
    Actor::operator("root")
}

pub fn watch() -> Actor {
    Actor::ward("watch")
}

pub fn all() -> Scope {
    Scope::whole_sector()
}

pub fn org(code: &str) -> OrganisationId {
    OrganisationId::new(code).unwrap()
}

pub fn src(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

pub fn only(code: &str) -> Scope {
    Scope::of([org(code)])
}

pub fn later(micros: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + micros)
}

pub fn organisation(code: &str, parent: Option<&str>, kind: OrganisationKind) -> Organisation {
    Organisation { id: org(code), parent: parent.map(org), kind, name: format!("The {code}") }
}

/// England, one care board in it with Leeds (and its site) and York, each with a source.
pub async fn sector(store: &Store) {
    use OrganisationKind::{CareBoard, Nation, Organisation, Site};
    let tree = [
        organisation("ENG", None, Nation),
        organisation("QWO", Some("ENG"), CareBoard),
        organisation("LEEDS", Some("QWO"), Organisation),
        organisation("LEEDS-1", Some("LEEDS"), Site),
        organisation("YORK", Some("QWO"), Organisation),
    ];
    organisations::put_all(store, &root(), NOW, &tree).await.unwrap();
    for (name, of) in [("leeds-dc", "LEEDS"), ("york-dc", "YORK")] {
        sources::put(store, &root(), NOW, &source(name, of)).await.unwrap();
    }
}

pub fn source(name: &str, of: &str) -> Source {
    Source { id: src(name), organisation: org(of), rate: Some(1_000), silent_after: Some(HOUR) }
}

/// A finding of rule `r1` at `pc1`.
pub fn finding(number: u32, of: &str) -> Finding {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Finding {
        id: FindingId(id),
        organisation: org(of),
        source: src(&format!("{}-dc", of.to_lowercase())),
        events: vec![EventId { batch: BatchId(7), index: number }],
        rule: RuleName {
            id: "r1".to_owned(),
            title: "Bad thing".to_owned(),
            tags: vec!["attack.t1059".to_owned()],
        },
        level: Severity::High,
        host: Some("pc1".to_owned()),
        user: Some("anna".to_owned()),
        time: later(i64::from(number)),
        received: later(i64::from(number) + 1),
        matched: [("CommandLine".to_owned(), serde_json::json!("whoami"))].into_iter().collect(),
        exception: None,
    }
}
