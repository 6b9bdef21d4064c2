//! Connections: accepted, counted, their TLS handshake made, each served by a task of its own.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::counters::Reason;
use crate::digest;
use crate::door::Door;
use crate::gate::{Crowded, Pass};
use crate::tls::Tls;

/// A connection, ready for its protocol.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    pub(crate) peer: IpAddr,
    /// Digest of the client certificate, if one was shown.
    pub(crate) certificate: Option<[u8; 32]>,
    /// The place it takes, until it is dropped. Its protocol says when it has spoken.
    pub(crate) pass: Pass,
}

/// Bytes with or without TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether HTTP/2 was agreed upon in the handshake.
    pub(crate) fn speaks_h2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

/// How long things go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Until {
    /// What has begun comes to its end, nothing new is begun.
    pub(crate) stop: CancellationToken,
    /// What has begun is broken off.
    pub(crate) kill: CancellationToken,
    /// All that is going on.
    pub(crate) tasks: TaskTracker,
}

/// Accepts until it is to stop, and serves each connection with `serve`.
pub(crate) async fn accept<F, S>(
    listener: TcpListener,
    door: Arc<Door>,
    tls: Option<Arc<Tls>>,
    until: Until,
    serve: S,
) where
    F: Future<Output = ()> + Send + 'static,
    S: Fn(Connection) -> F + Clone + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = until.stop.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(listener = door.name, %error, "could not accept a connection");
                sleep(AFTER_ERROR).await;
                continue;
            }
        };
        let peer = peer.ip().to_canonical();
        let now = Instant::now();
        let pass = door.gate.admit(peer, now);
        if let Some(Crowded { evicted, refused }) = door.gate.told(now) {
            tracing::warn!(
                listener = door.name,
                evicted,
                refused,
                "the places for connections are taken: silent ones were closed for new ones, or new ones refused"
            );
        }
        let Some(pass) = pass else { continue };
        // Small answers should not wait for more of them.
        let _ = stream.set_nodelay(true);
        let (door, tls, serve) = (Arc::clone(&door), tls.clone(), serve.clone());
        let (stop, kill, over) = (until.stop.clone(), until.kill.clone(), pass.over());
        until.tasks.spawn(async move {
            let greeted = tokio::select! {
                greeted = greet(&door, tls, stream) => greeted,
                () = stop.cancelled() => None,
                () = over.cancelled() => None,
            };
            let Some((stream, certificate)) = greeted else { return };
            if certificate.is_some() {
                // An authority of ours vouches for it.
                pass.spoke();
            }
            let connection = Connection { stream, peer, certificate, pass };
            tokio::select! {
                () = serve(connection) => {}
                () = kill.cancelled() => {}
                () = over.cancelled() => {}
            }
        });
    }
}

/// Makes the TLS handshake, if there is to be one.
async fn greet(door: &Door, tls: Option<Arc<Tls>>, stream: TcpStream) -> Option<(Stream, Option<[u8; 32]>)> {
    let Some(tls) = tls else { return Some((Stream::Plain(stream), None)) };
    match timeout(door.limits.header(), tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let certificate = shown.map(|certificate| digest(certificate));
            Some((Stream::Tls(Box::new(stream)), certificate))
        }
        Ok(Err(error)) => {
            tracing::debug!(listener = door.name, %error, "a TLS handshake failed");
            door.figures.refuse(Reason::Handshake, 1);
            None
        }
        Err(_) => {
            door.figures.refuse(Reason::Slow, 1);
            None
        }
    }
}

/// Out of file descriptors, mostly: some will be closed.
const AFTER_ERROR: Duration = Duration::from_millis(100);

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
