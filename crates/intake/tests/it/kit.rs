//! What the tests start and say.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use ward_core::{Batch, BatchId, OrganisationId, Source, SourceId, Timestamp};
use ward_intake::{
    Counters, Dependencies, Inbox, IntakeConfig, ListenerFigures, Refusal, Running, SetAside, SourceTable,
    Sources, digest, start,
};

/// An inbox that keeps all in memory, and refuses when told to.
#[derive(Default)]
pub struct Kept(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    batches: Vec<Batch>,
    keys: HashMap<[u8; 32], BatchId>,
    letters: Vec<SetAside>,
    refusals: VecDeque<Refusal>,
    delay: Duration,
}

impl Inbox for Kept {
    fn offer(&self, batch: Batch, key: Option<[u8; 32]>) -> BoxFuture<'static, Result<BatchId, Refusal>> {
        let mut inner = self.0.lock().unwrap();
        let result = match inner.refusals.pop_front() {
            Some(refusal) => Err(refusal),
            None => match key.and_then(|key| inner.keys.get(&key)) {
                Some(seen) => Ok(*seen),
                None => {
                    inner.batches.push(batch);
                    let id = BatchId(inner.batches.len() as u64);
                    key.map(|key| inner.keys.insert(key, id));
                    Ok(id)
                }
            },
        };
        let delay = inner.delay;
        async move {
            tokio::time::sleep(delay).await;
            result
        }
        .boxed()
    }

    fn set_aside(&self, letter: SetAside) -> BoxFuture<'static, Result<(), Refusal>> {
        self.0.lock().unwrap().letters.push(letter);
        async { Ok(()) }.boxed()
    }
}

/// Listeners under test. Two sources are known: `leeds` of RR8 with the token `t-leeds`, and `york` of RCB
/// with `t-york`, which may send 10 events a second.
pub struct Hub {
    pub running: Running,
    pub inbox: Arc<Kept>,
    pub counters: Arc<Counters>,
}

impl Hub {
    /// Starts what the configuration says.
    pub async fn start(config: &str) -> Self {
        let config: IntakeConfig = toml::from_str(config).unwrap();
        let (inbox, counters) = (Arc::new(Kept::default()), Arc::new(Counters::default()));
        let dependencies = dependencies(&inbox, &counters);
        let running = start(&config, &dependencies).await.unwrap();
        Self { running, inbox, counters }
    }

    /// One listener of a kind, named `x`, on a free port, with these further settings.
    pub async fn with(kind: &str, settings: &str) -> Self {
        Self::start(&format!("[[{kind}]]\nname = \"x\"\nlisten = \"127.0.0.1:0\"\n{settings}")).await
    }

    pub fn address(&self) -> SocketAddr {
        self.running.address("x").unwrap()
    }

    pub fn figures(&self) -> Arc<ListenerFigures> {
        self.counters.listeners().into_iter().find(|it| it.name == "x").unwrap()
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// The next refusals of the inbox.
    pub fn refuse(&self, refusals: &[Refusal]) {
        self.inbox.0.lock().unwrap().refusals.extend(refusals);
    }

    /// How long the inbox takes for each batch.
    pub fn delay(&self, delay: Duration) {
        self.inbox.0.lock().unwrap().delay = delay;
    }

    pub fn batches(&self) -> Vec<Batch> {
        self.inbox.0.lock().unwrap().batches.clone()
    }

    pub fn letters(&self) -> Vec<SetAside> {
        self.inbox.0.lock().unwrap().letters.clone()
    }

    /// All payloads one after another, as text.
    pub fn text(&self) -> String {
        self.batches().iter().map(|batch| String::from_utf8_lossy(&batch.payload).into_owned()).collect()
    }

    /// The only batch: its source, format and payload.
    pub fn only(&self) -> (String, String, String) {
        let batches = self.batches();
        assert_eq!(batches.len(), 1, "{batches:?}");
        let batch = &batches[0];
        let payload = String::from_utf8(batch.payload.clone()).unwrap();
        (batch.source.to_string(), batch.format.clone(), payload)
    }

    /// Waits until the listener has counted so many events.
    pub async fn events(&self, events: u64) {
        self.until(|hub| hub.figures().events.get() >= events).await;
    }

    /// Waits for something to become true.
    pub async fn until(&self, is: impl Fn(&Self) -> bool) {
        let waited = timeout(Duration::from_secs(10), async {
            while !is(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        assert!(waited.await.is_ok(), "it never came: {:?}, {:?}", self.figures(), self.batches().len());
    }

    /// Sends a request and gives the answer.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: ward.test\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !headers.iter().any(|(name, _)| matches!(*name, "Content-Length" | "Transfer-Encoding")) {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut stream = self.connect().await;
        stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()).await.unwrap();
        answer(&mut stream).await
    }

    /// The same with the token of `leeds`.
    pub async fn post(&self, path: &str, body: &[u8]) -> Answer {
        self.ask("POST", path, &[LEEDS], body).await
    }
}

pub const LEEDS: (&str, &str) = ("Authorization", "Bearer t-leeds");
pub const YORK: (&str, &str) = ("Authorization", "Bearer t-york");

/// An answer, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A header, empty if it is not there.
    pub fn header(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned()).unwrap_or_default()
    }
}

/// Reads an answer to the end of the connection.
pub async fn answer(stream: &mut TcpStream) -> Answer {
    let mut all = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await;
    assert!(read.is_ok(), "no answer: {:?}", String::from_utf8_lossy(&all));
    let end = all.windows(4).position(|at| at == b"\r\n\r\n").unwrap_or_else(|| panic!("no head: {all:?}"));
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: all[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == "chunked" {
        answer.body = unchunked(&answer.body);
    }
    answer
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|at| at == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        out.extend_from_slice(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 4 + length..];
    }
    out
}

pub fn dependencies(inbox: &Arc<Kept>, counters: &Arc<Counters>) -> Dependencies {
    let mut table = SourceTable::default();
    for (id, organisation, rate) in [("leeds", "RR8", None), ("york", "RCB", Some(10))] {
        let id = SourceId::new(id).unwrap();
        let organisation = OrganisationId::new(organisation).unwrap();
        table.token(digest(format!("t-{id}").as_bytes()), id.clone());
        table.add(Source { id, organisation, rate, silent_after: None });
    }
    let sources = Arc::new(Sources::default());
    sources.replace(table);
    Dependencies {
        inbox: Arc::clone(inbox) as Arc<dyn Inbox>,
        sources,
        clock: Arc::new(|| Timestamp::from_micros(1_764_142_487_000_000)),
        counters: Arc::clone(counters),
        api: None,
    }
}
