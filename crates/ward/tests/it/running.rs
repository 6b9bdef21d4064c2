//! A hub that runs: a real process, real sockets, real files, and a power switch.

use std::fs::{File, OpenOptions};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Body;
use ureq::http::Response;
use ward_store::Store;

use crate::desk::Desk;

/// A hub in a folder of its own, with one organisation, source and token.
pub struct Hub {
    /// Its folder: `ward.toml`, `rules`, `data`, `hub.log`.
    pub desk: Desk,
    /// Where it listens for HTTP.
    pub address: String,
    /// Where it listens for syslog over TCP.
    pub syslog: String,
    /// What the source `rxx` shows.
    pub token: String,
    data: PathBuf,
    store: String,
    process: Option<Child>,
}

impl Hub {
    /// With the default settings of these tests.
    pub fn new() -> Self {
        Self::with("")
    }

    /// With these settings of `[lake]`.
    pub fn with(lake: &str) -> Self {
        let desk = Desk::new();
        let data = desk.path().join("data");
        Self::at(desk, &data, lake)
    }

    /// With its data in this folder.
    pub fn at(desk: Desk, data: &Path, lake: &str) -> Self {
        let store = Store::url_of(&data.join("ward.db"));
        Self::made(desk, data, store, "", lake)
    }

    /// With its store in this database.
    pub fn over(store: String, lake: &str) -> Self {
        let desk = Desk::new();
        let data = desk.path().join("data");
        let setting = format!("store = \"{store}\"\n");
        Self::made(desk, &data, store, &setting, lake)
    }

    fn made(desk: Desk, data: &Path, store: String, setting: &str, lake: &str) -> Self {
        let [address, syslog] = [free_address(), free_address()];
        let config = format!(
            "[data]\nfolder = \"{}\"\n{setting}[api]\nopen_metrics = true\n[journal]\nseal_seconds = 1\nreserve_megabytes = 1\n\
             [watch]\nrules = [\"{}/rules\"]\nreload_seconds = 1\n[lake]\n{lake}\n\
             [[intake.http]]\nname = \"http\"\nlisten = \"{address}\"\napi = true\n\
             protocols = [\"events\", \"hec\", \"elastic\"]\n\
             [[intake.syslog_tcp]]\nname = \"syslog\"\nlisten = \"{syslog}\"\nsource = \"rxx\"\n",
            data.display(),
            desk.path().display(),
        );
        desk.write("ward.toml", config);
        let mut hub =
            Self { desk, address, syslog, token: String::new(), data: data.to_owned(), store, process: None };
        hub.ward(&["organisation", "add", "RXX", "--name", "Riverside", "--kind", "organisation"]);
        hub.ward(&["source", "add", "rxx", "--organisation", "RXX"]);
        hub.token = hub.ward(&["token", "issue", "--label", "feed", "--source", "rxx"]).trim().to_owned();
        hub
    }

    /// Where it keeps everything.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// URL of its store.
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The file with its settings.
    pub fn config(&self) -> PathBuf {
        self.desk.path().join("ward.toml")
    }

    /// Standard output of a command that must not fail.
    pub fn ward(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        // 0: nothing to tell, 1: something
        assert!(matches!(output.status.code(), Some(0 | 1)), "ward {arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command, about this hub.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ward"));
        command.args(arguments).env("WARD_CONFIG", self.config()).env("WARD_TOKEN", &self.token);
        command
    }

    /// Lines of JSON, or the elements of an array.
    pub fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.ward(arguments);
        match serde_json::from_str(&text) {
            Ok(Value::Array(rows)) => rows,
            _ => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        }
    }

    /// Starts it and waits until it is ready. Gives how long that took.
    pub fn start(&mut self) -> Duration {
        let begun = Instant::now();
        self.begin();
        while !self.is_ready() {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().unwrap());
            assert!(ended.is_none(), "it ended by itself, {ended:?}: {}", self.log());
            assert!(begun.elapsed() < Duration::from_secs(60), "ready within a minute: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        begun.elapsed()
    }

    /// Starts it, without waiting for anything.
    pub fn begin(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_ward"))
            .arg("serve")
            .env("WARD_CONFIG", self.config())
            .stdout(File::try_clone(&log).unwrap())
            .stderr(log)
            .spawn();
        self.process = Some(process.unwrap());
    }

    /// Whether it says that it is ready.
    pub fn is_ready(&self) -> bool {
        ureq::get(format!("http://{}/readyz", self.address))
            .config()
            .timeout_global(Some(Duration::from_secs(5)))
            .build()
            .call()
            .is_ok()
    }

    /// One of its figures, as `/metrics` tells it.
    pub fn figure(&self, name: &str) -> Option<f64> {
        let mut answer = ureq::get(format!("http://{}/metrics", self.address)).call().ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        value.trim().parse().ok()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.desk.path().join("hub.log")
    }

    /// Number of its process.
    pub fn id(&self) -> u32 {
        self.process.as_ref().map_or(0, std::process::Child::id)
    }

    /// As if the power went: nothing is said to it.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// `None`: no answer came. Else the status.
    pub fn post(&self, lines: &str, key: &str) -> Option<u16> {
        let answer = self.post_to("/ingest/v1/events?format=ndjson", "Bearer", lines, key);
        answer.map(|answer| answer.status().as_u16())
    }

    /// The answer to this body at this path, if one came. The key is looked at where there are keys.
    pub fn post_to(&self, path: &str, scheme: &str, body: &str, key: &str) -> Option<Response<Body>> {
        let answer = ureq::post(format!("http://{}{path}", self.address))
            .header("Authorization", format!("{scheme} {}", self.token))
            .header("Idempotency-Key", key)
            .config()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(5)))
            .build()
            .send(body.as_bytes());
        answer.ok()
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

pub fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// A port that nobody listens on, over TCP and UDP. It is below those that the system gives to whoever asks for
/// any, and the tests that run beside this one begin elsewhere, so that it is still free when the hub wants it.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() % 1_250 * 16;
    let free = |port: &u16| {
        TcpListener::bind(("127.0.0.1", *port)).is_ok() && UdpSocket::bind(("127.0.0.1", *port)).is_ok()
    };
    let ports = std::iter::repeat_with(|| first + NEXT.fetch_add(1, Ordering::Relaxed));
    ports.take(20_000).map(|at| 10_000 + (at % 20_000) as u16).find(free).unwrap()
}

/// Waits until it holds, a minute at most.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}
