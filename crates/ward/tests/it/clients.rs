//! Real shippers send to a real hub, and each event is found once.
//!
//! `cargo xtask clients` installs them; the scripts that run them lie beside the repository.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::running::{Hub, free_port, until};

/// Events of each shipper, as its script is told.
const COUNT: &str = "300";

/// What a script runs.
enum Shipper {
    /// A program, from the root or the folder of unpacked packages.
    Program(&'static str),
    /// A module of Python.
    Library(&'static str),
}

/// A hub with a listener for everybody.
struct Site {
    hub: Hub,
    scripts: PathBuf,
    clients: PathBuf,
    open_http: u16,
    syslog_udp: u16,
    syslog_tls: u16,
    relp: u16,
    /// Who vouches for the hub's certificate.
    authority: PathBuf,
    beats: u16,
    gelf_tcp: u16,
    gelf_udp: u16,
    fluent: u16,
    otlp: u16,
}

impl Site {
    /// For a shipper; `None`: it is not there, or the scripts are not, which is told.
    fn of(shipper: Shipper) -> Option<Self> {
        let found =
            |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_dir());
        let Some(scripts) = found("WARD_CLIENTS_SCRIPTS") else {
            println!("skipped: no scripts of shippers (WARD_CLIENTS_SCRIPTS)");
            return None;
        };
        let clients = found("WARD_CLIENTS").unwrap_or_default();
        let there = match shipper {
            Shipper::Program(path) => {
                clients.join("debian").join(path).exists() || Path::new("/").join(path).exists()
            }
            Shipper::Library(module) => {
                let mut python = Command::new(clients.join("venv/bin/python"));
                python.args(["-c", &format!("import {module}")]);
                python.output().is_ok_and(|output| output.status.success())
            }
        };
        if !there {
            let (Shipper::Program(name) | Shipper::Library(name)) = shipper;
            println!("skipped: no {} (cargo xtask clients)", name.rsplit('/').next().unwrap());
            return None;
        }
        let mut hub = Hub::new();
        let [open_http, syslog_tls, relp, beats, gelf_tcp, fluent, otlp] =
            std::array::from_fn(|_| free_port());
        let [syslog_udp, gelf_udp] = std::array::from_fn(|_| free_port());
        let mut config = std::fs::read_to_string(hub.config()).unwrap();
        for (kind, port) in [
            ("http", open_http),
            ("relp", relp),
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
        let (authority, key) = certificate(&hub);
        config.push_str(&format!(
            "[[intake.syslog_tls]]\nname = \"tls\"\nlisten = \"127.0.0.1:{syslog_tls}\"\nsource = \"rxx\"\n\
             tls = {{ certificate = \"{}\", key = \"{}\" }}\n",
            authority.display(),
            key.display(),
        ));
        std::fs::write(hub.config(), config).unwrap();
        // what the scripts show as their credentials
        for secret in ["key", "admin", "t", "00000000-0000-0000-0000-000000000000"] {
            let file = hub.desk.write("secret", secret).display().to_string();
            let issue =
                ["token", "issue", "--label", secret, "--source", "rxx", "--weak-allowed", "--secret-from"];
            hub.ward(&[&issue[..], &[&file]].concat());
        }
        hub.start();
        Some(Self {
            hub,
            scripts,
            clients,
            open_http,
            syslog_udp,
            syslog_tls,
            relp,
            authority,
            beats,
            gelf_tcp,
            gelf_udp,
            fluent,
            otlp,
        })
    }

    /// Runs a script with these words.
    fn run(&self, script: &str, words: &[&str]) {
        let path = self.scripts.join(script);
        let mut command = match script.ends_with(".py") {
            true => Command::new(self.clients.join("venv/bin/python")),
            false => Command::new("bash"),
        };
        let unpacked = self.clients.join("debian");
        if unpacked.join("usr/sbin/rsyslogd").exists() {
            let libraries = unpacked.join("usr/lib/x86_64-linux-gnu");
            let programs = std::env::var("PATH").unwrap();
            command.env("PATH", format!("{}:{programs}", unpacked.join("usr/sbin").display()));
            command.env("RSYSLOG_MODDIR", libraries.join("rsyslog")).env("LD_LIBRARY_PATH", libraries);
        }
        let output = command.arg(path).args(words).env("SNG", unpacked).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} {words:?}: {told}");
    }

    fn url(&self, port: u16) -> String {
        format!("http://{HOST}:{port}")
    }

    /// The events that are found, as they came.
    fn found(&self, query: &str) -> Vec<String> {
        let rows = self.hub.rows(&["hunt", query, "--format", "json", "--limit", "100000"]);
        rows.iter().map(|row| row["raw"].as_str().unwrap().to_owned()).collect()
    }

    /// Lets a script send as many as it is told, and waits until so many more are found: each once, no other.
    fn sends(&self, script: &str, words: &[&str], query: &str) {
        let events: usize = if words.contains(&COUNT) { COUNT.parse().unwrap() } else { 1 };
        let before = self.found(query).len();
        self.run(script, words);
        let what = format!("{script} {words:?}: {events} events");
        until(&what, || self.found(query).len() >= before + events);
        // one that comes twice comes soon after
        std::thread::sleep(std::time::Duration::from_millis(1500));
        let found = self.found(query);
        let distinct: HashSet<&String> = found.iter().collect();
        assert_eq!((found.len() - before, distinct.len()), (events, found.len()), "{what}, each once");
        println!("{script} {words:?}: {events} sent, {} found", found.len() - before);
    }
}

/// A certificate that vouches for itself, and its key.
fn certificate(hub: &Hub) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = hub.desk.write("hub.key", made.signing_key.serialize_pem());
    (hub.desk.write("hub.pem", made.cert.pem()), key)
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap()
}

const HOST: &str = "127.0.0.1";

const RSYSLOG: &str = "\"invalid user admin\"";
const SYSLOG_NG: &str = "\"Failed password for root\"";

#[test]
fn logger_is_heard() {
    let Some(site) = Site::of(Shipper::Program("usr/bin/logger")) else { return };
    site.sends("logger.sh", &[HOST, port(&site.hub.syslog), COUNT], "\"ward-test\"");
}

#[test]
fn rsyslog_is_heard() {
    let Some(site) = Site::of(Shipper::Program("usr/sbin/rsyslogd")) else { return };
    site.sends("rsyslog.sh", &[HOST, port(&site.hub.syslog), COUNT, "tcp"], RSYSLOG);
    site.sends("rsyslog.sh", &[HOST, &site.syslog_udp.to_string(), COUNT, "udp"], RSYSLOG);
    site.sends("rsyslog.sh", &[HOST, &site.open_http.to_string(), COUNT, "es"], RSYSLOG);
    site.sends("rsyslog.sh", &[HOST, &site.relp.to_string(), COUNT, "relp"], RSYSLOG);
    // the script loses the quotes that rsyslog wants around the path
    let authority = format!("\"{}\"", site.authority.display());
    site.sends("rsyslog.sh", &[HOST, &site.syslog_tls.to_string(), COUNT, "tls", &authority], RSYSLOG);
}

#[test]
fn syslog_ng_is_heard() {
    let Some(site) = Site::of(Shipper::Program("usr/sbin/syslog-ng")) else { return };
    let (tcp, http) = (port(&site.hub.syslog), site.open_http.to_string());
    site.sends("syslog_ng.sh", &[HOST, tcp, COUNT, "syslog"], SYSLOG_NG);
    site.sends("syslog_ng.sh", &[HOST, tcp, COUNT, "network"], SYSLOG_NG);
    site.sends("syslog_ng.sh", &[HOST, &http, COUNT, "http-es"], SYSLOG_NG);
    site.sends("syslog_ng.sh", &[HOST, &http, COUNT, "hec"], SYSLOG_NG);
}

/// Its script sends one event.
#[test]
fn systemd_journal_upload_is_heard() {
    let Some(site) = Site::of(Shipper::Program("lib/systemd/systemd-journal-upload")) else { return };
    site.sends("journal_upload.sh", &[HOST, &site.open_http.to_string()], "\"hello from journal\"");
}

#[test]
fn elasticsearch_py_is_heard() {
    let Some(site) = Site::of(Shipper::Library("elasticsearch")) else { return };
    site.sends("es_bulk.py", &[&site.url(site.open_http), COUNT, "elastic"], "\"login failed\"");
}

#[test]
fn opensearch_py_is_heard() {
    let Some(site) = Site::of(Shipper::Library("opensearchpy")) else { return };
    site.sends("es_bulk.py", &[&site.url(site.open_http), COUNT, "opensearch"], "\"login failed\"");
}

#[test]
fn splunk_handler_is_heard() {
    let Some(site) = Site::of(Shipper::Library("splunk_handler")) else { return };
    site.sends("hec.py", &[HOST, &site.open_http.to_string(), COUNT], "blocked");
}

#[test]
fn opentelemetry_over_http_is_heard() {
    let Some(site) = Site::of(Shipper::Library("opentelemetry.exporter.otlp.proto.http")) else { return };
    site.sends("otlp_logs.py", &[&site.url(site.open_http), COUNT, "http"], "\"care relationship\"");
}

#[test]
fn opentelemetry_over_grpc_is_heard() {
    let Some(site) = Site::of(Shipper::Library("opentelemetry.exporter.otlp.proto.grpc")) else { return };
    site.sends("otlp_logs.py", &[&site.url(site.otlp), COUNT, "grpc"], "\"care relationship\"");
}

#[test]
fn pylogbeat_is_heard() {
    let Some(site) = Site::of(Shipper::Library("pylogbeat")) else { return };
    site.sends("beats.py", &[HOST, &site.beats.to_string(), COUNT], "2026-01-01T00");
}

#[test]
fn graypy_is_heard() {
    let Some(site) = Site::of(Shipper::Library("graypy")) else { return };
    site.sends("gelf_forward.py", &[HOST, &site.gelf_udp.to_string(), COUNT, "gelf-udp"], "gelf");
    site.sends("gelf_forward.py", &[HOST, &site.gelf_tcp.to_string(), COUNT, "gelf-tcp"], "gelf");
}

#[test]
fn fluent_logger_is_heard() {
    let Some(site) = Site::of(Shipper::Library("fluent")) else { return };
    site.sends("gelf_forward.py", &[HOST, &site.fluent.to_string(), COUNT, "forward"], "\"ward.auth\"");
}
