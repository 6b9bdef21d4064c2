//! From a search to the body of an answer, as fast as whoever asked reads.
//!
//! Rows that are there go out together; when none is, those before go out at once, so that the first results
//! are seen while the search goes on.
//!
//! Invariant: when whoever asked goes away, or reads too slowly, the search ends and its turn is given back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::FutureExt as _;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::Instant;
use ward_lake::{FoundRow, LakeError};

use super::{Format, Scanning};
use crate::refusal::Refusal;

/// Bytes that go out together.
const CHUNK: usize = 64 << 10;

/// How much longer than the search itself an answer may take to be read.
const READING: Duration = Duration::from_secs(30);

/// The body of the answer to a search, whose first row has been found already, or none.
pub(crate) fn start(
    scanning: Scanning,
    first: Option<FoundRow>,
    format: Format,
    patience: Duration,
    number: Arc<str>,
) -> Body {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(pump(
        scanning,
        first,
        format,
        Out { sender, deadline: Instant::now() + patience + READING },
        number,
    ));
    Body::from_stream(futures::stream::unfold(receiver, |mut receiver| async {
        let chunk: Option<Result<Bytes, io::Error>> = receiver.recv().await;
        chunk.map(|chunk| (chunk, receiver))
    }))
}

async fn pump(mut scanning: Scanning, first: Option<FoundRow>, format: Format, out: Out, number: Arc<str>) {
    let mut bytes = Vec::with_capacity(CHUNK);
    format.begin(&mut bytes);
    let (mut next, mut written) = (first.map(Ok), 0);
    let ended = loop {
        match next {
            Some(Ok(row)) => {
                format.row(&row, written, &mut bytes);
                written += 1;
            }
            Some(Err(error)) => break Some(error),
            None => break None,
        }
        let there = scanning.search.next().now_or_never();
        if (there.is_none() || bytes.len() >= CHUNK) && !out.send(std::mem::take(&mut bytes)).await {
            return;
        }
        next = match there {
            Some(there) => there,
            None => tokio::select! {
                found = scanning.search.next() => found,
                () = out.sender.closed() => return,
            },
        };
    };
    finish(&scanning, ended, format, bytes, &out, &number).await;
}

async fn finish(
    scanning: &Scanning,
    ended: Option<LakeError>,
    format: Format,
    mut bytes: Vec<u8>,
    out: &Out,
    number: &str,
) {
    let error = ended.map(|error| Refusal::from(error).body(number));
    let told = format.end(&scanning.search.scanned(), error, &mut bytes);
    if out.send(bytes).await && !told {
        let broken = io::Error::other("the search ended early");
        let _ = out.sender.send_timeout(Err(broken), READING).await;
    }
}

/// Where the bytes go, and until when.
struct Out {
    sender: Sender<Result<Bytes, io::Error>>,
    deadline: Instant,
}

impl Out {
    /// Hands bytes over. `false`: nobody wants them any more.
    async fn send(&self, bytes: Vec<u8>) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.sender.send_timeout(Ok(bytes.into()), left).await.is_ok()
    }
}
