//! One connection of a Beat.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use ward_telemetry::input::Format;

use super::frames::{Frame, NoFrame, Sizes, frame, unpack};
use crate::accept::{Connection, Stream};
use crate::counters::Reason;
use crate::door::{Door, NotTaken, Shown};
use crate::sources::Sender;

/// Serves one connection until its end.
pub(crate) async fn serve(door: Arc<Door>, connection: Connection, stop: CancellationToken) {
    let shown = Shown { certificate: connection.certificate, ..Shown::default() };
    let Ok(sender) = door.sender(&shown) else { return };
    let limits = &door.limits;
    let sizes =
        Sizes { event: limits.body_bytes, packed: limits.body_bytes, unpacked: limits.unpacked_bytes };
    let mut beat = Beat {
        stream: connection.stream,
        buffer: BytesMut::with_capacity(READ),
        window: Window::default(),
        acknowledged: 0,
        sizes,
        sender,
        door: Arc::clone(&door),
        stop,
    };
    beat.serve().await;
}

struct Beat {
    stream: Stream,
    buffer: BytesMut,
    window: Window,
    /// The last number that the client was told.
    acknowledged: u32,
    sizes: Sizes,
    sender: Arc<Sender>,
    door: Arc<Door>,
    stop: CancellationToken,
}

/// Events that are not handed over yet.
#[derive(Debug, Default)]
struct Window {
    /// How many are still to come.
    expected: u64,
    records: Vec<u8>,
    events: u64,
    /// The number of the last one.
    last: u32,
}

/// The connection is over.
struct Over;

impl Beat {
    async fn serve(&mut self) {
        while self.step().await.is_ok() {}
        let _ = self.stream.shutdown().await;
    }

    /// Takes one frame, or reads on.
    async fn step(&mut self) -> Result<(), Over> {
        let read = frame(&self.buffer, self.sizes, &mut self.window.records);
        match read {
            Ok((Frame::Packed { start, end }, next)) => {
                let packed = self.buffer.split_to(next).freeze().slice(start..end);
                let sizes = self.sizes;
                let unpacked = if packed.len() < INLINE {
                    unpack(&packed, sizes)
                } else {
                    let packed = packed.clone();
                    tokio::task::spawn_blocking(move || unpack(&packed, sizes)).await.map_err(|_| Over)?
                };
                match unpacked {
                    Ok(frames) => self.inside(&frames).await,
                    Err(wrong) => self.wrong(wrong, &packed).await,
                }
            }
            Ok((frame, next)) => {
                self.buffer.advance(next);
                self.take(frame).await
            }
            Err(NoFrame::More) => self.read().await,
            Err(wrong) => {
                let bytes = self.buffer.split().freeze();
                self.wrong(wrong, &bytes).await
            }
        }
    }

    /// Takes the frames of a packed one.
    async fn inside(&mut self, frames: &[u8]) -> Result<(), Over> {
        let mut at = 0;
        while let Some(rest) = frames.get(at..).filter(|rest| !rest.is_empty()) {
            match frame(rest, self.sizes, &mut self.window.records) {
                // Packed in packed would unpack without end.
                Ok((Frame::Packed { .. }, _)) | Err(_) => return self.wrong(NoFrame::Broken, rest).await,
                Ok((frame, next)) => {
                    at += next;
                    self.take(frame).await?;
                }
            }
        }
        Ok(())
    }

    async fn take(&mut self, frame: Frame) -> Result<(), Over> {
        match frame {
            Frame::Window(events) => {
                self.hand_over().await?;
                self.door.figures.requests.add(1);
                self.window.expected = u64::from(events);
            }
            Frame::Event(number) => {
                self.window.last = number;
                self.window.events += 1;
                let full = self.window.records.len() >= self.door.limits.batch_bytes.max(FEW);
                if self.window.events >= self.window.expected || full {
                    self.hand_over().await?;
                }
            }
            Frame::Packed { .. } => {}
        }
        Ok(())
    }

    /// Hands over what is there, and acknowledges it.
    async fn hand_over(&mut self) -> Result<(), Over> {
        if self.window.events == 0 {
            return Ok(());
        }
        let (events, last) = (self.window.events, self.window.last);
        let payload = std::mem::take(&mut self.window.records);
        self.window.expected = self.window.expected.saturating_sub(events);
        self.window.events = 0;
        let (door, sender) = (Arc::clone(&self.door), Arc::clone(&self.sender));
        let delivery = async move {
            loop {
                match door.pace(&sender, events) {
                    Ok(()) => break,
                    Err(NotTaken::TooFast(wait)) => tokio::time::sleep(wait.min(LONGEST_WAIT)).await,
                    Err(NotTaken::Refused(_)) => return Err(Over),
                }
            }
            let format = Format::JsonLines.as_str();
            door.offer(&sender, format, payload, events, None).await.map_err(|_| Over)
        };
        let mut delivery = std::pin::pin!(delivery);
        let mut alive = interval(SIGN_OF_LIFE);
        alive.tick().await;
        loop {
            tokio::select! {
                delivered = delivery.as_mut() => {
                    delivered?;
                    return self.acknowledge(last).await;
                }
                _ = alive.tick() => self.acknowledge(self.acknowledged).await?,
            }
        }
    }

    async fn acknowledge(&mut self, number: u32) -> Result<(), Over> {
        let [a, b, c, d] = number.to_be_bytes();
        let written =
            timeout(self.door.limits.read(), self.stream.write_all(&[b'2', b'A', a, b, c, d])).await;
        self.acknowledged = number;
        match written {
            Ok(Ok(())) => self.stream.flush().await.map_err(|_| Over),
            _ => Err(Over),
        }
    }

    async fn read(&mut self) -> Result<(), Over> {
        let between = self.buffer.is_empty() && self.window.events == 0;
        let wait = if between { self.door.limits.idle() } else { self.door.limits.read() };
        self.buffer.reserve(READ);
        let read = tokio::select! {
            read = timeout(wait, self.stream.read_buf(&mut self.buffer)) => read,
            // What was not acknowledged is sent again, wherever the window stands.
            () = self.stop.cancelled() => return Err(Over),
        };
        match read {
            Ok(Ok(0) | Err(_)) => {
                if !between {
                    self.door.figures.refuse(Reason::BrokenOff, 1);
                }
                Err(Over)
            }
            Ok(Ok(_)) => Ok(()),
            Err(_) => {
                self.door.figures.refuse(Reason::Slow, 1);
                Err(Over)
            }
        }
    }

    async fn wrong(&mut self, wrong: NoFrame, bytes: &[u8]) -> Result<(), Over> {
        // What came before it was read well, and is not acknowledged only if it cannot be kept.
        self.hand_over().await?;
        if wrong == NoFrame::TooLarge {
            self.door.figures.refuse(Reason::TooLarge, 1);
        } else {
            let _ = self.door.set_aside(&self.sender, Reason::Beats, bytes.to_vec()).await;
        }
        Err(Over)
    }
}

const READ: usize = 64 << 10;
/// Packed frames up to here are unpacked where they are.
const INLINE: usize = 16 << 10;
/// Windows up to here are one batch even where batches are small.
const FEW: usize = 64 << 10;
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
