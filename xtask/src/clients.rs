//! `cargo xtask clients`: the real shippers that the tests let send to the hub.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::{line, program, shown};
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
Installs the real shippers that the tests let send to a hub, into target/clients:
  venv      Python libraries: Elasticsearch, OpenSearch, Splunk, OpenTelemetry, Beats, GELF, Fluentd
  debian    rsyslog, if the system has none, and syslog-ng, which cannot be installed beside it: unpacked, without root
Only systemd-journal-upload is installed into the system, which needs root: its script names the place there.
Usage: cargo xtask clients

Does nothing where all is there. What could not be installed is named with the reason, and the exit code is 1. A test
whose shipper is missing says `skipped: no NAME`, which is a failure in CI.
  cargo xtask clients                  once
  cargo xtask test --only tests        all tests; it tells them where the shippers and their scripts are";

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

/// Installs what is missing. `false`: something could not be, and what, and why, is told on the terminal.
///
/// # Errors
/// The folder cannot be made.
pub fn install() -> Result<bool, TaskError> {
    let folder = folder()?;
    fs::create_dir_all(&folder).map_err(TaskError::file(&folder))?;
    let mut outcomes = vec![("Python libraries", python(&folder))];
    outcomes.extend(UNPACKED.iter().map(|shipper| (shipper.name, shipper.install(&folder.join("debian")))));
    outcomes.push(("systemd-journal-upload", journal_upload()));
    let mut all = true;
    for (name, outcome) in outcomes {
        match outcome {
            Ok(()) => println!("{name}: there"),
            Err(why) => {
                println!("{name}: could not be installed: {why}");
                all = false;
            }
        }
    }
    Ok(all)
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

fn python(folder: &Path) -> Result<(), String> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    let imports = LIBRARIES.map(|(module, _)| format!("import {module}")).join("; ");
    let works = || told(program(&python).args(["-c", &imports]));
    if works().is_ok() {
        return Ok(());
    }
    if !python.exists() {
        done(program("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    let mut pip = program(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    done(pip.args(LIBRARIES.map(|(_, package)| package)))?;
    works()
}

/// A shipper that runs from where its packages are unpacked.
struct Unpacked {
    name: &'static str,
    /// Whether that of the system will do.
    or_installed: bool,
    /// Its files.
    files: &'static [&'static str],
    /// The packages that they are in.
    packages: &'static [&'static str],
    /// Libraries that it loads, and their packages. They are unpacked where the system has none.
    libraries: &'static [(&'static str, &'static str)],
    /// A command that succeeds if it can run.
    try_it: &'static [&'static str],
}

const UNPACKED: [Unpacked; 2] = [
    Unpacked {
        name: "rsyslog",
        or_installed: true,
        files: &[
            "usr/sbin/rsyslogd",
            "usr/lib/x86_64-linux-gnu/rsyslog/omelasticsearch.so",
            "usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so",
            "usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so",
        ],
        packages: &["rsyslog", "rsyslog-elasticsearch", "rsyslog-gnutls", "rsyslog-relp"],
        libraries: &[
            ("libestr.so.0", "libestr0"),
            ("libfastjson.so.4", "libfastjson4"),
            ("libcurl.so.4", "libcurl4"),
            ("libgnutls.so.30", "libgnutls30"),
            ("librelp.so.0", "librelp0"),
        ],
        try_it: &["usr/sbin/rsyslogd", "-v"],
    },
    Unpacked {
        name: "syslog-ng",
        or_installed: false,
        files: &["usr/sbin/syslog-ng", "usr/lib/syslog-ng/3.38/libhttp.so"],
        packages: &["syslog-ng-core", "syslog-ng-mod-http"],
        libraries: &[
            ("libivykis.so.0", "libivykis0"),
            ("libnet.so.1", "libnet1"),
            ("libwrap.so.0", "libwrap0"),
            ("libpcre.so.3", "libpcre3"),
            ("libjson-c.so.5", "libjson-c5"),
            ("libcurl.so.4", "libcurl4"),
            ("libglib-2.0.so.0", "libglib2.0-0"),
        ],
        try_it: &["usr/sbin/syslog-ng", "--version"],
    },
];

impl Unpacked {
    fn install(&self, into: &Path) -> Result<(), String> {
        let all_in = |root: &Path| self.files.iter().all(|file| root.join(file).exists());
        if self.or_installed && all_in(Path::new("/")) {
            return Ok(());
        }
        if all_in(into) && self.runs(into).is_ok() {
            return Ok(());
        }
        let missing = |library: &str| {
            let library = Path::new(LIBRARY_FOLDER).join(library);
            !Path::new("/").join(&library).exists() && !into.join(&library).exists()
        };
        let libraries =
            self.libraries.iter().filter(|(library, _)| missing(library)).map(|(_, package)| *package);
        let packages: Vec<&str> = self.packages.iter().copied().chain(libraries).collect();
        unpack(self.name, &packages, into)?;
        self.runs(into)
    }

    fn runs(&self, root: &Path) -> Result<(), String> {
        let [name, arguments @ ..] = self.try_it else { return Ok(()) };
        let libraries =
            ["usr/lib/syslog-ng", LIBRARY_FOLDER].map(|folder| root.join(folder).display().to_string());
        told(program(root.join(name)).args(arguments).env("LD_LIBRARY_PATH", libraries.join(":")))
    }
}

/// Where Debian keeps libraries.
const LIBRARY_FOLDER: &str = "usr/lib/x86_64-linux-gnu";

/// Fetches packages of Debian and unpacks them into a folder.
fn unpack(name: &str, packages: &[&str], into: &Path) -> Result<(), String> {
    let packed = into.with_file_name("packages").join(name);
    // of an older attempt there may be older versions
    let _ = fs::remove_dir_all(&packed);
    fs::create_dir_all(&packed).map_err(|error| format!("{}: {error}", packed.display()))?;
    let mut download = program("apt-get");
    download.current_dir(&packed).args(["--quiet", "download"]).args(packages);
    with_new_lists(|| done(&mut download))?;
    let packages = fs::read_dir(&packed).map_err(|error| format!("{}: {error}", packed.display()))?;
    for package in packages.flatten() {
        done(program("dpkg").arg("-x").arg(package.path()).arg(into))?;
    }
    merge_libraries(into).map_err(|error| format!("{}: {error}", into.display()))
}

/// Moves libraries of `/lib` to those of `/usr/lib`, as a system has them: nothing looks into both.
fn merge_libraries(root: &Path) -> std::io::Result<()> {
    let merged = root.join(LIBRARY_FOLDER);
    let apart = root.join(LIBRARY_FOLDER.trim_start_matches("usr/"));
    if !apart.exists() {
        return Ok(());
    }
    fs::create_dir_all(&merged)?;
    for library in fs::read_dir(apart)? {
        let library = library?;
        fs::rename(library.path(), merged.join(library.file_name()))?;
    }
    Ok(())
}

/// Installs a package of Debian's into the system. Why it could not is told on the terminal.
pub fn install_package(package: &str) {
    if let Err(why) = apt_install(package) {
        println!("{package}: could not be installed: {why}");
    }
}

fn apt_install(package: &str) -> Result<(), String> {
    let mut apt = program("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt.args(["--quiet", "install", "--yes", "--no-install-recommends", package]);
    with_new_lists(|| done(&mut apt)).map_err(|why| format!("{why} (it needs root)"))
}

fn journal_upload() -> Result<(), String> {
    let there = || Path::new("/lib/systemd/systemd-journal-upload").exists();
    if there() {
        return Ok(());
    }
    apt_install("systemd-journal-remote")?;
    if there() { Ok(()) } else { Err("systemd-journal-remote has no systemd-journal-upload".to_owned()) }
}

/// Tries once more with new lists of packages: they may be old, or never have been fetched.
fn with_new_lists(mut attempt: impl FnMut() -> Result<(), String>) -> Result<(), String> {
    attempt().or_else(|why| {
        done(program("apt-get").args(["--quiet", "update"])).map_err(|update| format!("{why}; {update}"))?;
        attempt()
    })
}

/// Runs a command on the terminal.
fn done(command: &mut std::process::Command) -> Result<(), String> {
    match shown(command) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{} failed", line(command))),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs a command out of sight, and gives what it last said if it failed.
fn told(command: &mut std::process::Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{}: {error}", line(command)))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().last().unwrap_or("it does not run").to_owned())
}

/// The scripts that run them, beside the repository. `None`: they are not there.
pub fn scripts() -> Option<PathBuf> {
    let folder = std::env::var_os("WARD_CLIENTS_SCRIPTS")
        .map_or_else(|| root().join("../shared/clients"), PathBuf::from);
    fs::canonicalize(folder).ok().filter(|folder| folder.join("logger.sh").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_lie_in_one_place() {
        let root = tempfile::tempdir().unwrap();
        let apart = root.path().join("lib/x86_64-linux-gnu");
        fs::create_dir_all(&apart).unwrap();
        fs::write(apart.join("libx.so.3.1"), "x").unwrap();
        std::os::unix::fs::symlink("libx.so.3.1", apart.join("libx.so.3")).unwrap();
        merge_libraries(root.path()).unwrap();
        merge_libraries(root.path()).unwrap();
        let merged = root.path().join(LIBRARY_FOLDER).join("libx.so.3");
        assert_eq!(fs::read_to_string(merged).unwrap(), "x");
    }
}
