//! One device that sends syslog over one TCP connection, as fast as it is read.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::hub::Hub;
use super::telemetry::Chance;

const MESSAGES: u64 = 2_000_000;

/// How fast messages get into the journal.
///
/// # Errors
/// The hub does not take them.
pub fn measure(hub: &Hub) -> Result<Value, String> {
    let mut chance = Chance(5424);
    let mut portion = Vec::new();
    for number in 0..1000 {
        let message = format!(
            "<86>1 2026-11-26T10:15:{:02}.{:03}Z gw{:02}.nhs.example sshd {} - - Accepted publickey for user{} from \
             10.1.{}.{} port {} ssh2: ED25519 SHA256:{:016x}{:016x}",
            number % 60,
            chance.below(1000),
            chance.below(40),
            chance.below(30_000),
            chance.below(2_000),
            chance.below(250),
            chance.below(250),
            chance.below(60_000),
            chance.next(),
            chance.next(),
        );
        portion.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
    }
    let name = "ward_intake_events_total{listener=\"syslog\",protocol=\"syslog_tcp\"}";
    let taken = || hub.metrics().map(|metrics| metrics.get(name) as u64);
    let before = (taken()?, hub.processor_seconds());
    let start = Instant::now();
    let mut stream = TcpStream::connect(&hub.syslog).map_err(|e| format!("could not reach the hub: {e}"))?;
    for _ in 0..MESSAGES / 1000 {
        stream.write_all(&portion).map_err(|e| format!("could not send: {e}"))?;
    }
    while taken()? < before.0 + MESSAGES {
        if start.elapsed() > Duration::from_secs(60) {
            return Err(format!("only {} of {MESSAGES} messages were taken", taken()? - before.0));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let wall = start.elapsed().as_secs_f64();
    Ok(json!({
        "messages": MESSAGES, "bytes_per_message": portion.len() as f64 / 1000.0, "wall_s": wall,
        "messages_per_s": MESSAGES as f64 / wall, "hub_cpu_s_with_watch": hub.processor_seconds() - before.1,
    }))
}
