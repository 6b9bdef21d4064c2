//! A hub that runs: a real process, real sockets, real files, and a power switch.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::Desk;

/// A hub in a folder of its own, with one organisation, source and token.
pub struct Hub {
    /// Its folder: `ward.toml`, `rules`, `data`.
    pub desk: Desk,
    /// Where it listens for HTTP.
    pub address: String,
    /// What the source `rxx` shows.
    pub token: String,
    process: Option<Child>,
}

impl Hub {
    /// With the default settings of these tests.
    pub fn new() -> Self {
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

    /// The file with its settings.
    pub fn config(&self) -> PathBuf {
        self.desk.path().join("ward.toml")
    }

    /// Standard output of a command that must not fail.
    pub fn ward(&self, arguments: &[&str]) -> String {
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
    pub fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.ward(arguments);
        match serde_json::from_str(&text) {
            Ok(Value::Array(rows)) => rows,
            _ => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    /// Starts it and waits until it answers.
    pub fn start(&mut self) {
        let process = Command::new(env!("CARGO_BIN_EXE_ward"))
            .arg("serve")
            .env("WARD_CONFIG", self.config())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(process.unwrap());
        until("the hub answers", || std::net::TcpStream::connect(&self.address).is_ok());
    }

    /// As if the power went: nothing is said to it.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// `None`: no answer came. Else the status.
    pub fn post(&self, lines: &str, key: &str) -> Option<u16> {
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

/// Waits until it holds, a minute at most.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}
