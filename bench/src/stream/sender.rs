//! Sends bodies over HTTP as shippers do, some connections at a time, and takes the time of each answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::load::Body;

/// What became of sending.
#[derive(Debug, Default)]
pub struct Sent {
    /// Events that were acknowledged.
    pub events: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What rules find in them.
    pub findings: u64,
    /// Answers other than 200, after which the body was sent again.
    pub refused: u64,
    /// Milliseconds of each answer.
    pub answers: Vec<f32>,
    /// From the first body to the last answer.
    pub wall: Duration,
}

impl Sent {
    /// Adds what was sent after it.
    pub fn add(&mut self, later: Self) {
        self.events += later.events;
        self.bytes += later.bytes;
        self.findings += later.findings;
        self.refused += later.refused;
        self.answers.extend(later.answers);
        self.wall += later.wall;
    }

    /// Milliseconds within which this share of bodies were answered.
    pub fn quantile(&mut self, share: f64) -> f64 {
        self.answers.sort_by(f32::total_cmp);
        let last = self.answers.len().saturating_sub(1);
        self.answers.get((last as f64 * share) as usize).copied().map_or(0.0, f64::from)
    }
}

/// How to send.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Connections.
    pub connections: usize,
    /// For so long.
    pub time: Duration,
    /// Events a second; none: as fast as they are acknowledged.
    pub rate: Option<f64>,
}

/// Sends bodies again and again for a time.
///
/// # Errors
/// The hub cannot be reached.
pub fn send(address: &str, tokens: &[String], bodies: &[Body], pace: Pace) -> Result<Sent, String> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let start = Instant::now();
    let each = pace.rate.map(|rate| Duration::from_secs_f64(super::load::EVENTS as f64 / rate));
    let work = || -> Result<Sent, String> {
        let mut line = Line::open(address)?;
        let mut sent = Sent::default();
        while start.elapsed() < pace.time && !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let body = &bodies[number % bodies.len()];
            // The time counts from when it was due: who is late is not let off.
            let mut due = Instant::now();
            if let Some(each) = each {
                due = start + each.mul_f64(number as f64);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            while !line.post(&tokens[body.organisation], &body.bytes)? {
                sent.refused += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            sent.answers.push(due.elapsed().as_secs_f32() * 1000.0);
            sent.events += body.events;
            sent.bytes += body.bytes.len() as u64;
            sent.findings += body.findings;
        }
        Ok(sent)
    };
    let work = || work().inspect_err(|_| failed.store(true, Ordering::Relaxed));
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..pace.connections).map(|_| scope.spawn(work)).collect();
        let mut all = Sent::default();
        for sender in senders {
            let sent = sender.join().unwrap_or_else(|_| Err("a sender failed".to_owned()))?;
            all.add(sent);
        }
        all.wall = start.elapsed();
        Ok(all)
    })
}

/// Sends one body, which must be acknowledged.
///
/// # Errors
/// The hub cannot be reached, or does not take it.
pub fn send_one(address: &str, token: &str, body: &[u8]) -> Result<(), String> {
    if Line::open(address)?.post(token, body)? {
        Ok(())
    } else {
        Err("the hub did not take an event".to_owned())
    }
}

/// A connection that is kept open.
struct Line {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Line {
    fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).map_err(|e| format!("could not reach the hub: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(Self { stream, answer: Vec::new() })
    }

    /// Posts a body; says whether it was acknowledged.
    fn post(&mut self, token: &str, body: &[u8]) -> Result<bool, String> {
        let head = format!(
            "POST /ingest/v1/events?format=ndjson HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.exchange(head.as_bytes(), body).map_err(|e| format!("could not send: {e}"))
    }

    fn exchange(&mut self, head: &[u8], body: &[u8]) -> std::io::Result<bool> {
        self.stream.write_all(head)?;
        self.stream.write_all(body)?;
        self.answer.clear();
        let mut portion = [0; 4096];
        loop {
            let read = self.stream.read(&mut portion)?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.answer.extend_from_slice(&portion[..read]);
            if is_whole(&self.answer) {
                return Ok(self.answer.starts_with(b"HTTP/1.1 200"));
            }
        }
    }
}

/// Whether an answer is there with its body.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
    });
    length.is_some_and(|length| body.len() >= length)
}
