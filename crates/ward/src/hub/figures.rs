//! What the hub counts of itself, in the words of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use ward_core::{Severity, Timestamp};
use ward_intake::{Counters, ListenerFigures, Reason};
use ward_journal::{Histogram, Journal, Position, SegmentId, Usage};

/// Counters of the watch; those of intake and journal are their own.
#[derive(Debug, Default)]
pub struct Figures {
    /// Events looked at.
    pub events: AtomicU64,
    /// Bytes of their batches.
    pub bytes: AtomicU64,
    /// Records that could not be decoded.
    pub undecodable: AtomicU64,
    /// New findings, by level.
    pub findings: [AtomicU64; 5],
    /// Alerts opened.
    pub alerts: AtomicU64,
    /// Bytes of the journal that could not be read.
    pub damaged_bytes: AtomicU64,
    /// Segments whose files could not be written, at each attempt.
    pub lake_failures: AtomicU64,
    /// Records that the store did not take, not even set aside.
    pub unstorable: AtomicU64,
    /// The store cannot be written just now.
    pub store_failing: AtomicBool,
    /// Groups of events that are correlated by themselves.
    pub lanes: AtomicU64,
    /// Keys that correlations track.
    pub keys: AtomicU64,
    /// Sightings that did not count for correlations, by [`SKIPPED`].
    pub skipped: [AtomicU64; SKIPPED.len()],
    /// State that correlations forgot before its time, by [`FORGOTTEN`].
    pub forgotten: [AtomicU64; FORGOTTEN.len()],
    /// Finished files of the lake that nobody knows and that were left there.
    pub stray_files: AtomicU64,
    /// Bytes of them.
    pub stray_bytes: AtomicU64,
    /// Which rules are in force: rises with each reload.
    pub generation: AtomicU64,
    /// Rules in force, correlations among them.
    pub rules: AtomicU64,
    /// Rules that were refused.
    pub refused: AtomicU64,
    /// Microseconds; 0: nothing yet.
    heard_until: AtomicI64,
    segment: AtomicU64,
    at: AtomicU64,
    delays: [AtomicU64; DELAYS.len() + 1],
    delay_sum: AtomicU64,
}

/// Why a sighting did not count.
pub const SKIPPED: [&str; 5] = ["ungrouped", "unvalued", "late", "ahead", "folded"];

/// What correlations forget: keys and lanes for want of room, and what they had counted for a rule that changed.
pub const FORGOTTEN: [&str; 3] = ["key", "lane", "rule"];

/// Upper bounds of the time from receipt to the store, microseconds.
const DELAYS: [u64; 12] = [
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    15_000_000,
    60_000_000,
    600_000_000,
];

impl Figures {
    /// Counts a frame.
    pub fn seen(&self, events: u64, bytes: u64, undecodable: u64) {
        self.events.fetch_add(events, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        self.undecodable.fetch_add(undecodable, Relaxed);
    }

    /// Counts a new finding.
    pub fn found(&self, level: Severity, received: Timestamp, stored: Timestamp) {
        self.findings[level as usize].fetch_add(1, Relaxed);
        let delay = u64::try_from(stored.micros() - received.micros()).unwrap_or(0);
        let at = DELAYS.iter().position(|bound| delay <= *bound).unwrap_or(DELAYS.len());
        self.delays[at].fetch_add(1, Relaxed);
        self.delay_sum.fetch_add(delay, Relaxed);
    }

    /// Notes how far the watch is.
    pub fn position(&self, position: Position) {
        self.segment.store(position.segment.0, Relaxed);
        self.at.store(position.at, Relaxed);
    }

    /// Notes that all that came until then was looked at, and that the store knows who sent it.
    pub fn heard(&self, until: Timestamp) {
        self.heard_until.fetch_max(until.micros(), Relaxed);
    }

    /// Until when all that came was heard. `None`: that is not known yet.
    pub fn heard_until(&self) -> Option<Timestamp> {
        let until = self.heard_until.load(Relaxed);
        (until > 0).then(|| Timestamp::from_micros(until))
    }

    /// Everything, as Prometheus reads it (text format 0.0.4).
    pub fn text(&self, journal: &Journal, intake: &Counters) -> String {
        let mut text = String::new();
        let usage = journal.usage();
        let place = Position { segment: SegmentId(self.segment.load(Relaxed)), at: self.at.load(Relaxed) };
        let gauges: [(&str, &str, &str, u64); 27] = [
            ("ward_watch_events_total", "counter", "Events looked at", self.events.load(Relaxed)),
            ("ward_watch_bytes_total", "counter", "Bytes of their batches", self.bytes.load(Relaxed)),
            ("ward_watch_undecodable_total", "counter", "Records set aside", self.undecodable.load(Relaxed)),
            (
                "ward_watch_unstorable_total",
                "counter",
                "Records the store did not take at all",
                self.unstorable.load(Relaxed),
            ),
            ("ward_watch_lag_bytes", "gauge", "Durable bytes not looked at yet", journal.lag(place)),
            ("ward_alerts_opened_total", "counter", "Alerts opened", self.alerts.load(Relaxed)),
            ("ward_correlation_lanes", "gauge", "Groups correlated by themselves", self.lanes.load(Relaxed)),
            ("ward_correlation_keys", "gauge", "Keys that correlations track", self.keys.load(Relaxed)),
            ("ward_rules", "gauge", "Rules in force", self.rules.load(Relaxed)),
            ("ward_rules_refused", "gauge", "Rules refused", self.refused.load(Relaxed)),
            ("ward_rules_generation", "counter", "Reloads of rules", self.generation.load(Relaxed)),
            (
                "ward_lake_failures_total",
                "counter",
                "Failed attempts to write files",
                self.lake_failures.load(Relaxed),
            ),
            (
                "ward_lake_stray_files",
                "gauge",
                "Finished files that nobody knows, left where they are",
                self.stray_files.load(Relaxed),
            ),
            ("ward_lake_stray_bytes", "gauge", "Bytes of them", self.stray_bytes.load(Relaxed)),
            (
                "ward_store_failing",
                "gauge",
                "The store cannot be written",
                u64::from(self.store_failing.load(Relaxed)),
            ),
            (
                "ward_journal_damaged_bytes_total",
                "counter",
                "Bytes passed over",
                self.damaged_bytes.load(Relaxed),
            ),
            ("ward_journal_queued_bytes", "gauge", "Bytes waiting to be written", usage.queued_bytes),
            ("ward_journal_queued_batches", "gauge", "Batches waiting to be written", usage.queued_batches),
            ("ward_journal_segments", "gauge", "Segments on disk", usage.segments),
            ("ward_journal_disk_bytes", "gauge", "Bytes of them", usage.disk_bytes),
            ("ward_journal_batches_total", "counter", "Batches made durable", usage.batches),
            ("ward_journal_frames_total", "counter", "Group commits", usage.frames),
            ("ward_journal_plain_bytes_total", "counter", "Bytes of batches", usage.plain_bytes),
            ("ward_journal_stored_bytes_total", "counter", "Bytes written for them", usage.stored_bytes),
            ("ward_journal_known_again_total", "counter", "Batches sent again", usage.known_again),
            ("ward_journal_refused_total", "counter", "Batches refused", usage.refused),
            ("ward_journal_refusing", "gauge", "The journal refuses", u64::from(usage.refusing.is_some())),
        ];
        for (name, kind, help, value) in gauges {
            let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}\n{name} {value}");
        }
        let _ =
            writeln!(text, "# HELP ward_findings_total New findings.\n# TYPE ward_findings_total counter");
        for level in Severity::ALL {
            let count = self.findings[level as usize].load(Relaxed);
            let _ = writeln!(text, "ward_findings_total{{level=\"{level}\"}} {count}");
        }
        let (skipped, forgotten) = ("ward_correlation_skipped_total", "ward_correlation_forgotten_total");
        let help = "Sightings that did not count for a correlation";
        labelled(&mut text, skipped, help, "why", SKIPPED.iter().zip(&self.skipped));
        let help = "What correlations forgot before its time";
        labelled(&mut text, forgotten, help, "what", FORGOTTEN.iter().zip(&self.forgotten));
        self.histograms(&usage, &mut text);
        intake_figures(intake, &mut text);
        text
    }

    fn histograms(&self, usage: &Usage, text: &mut String) {
        let delays: Vec<u64> = self.delays.iter().map(|count| count.load(Relaxed)).collect();
        let sum = self.delay_sum.load(Relaxed);
        let name = "ward_finding_delay_seconds";
        histogram(text, name, "Time from receipt to the store", &DELAYS, &delays, sum);
        for (name, help, figures) in [
            ("ward_journal_sync_seconds", "Time of a write and sync", &usage.sync),
            (
                "ward_acknowledge_seconds",
                "Time from a batch's arrival until it was durable",
                &usage.acknowledge,
            ),
        ] {
            histogram(text, name, help, &Histogram::BOUNDS, &figures.counts, figures.sum);
        }
    }
}

/// Writes a counter that has a label.
fn labelled<'a>(
    text: &mut String,
    name: &str,
    help: &str,
    label: &str,
    values: impl Iterator<Item = (&'a &'static str, &'a AtomicU64)>,
) {
    let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} counter");
    for (value, count) in values {
        let _ = writeln!(text, "{name}{{{label}=\"{value}\"}} {}", count.load(Relaxed));
    }
}

/// Writes a histogram; bounds and sum are in microseconds.
fn histogram(text: &mut String, name: &str, help: &str, bounds: &[u64], counts: &[u64], sum: u64) {
    let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} histogram");
    let mut below = 0;
    for (at, count) in counts.iter().enumerate() {
        below += count;
        let bound = bounds.get(at).map_or("+Inf".to_owned(), |bound| (*bound as f64 / 1e6).to_string());
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}");
    }
    let _ = writeln!(text, "{name}_sum {}\n{name}_count {below}", sum as f64 / 1e6);
}

fn intake_figures(intake: &Counters, text: &mut String) {
    let listeners = intake.listeners();
    type Counting = fn(&ListenerFigures) -> u64;
    let counts: [(&str, &str, Counting); 6] = [
        ("ward_intake_connections_total", "counter", |listener| listener.connections.get()),
        ("ward_intake_open_connections", "gauge", |listener| listener.open.get()),
        ("ward_intake_requests_total", "counter", |listener| listener.requests.get()),
        ("ward_intake_batches_total", "counter", |listener| listener.batches.get()),
        ("ward_intake_events_total", "counter", |listener| listener.events.get()),
        ("ward_intake_bytes_total", "counter", |listener| listener.bytes.get()),
    ];
    for (name, kind, count) in counts {
        let _ = writeln!(text, "# TYPE {name} {kind}");
        for listener in &listeners {
            let ListenerFigures { name: listener_name, protocol, .. } = &**listener;
            let value = count(listener);
            let _ = writeln!(text, "{name}{{listener=\"{listener_name}\",protocol=\"{protocol}\"}} {value}");
        }
    }
    for (name, count) in [
        ("ward_intake_refused_total", ListenerFigures::refused as fn(&ListenerFigures, Reason) -> u64),
        ("ward_intake_set_aside_total", ListenerFigures::set_aside),
    ] {
        let _ = writeln!(text, "# TYPE {name} counter");
        for listener in &listeners {
            for reason in Reason::ALL.into_iter().filter(|reason| count(listener, *reason) > 0) {
                let value = count(listener, reason);
                let _ = writeln!(
                    text,
                    "{name}{{listener=\"{}\",reason=\"{}\"}} {value}",
                    listener.name,
                    reason.name()
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ward_journal::faulty::FaultyDisk;

    use super::*;

    #[test]
    fn what_was_lost_or_left_is_told() {
        let (journal, _) =
            Journal::open(Arc::new(FaultyDisk::new()), ward_journal::Options::default()).unwrap();
        let figures = Figures::default();
        figures.skipped[2].store(5, Relaxed);
        figures.forgotten[0].store(6, Relaxed);
        figures.stray_files.store(7, Relaxed);
        let text = figures.text(&journal, &Counters::default());
        for line in [
            "# TYPE ward_correlation_skipped_total counter",
            "ward_correlation_skipped_total{why=\"late\"} 5",
            "ward_correlation_skipped_total{why=\"ungrouped\"} 0",
            "ward_correlation_forgotten_total{what=\"key\"} 6",
            "ward_lake_stray_files 7",
            "ward_lake_stray_bytes 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }

    #[test]
    fn until_when_all_was_heard_only_rises() {
        let figures = Figures::default();
        assert_eq!(figures.heard_until(), None);
        for micros in [7, 5] {
            figures.heard(Timestamp::from_micros(micros));
        }
        assert_eq!(figures.heard_until(), Some(Timestamp::from_micros(7)));
    }
}
