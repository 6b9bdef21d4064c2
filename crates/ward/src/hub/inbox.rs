//! The journal as the listeners see it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::oneshot;
use ward_core::{Batch, BatchId};
use ward_intake::{Inbox, Refusal, SetAside};
use ward_journal::{BatchKey, Journal, Refused};

/// What begins the format of a batch that a listener could not frame or decode; the reason follows. It goes
/// the way of all batches, so that it is as durable, and the watch sets it aside.
pub const SET_ASIDE: &str = "set-aside:";

/// Hands batches to the journal.
#[derive(Debug, Clone)]
pub struct JournalInbox(pub Arc<Journal>);

impl Inbox for JournalInbox {
    fn offer(&self, batch: Batch, key: Option<[u8; 32]>) -> BoxFuture<'static, Result<BatchId, Refusal>> {
        let (sender, receiver) = oneshot::channel();
        let done = move |answer| drop(sender.send(answer));
        let taken = self.0.try_append(batch, key.map(BatchKey), done);
        Box::pin(async move {
            if let Err((_, refused)) = taken {
                return Err(refusal(&refused));
            }
            receiver.await.unwrap_or(Err(Refused::Closed)).map_err(|refused| refusal(&refused))
        })
    }

    fn set_aside(&self, letter: SetAside) -> BoxFuture<'static, Result<(), Refusal>> {
        let SetAside { organisation, source, received, reason, bytes, .. } = letter;
        let format = format!("{SET_ASIDE}{}", reason.name());
        let batch = Batch { organisation, source, received, format, payload: bytes };
        let taken = self.offer(batch, None);
        Box::pin(async move { taken.await.map(drop) })
    }
}

fn refusal(refused: &Refused) -> Refusal {
    match refused {
        Refused::Busy => Refusal::Busy { retry_after: Duration::from_secs(1) },
        Refused::Full => Refusal::Full { retry_after: Duration::from_secs(10) },
        Refused::TooLarge { .. } => Refusal::TooLarge,
        Refused::Closed => Refusal::Closed,
        _ => Refusal::Failing,
    }
}
