//! HTTP/1.1 and HTTP/2 over one connection, with a time for each step.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Peer, Voice};
use crate::accept::{Connection, Stream};
use crate::counters::Reason;
use crate::door::Door;

/// Serves the requests of one connection until it is closed, or has nothing to do when Ward is stopped.
pub(crate) async fn serve(door: Arc<Door>, router: Router, connection: Connection, stop: CancellationToken) {
    let Connection { stream, peer, certificate, pass } = connection;
    let pass = Arc::new(pass);
    let Some(h2) = speaks_h2(&door, &stream).await else { return };
    let peer = Peer { address: peer, certificate };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, mut request): (_, Request) = (router.clone(), request.map(Body::new));
        request.extensions_mut().insert(peer);
        let pass = Arc::clone(&pass);
        request.extensions_mut().insert(Voice(Arc::clone(&pass)));
        async move {
            pass.asks();
            let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            if is_good(&answer) {
                pass.spoke()
            } else {
                pass.said_nothing()
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let io = TokioIo::new(stream);
    let served = if h2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).max_concurrent_streams(STREAMS).max_header_list_size(HEADERS as u32);
        builder.keep_alive_interval(Some(PING)).keep_alive_timeout(PING);
        let mut serving = std::pin::pin!(builder.serve_connection(io, service));
        tokio::select! {
            served = serving.as_mut() => served,
            () = stop.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(door.limits.header()).max_buf_size(HEADERS);
        let mut serving = std::pin::pin!(builder.serve_connection(io, service));
        tokio::select! {
            served = serving.as_mut() => served,
            () = stop.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    if let Err(error) = served {
        if error.is_timeout() {
            door.figures.refuse(Reason::Slow, 1);
        }
        tracing::debug!(listener = door.name, %error, "a connection ended early");
    }
}

/// Whether what was asked was granted; over gRPC its own status says so, too.
fn is_good(answer: &Response) -> bool {
    let status = answer.headers().get("grpc-status");
    answer.status().is_success() && status.is_none_or(|status| status == "0")
}

/// Whether the client speaks HTTP/2: as agreed upon in the handshake, or as its first bytes say. `None`: it
/// says nothing.
async fn speaks_h2(door: &Door, stream: &Stream) -> Option<bool> {
    let Stream::Plain(plain) = stream else { return Some(stream.speaks_h2()) };
    let deadline = Instant::now() + door.limits.header();
    let mut first = [0; PREFACE.len()];
    loop {
        let there = tokio::time::timeout_at(deadline, plain.peek(&mut first)).await;
        let Ok(there) = there else {
            door.figures.refuse(Reason::Slow, 1);
            return None;
        };
        let seen = first.get(..there.ok()?).unwrap_or_default();
        if seen.is_empty() {
            return None;
        }
        if !PREFACE.starts_with(seen) {
            return Some(false);
        }
        if seen.len() == PREFACE.len() {
            return Some(true);
        }
        // A `P` alone: both are possible still, and peeking returns at once.
        sleep(PEEK_AGAIN).await;
        if Instant::now() > deadline {
            door.figures.refuse(Reason::Slow, 1);
            return None;
        }
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0";
const PEEK_AGAIN: Duration = Duration::from_millis(5);
const PING: Duration = Duration::from_secs(20);
const STREAMS: u32 = 128;
/// Bytes of a request's head.
const HEADERS: usize = 64 << 10;
