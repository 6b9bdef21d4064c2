//! Both ways of a connection whose client is answered: what was read and not taken yet, and what is said.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::accept::{Connection, Stream};
use crate::counters::Reason;
use crate::door::Door;
use crate::gate::Pass;
use crate::memory::Held;
use crate::sources::Sender;

/// One connection.
pub(crate) struct Wire {
    /// What was read and not taken yet.
    pub(crate) held: BytesMut,
    memory: Held,
    stream: Stream,
    pass: Pass,
    door: Arc<Door>,
    stop: CancellationToken,
}

/// The connection is over.
pub(crate) struct Over;

impl Wire {
    pub(crate) fn new(
        connection: Connection,
        door: Arc<Door>,
        sender: &Sender,
        stop: CancellationToken,
    ) -> Self {
        let memory = door.memory.of(sender.id());
        let Connection { stream, pass, .. } = connection;
        Self { held: BytesMut::with_capacity(READ), memory, stream, pass, door, stop }
    }

    /// To be called when the client has said something valid.
    pub(crate) fn spoke(&self) {
        self.pass.spoke();
    }

    /// Holds the memory for what was read and `beside` bytes more.
    pub(crate) async fn hold(&mut self, beside: usize) -> Result<(), Over> {
        let bytes = self.held.len() + beside;
        if self.memory.fit(bytes, self.door.limits.read()).await {
            return Ok(());
        }
        self.door.figures.refuse(Reason::Memory, 1);
        Err(Over)
    }

    /// Reads on. `between`: the client owes nothing, so it may take its time and may go. Nothing is lost when
    /// it is not awaited to its end.
    pub(crate) async fn more(&mut self, between: bool) -> Result<(), Over> {
        let limits = &self.door.limits;
        let wait = if between { limits.idle() } else { limits.read() };
        self.held.reserve(READ);
        let read = tokio::select! {
            read = timeout(wait, self.stream.read_buf(&mut self.held)) => read,
            () = self.stop.cancelled() => return Err(Over),
        };
        let reason = match read {
            Ok(Ok(1..)) => return Ok(()),
            Ok(Ok(0) | Err(_)) if between => return Err(Over),
            Ok(Ok(0) | Err(_)) => Reason::BrokenOff,
            Err(_) => Reason::Slow,
        };
        self.door.figures.refuse(reason, 1);
        Err(Over)
    }

    /// Says something to the client.
    pub(crate) async fn write(&mut self, answer: &[u8]) -> Result<(), Over> {
        let written = async {
            self.stream.write_all(answer).await?;
            self.stream.flush().await
        };
        match timeout(self.door.limits.read(), written).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over),
        }
    }

    /// Whether the hub stops.
    pub(crate) fn stops(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Ends the connection in order.
    pub(crate) async fn close(&mut self) {
        // the client may be gone already
        let _ = self.stream.shutdown().await;
    }
}

const READ: usize = 64 << 10;
