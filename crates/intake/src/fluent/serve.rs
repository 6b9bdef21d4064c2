//! One connection of a client of Forward.

use std::sync::Arc;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use ward_telemetry::input::Format;

use super::message::{Message, in_parts, message};
use super::messagepack::{Ends, NoValue};
use crate::accept::Connection;
use crate::counters::Reason;
use crate::digest;
use crate::door::{Door, Shown};
use crate::pipe::{Pipe, Records, hand_over_within};
use crate::sources::Sender;
use crate::wire::{Over, Wire};

/// Serves one connection until its end.
pub(crate) async fn serve(door: Arc<Door>, connection: Connection, stop: CancellationToken) {
    let shown = Shown { certificate: connection.certificate, ..Shown::default() };
    let Ok(sender) = door.sender(&shown) else { return };
    let mut client = Client {
        wire: Wire::new(connection, Arc::clone(&door), &sender, stop),
        ends: Ends::new(door.limits.body_bytes),
        unnamed: Pipe::new(Arc::clone(&door), Arc::clone(&sender), Records::default()),
        sender,
        door,
    };
    while client.step().await.is_ok() {}
    client.unnamed.finish().await;
    client.wire.close().await;
}

struct Client {
    wire: Wire,
    ends: Ends,
    /// Records of messages that are not to be acknowledged.
    unnamed: Pipe<Records>,
    sender: Arc<Sender>,
    door: Arc<Door>,
}

impl Client {
    /// Takes one message, or reads on.
    async fn step(&mut self) -> Result<(), Over> {
        match self.ends.next(&self.wire.held) {
            Ok(end) => {
                let bytes = self.wire.held.split_to(end).freeze();
                self.take(bytes).await
            }
            Err(NoValue::More) => self.read().await,
            Err(why) => {
                // where the next message begins is not known
                let bytes = self.wire.held.split().freeze();
                let _ = self.wrong(why, &bytes).await;
                Err(Over)
            }
        }
    }

    async fn take(&mut self, bytes: Bytes) -> Result<(), Over> {
        self.door.figures.requests.add(1);
        let most = self.door.limits.unpacked_bytes;
        let packed = bytes.clone();
        let read = self.door.memory.unpack(bytes.len(), move || message(&packed, most)).await;
        let read = read.ok_or(Over)?;
        if read.is_ok() {
            self.wire.spoke();
        }
        match read {
            Ok(None) => Ok(()),
            Ok(Some(Message { chunk: None, records: Ok((lines, events)) })) => self.add(&lines, events).await,
            Ok(Some(Message { chunk: Some(chunk), records: Ok((lines, events)) })) => {
                self.wire.hold(bytes.len() + lines.len()).await?;
                self.keep(&chunk, lines, events).await?;
                self.acknowledge(&chunk).await
            }
            Ok(Some(Message { chunk, records: Err(NoValue::TooLarge) })) => {
                self.parts(chunk.as_deref(), &bytes).await?;
                match chunk {
                    Some(chunk) => self.acknowledge(&chunk).await,
                    None => Ok(()),
                }
            }
            Ok(Some(Message { chunk, records: Err(why) })) => {
                self.wrong(why, &bytes).await?;
                match chunk {
                    // sent again it would be no better, and all of it is kept
                    Some(chunk) => self.acknowledge(&chunk).await,
                    None => Ok(()),
                }
            }
            Err(why) => self.wrong(why, &bytes).await,
        }
    }

    /// Takes a message whose records are more than one batch takes: as several, or as it is if it holds what
    /// are none.
    async fn parts(&mut self, chunk: Option<&str>, bytes: &Bytes) -> Result<(), Over> {
        let limits = &self.door.limits;
        let (most, part) = (limits.unpacked_bytes, PART.min(limits.unpacked_bytes));
        let packed = bytes.clone();
        let look = move || in_parts(&packed, most, part, &mut |_, _| true);
        // It is known to become much, however few bytes it came in.
        if self.door.memory.unpack(most, look).await.ok_or(Over)?.is_err() {
            return self.aside(bytes).await;
        }
        // the part that is being made, the one that waits and the one that is handed over
        self.wire.hold(bytes.len() + most + 3 * part).await?;
        let (give, mut parts) = tokio::sync::mpsc::channel(1);
        let bytes = bytes.clone();
        tokio::task::spawn_blocking(move || {
            in_parts(&bytes, most, part, &mut |lines, events| give.blocking_send((lines, events)).is_ok())
        });
        let mut number = 0;
        while let Some((lines, events)) = parts.recv().await {
            match chunk {
                Some(chunk) => self.keep(&format!("{chunk}\0{number}"), lines, events).await?,
                None => self.add(&lines, events).await?,
            }
            number += 1;
        }
        Ok(())
    }

    /// Adds records that nobody waits for.
    async fn add(&mut self, lines: &[u8], events: u64) -> Result<(), Over> {
        self.unnamed.filling.payload.extend_from_slice(lines);
        self.unnamed.filling.events += events;
        self.unnamed.touched();
        if !self.unnamed.hold(0).await {
            return Err(Over);
        }
        if self.unnamed.full() && !self.unnamed.send().await { Err(Over) } else { Ok(()) }
    }

    /// Hands over a message that has a name, after what came before it.
    async fn keep(&mut self, chunk: &str, lines: Vec<u8>, events: u64) -> Result<(), Over> {
        if !self.unnamed.finish().await {
            return Err(Over);
        }
        if events == 0 {
            return Ok(());
        }
        // by its content too: there are clients that count their chunks from one whenever they start
        let name: [&[u8]; 4] = [self.sender.id().as_str().as_bytes(), b"\0fluent\0", chunk.as_bytes(), b"\0"];
        let key = digest(&[&name.concat()[..], &digest(&lines)].concat());
        let format = Format::JsonLines.as_str();
        // the client sends it again sooner or later, whether or not it is still being tried
        let patience = self.door.limits.read();
        let kept =
            hand_over_within(&self.door, &self.sender, format, lines, events, Some(key), patience).await;
        if kept { Ok(()) } else { Err(Over) }
    }

    async fn acknowledge(&mut self, chunk: &str) -> Result<(), Over> {
        self.wire.write(&acknowledgement(chunk).ok_or(Over)?).await
    }

    async fn read(&mut self) -> Result<(), Over> {
        let between = self.wire.held.is_empty();
        self.wire.hold(0).await?;
        tokio::select! {
            read = self.wire.more(between) => read,
            () = self.unnamed.ready() => if self.unnamed.send().await { Ok(()) } else { Err(Over) },
        }
    }

    /// Keeps what could not be read, unless it is too large.
    async fn wrong(&mut self, why: NoValue, bytes: &[u8]) -> Result<(), Over> {
        if why == NoValue::TooLarge {
            self.door.figures.refuse(Reason::TooLarge, 1);
            return Err(Over);
        }
        self.aside(bytes).await
    }

    async fn aside(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.door.set_aside(&self.sender, Reason::Fluent, bytes.to_vec()).await.map_err(|_| Over)
    }
}

/// `{"ack": chunk}`.
fn acknowledgement(chunk: &str) -> Option<Vec<u8>> {
    let mut answer = Vec::with_capacity(chunk.len() + 8);
    rmp::encode::write_map_len(&mut answer, 1).ok()?;
    rmp::encode::write_str(&mut answer, "ack").ok()?;
    rmp::encode::write_str(&mut answer, chunk).ok()?;
    Some(answer)
}

/// Bytes of records handed over at a time, of a message that is more than one batch.
const PART: usize = 4 << 20;
