//! Real shippers send to a real hub, and each event is found once.
//!
//! `cargo xtask clients` installs them; the scripts that run them lie beside the repository. What is left out:
//! rsyslog over RELP (no listener of Ward), and rsyslog over TLS (its script has a fault in
//! quoting; TLS is tested in `crates/intake`).

use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::Command;

use crate::running::{Hub, until};

/// Events of each shipper.
const COUNT: usize = 200;

/// A hub with a listener for everybody.
struct Site {
    hub: Hub,
    scripts: PathBuf,
    clients: PathBuf,
    open_http: u16,
    syslog_udp: u16,
    beats: u16,
    gelf_tcp: u16,
    gelf_udp: u16,
    fluent: u16,
    otlp: u16,
}

impl Site {
    /// `None`: scripts or shippers are not there, which is told.
    fn new() -> Option<Self> {
        let found =
            |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_dir());
        let (Some(scripts), Some(clients)) = (found("WARD_CLIENTS_SCRIPTS"), found("WARD_CLIENTS")) else {
            println!("skipped: no real shippers (cargo xtask clients)");
            return None;
        };
        let mut hub = Hub::new();
        let [open_http, beats, gelf_tcp, fluent, otlp] = std::array::from_fn(|_| free_tcp());
        let [syslog_udp, gelf_udp] = std::array::from_fn(|_| free_udp());
        let mut config = std::fs::read_to_string(hub.config()).unwrap();
        for (kind, port) in [
            ("http", open_http),
            ("beats", beats),
            ("gelf_tcp", gelf_tcp),
            ("fluent_forward", fluent),
            ("otlp_grpc", otlp),
            ("syslog_udp", syslog_udp),
            ("gelf_udp", gelf_udp),
        ] {
            config.push_str(&format!(
                "[[intake.{kind}]]\nname = \"{kind}-{port}\"\nlisten = \"127.0.0.1:{port}\"\nsource = \"rxx\"\n"
            ));
        }
        std::fs::write(hub.config(), config).unwrap();
        // what the scripts show as their credentials
        for secret in ["key", "admin", "t", "00000000-0000-0000-0000-000000000000"] {
            let file = hub.desk.write("secret", secret).display().to_string();
            let issue =
                ["token", "issue", "--label", secret, "--source", "rxx", "--weak-allowed", "--secret-from"];
            hub.ward(&[&issue[..], &[&file]].concat());
        }
        hub.start();
        Some(Self { hub, scripts, clients, open_http, syslog_udp, beats, gelf_tcp, gelf_udp, fluent, otlp })
    }

    /// Runs a script with these words.
    fn run(&self, script: &str, words: &[&str]) {
        let path = self.scripts.join(script);
        let mut command = match script.ends_with(".py") {
            true => Command::new(self.clients.join("venv/bin/python")),
            false => Command::new("bash"),
        };
        let output =
            command.arg(path).args(words).env("SNG", self.clients.join("syslog-ng")).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} {words:?}: {told}");
    }

    /// How many events are found.
    fn count(&self, query: &str) -> usize {
        self.hub.rows(&["hunt", query, "--format", "json", "--limit", "100000"]).len()
    }

    /// Lets a script send and waits until so many more events are found, and no more than that.
    fn sends(&self, script: &str, words: &[&str], query: &str, events: usize) {
        let before = self.count(query);
        self.run(script, words);
        let what = format!("{script} {words:?}: {events} events");
        until(&what, || self.count(query) >= before + events);
        std::thread::sleep(std::time::Duration::from_millis(1500));
        assert_eq!(self.count(query) - before, events, "{what}, each once");
        println!("{script} {words:?}: {events} sent, {events} found");
    }
}

fn free_tcp() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn free_udp() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap()
}

const HOST: &str = "127.0.0.1";

#[test]
fn clients_of_syslog_are_heard() {
    let Some(site) = Site::new() else { return };
    let (count, tcp) = (COUNT.to_string(), port(&site.hub.syslog).to_owned());
    let (http, udp) = (site.open_http.to_string(), site.syslog_udp.to_string());
    site.sends("logger.sh", &[HOST, &tcp, &count], "\"ward-test\"", COUNT);
    let rsyslog = "\"invalid user admin\"";
    site.sends("rsyslog.sh", &[HOST, &tcp, &count, "tcp"], rsyslog, COUNT);
    site.sends("rsyslog.sh", &[HOST, &udp, &count, "udp"], rsyslog, COUNT);
    site.sends("rsyslog.sh", &[HOST, &http, &count, "es"], rsyslog, COUNT);
    let syslog_ng = "\"Failed password for root\"";
    site.sends("syslog_ng.sh", &[HOST, &tcp, &count, "syslog"], syslog_ng, COUNT);
    site.sends("syslog_ng.sh", &[HOST, &tcp, &count, "network"], syslog_ng, COUNT);
    site.sends("syslog_ng.sh", &[HOST, &http, &count, "http-es"], syslog_ng, COUNT);
    site.sends("syslog_ng.sh", &[HOST, &http, &count, "hec"], syslog_ng, COUNT);
    site.sends("journal_upload.sh", &[HOST, &http], "\"hello from journal\"", 1);
}

#[test]
fn clients_of_http_and_beats_and_gelf_are_heard() {
    let Some(site) = Site::new() else { return };
    let (count, http) = (COUNT.to_string(), site.open_http.to_string());
    let url = format!("http://{HOST}:{http}");
    site.sends("es_bulk.py", &[&url, &count, "elastic"], "\"login failed\"", COUNT);
    site.sends("es_bulk.py", &[&url, &count, "opensearch"], "\"login failed\"", COUNT);
    site.sends("hec.py", &[HOST, &http, &count], "blocked", COUNT);
    let epr = "\"care relationship\"";
    site.sends("otlp_logs.py", &[&url, &count, "http"], epr, COUNT);
    site.sends("otlp_logs.py", &[&format!("http://{HOST}:{}", site.otlp), &count, "grpc"], epr, COUNT);
    site.sends("beats.py", &[HOST, &site.beats.to_string(), &count], "2026-01-01T00", COUNT);
    site.sends("gelf_forward.py", &[HOST, &site.gelf_udp.to_string(), &count, "gelf-udp"], "gelf", COUNT);
    site.sends("gelf_forward.py", &[HOST, &site.gelf_tcp.to_string(), &count, "gelf-tcp"], "gelf", COUNT);
    site.sends(
        "gelf_forward.py",
        &[HOST, &site.fluent.to_string(), &count, "forward"],
        "\"ward.auth\"",
        COUNT,
    );
}
