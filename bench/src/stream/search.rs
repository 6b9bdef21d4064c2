//! One observable in everything that is kept, with nothing in the caches, beside DuckDB over the same files.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use super::Sector;
use super::hub::Hub;
use super::sender::send_one;

/// The observable: nobody else's address (RFC 5737).
const NEEDLE: &str = "203.0.113.77";

/// How often each search is made; the best of Ward's and of DuckDB's count.
const ROUNDS: usize = 3;

/// Sends one event with the observable, of this organisation.
///
/// # Errors
/// The hub does not take it.
pub fn hide(hub: &Hub, sector: &Sector, organisation: usize) -> Result<(), String> {
    let time = ward_core::Timestamp::from_micros(sector.start);
    let event = json!({
        "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 3, "UtcTime": time.to_string(),
        "Hostname": format!("PC-{organisation:03}-00001.nhs.example"), "Image": "C:\\Windows\\System32\\svchost.exe",
        "SourceIp": "10.0.0.5", "DestinationIp": NEEDLE, "DestinationPort": 443,
    });
    send_one(&hub.address, &hub.tokens[organisation], format!("{event}\n").as_bytes())
}

/// Searches; the hub has stopped.
///
/// # Errors
/// The observable is not found as often as it was hidden, or DuckDB cannot be installed.
pub fn measure(hub: &Hub, hidden: usize) -> Result<Value, String> {
    let python = duckdb()?;
    let (mut ward, mut duck, mut is_cold) = (f64::INFINITY, f64::INFINITY, true);
    let mut told = String::new();
    // What was merged lies beside what it became for a while: it is no part of the lake any more.
    let files = hub.lake_files()?;
    let paths: Vec<PathBuf> = files.iter().map(|file| hub.lake().join(&file.path)).collect();
    let list = hub.lake().join("files.json");
    std::fs::write(&list, json!(paths).to_string()).map_err(|e| format!("{}: {e}", list.display()))?;
    for _ in 0..ROUNDS {
        is_cold &= forget();
        let start = Instant::now();
        told = hub.ward(&["hunt", &format!("address:{NEEDLE}"), "--format", "json"])?;
        ward = ward.min(start.elapsed().as_secs_f64());
        let found = told.lines().filter(|line| line.starts_with('{')).count();
        if found != hidden {
            return Err(format!("ward hunt found {found} of {hidden}"));
        }
        is_cold &= forget();
        let output = Command::new(&python).args(["-c", SCRIPT, NEEDLE]).arg(&list).output();
        let output = output.map_err(|e| format!("could not run DuckDB: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (found, seconds) = text
            .trim()
            .split_once(' ')
            .ok_or_else(|| format!("DuckDB told nothing: {}", String::from_utf8_lossy(&output.stderr)))?;
        if found != hidden.to_string() {
            return Err(format!("DuckDB found {found} of {hidden}"));
        }
        duck = duck.min(seconds.parse().unwrap_or(f64::INFINITY));
    }
    Ok(json!({
        "ward_s": ward, "duckdb_s": duck, "cold": is_cold, "found": hidden, "files": files.len(),
        "lake_bytes": files.iter().map(|file| file.bytes).sum::<u64>(), "last_row": told.lines().last(),
    }))
}

/// Times the query alone, without the start of Python.
const SCRIPT: &str = "
import json, sys, time, duckdb
needle, files = sys.argv[1], json.load(open(sys.argv[2]))
duckdb.execute(\"SET enable_progress_bar = false\")
start = time.time()
rows = duckdb.execute(
    \"SELECT batch, index, time, device, raw FROM read_parquet(?) WHERE list_contains(addresses, ?)\",
    [files, needle]).fetchall()
seconds = time.time() - start
print(len(rows), seconds)
";

/// A Python with DuckDB.
fn duckdb() -> Result<PathBuf, String> {
    let folder = Path::new("target/bench/duckdb");
    let python = folder.join("bin/python");
    let has_it = |python: &Path| {
        Command::new(python)
            .args(["-c", "import duckdb"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !has_it(&python) {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "duckdb"]))?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("could not run {command:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Has the kernel forget what it has read. Says whether it could be asked to.
fn forget() -> bool {
    let _ = Command::new("sync").status();
    std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}
