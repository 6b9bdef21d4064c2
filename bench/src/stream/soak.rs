//! The hub under load for a long time, with a change of rules each minute: does anything grow?

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::hub::Hub;
use super::sender::{Pace, Sent, send};
use super::slope::Slope;
use super::{Sector, load};
use crate::detect::corpus;

/// How to soak.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Minutes in all.
    pub minutes: u64,
    /// Events a second.
    pub rate: f64,
    /// Megabytes of distinct events.
    pub megabytes: usize,
    /// Organisations.
    pub organisations: usize,
    /// Connections.
    pub connections: usize,
}

/// Minutes that the hub has to reach its size.
const WARM_UP: f64 = 10.0;

/// Between two samples: less than a segment of the journal lasts, whose files come and go in memory as a whole.
const EACH: Duration = Duration::from_secs(1);

/// Samples in a minute, about.
const A_MINUTE: usize = 60;

/// Growth of memory an hour that is still called flat.
const FLAT: f64 = 0.02;

/// What was seen, and whether it stayed flat.
///
/// # Errors
/// What could not be measured.
pub fn soak(plan: Plan, now: i64, tell: &(dyn Fn(&str) + Sync)) -> Result<(Value, bool), String> {
    let corpus = corpus()?;
    let sector = Sector { start: now, organisations: plan.organisations, devices: super::DEVICES };
    tell("making events");
    let bodies = load::bodies(&corpus, &sector, plan.megabytes)?;
    let own_rules = Path::new("target/bench/soak-rules");
    std::fs::create_dir_all(own_rules).map_err(|e| e.to_string())?;
    change_rules(own_rules, 0)?;
    let rules = [corpus.join("sigma/rules"), own_rules.to_owned()];
    let hub = Hub::new(Path::new("target/bench/soak"), &rules, &sector)?;
    let time = Duration::from_secs(plan.minutes * 60);
    let pace = Pace { connections: plan.connections, time, rate: Some(plan.rate) };
    let start = Instant::now();
    let (sent, samples) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&hub.address, &hub.tokens, &bodies, pace));
        let mut samples: Vec<Sample> = Vec::new();
        let mut minute = 0;
        while !sending.is_finished() {
            std::thread::sleep(EACH);
            let at = start.elapsed().as_secs_f64() / 60.0;
            let metrics = hub.metrics()?;
            let figure = |name: &str| metrics.get(name) as u64;
            let sample = Sample {
                minutes: at,
                memory: hub.memory("VmRSS:"),
                asked_for: figure("ward_heap_allocated_bytes"),
                files: hub.open_files(),
            };
            if at as u64 > minute {
                minute = at as u64;
                change_rules(own_rules, minute)?;
                tell(&format!(
                    "minute {minute}: {} MB, {} of them asked for, {} open files, {} MB behind",
                    sample.memory >> 20,
                    sample.asked_for >> 20,
                    sample.files,
                    figure("ward_watch_lag_bytes") >> 20
                ));
            }
            samples.push(sample);
        }
        let sent = sending.join().unwrap_or_else(|_| Err("the sender failed".to_owned()))?;
        Ok::<(Sent, Vec<Sample>), String>((sent, samples))
    })?;
    hub.looked_at(sent.events)?;
    hub.settled()?;
    let metrics = hub.metrics()?;
    let samples: Vec<&Sample> = samples.iter().collect();
    let late: Vec<&Sample> = samples.iter().copied().filter(|sample| sample.minutes >= WARM_UP).collect();
    let slope = |value| Slope::of(&by_minute(&late, value));
    let (slope, asked_for) = (slope(|sample| sample.memory), slope(|sample| sample.asked_for));
    let files = |at: Option<&&Sample>| at.map_or(0, |sample| sample.files);
    // a few come and go: connections, files in the making
    let first_files = late.iter().take(A_MINUTE).map(|sample| sample.files).max().unwrap_or(0);
    let last_files = late.iter().rev().take(A_MINUTE).map(|sample| sample.files).max().unwrap_or(0);
    let is_flat = slope.is_some_and(|slope| slope.an_hour < FLAT) && last_files <= first_files;
    let figures = json!({
        "minutes": plan.minutes, "events": sent.events, "rate": sent.events as f64 / sent.wall.as_secs_f64(),
        "refused": sent.refused, "reloads": metrics.get("ward_rules_generation"),
        "memory_mb_each_minute": megabytes(&samples, |sample| sample.memory),
        "asked_for_mb_each_minute": megabytes(&samples, |sample| sample.asked_for),
        "peak_mb": hub.memory("VmHWM:") >> 20,
        "slope_an_hour": slope.map(|slope| slope.an_hour), "slope_error": slope.map(|slope| slope.error),
        "asked_for_slope_an_hour": asked_for.map(|slope| slope.an_hour),
        "asked_for_slope_error": asked_for.map(|slope| slope.error),
        "open_files_after_warm_up": first_files, "open_files_at_the_end": last_files,
        "open_files_last": files(late.last()),
        "findings_sent": sent.findings, "findings_stored": metrics.sum("ward_findings_total"),
    });
    Ok((figures, is_flat))
}

struct Sample {
    minutes: f64,
    /// Bytes resident.
    memory: u64,
    /// Bytes that the program asked its allocator for.
    asked_for: u64,
    files: usize,
}

/// The mean of each minute, by hours: what comes and goes within a minute is no growth, and what is measured a
/// second later is hardly another measurement.
fn by_minute(samples: &[&Sample], value: fn(&Sample) -> u64) -> Vec<(f64, f64)> {
    let minutes = samples.chunk_by(|a, b| a.minutes as u64 == b.minutes as u64).map(|minute| {
        let mean = |value: &dyn Fn(&Sample) -> f64| {
            minute.iter().map(|sample| value(sample)).sum::<f64>() / minute.len() as f64
        };
        (mean(&|sample| sample.minutes / 60.0), mean(&|sample| value(sample) as f64))
    });
    minutes.collect()
}

fn megabytes(samples: &[&Sample], value: fn(&Sample) -> u64) -> Vec<u64> {
    by_minute(samples, value).into_iter().map(|(_, bytes)| bytes as u64 >> 20).collect()
}

/// A rule that finds nothing, other than the one before.
fn change_rules(folder: &Path, minute: u64) -> Result<(), String> {
    let rule = format!(
        "title: Soak {minute}\nid: 00000000-0000-4000-8000-{minute:012}\nstatus: test\nlevel: low\n\
         logsource:\n  product: windows\ndetection:\n  sel:\n    CommandLine|contains: 'soak-{minute}'\n  condition: sel\n"
    );
    std::fs::write(folder.join("soak.yml"), rule).map_err(|e| e.to_string())
}
