//! `cargo xtask clients`: the real shippers that the tests let send to the hub.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::{answers, program, shown};
use crate::workspace::{root, target_directory};
use crate::{Command, TaskError};

/// The subcommand.
pub const COMMAND: Command = Command {
    name: "clients",
    summary: "install the real shippers that tests let send to the hub",
    help: HELP,
    run,
};

const HELP: &str = "\
Installs what the tests of real shippers need: Python libraries (Elasticsearch, OpenSearch, Splunk, OpenTelemetry,
Beats, GELF, Fluentd) into target/clients/venv; rsyslog and systemd-journal-upload as packages of Debian; syslog-ng, which
cannot be installed beside rsyslog, unpacked in target/clients/syslog-ng. The packages need root.
Usage: cargo xtask clients

Does nothing where all is there. A test whose shipper is missing says `skipped: no NAME`, which is a failure in CI.
  cargo xtask clients && cargo nextest run --workspace -E 'test(clients)'";

/// Names the folder of the installed shippers, to tests.
pub const VARIABLE: &str = "WARD_CLIENTS";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    if let Some(argument) = arguments.first() {
        return Err(TaskError::argument(argument, "unknown; see cargo xtask clients --help"));
    }
    install()
}

/// Where they are installed.
pub fn folder() -> Result<PathBuf, TaskError> {
    Ok(target_directory()?.join("clients"))
}

/// Installs what is missing. `false`: something could not be; what is told on the terminal.
///
/// # Errors
/// The folder cannot be made.
pub fn install() -> Result<bool, TaskError> {
    let folder = folder()?;
    fs::create_dir_all(&folder).map_err(TaskError::file(&folder))?;
    let all = [python(&folder)?, packages()?, syslog_ng(&folder)?];
    Ok(all.iter().all(|done| *done))
}

/// Libraries as the scripts import them, and as they are called where they come from.
const LIBRARIES: [(&str, &str); 10] = [
    ("pylogbeat", "pylogbeat"),
    ("elasticsearch", "elasticsearch"),
    ("opensearchpy", "opensearch-py"),
    ("requests", "requests"),
    ("splunk_handler", "splunk-handler"),
    ("graypy", "graypy"),
    ("fluent", "fluent-logger"),
    ("opentelemetry.sdk", "opentelemetry-sdk"),
    ("opentelemetry.exporter.otlp.proto.http", "opentelemetry-exporter-otlp-proto-http"),
    ("opentelemetry.exporter.otlp.proto.grpc", "opentelemetry-exporter-otlp-proto-grpc"),
];

fn python(folder: &Path) -> Result<bool, TaskError> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    let imports = LIBRARIES.map(|(module, _)| format!("import {module}")).join("; ");
    if answers(&python.display().to_string(), &["-c", &imports]) {
        return Ok(true);
    }
    if !python.exists() && !shown(program("python3").args(["-m", "venv"]).arg(&venv))? {
        return Ok(false);
    }
    let mut pip = program(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    shown(pip.args(LIBRARIES.map(|(_, package)| package)))
}

/// Programs, and the packages of Debian that have them or what they load.
const PACKAGES: [(&str, &str); 7] = [
    ("/usr/sbin/rsyslogd", "rsyslog"),
    ("/usr/lib/x86_64-linux-gnu/rsyslog/omelasticsearch.so", "rsyslog-elasticsearch"),
    ("/lib/systemd/systemd-journal-upload", "systemd-journal-remote"),
    ("/usr/bin/logger", "bsdutils"),
    ("/usr/lib/x86_64-linux-gnu/libivykis.so.0", "libivykis0"),
    ("/usr/lib/x86_64-linux-gnu/libnet.so.1", "libnet1"),
    ("/usr/lib/x86_64-linux-gnu/libwrap.so.0", "libwrap0"),
];

fn packages() -> Result<bool, TaskError> {
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    let install = ["install", "--yes", "--no-install-recommends"];
    let mut apt = program("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(install).args(&missing).arg("libpcre3");
    if shown(&mut apt)? {
        return Ok(true);
    }
    // the lists may be old, or never have been fetched
    Ok(shown(program("apt-get").arg("update"))? && shown(&mut apt)?)
}

fn syslog_ng(folder: &Path) -> Result<bool, TaskError> {
    let unpacked = folder.join("syslog-ng");
    if unpacked.join("usr/lib/syslog-ng/3.38/libhttp.so").exists() {
        return Ok(true);
    }
    let packed = folder.join("packages");
    fs::create_dir_all(&packed).map_err(TaskError::file(&packed))?;
    let mut download = program("apt-get");
    download.current_dir(&packed).args(["download", "syslog-ng-core", "syslog-ng-mod-http"]);
    if !shown(&mut download)? {
        return Ok(false);
    }
    for entry in fs::read_dir(&packed).map_err(TaskError::file(&packed))? {
        let entry = entry.map_err(TaskError::file(&packed))?;
        if !shown(program("dpkg").arg("-x").arg(entry.path()).arg(&unpacked))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The scripts that run them, beside the repository. `None`: they are not there.
pub fn scripts() -> Option<PathBuf> {
    let folder = std::env::var_os("WARD_CLIENTS_SCRIPTS")
        .map_or_else(|| root().join("../shared/clients"), PathBuf::from);
    fs::canonicalize(folder).ok().filter(|folder| folder.join("logger.sh").exists())
}
