//! A hub with two trusts that know nothing of each other, and people who ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use ward_core::{
    Actor, BatchId, EventId, Organisation, OrganisationId, OrganisationKind, Severity, Source, SourceId,
    Timestamp,
};
use ward_lake::{Lake, LakeRow, SegmentWriter, WriteOptions};
use ward_pages::Brand;
use ward_people::Key;
use ward_people::password::{Cost, Hasher};
use ward_people::session::Limits;
use ward_store::dead_letters::{self, DeadLetter};
use ward_store::dropped_letters::{self, Bound};
use ward_store::exceptions::{self, NewException};
use ward_store::findings::{self, Finding, RuleName};
use ward_store::heartbeats::{self, Heartbeat};
use ward_store::people::persons;
use ward_store::segments::{self, SegmentDone};
use ward_store::tokens::{self, Grant, NewToken, Role, TokenReach};
use ward_store::{FindingId, Store, StoreOptions, organisations, sources};
use ward_web::{HuntLimits, RefusedRule, Route, RuleText, RulesReport, State};

pub const LEEDS: &str = "RR8";
pub const YORK: &str = "RCB";
/// What is only York's and would be seen if anything of York's was.
pub const OF_YORK: [&str; 3] = ["RCB", "york", "York"];

pub struct Hub {
    _folder: TempDir,
    pub store: Store,
    pub router: Router,
    pub state: State,
    pub clock: Arc<AtomicI64>,
    pub failing: Arc<AtomicBool>,
    /// Id of a thing: `alert`, `finding`, `exception`, of Leeds and York.
    pub leeds: Things,
    pub york: Things,
}

/// Ids of what an organisation has.
#[derive(Debug, Clone, Default)]
pub struct Things {
    pub organisation: &'static str,
    pub source: &'static str,
    pub alert: String,
    pub finding: String,
    pub exception: String,
    pub event: String,
    pub letter: String,
    /// Somebody who works there.
    pub person: String,
}

/// Somebody who asks.
pub struct Person {
    router: Router,
    token: Option<String>,
}

pub struct Told {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Hub {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut State)) -> Self {
        let folder = TempDir::new().unwrap();
        let url = Store::url_of(&folder.path().join("ward.db"));
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let clock = Arc::new(AtomicI64::new(at("2026-11-26T12:00:00Z").micros()));
        let failing = Arc::new(AtomicBool::new(false));
        let (now, fails) = (Arc::clone(&clock), Arc::clone(&failing));
        let mut state = State {
            store: store.clone(),
            lake: Lake::new(folder.path().join("lake")),
            sql: None,
            key: Key::new([7; 32]),
            sessions: Limits::default(),
            hasher: cheap(),
            brand: Brand::default(),
            site: None,
            secure: true,
            clock: Arc::new(move || Timestamp::from_micros(now.load(Relaxed))),
            hunt: HuntLimits::default(),
            open_metrics: true,
            metrics: Arc::new(|| "# TYPE ward_rules gauge\nward_rules 3\n".to_owned()),
            ready: Arc::new(move || {
                if fails.load(Relaxed) { Err("the journal refuses: disk full".to_owned()) } else { Ok(()) }
            }),
            rules: Arc::new(|| RulesReport {
                generation: 1,
                rules: 3,
                correlations: 1,
                refused: vec![RefusedRule {
                    place: "bad.yml:3".to_owned(),
                    reason: "no condition".to_owned(),
                }],
            }),
            rule: Arc::new(|id| {
                (id == "r1").then(|| RuleText {
                    description: "Somebody takes the way back away.".into(),
                    false_positives: vec!["Backups that tidy up".into()],
                    references: vec!["https://attack.example/t1490".into(), "javascript:alert(1)".into()],
                    author: "A. Nurse".into(),
                    place: "rules/r1.yml:1".into(),
                    source: "title: Shadow copies deleted".into(),
                    ..RuleText::default()
                })
            }),
            check_filter: Arc::new(|text| {
                if text.contains("filter:") { Ok(()) } else { Err("it has no 'filter'".to_owned()) }
            }),
            replay: Arc::new(|letter| Box::pin(async move { Ok(BatchId(100 + letter.id.batch.0)) })),
        };
        change(&mut state);
        fill(&store).await;
        let router = ward_web::routes(state.clone()).unwrap();
        let mut hub = Self {
            _folder: folder,
            store,
            router,
            state,
            clock,
            failing,
            leeds: Things { organisation: LEEDS, source: "leeds-dc", ..Things::default() },
            york: Things { organisation: YORK, source: "york-dc", ..Things::default() },
        };
        hub.leeds = hub.with_things(hub.leeds.clone(), 1).await;
        hub.york = hub.with_things(hub.york.clone(), 2).await;
        hub
    }

    /// Somebody with a token of this role, at Leeds.
    pub async fn at_leeds(&self, role: Role) -> Person {
        self.with_token(role, TokenReach::Below([code(LEEDS)].into())).await
    }

    /// Somebody with a token of this role, for everything.
    pub async fn of_the_sector(&self, role: Role) -> Person {
        self.with_token(role, TokenReach::WholeSector).await
    }

    pub fn stranger(&self) -> Person {
        Person { router: self.router.clone(), token: None }
    }

    pub fn with_secret(&self, secret: &str) -> Person {
        Person { router: self.router.clone(), token: Some(secret.to_owned()) }
    }

    pub fn token_of(&self, person: &Person) -> String {
        person.token.clone().unwrap_or_default()
    }

    pub fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Relaxed);
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Relaxed))
    }

    async fn with_token(&self, role: Role, reach: TokenReach) -> Person {
        let label = format!("{} of {reach:?}", role.name()).replace(|c: char| !c.is_alphanumeric(), "-");
        let grant = Grant::Access { role, reach };
        let new = NewToken { label, grant, expires: None, secret: None, weak_allowed: false };
        let (_, secret) = tokens::issue(&self.store, &operator(), self.now(), new).await.unwrap();
        self.with_secret(secret.expose())
    }

    /// What one organisation has: an alert of one finding in one event, an exception, two dead letters, a device.
    async fn with_things(&self, mut things: Things, batch: u64) -> Things {
        let (organisation, source) = (code(things.organisation), SourceId::new(things.source).unwrap());
        let event = EventId { batch: BatchId(batch), index: 0 };
        let device = format!("pc1.{}.example", things.source);
        let time = at("2026-11-26T11:00:00Z");
        let finding = Finding {
            id: FindingId([batch as u8; 16]),
            organisation: organisation.clone(),
            source: source.clone(),
            events: vec![event, EventId { batch: BatchId(batch), index: 9 }],
            rule: RuleName {
                id: "r1".into(),
                title: "Shadow copies deleted".into(),
                tags: vec!["attack.t1490".into()],
            },
            level: Severity::High,
            host: Some(device.clone()),
            user: None,
            time,
            received: time,
            matched: Map::from_iter([("Image".to_owned(), json!("vssadmin.exe"))]),
            exception: None,
        };
        let recorded = findings::record(&self.store, &Actor::ward("watch"), time, &[finding]).await.unwrap();
        things.alert = recorded.opened[0].to_string();
        things.finding = recorded.new[0].to_string();
        let beat = Heartbeat {
            organisation: organisation.clone(),
            source: source.clone(),
            device: device.clone(),
            first_seen: time,
            last_seen: time,
            events: 3,
        };
        heartbeats::record(&self.store, time, &[beat]).await.unwrap();
        let letter = |index, reason: String, content: &[u8]| DeadLetter {
            id: EventId { batch: BatchId(batch), index },
            organisation: organisation.clone(),
            source: source.clone(),
            received: time,
            format: "ndjson".into(),
            reason,
            detail: "it is no JSON".into(),
            content: content.to_vec(),
        };
        let old = DeadLetter { received: at("2026-01-01"), ..letter(3, "old".into(), b"long ago") };
        dead_letters::set_aside(&self.store, &Actor::ward("watch"), time, &[old]).await.unwrap();
        let (all, bound) = (ward_core::Scope::whole_sector(), Bound::Since(time));
        let keeper = Actor::ward("keeper");
        dropped_letters::drop_oldest(&self.store, &keeper, time, &all, &source, bound).await.unwrap();
        let letters =
            [letter(1, format!("at-{}", things.source), b"{"), letter(2, "binary".into(), &[0xff, 0])];
        dead_letters::set_aside(&self.store, &Actor::ward("watch"), time, &letters).await.unwrap();
        let new = NewException {
            organisation: organisation.clone(),
            and_below: false,
            filter: "filter: x".into(),
            reason: format!("known at {}", things.source),
            owner: "operations".into(),
            expires: at("2026-12-31"),
        };
        let scope = ward_core::Scope::whole_sector();
        let id = exceptions::add(&self.store, &operator(), time, &scope, &new).await.unwrap();
        things.exception = id.to_string();
        things.event = event.to_string();
        things.letter = letters[0].id.to_string();
        let powers = ward_people::Powers::everything(scope);
        let worker = persons::NewPerson {
            name: format!("Worker of {}", things.source),
            email: Some(format!("worker@{}.example", things.source)),
            organisation: Some(organisation.clone()),
            identity: None,
        };
        let worker = persons::add(&self.store, &operator(), time, &powers, &worker).await.unwrap();
        things.person = worker.to_string();
        self.with_event(event, &organisation, &source, &device).await;
        things
    }

    /// Puts an event into the lake and its catalogue.
    pub async fn with_event(
        &self,
        id: EventId,
        organisation: &OrganisationId,
        source: &SourceId,
        device: &str,
    ) {
        self.with_events(id.batch, 1, organisation, source, device).await;
    }

    /// Puts a batch of events into the lake and its catalogue, a second apart.
    pub async fn with_events(
        &self,
        batch: BatchId,
        count: u32,
        organisation: &OrganisationId,
        source: &SourceId,
        device: &str,
    ) {
        let segment = format!("{}-0", batch.0);
        let writer = SegmentWriter::new(&self.state.lake, segment, WriteOptions::default()).unwrap();
        for index in 0..count {
            let time =
                Timestamp::from_micros(at("2026-11-26T11:00:00Z").micros() + i64::from(index) * 1_000_000);
            let raw = format!(r#"{{"Computer":"{device}","Image":"vssadmin.exe","n":{index}}}"#);
            let row = LakeRow {
                id: EventId { batch, index },
                organisation,
                time,
                received: time,
                source: source.as_str(),
                format: "ndjson",
                device: Some(device),
                user: None,
                class_uid: 1007,
                log_source: "windows/process_creation/",
                addresses: &["10.0.0.1"],
                hashes: &[],
                domains: &[],
                urls: &[],
                raw: raw.as_bytes(),
            };
            writer.push(&row).unwrap();
        }
        let files = ward_web::catalogue::entries(&writer.finish().unwrap());
        let done =
            SegmentDone { first: batch, last: batch, events: count.into(), findings: 0, undecodable: 0 };
        let (by, now) = (Actor::ward("watch"), self.now());
        segments::segment_done(&self.store, &by, now, &done, &files, &[], now).await.unwrap();
    }
}

async fn fill(store: &Store) {
    let by = operator();
    let now = at("2026-11-01");
    let organisation = |id: &str, parent: Option<&str>, kind, name: &str| Organisation {
        id: code(id),
        parent: parent.map(code),
        kind,
        name: name.into(),
    };
    let all = [
        organisation("QWO", None, OrganisationKind::CareBoard, "West Yorkshire"),
        organisation(LEEDS, Some("QWO"), OrganisationKind::Organisation, "Leeds"),
        organisation("RR801", Some(LEEDS), OrganisationKind::Site, "Leeds General"),
        organisation(YORK, Some("QWO"), OrganisationKind::Organisation, "York"),
    ];
    organisations::put_all(store, &by, now, &all).await.unwrap();
    for (id, of) in [("leeds-dc", LEEDS), ("york-dc", YORK)] {
        let source = Source {
            id: SourceId::new(id).unwrap(),
            organisation: code(of),
            rate: Some(1_000),
            silent_after: Some(600_000_000),
        };
        sources::put(store, &by, now, &source).await.unwrap();
    }
}

impl Person {
    pub async fn get(&self, path: &str) -> Told {
        self.ask("GET", path, None).await
    }

    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Told {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    pub async fn send(&self, request: Request<Body>) -> Told {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Told { status: head.status, headers: head.headers, body }
    }
}

impl Told {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A request for a route that has an answer, about these things. A new route needs a line here.
pub fn sample(route: &Route, things: &Things) -> (String, Option<Value>) {
    let path = match route.path.rsplit('/').next() {
        Some("{id}") | Some("replay") => {
            let id = match route.path.split('/').nth(3) {
                Some("alerts") => &things.alert,
                Some("findings") => &things.finding,
                Some("events") => &things.event,
                Some("exceptions") => &things.exception,
                Some("deadletters") => &things.letter,
                Some("organisations") => things.organisation,
                Some("sources") => things.source,
                _ => panic!("{route:?} has no sample"),
            };
            route.path.replace("{id}", id)
        }
        _ => route.path.to_owned(),
    };
    let body = route.body.map(|body| match body {
        "Decision" => json!({ "state": "acknowledged", "owner": "anna", "note": "looking" }),
        "Statement" => json!({ "sql": "SELECT count(*) FROM events" }),
        "NewException" => json!({
            "organisation": things.organisation, "filter": "filter: y", "reason": "planned", "owner": "ops",
            "expires": "2026-12-24",
        }),
        other => panic!("{other} has no sample"),
    });
    match (route.method, route.path) {
        ("DELETE", "/api/v1/deadletters") => (format!("{path}?reason=binary"), body),
        _ => (path, body),
    }
}

/// What makes passwords as cheaply as argon2 lets: tests are about the doors, not the locks.
pub fn cheap() -> Hasher {
    Hasher::new(Cost { memory: 8, passes: 1, lanes: 1 })
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub fn code(code: &str) -> OrganisationId {
    OrganisationId::new(code).unwrap()
}

fn operator() -> Actor {
    Actor::operator("test")
}
