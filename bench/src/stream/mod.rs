//! The whole path, from the socket to the alert and the lake: rate, delays, memory, disk, search.

mod hub;
mod load;
mod search;
mod sender;
mod slope;
pub mod soak;
mod syslog;
mod telemetry;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use hub::{Hub, Metrics};
use load::Body;
use sender::{Pace, Sent, send};

use crate::detect::corpus;
use crate::report::Row;

/// Devices of an organisation: two million in all with fifty.
const DEVICES: usize = 40_000;

/// How many events with the observable that is sought are hidden among all.
const HIDDEN: usize = 5;

/// Among how many.
const SOUGHT_THROUGH: f64 = 10_000_000.0;

/// How fast these are sent, a second.
const SEARCH_RATE: f64 = 150_000.0;

/// A made-up sector.
#[derive(Debug, Clone, Copy)]
pub struct Sector {
    /// When its events happen, microseconds since 1970, and the minute after.
    pub start: i64,
    /// How many organisations.
    pub organisations: usize,
    /// Devices of each.
    pub devices: usize,
}

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Seconds at full load.
    pub seconds: u64,
    /// Seconds at half of that.
    pub half_seconds: u64,
    /// Megabytes of distinct events, sent over and over.
    pub megabytes: usize,
    /// Organisations.
    pub organisations: usize,
    /// Connections.
    pub connections: usize,
}

/// What was measured.
pub struct Report {
    rows: Vec<Row>,
    raw: Value,
    tell: fn(&str),
}

impl Report {
    /// Measures.
    ///
    /// # Errors
    /// What could not be measured.
    pub fn measure(plan: Plan, now: i64, tell: fn(&str)) -> Result<Self, String> {
        let corpus = corpus()?;
        let sector = Sector { start: now, organisations: plan.organisations, devices: DEVICES };
        tell("making events");
        let bodies = load::bodies(&corpus, &sector, plan.megabytes)?;
        let rules = [corpus.join("sigma/rules")];
        let hub = Hub::new(Path::new("target/bench/hub"), &rules, &sector)?;
        let mut report = Self { rows: Vec::new(), raw: json!({}), tell };
        tell("full load");
        let rate = report.full(&hub, &bodies, plan)?;
        tell("half load");
        report.half(&hub, &bodies, plan, rate / 2.0)?;
        tell("syslog");
        report.syslog(&hub)?;
        // its lake takes the room that the next needs
        drop(hub);
        tell("search");
        let hub = Hub::new(Path::new("target/bench/hub"), &rules, &sector)?;
        report.search(hub, &sector, &bodies, plan)?;
        Ok(report)
    }

    fn full(&mut self, hub: &Hub, bodies: &[Body], plan: Plan) -> Result<f64, String> {
        let pace =
            Pace { connections: plan.connections, time: Duration::from_secs(plan.seconds), rate: None };
        let before = Used::now(hub);
        let start = Instant::now();
        let mut sent = send(&hub.address, &hub.tokens, bodies, pace)?;
        hub.looked_at(sent.events)?;
        let wall = start.elapsed().as_secs_f64();
        hub.settled()?;
        let in_lake = start.elapsed().as_secs_f64();
        let used = Used::now(hub).since(&before);
        let metrics = hub.metrics()?;
        let rate = sent.events as f64 / wall;
        let size = sent.bytes as f64 / sent.events as f64;
        let disk = hub.lake_files()?.iter().map(|file| file.bytes).sum::<u64>() as f64 / sent.events as f64;
        let found = metrics.sum("ward_findings_total");
        self.row("whole path, events/s, sustained", "100,000", "200,000", thousands(rate));
        self.row(
            "the same, acknowledged events/s",
            "",
            "",
            thousands(sent.events as f64 / sent.wall.as_secs_f64()),
        );
        self.row("events per CPU-second of the hub", "", "", thousands(sent.events as f64 / used.hub));
        self.row("peak memory at full load, MB", "1,024", "512", megabytes(hub.memory("VmHWM:")));
        self.row("bytes on disk per event", "150", "80", format!("{disk:.0}"));
        self.raw["full"] = json!({
            "events": sent.events, "bytes_per_event": size, "wall_s": wall, "in_lake_s": in_lake, "acknowledged_s": sent.wall.as_secs_f64(),
            "hub_cpu_s": used.hub, "load_cpu_s": used.load, "refused": sent.refused,
            "findings_sent": sent.findings, "findings_stored": found,
            "answer_p50_ms": sent.quantile(0.5), "answer_p99_ms": sent.quantile(0.99),
            "finding_delay_p95_s": metrics.quantile("ward_finding_delay_seconds", 0.95, &Metrics::default()),
            "peak_bytes": hub.memory("VmHWM:"), "lake_bytes_per_event": disk,
        });
        Ok(rate)
    }

    fn half(&mut self, hub: &Hub, bodies: &[Body], plan: Plan, rate: f64) -> Result<(), String> {
        let pace = Pace {
            connections: plan.connections,
            time: Duration::from_secs(plan.half_seconds),
            rate: Some(rate),
        };
        let before = hub.metrics()?;
        let mut sent = send(&hub.address, &hub.tokens, bodies, pace)?;
        let looked_at = before.get("ward_watch_events_total") as u64 + sent.events;
        hub.looked_at(looked_at)?;
        hub.settled()?;
        let after = hub.metrics()?;
        let delay = after.quantile("ward_finding_delay_seconds", 0.95, &before);
        let (p50, p99) = (sent.quantile(0.5), sent.quantile(0.99));
        self.row("acknowledgement p99 at half load, ms", "100", "40", format!("{p99:.0}"));
        self.row("received to alert stored, p95 at half load, s", "2", "0.5", format!("up to {delay}"));
        self.raw["half"] = json!({
            "events_per_s": sent.events as f64 / sent.wall.as_secs_f64(), "answer_p50_ms": p50,
            "answer_p99_ms": p99, "finding_delay_p95_s": delay, "refused": sent.refused,
        });
        Ok(())
    }

    fn syslog(&mut self, hub: &Hub) -> Result<(), String> {
        let figures = syslog::measure(hub)?;
        self.row(
            "syslog TCP, one connection, messages/s into the journal",
            "100,000",
            "300,000",
            thousands(figures["messages_per_s"].as_f64().unwrap_or(0.0)),
        );
        self.raw["syslog"] = figures;
        Ok(())
    }

    /// In a lake of its own, of so many events as the target says.
    fn search(&mut self, mut hub: Hub, sector: &Sector, bodies: &[Body], plan: Plan) -> Result<(), String> {
        let parts = HIDDEN as u32;
        let pace = Pace {
            connections: plan.connections,
            time: Duration::from_secs_f64(SOUGHT_THROUGH / SEARCH_RATE) / parts,
            rate: Some(SEARCH_RATE),
        };
        let mut sent = Sent::default();
        // an event that is sought at the end of each part
        for part in 0..HIDDEN {
            sent.add(send(&hub.address, &hub.tokens, bodies, pace)?);
            search::hide(&hub, sector, part * 7 % sector.organisations)?;
            sent.events += 1;
        }
        hub.looked_at(sent.events)?;
        hub.settled()?;
        hub.stop()?;
        let mut figures = search::measure(&hub, HIDDEN)?;
        figures["events"] = json!(sent.events);
        let seconds = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
        self.row(
            "one observable in 10 million events, cold, whole process, s",
            "1",
            "0.2",
            format!("{:.2}", seconds("ward_s")),
        );
        self.row(
            "times as fast as DuckDB over the same files",
            "1",
            "2",
            format!("{:.1}", seconds("duckdb_s") / seconds("ward_s")),
        );
        self.raw["search"] = figures;
        Ok(())
    }

    fn row(&mut self, what: &'static str, floor: &'static str, aim: &'static str, measured: String) {
        (self.tell)(&format!("  {what}: {measured}"));
        self.rows.push(Row { what, floor, aim, measured });
    }

    /// The figures as JSON.
    pub fn to_json(&self) -> &Value {
        &self.raw
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::report::table(f, &self.rows)
    }
}

/// Processor time that was used.
struct Used {
    hub: f64,
    load: f64,
}

impl Used {
    fn now(hub: &Hub) -> Self {
        Self { hub: hub.processor_seconds(), load: hub::processor_seconds("/proc/self/stat") }
    }

    fn since(&self, before: &Self) -> Self {
        Self { hub: self.hub - before.hub, load: self.load - before.load }
    }
}

fn thousands(number: f64) -> String {
    crate::report::thousands(number)
}

fn megabytes(bytes: u64) -> String {
    (bytes >> 20).to_string()
}
