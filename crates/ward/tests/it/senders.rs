//! Four clients that send for as long as they may, and remember what they were promised.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::dice::Dice;
use crate::running::Hub;

/// What one client did.
#[derive(Debug, Default)]
pub struct Account {
    /// Names of all events that it ever sent.
    pub sent: BTreeSet<String>,
    /// Of those, the ones that the hub said it had.
    pub acknowledged: BTreeSet<String>,
    /// Of those, the ones that the hub said it had not taken.
    pub refused: BTreeSet<String>,
}

/// How a client talks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// NDJSON with an `Idempotency-Key`: what is not answered is sent again, the same.
    Events,
    /// Splunk's HEC: what is not answered may or may not be there, and is not sent again.
    Hec,
    /// Elasticsearch's `_bulk`, likewise.
    Bulk,
    /// Syslog over TCP, counted: nothing is ever answered.
    Syslog,
}

/// What a client heard of what it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Acknowledged,
    Refused,
    Nothing,
}

/// An event: which is its host, and whose doing it was when rules are to find it.
struct Sent {
    name: String,
    group: Option<String>,
}

/// Words in what rules are to find.
pub const MARK: &str = "delete shadows";

impl Client {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Events, Self::Hec, Self::Bulk, Self::Syslog];

    /// What the names of its events begin with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Hec => "hec",
            Self::Bulk => "bulk",
            Self::Syslog => "syslog",
        }
    }

    /// Sends until `stop`, then lets what it has begun come to its end.
    pub fn run(self, hub: &Gate, seed: u64, stop: &AtomicBool) -> Account {
        let mut sending = Sending { client: self, dice: Dice::new(seed), agent: agent(), stream: None };
        let mut account = Account::default();
        let (mut number, mut group, mut marked) = (0_u64, 0_u64, 0);
        while !stop.load(Ordering::Relaxed) {
            let batch: Vec<Sent> = (0..sending.dice.below(6) + 1)
                .map(|_| {
                    number += 1;
                    let is_marked = number.is_multiple_of(3);
                    let group = is_marked.then(|| format!("{}-group-{group}", self.name()));
                    Sent { name: format!("{}-{number}", self.name()), group }
                })
                .collect();
            account.sent.extend(batch.iter().map(|sent| sent.name.clone()));
            let key = format!("{}-{number}", self.name());
            let heard = loop {
                let heard = sending.send(hub, &batch, &key);
                if self != Self::Events || heard == Heard::Acknowledged {
                    break heard;
                }
                std::thread::sleep(Duration::from_millis(20));
            };
            let names = batch.iter().map(|sent| sent.name.clone());
            match heard {
                Heard::Acknowledged => account.acknowledged.extend(names),
                Heard::Refused => account.refused.extend(names),
                Heard::Nothing => {}
            }
            // A group is over when three of its events are known to be there.
            if heard == Heard::Acknowledged {
                marked += batch.iter().filter(|sent| sent.group.is_some()).count();
            }
            if marked >= 3 {
                (group, marked) = (group + 1, 0);
            }
            std::thread::sleep(Duration::from_millis(if heard == Heard::Nothing {
                20
            } else {
                sending.dice.below(50)
            }));
        }
        account
    }
}

/// Where the hub is, for clients.
pub struct Gate {
    address: String,
    syslog: String,
    token: String,
}

impl Gate {
    /// Of this hub.
    pub fn of(hub: &Hub) -> Self {
        Self { address: hub.address.clone(), syslog: hub.syslog.clone(), token: hub.token.clone() }
    }
}

struct Sending {
    client: Client,
    dice: Dice,
    agent: ureq::Agent,
    stream: Option<TcpStream>,
}

impl Sending {
    fn send(&mut self, hub: &Gate, batch: &[Sent], key: &str) -> Heard {
        let lines = batch.iter().map(|sent| self.line(sent));
        match self.client {
            Client::Events => {
                let body = lines.collect::<Vec<_>>().join("\n");
                self.post(hub, "/ingest/v1/events?format=ndjson", "Bearer", body, Some(key))
            }
            Client::Hec => {
                let body = lines.map(|line| format!("{{\"event\":{line}}}")).collect::<String>();
                self.post(hub, "/services/collector/event", "Splunk", body, None)
            }
            Client::Bulk => {
                let body = lines.map(|line| format!("{{\"create\":{{}}}}\n{line}\n")).collect::<String>();
                self.post(hub, "/_bulk", "Bearer", body, None)
            }
            Client::Syslog => {
                let body = lines.map(|line| format!("{} {line}", line.len())).collect::<String>();
                if self.stream.is_none() {
                    self.stream = TcpStream::connect(&hub.syslog).ok();
                }
                if self.stream.as_mut().is_none_or(|stream| stream.write_all(body.as_bytes()).is_err()) {
                    self.stream = None;
                }
                Heard::Nothing
            }
        }
    }

    fn post(&self, hub: &Gate, path: &str, scheme: &str, body: String, key: Option<&str>) -> Heard {
        let mut request = self
            .agent
            .post(format!("http://{}{path}", hub.address))
            .header("Authorization", format!("{scheme} {}", hub.token));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        match request.send(body) {
            Ok(mut answer) => {
                let whole = answer.body_mut().read_to_string();
                match answer.status().as_u16() {
                    200 if whole.is_ok_and(|body| !body.contains("\"errors\":true")) => Heard::Acknowledged,
                    429 | 503 => {
                        assert!(answer.headers().contains_key("retry-after"), "{path}: {answer:?}");
                        Heard::Refused
                    }
                    200 => Heard::Nothing,
                    other => panic!("{path} answers {other}"),
                }
            }
            Err(_) => Heard::Nothing,
        }
    }

    fn line(&self, sent: &Sent) -> String {
        let Sent { name, group } = sent;
        let did = if group.is_some() { MARK } else { "whoami" };
        let user = group.as_deref().unwrap_or("nurse");
        match self.client {
            Client::Syslog => format!("<13>1 2026-11-26T08:00:00Z {name} app - - - {user} did {did}"),
            // What happened long ago is correlated by itself, so there is a client for that, too.
            Client::Bulk => process(name, user, did, "2026-11-23T08:00:00Z"),
            Client::Events | Client::Hec => process(name, user, did, &now()),
        }
    }
}

fn process(name: &str, user: &str, did: &str, at: &str) -> String {
    format!(
        "{{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1,\"UtcTime\":\"{at}\",\
         \"Hostname\":\"{name}\",\"User\":\"{user}\",\"CommandLine\":\"vssadmin {did}\"}}"
    )
}

fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    ward_core::Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap()).to_string()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into()
}
