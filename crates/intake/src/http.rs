//! HTTP: one listener for all protocols that are spoken over it.
//!
//! A request is taken in the same steps whatever it speaks (`arrival`): who is it, is there room, all of
//! the body in time, unpacked within limits. Then its protocol takes it apart, and answers as its clients
//! expect.

pub(crate) mod arrival;
pub mod elastic;
mod events;
pub mod hec;
pub mod journal_upload;
pub mod otlp;
mod routes;
mod serve;
mod trouble;

use std::net::IpAddr;
use std::sync::Arc;

use self::hec::channels::Channels;
use crate::config::{HttpListener, Protocol};
use crate::door::{Dependencies, Door};
use crate::gate::Pass;

pub use routes::{ROUTES, Route, beside, routes};
pub(crate) use serve::serve;

/// What the handlers of one listener share.
#[derive(Debug, Clone)]
pub struct HttpState(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) door: Arc<Door>,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) token_in_query: bool,
    pub(crate) elastic_version: String,
    pub(crate) channels: Channels,
}

/// Who is at the other end; an extension of each request, put there by whoever accepted the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The address.
    pub address: IpAddr,
    /// Digest of the client certificate, if one was shown.
    pub certificate: Option<[u8; 32]>,
}

/// Lets a request say at once that its connection has spoken: an extension of each, put there with [`Peer`].
#[derive(Debug, Clone)]
pub(crate) struct Voice(pub(crate) Arc<Pass>);

impl HttpState {
    /// The state of a listener.
    pub fn new(listener: &HttpListener, dependencies: &Dependencies) -> Self {
        Self::of(listener, "http", dependencies)
    }

    pub(crate) fn of(listener: &HttpListener, protocol: &'static str, dependencies: &Dependencies) -> Self {
        let name = (listener.name.as_str(), protocol);
        Self(Arc::new(Shared {
            door: Door::new(name, &listener.limits, listener.source.as_ref(), dependencies),
            protocols: listener.protocols.clone(),
            token_in_query: listener.token_in_query,
            elastic_version: listener.elastic_version.clone(),
            channels: Channels::default(),
        }))
    }

    pub(crate) fn protocols(&self) -> &[Protocol] {
        &self.0.protocols
    }

    pub(crate) fn token_in_query(&self) -> bool {
        self.0.token_in_query
    }

    pub(crate) fn elastic_version(&self) -> &str {
        &self.0.elastic_version
    }

    pub(crate) fn channels(&self) -> &Channels {
        &self.0.channels
    }

    pub(crate) fn door(&self) -> &Arc<Door> {
        &self.0.door
    }
}
