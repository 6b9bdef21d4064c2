//! `ward ingest`: what `ward detect` reads, into a hub.
//!
//! One thread reads the inputs and cuts them into requests, another sends them, in order and one after
//! another, since correlations look at events in the order of their time.
//!
//! Invariant: what is told as acknowledged is durable at the hub.
//! Invariant: the same inputs make the same requests with the same keys, so that a second run after a break
//! doubles nothing that the hub, or the file of `--resume`, still knows.

mod noted;
mod progress;
mod request;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use clap::Args;
use ward_telemetry::input::Format;

use super::client::{Answer, Client, HubArgs};
use super::tell;
use crate::Ending;
use crate::detect::inputs::Inputs;
use crate::error::Error;
use crate::terminal::{bytes, counted, grouped};
use noted::Noted;
use progress::Progress;
use request::{Piece, Request};

/// Send files, folders and standard input to a hub.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct IngestArgs {
    /// Files and folders to send; - is standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    hub: HubArgs,
    /// Read inputs as this format instead of recognising it, such as evtx, ndjson, syslog, lines
    #[arg(long, short, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// Note what was acknowledged in this file, and leave out what it names: go on later where a run broke off
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// No progress bar
    #[arg(long)]
    no_progress: bool,
}

const AFTER_HELP: &str = "\
Examples:
  WARD_TOKEN=$(cat evidence.token) ward ingest evidence/
  ward ingest --token-file pacs.token --hub https://hub.example:8443 --ca-file ca.pem Security.evtx
  zcat messages.gz | ward ingest --token-file syslog.token --format syslog -
  ward ingest --resume archive.noted archive/       # the same command again goes on after a break

Reads what `ward detect` reads, also in gzip and zstd, and sends it in requests of at most 4 MiB that are each
complete: headers of tables are repeated, event logs are cut between chunks, JSON documents become lines.
Each request has a key made from path, place and content. The hub answers a key that it has seen in the last
15 minutes without taking the events again; --resume remembers for longer.
While the hub is busy (429, 503) or away, requests are tried again for --patience seconds.

Exit codes:
  0  everything was acknowledged
  2  something could not be read or was not taken; what could be was sent all the same";

/// Requests that wait to be sent.
const AHEAD: usize = 3;

/// What became of everything.
#[derive(Debug, Default)]
struct Total {
    events: u64,
    requests: u64,
    bytes: u64,
    before: u64,
    trouble: u64,
}

/// Carries out the command.
///
/// # Errors
/// It cannot be begun.
pub fn run(args: &IngestArgs) -> Result<Ending, Error> {
    let client = Client::new(&args.hub)?;
    let inputs = Inputs::find(&args.inputs);
    let mut noted = args.resume.as_deref().map(Noted::open).transpose()?;
    let progress = Progress::new(!args.no_progress, inputs.total());
    let started = Instant::now();
    let mut total = Total::default();
    for (path, reason) in &inputs.unreadable {
        total.trouble += 1;
        tell(&format!("{path} could not be read: {reason}"))?;
    }
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // A closed channel says that nothing more is wanted.
            request::read(&inputs.list, args.format, &mut |piece| sender.send(piece).is_ok());
            drop(sender);
        });
        send(&client, receiver, noted.as_mut(), &progress, &mut total)
    })?;
    progress.end();
    tell(&total.text(started.elapsed()))?;
    Ok(if total.trouble > 0 { Ending::Trouble } else { Ending::Nothing })
}

fn send(
    client: &Client,
    pieces: Receiver<Piece>,
    mut noted: Option<&mut Noted>,
    progress: &Progress,
    total: &mut Total,
) -> Result<(), Error> {
    for piece in pieces {
        let request = match piece {
            Piece::Request(request) => request,
            Piece::Trouble(text) => {
                total.trouble += 1;
                progress.aside(|| tell(&text))?;
                continue;
            }
        };
        if noted.as_ref().is_some_and(|noted| noted.holds(&request.key)) {
            total.before += 1;
            progress.show(request.read, total.events);
            continue;
        }
        let mut wait = |pause: Duration, why: &str| progress.wait(pause, why);
        match client.send(Some(request.format.as_str()), &request.key, &request.bytes, &mut wait) {
            Answer::Taken => {
                if let Some(noted) = noted.as_deref_mut() {
                    noted.note(&request.key)?;
                }
                total.take(&request);
                progress.show(request.read, total.events);
            }
            Answer::Refused(reason) => {
                total.trouble += 1;
                let at = format!("{} from byte {}", request.shown, request.offset);
                progress.aside(|| tell(&format!("{at} was not taken: {reason}")))?;
            }
            Answer::Stop(reason) => {
                total.trouble += 1;
                let at = format!("{} from byte {}", request.shown, request.offset);
                return progress.aside(|| tell(&format!("Stopped at {at}: {reason}")));
            }
        }
    }
    Ok(())
}

impl Total {
    fn take(&mut self, request: &Request) {
        self.events += request.events;
        self.requests += 1;
        self.bytes += request.bytes.len() as u64;
    }

    fn text(&self, took: Duration) -> String {
        let seconds = took.as_secs_f64().max(0.001);
        let mut text = format!(
            "{} in {}, {}, acknowledged in {seconds:.1} s ({} a second).",
            counted(self.events, "event", "events"),
            counted(self.requests, "batch", "batches"),
            bytes(self.bytes),
            grouped((self.events as f64 / seconds) as u64),
        );
        if self.before > 0 {
            text.push_str(&format!(
                " {} acknowledged before.",
                counted(self.before, "batch was", "batches were")
            ));
        }
        if self.trouble > 0 {
            text.push_str(&format!(" {} told above.", counted(self.trouble, "trouble is", "troubles are")));
        }
        text
    }
}

fn format(text: &str) -> Result<Format, String> {
    text.parse().map_err(|error: ward_telemetry::Error| error.to_string())
}
