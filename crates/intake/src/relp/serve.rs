//! One connection of a client of RELP.

use std::sync::Arc;

use bytes::Buf;
use tokio_util::sync::CancellationToken;

use super::frames::{Command, Frame, NoFrame, answer, frame};
use crate::accept::Connection;
use crate::counters::Reason;
use crate::door::{Door, Shown};
use crate::pipe::hand_over_within;
use crate::sources::Sender;
use crate::syslog::Messages;
use crate::wire::{Over, Wire};

/// Serves one connection until its end.
pub(crate) async fn serve(door: Arc<Door>, connection: Connection, stop: CancellationToken) {
    let shown = Shown { certificate: connection.certificate, ..Shown::default() };
    let Ok(sender) = door.sender(&shown) else { return };
    let mut session = Session {
        wire: Wire::new(connection, Arc::clone(&door), &sender, stop),
        open: false,
        batch: Messages::default(),
        unanswered: Vec::new(),
        sender,
        door,
    };
    while session.step().await.is_ok() {}
    if session.wire.stops() {
        let _ = session.wire.write(GOODBYE.as_bytes()).await;
    }
    session.wire.close().await;
}

struct Session {
    wire: Wire,
    open: bool,
    /// Messages that are not kept yet, and the numbers of their frames.
    batch: Messages,
    unanswered: Vec<u32>,
    sender: Arc<Sender>,
    door: Arc<Door>,
}

impl Session {
    /// Takes one frame, or keeps what came and reads on.
    async fn step(&mut self) -> Result<(), Over> {
        let longest = self.door.limits.message_bytes;
        match frame(&self.wire.held, longest.saturating_mul(4)) {
            Ok(found) => {
                self.wire.spoke();
                self.take(found, longest).await
            }
            Err(NoFrame::More) => {
                self.keep().await?;
                let between = self.wire.held.is_empty();
                self.wire.hold(0).await?;
                self.wire.more(between).await
            }
            Err(NoFrame::Broken) => {
                self.keep().await?;
                let bytes = self.wire.held.split().to_vec();
                let _ = self.door.set_aside(&self.sender, Reason::Relp, bytes).await;
                Err(Over)
            }
            Err(NoFrame::TooLarge) => {
                self.keep().await?;
                self.door.figures.refuse(Reason::MessageTooLong, 1);
                Err(Over)
            }
        }
    }

    async fn take(
        &mut self,
        Frame { number, command, data, next }: Frame,
        longest: usize,
    ) -> Result<(), Over> {
        match command {
            Command::Syslog if self.open && data.len() > longest => {
                self.keep().await?;
                let message = self.wire.held.get(data).unwrap_or_default().to_vec();
                self.door.set_aside(&self.sender, Reason::MessageTooLong, message).await.map_err(|_| Over)?;
                // sent again it would be no shorter, and all of it is kept
                self.say(&answer(number, OK)).await?;
            }
            Command::Syslog if self.open => {
                if !data.is_empty() {
                    self.batch.push(self.wire.held.get(data).unwrap_or_default(), true);
                }
                self.unanswered.push(number);
            }
            Command::Open => {
                self.keep().await?;
                self.open = true;
                self.say(&answer(number, OFFERS)).await?;
            }
            Command::Close => {
                self.keep().await?;
                self.say(&(answer(number, "") + GOODBYE)).await?;
                return Err(Over);
            }
            Command::Syslog => {
                self.door.figures.refuse(Reason::Relp, 1);
                self.say(&answer(number, "500 no session is open")).await?;
                return Err(Over);
            }
            Command::Other => {
                self.keep().await?;
                self.door.figures.refuse(Reason::Relp, 1);
                self.say(&answer(number, "500 unknown command")).await?;
            }
        }
        self.wire.held.advance(next);
        let full = self.batch.len() >= self.door.limits.batch_bytes;
        if full { self.keep().await } else { Ok(()) }
    }

    /// Keeps the messages that came, and answers their frames.
    async fn keep(&mut self) -> Result<(), Over> {
        if self.unanswered.is_empty() {
            return Ok(());
        }
        if !self.batch.is_empty() {
            self.door.figures.requests.add(1);
            let (format, payload, events) = self.batch.take();
            let patience = self.door.limits.read();
            if !hand_over_within(&self.door, &self.sender, format, payload, events, None, patience).await {
                return Err(Over);
            }
        }
        let mut answers = String::with_capacity(self.unanswered.len() * 24);
        for number in self.unanswered.drain(..) {
            answers += &answer(number, OK);
        }
        self.say(&answers).await
    }

    async fn say(&mut self, text: &str) -> Result<(), Over> {
        self.wire.write(text.as_bytes()).await
    }
}

const OK: &str = "200 OK";
const OFFERS: &str = "200 OK\nrelp_version=0\nrelp_software=ward\ncommands=syslog";
/// Tells the client that the connection ends.
const GOODBYE: &str = "0 serverclose 0\n";
