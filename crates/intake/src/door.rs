//! One listener as its protocols see it: who is there, and what becomes of what they bring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ward_core::{Batch, BatchId, SourceId, Timestamp};

use crate::counters::{Counters, ListenerFigures, Reason};
use crate::gate::Gate;
use crate::inbox::{Inbox, Refusal, SetAside};
use crate::memory::Memory;
use crate::sources::{Sender, Sources};
use crate::thinned::Thinned;
use crate::{Limits, credentials};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What listeners need of the rest of Ward.
#[derive(Clone)]
pub struct Dependencies {
    /// Where batches go.
    pub inbox: Arc<dyn Inbox>,
    /// Who may send.
    pub sources: Arc<Sources>,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub counters: Arc<Counters>,
    /// What HTTP listeners with `api = true` serve beside the protocols.
    pub api: Option<axum::Router>,
}

/// One listener.
pub(crate) struct Door {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) figures: Arc<ListenerFigures>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) memory: Memory,
    default: Option<SourceId>,
    inbox: Arc<dyn Inbox>,
    sources: Arc<Sources>,
    clock: Clock,
    /// What was told of what was set aside.
    told: Thinned<(SourceId, Reason)>,
}

/// What a client shows for who it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    /// The `Authorization` header.
    pub(crate) authorization: Option<&'a str>,
    /// A token from elsewhere.
    pub(crate) token: Option<&'a str>,
    /// Digest of the client certificate.
    pub(crate) certificate: Option<[u8; 32]>,
}

/// Why a batch was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The source is over its rate, for so long.
    TooFast(Duration),
    /// The inbox refused.
    Refused(Refusal),
}

impl Door {
    pub(crate) fn new(
        (name, protocol): (&str, &'static str),
        limits: &Limits,
        default: Option<&SourceId>,
        dependencies: &Dependencies,
    ) -> Arc<Self> {
        let figures = dependencies.counters.listener(name, protocol);
        Arc::new(Self {
            name: name.to_owned(),
            limits: limits.clone(),
            gate: Gate::new(limits, Arc::clone(&figures)),
            memory: Memory::new(limits.memory_bytes, limits.body_bytes + limits.unpacked_bytes * 2),
            figures,
            default: default.cloned(),
            inbox: Arc::clone(&dependencies.inbox),
            sources: Arc::clone(&dependencies.sources),
            clock: Arc::clone(&dependencies.clock),
            told: Thinned::default(),
        })
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Who it is: by token, else by certificate, else by listener.
    ///
    /// # Errors
    /// Nobody that is known: why, which is counted.
    pub(crate) fn sender(&self, shown: &Shown<'_>) -> Result<Arc<Sender>, Reason> {
        let tokens = shown.authorization.map(credentials::tokens).unwrap_or_default();
        let tokens = tokens.iter().map(String::as_str).chain(shown.token);
        let by_token = tokens.into_iter().find_map(|token| self.sources.by_token(token));
        let by_certificate = || shown.certificate.and_then(|digest| self.sources.by_certificate(&digest));
        let by_listener = || self.default.as_ref().and_then(|id| self.sources.by_id(id));
        by_token.or_else(by_certificate).or_else(by_listener).ok_or_else(|| {
            let nothing =
                shown.authorization.is_none() && shown.token.is_none() && shown.certificate.is_none();
            let reason = if nothing { Reason::NoCredential } else { Reason::UnknownCredential };
            self.figures.refuse(reason, 1);
            reason
        })
    }

    /// Takes `events` off the sender's rate.
    ///
    /// # Errors
    /// It is over it.
    pub(crate) fn pace(&self, sender: &Sender, events: u64) -> Result<(), NotTaken> {
        sender.pace.take(sender.source.rate, events, self.now()).map_err(|wait| {
            self.figures.refuse(Reason::Rate, 1);
            NotTaken::TooFast(wait)
        })
    }

    /// Offers what a sender brought, after its rate was looked at.
    ///
    /// # Errors
    /// It was not taken.
    pub(crate) async fn deliver(
        &self,
        sender: &Sender,
        format: &str,
        payload: Vec<u8>,
        events: u64,
        key: Option<[u8; 32]>,
    ) -> Result<BatchId, NotTaken> {
        self.pace(sender, events)?;
        self.offer(sender, format, payload, events, key).await.map_err(NotTaken::Refused)
    }

    /// Offers what a sender brought.
    ///
    /// # Errors
    /// It was not taken.
    pub(crate) async fn offer(
        &self,
        sender: &Sender,
        format: &str,
        payload: Vec<u8>,
        events: u64,
        key: Option<[u8; 32]>,
    ) -> Result<BatchId, Refusal> {
        let bytes = payload.len() as u64;
        let batch = Batch {
            organisation: sender.organisation().clone(),
            source: sender.id().clone(),
            received: self.now(),
            format: format.to_owned(),
            payload,
        };
        let taken = self.inbox.offer(batch, key).await;
        match taken {
            Ok(_) => {
                self.figures.batches.add(1);
                self.figures.events.add(events);
                self.figures.bytes.add(bytes);
            }
            Err(refusal) => self.figures.refuse(refusal.reason(), 1),
        }
        taken
    }

    /// Keeps what could not be framed or decoded.
    ///
    /// # Errors
    /// Not even that: the sender must keep it.
    pub(crate) async fn set_aside(
        &self,
        sender: &Sender,
        reason: Reason,
        bytes: Vec<u8>,
    ) -> Result<(), Refusal> {
        let received = self.now();
        if let Some(untold) = self.told.due((sender.id().clone(), reason), received) {
            tracing::warn!(
                listener = self.name,
                source = %sender.id(),
                reason = reason.name(),
                bytes = bytes.len(),
                untold,
                "set aside what could not be read"
            );
        }
        let letter = SetAside {
            organisation: sender.organisation().clone(),
            source: sender.id().clone(),
            received,
            listener: self.name.clone(),
            protocol: self.figures.protocol,
            reason,
            bytes,
        };
        let kept = self.inbox.set_aside(letter).await;
        match kept {
            Ok(()) => self.figures.put_aside(reason),
            Err(refusal) => self.figures.refuse(refusal.reason(), 1),
        }
        kept
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependencies").finish_non_exhaustive()
    }
}
