//! What a scan cost.

use std::fs;
use std::time::Duration;

use crate::terminal::{bytes, grouped};

/// What the process has used until now, as the system tells it. `None`: this system does not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// Processor time of all threads, in seconds, to the hundredth.
    pub cpu_seconds: Option<f64>,
    /// Most memory it held at once, in bytes.
    pub peak_memory: Option<u64>,
}

impl Usage {
    /// Reads it (Linux: `/proc/self`).
    pub fn now() -> Self {
        let read = |path| fs::read_to_string(path).ok();
        Self {
            cpu_seconds: read("/proc/self/stat").and_then(|text| cpu_seconds(&text)),
            peak_memory: read("/proc/self/status").and_then(|text| peak_memory(&text)),
        }
    }
}

/// What was done, to be shown with `--stats`.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Events decoded.
    pub events: u64,
    /// Bytes of them, after decompression.
    pub bytes: u64,
    /// Time from start to end.
    pub elapsed: Duration,
    /// Of it, until the rules were ready.
    pub loading: Duration,
    /// What the process used.
    pub usage: Usage,
    /// Threads that matched.
    pub threads: usize,
    /// Rules in force.
    pub rules: usize,
    /// Correlations in force.
    pub correlations: usize,
    /// Documents that were refused.
    pub refused: usize,
    /// Events that no rule's log source fits.
    pub unfit: u64,
}

impl Stats {
    /// Lines of a name and a value.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let scanning = self.elapsed.saturating_sub(self.loading).as_secs_f64().max(1e-6);
        let unknown = || "not told by this system".to_owned();
        let rate = |amount: u64| (amount as f64 / scanning) as u64;
        vec![
            ("events", grouped(self.events)),
            ("bytes", format!("{} ({})", grouped(self.bytes), bytes(self.bytes))),
            ("seconds", format!("{:.2}", self.elapsed.as_secs_f64())),
            ("seconds to load rules", format!("{:.2}", self.loading.as_secs_f64())),
            ("events per second", format!("{}{SCANNING}", grouped(rate(self.events)))),
            ("bytes per second", format!("{}{SCANNING}", bytes(rate(self.bytes)))),
            ("threads", self.threads.to_string()),
            ("CPU seconds", self.usage.cpu_seconds.map_or_else(unknown, |s| format!("{s:.2}"))),
            ("peak memory", self.usage.peak_memory.map_or_else(unknown, bytes)),
            ("rules loaded", grouped(self.rules as u64)),
            ("correlations loaded", grouped(self.correlations as u64)),
            ("rules refused", grouped(self.refused as u64)),
            ("events no rule fits", grouped(self.unfit)),
        ]
    }
}

/// What the rates are of.
const SCANNING: &str = " (without the loading of rules)";

/// Kernel ticks a second in `/proc`: fixed for programs, whatever the kernel was built with.
const TICKS: f64 = 100.0;

/// User and system time from the text of `/proc/self/stat`.
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second part is the program's name, in brackets, and may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut parts = after_name.split_whitespace().skip(11);
    let user: f64 = parts.next()?.parse().ok()?;
    let system: f64 = parts.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

/// The high-water mark of resident memory from the text of `/proc/self/status`.
fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_what_linux_writes() {
        let stat = "42 (a) b) R 1 42 42 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 4 0 100 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(peak_memory("Name:\tward\nVmHWM:\t    2048 kB\n"), Some(2 << 20));
        assert_eq!((cpu_seconds("nonsense"), peak_memory("")), (None, None));
    }

    #[test]
    fn rates_leave_the_loading_of_rules_out_and_say_so() {
        let stats = Stats {
            events: 1_000_000,
            elapsed: Duration::from_secs(3),
            loading: Duration::from_secs(1),
            ..Stats::default()
        };
        let rate = stats.lines().into_iter().find(|(name, _)| *name == "events per second");
        assert_eq!(rate.unwrap().1, "500,000 (without the loading of rules)");
    }
}
