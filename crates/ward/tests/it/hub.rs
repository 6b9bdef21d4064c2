//! The hub as those who run it see it: a real process, real sockets, real files, and a power switch.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{Desk, event};

/// A hub in a folder of its own, with one organisation, source and token.
struct Hub {
    desk: Desk,
    address: String,
    token: String,
    process: Option<Child>,
}

impl Hub {
    fn new() -> Self {
        let desk = Desk::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let config = format!(
            "[data]\nfolder = \"{}/data\"\n[journal]\nseal_seconds = 1\nreserve_megabytes = 1\n\
             [watch]\nrules = [\"{}/rules\"]\nreload_seconds = 1\n[[intake.http]]\nname = \"http\"\n\
             listen = \"{address}\"\napi = true\nprotocols = [\"events\"]\n",
            desk.path().display(),
            desk.path().display(),
        );
        desk.write("ward.toml", config);
        let mut hub = Self { desk, address, token: String::new(), process: None };
        hub.ward(&["organisation", "add", "RXX", "--name", "Riverside", "--kind", "organisation"]);
        hub.ward(&["source", "add", "rxx", "--organisation", "RXX"]);
        hub.token = hub.ward(&["token", "issue", "--label", "feed", "--source", "rxx"]).trim().to_owned();
        hub
    }

    fn config(&self) -> PathBuf {
        self.desk.path().join("ward.toml")
    }

    /// Standard output of a command that must not fail.
    fn ward(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_ward"))
            .args(arguments)
            .env("WARD_CONFIG", self.config())
            .env("WARD_TOKEN", &self.token)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        // 0: nothing to tell, 1: something
        assert!(matches!(output.status.code(), Some(0 | 1)), "ward {arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Lines of JSON, or the elements of an array.
    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.ward(arguments);
        match serde_json::from_str(&text) {
            Ok(Value::Array(rows)) => rows,
            _ => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    fn start(&mut self) {
        let process = Command::new(env!("CARGO_BIN_EXE_ward"))
            .arg("serve")
            .env("WARD_CONFIG", self.config())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
        until("the hub answers", || std::net::TcpStream::connect(&self.address).is_ok());
    }

    /// As if the power went: nothing is said to it.
    fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// `None`: no answer came. Else the status.
    fn post(&self, lines: &str, key: &str) -> Option<u16> {
        let answer = ureq::post(format!("http://{}/ingest/v1/events?format=ndjson", self.address))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Idempotency-Key", key)
            .config()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(5)))
            .build()
            .send(lines.as_bytes());
        answer.ok().map(|answer| answer.status().as_u16())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_a_source_sends_becomes_an_alert_and_can_be_searched() {
    let mut hub = Hub::new();
    hub.start();
    let lines = [event(1, "PACS01", "whoami"), event(2, "PACS01", "vssadmin delete shadows")].join("\n");
    assert_eq!(hub.post(&lines, "a"), Some(200));
    until("an alert", || hub.rows(&["alerts", "--format", "json"]).len() == 1);
    let alerts = hub.rows(&["alerts", "--format", "json"]);
    assert_eq!(alerts[0]["title"], "shadow");
    until("the event is in the lake", || {
        hub.rows(&["hunt", "device:pacs01 AND \"delete shadows\"", "--format", "json"]).len() == 1
    });
    assert!(hub.ward(&["verify"]).contains("unbroken"));
    assert_eq!(hub.post(&lines, "a"), Some(200), "the same again");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(hub.rows(&["hunt", "*", "--format", "json"]).len(), 2, "is not stored again");
}

#[test]
fn a_rule_that_is_added_is_in_force_without_a_restart_and_a_bad_one_stops_nothing() {
    let mut hub = Hub::new();
    hub.start();
    hub.desk.write("rules/bad.yml", "title: broken\ndetection: [");
    hub.desk.write("rules/who.yml", crate::desk::rule("who", "low", "whoami"));
    let mut sent = 0;
    until("the new rule finds something", || {
        sent += 1;
        assert_eq!(hub.post(&event(sent, "PC1", "whoami"), &sent.to_string()), Some(200));
        std::thread::sleep(Duration::from_millis(200));
        !hub.rows(&["alerts", "--format", "json"]).is_empty()
    });
}

#[test]
fn each_acknowledged_event_is_there_exactly_once_however_often_the_hub_is_killed() {
    let mut hub = Hub::new();
    hub.start();
    let mut acknowledged = 0_u32;
    for round in 0..5_u32 {
        let until_killed = 10 + round * 7;
        for n in 0..until_killed {
            let batch = round * 100 + n;
            let lines: Vec<String> = (0..3)
                .map(|at| {
                    event(at, &format!("PC-{batch}-{at}"), if at == 0 { "delete shadows" } else { "whoami" })
                })
                .collect();
            // Whoever gets no answer sends the same again, as the key says.
            if n + 1 == until_killed {
                let first = std::thread::scope(|scope| {
                    let sending = scope.spawn(|| hub.post(&lines.join("\n"), &batch.to_string()));
                    std::thread::sleep(Duration::from_millis(u64::from(round) * 2));
                    sending.join().unwrap()
                });
                hub.kill();
                hub.start();
                if first.is_some() {
                    acknowledged += 1;
                    continue;
                }
            }
            until("an answer", || hub.post(&lines.join("\n"), &batch.to_string()) == Some(200));
            acknowledged += 1;
        }
    }
    let events = || hub.rows(&["hunt", "*", "--format", "json", "--limit", "100000"]);
    until("all events are in the lake", || events().len() >= acknowledged as usize * 3);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for row in events() {
        *seen.entry(row["device"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(seen.len(), acknowledged as usize * 3);
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
    let alerts = hub.rows(&["alerts", "--format", "json", "--limit", "10000"]);
    assert_eq!(alerts.len(), acknowledged as usize, "one finding for each first event");
    assert!(alerts.iter().all(|alert| alert["count"] == 1));
    assert!(hub.ward(&["verify"]).contains("unbroken"));
}
