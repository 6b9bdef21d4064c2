//! The hub that is measured: the `ward` beside this program, in a process of its own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ward_core::Scope;
use ward_store::lake_files::{self, FileFilter, LakeFile};
use ward_store::{Store, StoreOptions};

use super::Sector;

/// A hub that runs.
pub struct Hub {
    /// Where it listens for HTTP.
    pub address: String,
    /// Where it listens for syslog over TCP.
    pub syslog: String,
    /// What each organisation's source shows.
    pub tokens: Vec<String>,
    /// Its data.
    pub folder: PathBuf,
    program: PathBuf,
    config: PathBuf,
    process: Option<Child>,
}

impl Hub {
    /// A hub with the sector's organisations and these rules, started.
    ///
    /// # Errors
    /// It could not be set up or started.
    pub fn new(folder: &Path, rules: &[PathBuf], sector: &Sector) -> Result<Self, String> {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).map_err(|e| format!("could not make {}: {e}", folder.display()))?;
        let folder = folder.canonicalize().map_err(|e| e.to_string())?;
        let rules: Vec<String> = rules
            .iter()
            .map(|folder| Ok(format!("\"{}\"", folder.canonicalize()?.display())))
            .collect::<std::io::Result<_>>()
            .map_err(|e| format!("could not find the rules: {e}"))?;
        let (address, syslog) = (free_address()?, free_address()?);
        let config = folder.join("ward.toml");
        let text = format!(
            "[data]\nfolder = \"{}/data\"\n[api]\nopen_metrics = true\n[watch]\nrules = [{}]\n\
             [[intake.http]]\nname = \"http\"\nlisten = \"{address}\"\napi = true\n\
             [[intake.syslog_tcp]]\nname = \"syslog\"\nlisten = \"{syslog}\"\nsource = \"s000\"\n",
            folder.display(),
            rules.join(", "),
        );
        std::fs::write(&config, text).map_err(|e| e.to_string())?;
        let program = std::env::current_exe().map_err(|e| e.to_string())?.with_file_name("ward");
        let mut hub = Self { address, syslog, tokens: Vec::new(), folder, program, config, process: None };
        hub.enter(sector)?;
        hub.start()?;
        Ok(hub)
    }

    fn enter(&mut self, sector: &Sector) -> Result<(), String> {
        let list = self.folder.join("organisations.csv");
        let mut csv = "code,name,kind,parent\nNHS,Sector,nation,\n".to_owned();
        for number in 0..sector.organisations {
            csv.push_str(&format!("O{number:03},Hospital {number},organisation,NHS\n"));
        }
        std::fs::write(&list, csv).map_err(|e| e.to_string())?;
        self.ward(&["organisation", "import", &list.display().to_string()])?;
        for number in 0..sector.organisations {
            let (source, organisation) = (format!("s{number:03}"), format!("O{number:03}"));
            self.ward(&["source", "add", &source, "--organisation", &organisation])?;
            let token = self.ward(&["token", "issue", "--label", &source, "--source", &source])?;
            self.tokens.push(token.trim().to_owned());
        }
        Ok(())
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&mut self) -> Result<(), String> {
        let log = std::fs::File::create(self.folder.join("ward.log")).map_err(|e| e.to_string())?;
        let process = Command::new(&self.program)
            .arg("serve")
            .env("WARD_CONFIG", &self.config)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|e| format!("could not run {}: {e}", self.program.display()))?;
        self.process = Some(process);
        until("the hub is ready", || self.get("/readyz").is_ok_and(|(status, _)| status == 200))
    }

    /// Stops it as an operator does.
    ///
    /// # Errors
    /// It does not stop.
    pub fn stop(&mut self) -> Result<(), String> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let asked = Command::new("kill").arg(process.id().to_string()).status();
        asked.map_err(|e| e.to_string())?;
        process.wait().map_err(|e| e.to_string())?;
        Ok(())
    }

    /// Standard output of a command.
    ///
    /// # Errors
    /// It failed.
    pub fn ward(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .env("WARD_CONFIG", &self.config)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| format!("could not run {}: {e}", self.program.display()))?;
        match output.status.code() {
            // 1: it found something
            Some(0 | 1) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            _ => Err(format!("ward {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// Its figures.
    ///
    /// # Errors
    /// It does not tell.
    pub fn metrics(&self) -> Result<Metrics, String> {
        let (_, text) = self.get("/metrics")?;
        let line = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(Metrics(text.lines().filter(|text| !text.starts_with('#')).filter_map(line).collect()))
    }

    /// Seconds of processor time it has used.
    pub fn processor_seconds(&self) -> f64 {
        let Some(process) = &self.process else { return 0.0 };
        processor_seconds(&format!("/proc/{}/stat", process.id()))
    }

    /// Bytes of a line such as `VmHWM:`.
    pub fn memory(&self, line: &str) -> u64 {
        let Some(process) = &self.process else { return 0 };
        let text = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let found = text.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().next());
        found.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    /// How many files it has open.
    pub fn open_files(&self) -> usize {
        let Some(process) = &self.process else { return 0 };
        std::fs::read_dir(format!("/proc/{}/fd", process.id())).map_or(0, Iterator::count)
    }

    /// The files of the lake.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn lake_files(&self) -> Result<Vec<LakeFile>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|e| e.to_string())?.block_on(async {
            let url = Store::url_of(&self.folder.join("data/ward.db"));
            let store = Store::open(&url, StoreOptions::default()).await.map_err(|e| e.to_string())?;
            let files = lake_files::files(&store, &Scope::whole_sector(), &FileFilter::default()).await;
            files.map_err(|e| e.to_string())
        })
    }

    /// Root of the lake.
    pub fn lake(&self) -> PathBuf {
        self.folder.join("data/lake")
    }

    /// Waits until so many events were looked at since the start.
    ///
    /// # Errors
    /// It takes more than ten minutes.
    pub fn looked_at(&self, events: u64) -> Result<(), String> {
        until("everything is looked at", || {
            self.metrics().is_ok_and(|metrics| metrics.get("ward_watch_events_total") >= events as f64)
        })
    }

    /// Waits until all that was received is in the lake, and all that was found in the store.
    ///
    /// # Errors
    /// It takes more than ten minutes.
    pub fn settled(&self) -> Result<(), String> {
        until("everything is in the lake", || {
            self.metrics().is_ok_and(|metrics| metrics.get("ward_journal_segments") == 0.0)
        })
    }

    fn get(&self, path: &str) -> Result<(u16, String), String> {
        let answer = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")?;
            let mut text = Vec::new();
            stream.read_to_end(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        let text = answer().map_err(|e| format!("could not ask the hub for {path}: {e}"))?;
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Ok((status, text))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// The lines of `/metrics`.
#[derive(Default)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// The value of a line; 0 if there is none.
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    /// The sum of all lines of a name, whatever their labels.
    pub fn sum(&self, name: &str) -> f64 {
        let lines = self.0.iter().filter(|(line, _)| line.split('{').next() == Some(name));
        lines.map(|(_, value)| value).sum()
    }

    /// The upper bound of the bucket in which this share of a histogram lies, counted since `before`.
    pub fn quantile(&self, name: &str, share: f64, before: &Self) -> f64 {
        let prefix = format!("{name}_bucket{{le=\"");
        let mut buckets: Vec<(f64, f64)> = self
            .0
            .iter()
            .filter_map(|(line, count)| {
                let bound = line.strip_prefix(&prefix)?.strip_suffix("\"}")?;
                let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
                Some((bound, count - before.get(line)))
            })
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = buckets.last().map_or(0.0, |bucket| bucket.1);
        buckets.iter().find(|bucket| bucket.1 >= all * share).map_or(f64::NAN, |bucket| bucket.0)
    }
}

/// Seconds of processor time by a `stat` file of proc(5).
pub fn processor_seconds(path: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // fields 14 and 15, in hundredths of a second; two are cut off in front
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn until(what: &str, holds: impl Fn() -> bool) -> Result<(), String> {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > Duration::from_secs(600) {
            return Err(format!("waited ten minutes until {what}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn free_address() -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    listener.local_addr().map(|address| address.to_string()).map_err(|e| e.to_string())
}
