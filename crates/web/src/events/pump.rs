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
use ward_lake::{FoundRow, LakeError, SqlAnswer};

use super::Scanning;
use super::format::Writer;
use crate::refusal::Refusal;
use crate::turns::Turn;

/// Bytes that go out together.
const CHUNK: usize = 64 << 10;

/// How much longer than the search itself an answer may take to be read.
const READING: Duration = Duration::from_secs(30);

/// How long whoever asked may read nothing at all.
const STALLED: Duration = Duration::from_secs(10);

/// The body of the answer to a search, whose first row has been found already, or none.
pub(crate) fn found(
    scanning: Scanning,
    first: Option<FoundRow>,
    writer: Writer,
    patience: Duration,
    number: Arc<str>,
) -> Body {
    let (out, body) = Out::new(patience + READING);
    tokio::spawn(pump(scanning, first, writer, out, number));
    body
}

/// The body of the answer to a statement of SQL, whose first piece is there already, or none.
pub(crate) fn pieces(answer: SqlAnswer, first: Option<Vec<u8>>, turn: Turn, patience: Duration) -> Body {
    let (out, body) = Out::new(patience + READING);
    tokio::spawn(hand_over(answer, first, turn, out));
    body
}

async fn pump(
    mut scanning: Scanning,
    first: Option<FoundRow>,
    mut writer: Writer,
    out: Out,
    number: Arc<str>,
) {
    let mut bytes = Vec::with_capacity(CHUNK);
    writer.begin(&mut bytes);
    let mut next = first.map(Ok);
    let ended = loop {
        match next {
            Some(Ok(row)) => {
                if let Err(error) = writer.row(&row, &mut bytes) {
                    break Some(error);
                }
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
    let error = ended.map(|error| Refusal::from(error).body(&number));
    let told = writer.end(&scanning.search.scanned(), error, &mut bytes);
    if out.send(bytes).await && !told {
        out.break_off().await;
    }
}

async fn hand_over(mut answer: SqlAnswer, first: Option<Vec<u8>>, turn: Turn, out: Out) {
    let mut next: Option<Result<Vec<u8>, LakeError>> = first.map(Ok);
    while let Some(piece) = next {
        match piece {
            Ok(piece) => {
                if !out.send(piece).await {
                    return;
                }
            }
            Err(_) => return out.break_off().await,
        }
        next = tokio::select! {
            piece = answer.next() => piece,
            () = out.sender.closed() => return,
        };
    }
    drop(turn);
}

/// Where the bytes go, and until when.
struct Out {
    sender: Sender<Result<Bytes, io::Error>>,
    deadline: Instant,
}

impl Out {
    fn new(patience: Duration) -> (Self, Body) {
        let (sender, receiver) = mpsc::channel(4);
        let body = Body::from_stream(futures::stream::unfold(receiver, |mut receiver| async {
            let chunk: Option<Result<Bytes, io::Error>> = receiver.recv().await;
            chunk.map(|chunk| (chunk, receiver))
        }));
        (Self { sender, deadline: Instant::now() + patience }, body)
    }

    /// Hands bytes over. `false`: nobody wants them any more.
    async fn send(&self, bytes: Vec<u8>) -> bool {
        if bytes.is_empty() {
            return !self.sender.is_closed();
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.sender.send_timeout(Ok(bytes.into()), left.min(STALLED)).await.is_ok()
    }

    /// Breaks the connection off, where there is no other way to say that not everything came.
    async fn break_off(self) {
        let broken = io::Error::other("the answer ended early");
        // Whoever is gone by now does not mind.
        let _ = self.sender.send_timeout(Err(broken), STALLED).await;
    }
}
