//! How long the hub takes to answer with a page, and what it costs that many people watch, on a database that the example
//! `rates` of ward-store has filled:
//!
//! `cargo run --release -p ward-store --example rates -- sqlite:/var/tmp/rates.db 1000000`, then
//! `cargo run --release -p ward-web --example pages -- sqlite:/var/tmp/rates.db`

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::StreamExt as _;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use ward_core::{Actor, BatchId, EventId, OrganisationId, Scope, Severity, SourceId, Timestamp};
use ward_lake::Lake;
use ward_pages::Brand;
use ward_people::password::Hasher;
use ward_people::session::{How, Limits};
use ward_people::{Key, Powers, Reach, Role};
use ward_store::findings::{self, Finding, RuleName};
use ward_store::people::grants::{self, NewGrant};
use ward_store::people::persons::{self, NewPerson};
use ward_store::people::sessions::{self, NewSession};
use ward_store::{FindingId, Store, StoreOptions};
use ward_web::{HuntLimits, RulesReport, State};

/// Requests for each page.
const ROUNDS: usize = 60;
/// People who watch, and for how long.
const WATCHERS: usize = 200;
const WATCHED: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap_or_else(|| "sqlite:rates.db".to_owned());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let router = ward_web::routes(state(&store, Lake::new(folder.path().to_owned()))).unwrap();
    let cookie = signed_in(&store).await;
    let queue = text(&router, &cookie, "/alerts").await;
    let alert = queue.split("data-ward-alert=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let paths = [
        "/".to_owned(),
        "/alerts".to_owned(),
        "/alerts?level=high&owner=nobody".to_owned(),
        "/alerts?state=closed".to_owned(),
        "/alerts?organisation=O00001".to_owned(),
        format!("/alerts/{alert}"),
        "/organisations".to_owned(),
        "/account".to_owned(),
    ];
    println!("{:<40} {:>9} {:>9} {:>9}", "server time, ms", "p50", "p95", "worst");
    for path in &paths {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            text(&router, &cookie, path).await;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!("{path:<40} {:>9.1} {:>9.1} {:>9.1}", at(0.5), at(0.95), at(1.0));
    }
    watch(&store, &router, &cookie).await;
}

/// Many follow the start page and fetch it anew whenever they are told, while an alert is opened each second.
async fn watch(store: &Store, router: &Router, cookie: &str) {
    let mut watchers = tokio::task::JoinSet::new();
    for _ in 0..WATCHERS {
        let (router, cookie) = (router.clone(), cookie.to_owned());
        watchers.spawn(async move {
            let answer = router.clone().oneshot(request("/live", &cookie)).await.unwrap();
            let (mut events, mut fetched) = (answer.into_body().into_data_stream(), 0_u32);
            let _ = tokio::time::timeout(WATCHED, async {
                while let Some(Ok(event)) = events.next().await {
                    if event.windows(14).any(|part| part == b"event: changed") {
                        text(&router, &cookie, "/").await;
                        fetched += 1;
                    }
                }
            })
            .await;
            fetched
        });
    }
    let (start, before) = (Instant::now(), processor_seconds());
    let mut opened = 0_u64;
    while start.elapsed() < WATCHED {
        open(store, opened).await;
        opened += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let used = processor_seconds() - before;
    let fetched: u32 = watchers.join_all().await.into_iter().sum();
    println!(
        "{WATCHERS} people watching for {} s, an alert opened each second: {:.2} cores, {fetched} pages fetched anew",
        WATCHED.as_secs(),
        used / WATCHED.as_secs_f64()
    );
}

async fn open(store: &Store, nth: u64) {
    let now = now();
    let finding = Finding {
        id: FindingId((u128::from(nth) << 64 | u128::from(std::process::id())).to_be_bytes()),
        organisation: OrganisationId::new("O00001").unwrap(),
        source: SourceId::new("s").unwrap(),
        events: vec![EventId { batch: BatchId(nth), index: 0 }],
        rule: RuleName { id: "watched".into(), title: "Watched".into(), tags: Vec::new() },
        level: Severity::High,
        host: Some(format!("watched-{}-{nth}", std::process::id())),
        user: None,
        time: now,
        received: now,
        matched: serde_json::Map::new(),
        exception: None,
    };
    findings::record(store, &Actor::ward("watch"), now, &[finding]).await.unwrap();
}

fn request(path: &str, cookie: &str) -> Request<Body> {
    Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap()
}

async fn text(router: &Router, cookie: &str, path: &str) -> String {
    let answer = router.clone().oneshot(request(path, cookie)).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(status == StatusCode::OK || status == StatusCode::NOT_FOUND, "{path}: {status}: {body}");
    body
}

async fn signed_in(store: &Store) -> String {
    let (by, now, powers) = (Actor::operator("pages"), now(), Powers::everything(Scope::whole_sector()));
    let email = format!("analyst-{}@ward.example", now.micros());
    let new = NewPerson { name: "A. Analyst".into(), email: Some(email), organisation: None, identity: None };
    let person = persons::add(store, &by, now, &powers, &new).await.unwrap();
    let role = Role::NationalAnalyst;
    let grant = NewGrant { person, role, reach: Reach::WholeSector, expires: None };
    grants::give(store, &by, now, &powers, &grant).await.unwrap();
    let new = NewSession {
        person,
        how: How::Password,
        second_factor: true,
        limits: Limits::default(),
        device: String::new(),
        address: String::new(),
        replaces: None,
    };
    let (_, secret) = sessions::begin(store, &by, now, &new).await.unwrap();
    format!("ward-session={}", secret.expose())
}

fn state(store: &Store, lake: Lake) -> State {
    State {
        store: store.clone(),
        lake,
        sql: None,
        key: Key::new([1; 32]),
        sessions: Limits::default(),
        hasher: Hasher::default(),
        brand: Brand::default(),
        site: None,
        secure: false,
        clock: Arc::new(now),
        hunt: HuntLimits::default(),
        open_metrics: false,
        metrics: Arc::new(String::new),
        ready: Arc::new(|| Ok(())),
        rules: Arc::new(RulesReport::default),
        rule: Arc::new(|_| None),
        check_filter: Arc::new(|_| Ok(())),
        replay: Arc::new(|_| Box::pin(async { Err("nothing is replayed here".to_owned()) })),
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// Seconds of processor time that this process has used: proc(5), in hundredths.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}
