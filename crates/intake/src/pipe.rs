//! Streams without answers to batches: one batch is on its way while the next is being filled.
//!
//! A batch is handed over when it is full, or when its first message has waited long enough and no other is
//! on its way. While both are full nothing is read, so the sender's own queue fills: that is the
//! back-pressure.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use ward_telemetry::input::Format;

use crate::accept::Connection;
use crate::counters::Reason;
use crate::door::{Door, NotTaken};
use crate::gate::Pass;
use crate::inbox::Refusal;
use crate::memory::Held;
use crate::sources::Sender;

/// A batch being filled.
pub(crate) trait Filling: Send {
    /// Bytes so far.
    fn len(&self) -> usize;
    /// Whether it holds no event.
    fn is_empty(&self) -> bool;
    /// Format, payload and number of events; it is empty then.
    fn take(&mut self) -> (&'static str, Vec<u8>, u64);
}

/// Lines of JSON being filled.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) payload: Vec<u8>,
    pub(crate) events: u64,
}

impl Filling for Records {
    fn len(&self) -> usize {
        self.payload.len()
    }

    fn is_empty(&self) -> bool {
        self.events == 0
    }

    fn take(&mut self) -> (&'static str, Vec<u8>, u64) {
        (Format::JsonLines.as_str(), std::mem::take(&mut self.payload), std::mem::take(&mut self.events))
    }
}

/// Finds messages in a stream and puts them into a batch.
pub(crate) trait Cutter: Send {
    /// The batches it fills.
    type Filling: Filling;
    /// Takes what the bytes begin with. `ended`: no more will come.
    fn next(&mut self, bytes: &[u8], ended: bool, batch: &mut Self::Filling) -> Cut;
}

/// What a cutter did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Took something, or passed over nothing of interest.
    Taken { next: usize },
    /// Found what must be set aside.
    SetAside { start: usize, end: usize, next: usize, reason: Reason },
    /// Passed over what is not held.
    Lost { next: usize, reason: Reason },
    /// Needs more bytes.
    More,
}

/// The batch being filled, and the one on its way.
pub(crate) struct Pipe<F> {
    door: Arc<Door>,
    sender: Arc<Sender>,
    pub(crate) filling: F,
    /// When the batch being filled is due.
    due: Option<Instant>,
    on_its_way: Option<JoinHandle<bool>>,
    /// The memory of the batch being filled; it goes with it.
    held: Held,
    /// The inbox was open when it was last asked.
    open: bool,
}

impl<F: Filling> Pipe<F> {
    pub(crate) fn new(door: Arc<Door>, sender: Arc<Sender>, filling: F) -> Self {
        let held = door.memory.of(sender.id());
        Self { door, sender, filling, due: None, on_its_way: None, held, open: true }
    }

    /// Whose events they are.
    pub(crate) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Whether nothing more should be put in.
    pub(crate) fn full(&self) -> bool {
        self.filling.len() >= self.door.limits.batch_bytes
    }

    /// To be called after something was put in: sets the time by which it goes.
    pub(crate) fn touched(&mut self) {
        if self.due.is_none() && !self.filling.is_empty() {
            self.due = Some(Instant::now() + self.door.limits.linger());
        }
    }

    /// Returns when the batch is due and may go; never, if there is none.
    pub(crate) async fn ready(&mut self) {
        let Some(due) = self.due else { return std::future::pending().await };
        sleep_until(due).await;
        if let Some(task) = &mut self.on_its_way {
            self.open &= task.await.unwrap_or(false);
            self.on_its_way = None;
        }
    }

    /// Sends the batch on its way once the one before has arrived. `false`: the inbox is closed.
    pub(crate) async fn send(&mut self) -> bool {
        let open = self.arrived().await;
        self.due = None;
        if open && !self.filling.is_empty() {
            let (format, payload, events) = self.filling.take();
            let (door, sender) = (Arc::clone(&self.door), Arc::clone(&self.sender));
            let held = self.held.hand_over();
            self.on_its_way = Some(tokio::spawn(async move {
                let taken = hand_over(&door, &sender, format, payload, events, None).await;
                drop(held);
                taken
            }));
        }
        open
    }

    /// Waits for the batch on its way. `false`: the inbox is closed.
    async fn arrived(&mut self) -> bool {
        if let Some(task) = self.on_its_way.take() {
            self.open &= task.await.unwrap_or(false);
        }
        self.open
    }

    /// Holds the memory for the batch being filled, and for so many bytes that are in none yet. `false`: it
    /// is not there, even when both batches have gone.
    pub(crate) async fn hold(&mut self, bytes: usize) -> bool {
        let door = Arc::clone(&self.door);
        if self.held.fit(bytes + self.filling.len(), Duration::ZERO).await {
            return true;
        }
        if self.finish().await && self.held.fit(bytes, door.limits.read()).await {
            return true;
        }
        door.figures.refuse(Reason::Memory, 1);
        false
    }

    /// Sends what is left and waits for it.
    pub(crate) async fn finish(&mut self) -> bool {
        self.send().await && self.arrived().await
    }
}

/// Hands a batch over, however long it takes. `false`: the inbox is closed.
pub(crate) async fn hand_over(
    door: &Door,
    sender: &Sender,
    format: &str,
    payload: Vec<u8>,
    events: u64,
    key: Option<[u8; 32]>,
) -> bool {
    hand_over_within(door, sender, format, payload, events, key, Duration::MAX).await
}

/// Hands a batch over, and tries no more once that has taken so long: for clients that send again what was not
/// answered, and do so sooner or later whether or not it is still being tried. `false`: it is not kept.
pub(crate) async fn hand_over_within(
    door: &Door,
    sender: &Sender,
    format: &str,
    payload: Vec<u8>,
    events: u64,
    key: Option<[u8; 32]>,
    patience: Duration,
) -> bool {
    let begun = Instant::now();
    while let Err(NotTaken::TooFast(wait)) = door.pace(sender, events) {
        if begun.elapsed() >= patience {
            return false;
        }
        sleep(wait.min(LONGEST_WAIT)).await;
    }
    loop {
        // The inbox keeps what it is given, so a copy stays for the next try.
        match door.offer(sender, format, payload.clone(), events, key).await {
            Ok(_) => return true,
            Err(Refusal::Closed) => return false,
            Err(Refusal::TooLarge) => return door.set_aside(sender, Reason::TooLarge, payload).await.is_ok(),
            Err(_) if begun.elapsed() >= patience => return false,
            Err(refusal) => sleep(refusal.retry_after().min(LONGEST_WAIT)).await,
        }
    }
}

const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Reads a stream to its end into batches.
pub(crate) async fn drain<C: Cutter>(
    door: Arc<Door>,
    sender: Arc<Sender>,
    connection: Connection,
    mut cutter: C,
    filling: C::Filling,
    stop: CancellationToken,
) {
    let Connection { mut stream, pass, .. } = connection;
    let mut pipe = Pipe::new(Arc::clone(&door), sender, filling);
    let mut buffer = BytesMut::with_capacity(READ);
    let mut ended = false;
    loop {
        if !take_all(&door, &pass, &mut buffer, &mut cutter, &mut pipe, ended).await {
            return;
        }
        if ended {
            break;
        }
        if !pipe.hold(buffer.len()).await {
            ended = true;
            continue;
        }
        let wait = if buffer.is_empty() { door.limits.idle() } else { door.limits.read() };
        buffer.reserve(READ);
        tokio::select! {
            read = timeout(wait, stream.read_buf(&mut buffer)) => match read {
                Ok(Ok(0) | Err(_)) => ended = true,
                Ok(Ok(_)) => {}
                Err(_) => {
                    door.figures.refuse(Reason::Slow, 1);
                    ended = true;
                }
            },
            () = pipe.ready() => if !pipe.send().await { return },
            () = stop.cancelled() => ended = true,
        }
    }
    pipe.finish().await;
}

/// Takes all messages that are there. `false`: the inbox is closed.
async fn take_all<C: Cutter>(
    door: &Door,
    pass: &Pass,
    buffer: &mut BytesMut,
    cutter: &mut C,
    pipe: &mut Pipe<C::Filling>,
    ended: bool,
) -> bool {
    let sender = Arc::clone(&pipe.sender);
    let (mut at, mut spoke) = (0, false);
    loop {
        if pipe.full() && !pipe.send().await {
            return false;
        }
        let bytes = buffer.get(at..).unwrap_or_default();
        match cutter.next(bytes, ended, &mut pipe.filling) {
            Cut::Taken { next } => {
                if !spoke && !pipe.filling.is_empty() {
                    spoke = true;
                    pass.spoke();
                }
                at += next;
            }
            Cut::SetAside { start, end, next, reason } => {
                let whole = bytes.get(start..end).unwrap_or_default().to_vec();
                // If not even that is possible, it has been counted as refused.
                let _ = door.set_aside(&sender, reason, whole).await;
                at += next;
            }
            Cut::Lost { next, reason } => {
                door.figures.refuse(reason, 1);
                at += next;
            }
            Cut::More => break,
        }
    }
    buffer.advance(at.min(buffer.len()));
    pipe.touched();
    true
}

const READ: usize = 64 << 10;
