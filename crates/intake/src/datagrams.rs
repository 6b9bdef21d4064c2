//! Datagrams: read as many at a time as there are, into batches. Nobody hears whether they arrived, so what
//! matters is to be quick, and to say what the kernel had to drop.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use crate::counters::Reason;
use crate::door::{Door, Shown};
use crate::kernel;
use crate::pipe::{Filling, Pipe};

/// Puts datagrams into a batch.
pub(crate) trait Reader: Send {
    /// The batches it fills.
    type Filling: Filling + Default;
    /// Takes one. `now` is on any clock that does not go back.
    fn take(
        &mut self,
        datagram: &[u8],
        peer: IpAddr,
        now: Duration,
        batch: &mut Self::Filling,
    ) -> Option<Bad>;
    /// What will never be complete.
    fn given_up(&mut self, now: Duration) -> Vec<Bad>;
}

/// What must be set aside.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) reason: Reason,
    pub(crate) bytes: Vec<u8>,
}

/// Binds a socket whose kernel buffer is as large as it may be, up to `buffer` bytes.
pub(crate) fn bind(address: SocketAddr, buffer: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // The kernel gives what its own limit allows.
    socket.set_recv_buffer_size(buffer)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// Reads until `stop`.
pub(crate) async fn read<R: Reader>(
    door: Arc<Door>,
    socket: UdpSocket,
    mut reader: R,
    stop: CancellationToken,
) {
    let Ok(sender) = door.sender(&Shown::default()) else {
        tracing::error!(listener = door.name, "the source of this listener is not known: nothing is read");
        return;
    };
    let mut pipe = Pipe::new(Arc::clone(&door), Arc::clone(&sender), R::Filling::default());
    let mut bytes = vec![0; LONGEST];
    let began = Instant::now();
    let mut look = interval(LOOK);
    let mut dropped = kernel::Dropped::of(&socket);
    let mut open = true;
    while open {
        tokio::select! {
            () = stop.cancelled() => break,
            () = pipe.ready() => open = pipe.send().await,
            _ = look.tick() => {
                door.figures.refuse(Reason::DroppedByKernel, dropped.since());
                for bad in reader.given_up(began.elapsed()) {
                    let _ = door.set_aside(&sender, bad.reason, bad.bytes).await;
                }
            }
            readable = socket.readable() => {
                if readable.is_err() {
                    break;
                }
                for _ in 0..AT_A_TIME {
                    let Ok((length, peer)) = socket.try_recv_from(&mut bytes) else { break };
                    door.figures.requests.add(1);
                    let datagram = bytes.get(..length).unwrap_or_default();
                    let bad = reader.take(datagram, peer.ip(), began.elapsed(), &mut pipe.filling);
                    if let Some(bad) = bad {
                        let _ = door.set_aside(&sender, bad.reason, bad.bytes).await;
                    }
                    if pipe.full() {
                        open = pipe.send().await;
                    }
                }
                pipe.touched();
            }
        }
    }
    pipe.finish().await;
}

/// The longest datagram there is.
const LONGEST: usize = 65_536;
/// Datagrams read before anything else is looked at.
const AT_A_TIME: usize = 512;
const LOOK: Duration = Duration::from_secs(1);
