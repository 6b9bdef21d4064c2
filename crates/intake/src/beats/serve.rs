//! One connection of a Beat.

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use ward_telemetry::input::Format;

use super::frames::{Followed, Frame, NoFrame, Sizes, frame, unpack};
use crate::accept::Connection;
use crate::counters::Reason;
use crate::door::{Door, NotTaken, Shown};
use crate::sources::Sender;
use crate::wire::{Over, Wire};

/// Serves one connection until its end.
pub(crate) async fn serve(door: Arc<Door>, connection: Connection, stop: CancellationToken) {
    let shown = Shown { certificate: connection.certificate, ..Shown::default() };
    let Ok(sender) = door.sender(&shown) else { return };
    let limits = &door.limits;
    let sizes =
        Sizes { event: limits.body_bytes, packed: limits.body_bytes, unpacked: limits.unpacked_bytes };
    let mut beat = Beat {
        wire: Wire::new(connection, Arc::clone(&door), &sender, stop),
        followed: Followed::default(),
        window: Window::default(),
        acknowledged: 0,
        sizes,
        sender,
        door: Arc::clone(&door),
    };
    beat.serve().await;
}

struct Beat {
    wire: Wire,
    /// Of the frame at hand.
    followed: Followed,
    window: Window,
    /// The last number that the client was told.
    acknowledged: u32,
    sizes: Sizes,
    sender: Arc<Sender>,
    door: Arc<Door>,
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

impl Beat {
    async fn serve(&mut self) {
        while self.step().await.is_ok() {}
        self.wire.close().await;
    }

    /// Takes one frame, or reads on.
    async fn step(&mut self) -> Result<(), Over> {
        let read = frame(&self.wire.held, self.sizes, &mut self.window.records, &mut self.followed);
        match read {
            Ok((Frame::Packed { start, end }, next)) => {
                let packed = self.wire.held.split_to(next).freeze().slice(start..end);
                let sizes = self.sizes;
                let bytes = packed.clone();
                let unpacked = self.door.memory.unpack(packed.len(), move || unpack(&bytes, sizes)).await;
                match unpacked.ok_or(Over)? {
                    Ok(frames) => {
                        self.wire.spoke();
                        self.wire.hold(frames.len() + self.window.records.len()).await?;
                        self.inside(&frames).await
                    }
                    Err(wrong) => self.wrong(wrong, &packed).await,
                }
            }
            Ok((frame, next)) => {
                self.wire.spoke();
                self.wire.held.advance(next);
                self.take(frame).await
            }
            Err(NoFrame::More) => {
                // What was not acknowledged is sent again, wherever the window stands.
                let between = self.wire.held.is_empty() && self.window.events == 0;
                self.wire.hold(self.window.records.len()).await?;
                self.wire.more(between).await
            }
            Err(wrong) => {
                let bytes = self.wire.held.split().freeze();
                self.wrong(wrong, &bytes).await
            }
        }
    }

    /// Takes the frames of a packed one.
    async fn inside(&mut self, frames: &[u8]) -> Result<(), Over> {
        let mut at = 0;
        while let Some(rest) = frames.get(at..).filter(|rest| !rest.is_empty()) {
            match frame(rest, self.sizes, &mut self.window.records, &mut Followed::default()) {
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
        self.acknowledged = number;
        self.wire.write(&[b'2', b'A', a, b, c, d]).await
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

/// Windows up to here are one batch even where batches are small.
const FEW: usize = 64 << 10;
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
