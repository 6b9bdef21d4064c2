//! How many connections there may be, in all and from one peer, and which of them go when there is no room.
//!
//! A connection that has brought nothing valid yet keeps its place while there is room: a forwarder with nothing to say
//! is no broken one. Where there is none, the one that has been silent longest gives its place to a new one.
//! Invariant: who has spoken once keeps the place for as long as the connection lasts.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Limits;
use crate::counters::{ListenerFigures, Reason};

/// Lets connections in while there is room.
#[derive(Debug)]
pub(crate) struct Gate {
    most: usize,
    most_of_peer: usize,
    /// How long a connection may be silent before it can lose its place.
    silent: Duration,
    inside: Mutex<Inside>,
    figures: Arc<ListenerFigures>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    peers: HashMap<IpAddr, usize>,
    /// Those that have brought nothing valid yet, in the order in which they came.
    silent: BTreeMap<u64, Silent>,
    /// Connections that came so far.
    came: u64,
    untold: Crowded,
    told: Option<Instant>,
}

#[derive(Debug)]
struct Silent {
    peer: IpAddr,
    since: Instant,
    over: CancellationToken,
}

/// What became of connections for want of room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Crowded {
    /// Lost their place to others.
    pub(crate) evicted: u64,
    /// Were not let in.
    pub(crate) refused: u64,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    peer: IpAddr,
    number: u64,
    since: Instant,
    spoken: AtomicBool,
    over: CancellationToken,
}

impl Gate {
    pub(crate) fn new(limits: &Limits, figures: Arc<ListenerFigures>) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            most_of_peer: limits.connections_of_peer,
            silent: limits.silent(),
            inside: Mutex::default(),
            figures,
        })
    }

    /// A place for a connection that comes now. `None`: there is none, and nobody who must give way, which is counted.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr, now: Instant) -> Option<Pass> {
        let mut inside = self.inside();
        let of_peer = inside.peers.get(&peer).copied().unwrap_or_default();
        let (full, whose) = if of_peer >= self.most_of_peer {
            (Some(Reason::ConnectionsOfPeer), Some(peer))
        } else if inside.all >= self.most {
            (Some(Reason::Connections), None)
        } else {
            (None, None)
        };
        if let Some(reason) = full {
            if !inside.evict(whose, now, self.silent) {
                inside.untold.refused += 1;
                self.figures.refuse(reason, 1);
                return None;
            }
            self.figures.refuse(Reason::Silent, 1);
            self.figures.open.less(1);
        }
        inside.came += 1;
        let (number, over) = (inside.came, CancellationToken::new());
        inside.silent.insert(number, Silent { peer, since: now, over: over.clone() });
        *inside.peers.entry(peer).or_default() += 1;
        inside.all += 1;
        self.figures.connections.add(1);
        self.figures.open.add(1);
        Some(Pass { gate: Arc::clone(self), peer, number, since: now, spoken: AtomicBool::new(false), over })
    }

    /// What is to be told of the crowd: the first time at once, then all that came together in each [`TELL`].
    pub(crate) fn told(&self, now: Instant) -> Option<Crowded> {
        let mut inside = self.inside();
        let waits = inside.told.is_some_and(|told| now.saturating_duration_since(told) < TELL);
        if waits || inside.untold == Crowded::default() {
            return None;
        }
        inside.told = Some(now);
        Some(std::mem::take(&mut inside.untold))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Takes the place of the connection that has been silent longest, of this peer if one is named. `false`: none has
    /// been for so long.
    fn evict(&mut self, peer: Option<IpAddr>, now: Instant, silent: Duration) -> bool {
        let mut waiting = self.silent.iter().filter(|(_, it)| peer.is_none_or(|peer| it.peer == peer));
        let Some((&number, first)) = waiting.next() else { return false };
        if now.saturating_duration_since(first.since) < silent {
            return false;
        }
        if let Some(Silent { peer, over, .. }) = self.silent.remove(&number) {
            over.cancel();
            self.leave(peer);
        }
        self.untold.evicted += 1;
        true
    }

    fn leave(&mut self, peer: IpAddr) {
        self.all = self.all.saturating_sub(1);
        if let Some(of_peer) = self.peers.get_mut(&peer) {
            *of_peer = of_peer.saturating_sub(1);
            if *of_peer == 0 {
                self.peers.remove(&peer);
            }
        }
    }
}

impl Pass {
    /// To be called when the connection has brought something valid: from now on it keeps its place.
    pub(crate) fn spoke(&self) {
        self.spoken.store(true, Relaxed);
        self.asks();
    }

    /// To be called when the connection waits for an answer: until it has it, it keeps its place.
    pub(crate) fn asks(&self) {
        self.gate.inside().silent.remove(&self.number);
    }

    /// To be called when what it asked was nothing valid: it is as silent as it was.
    pub(crate) fn said_nothing(&self) {
        let mut inside = self.gate.inside();
        if !self.spoken.load(Relaxed) && !self.over.is_cancelled() {
            let silent = Silent { peer: self.peer, since: self.since, over: self.over.clone() };
            inside.silent.insert(self.number, silent);
        }
    }

    /// Ends when the place was given to another.
    pub(crate) fn over(&self) -> CancellationToken {
        self.over.clone()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside();
        inside.silent.remove(&self.number);
        // Cancelled within the lock only, so whoever was evicted has left already.
        if !self.over.is_cancelled() {
            inside.leave(self.peer);
            self.gate.figures.open.less(1);
        }
    }
}

/// Between two log lines about the crowd.
pub(crate) const TELL: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
    const C: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 3));

    fn gate(connections: usize, connections_of_peer: usize) -> (Arc<Gate>, Arc<ListenerFigures>, Instant) {
        let figures = Arc::new(ListenerFigures::new("x", "http"));
        let limits = Limits { connections, connections_of_peer, ..Limits::default() };
        (Gate::new(&limits, Arc::clone(&figures)), figures, Instant::now())
    }

    const LATER: Duration = Duration::from_secs(30);

    #[test]
    fn places_are_bounded_in_all_and_for_each_peer_and_come_back() {
        let (gate, figures, now) = gate(3, 2);
        let first = gate.admit(A, now).unwrap();
        let _second = gate.admit(A, now).unwrap();
        assert!(gate.admit(A, now).is_none());
        let _third = gate.admit(B, now).unwrap();
        assert!(gate.admit(B, now).is_none());
        assert_eq!(
            (figures.refused(Reason::ConnectionsOfPeer), figures.refused(Reason::Connections)),
            (1, 1)
        );
        drop(first);
        assert!(gate.admit(A, now).is_some());
        assert_eq!(figures.open.get(), 2);
    }

    #[test]
    fn the_longest_silent_one_gives_way_when_there_is_no_room_and_never_who_spoke() {
        let (gate, figures, now) = gate(3, 3);
        let spoke = gate.admit(A, now).unwrap();
        let oldest = gate.admit(A, now).unwrap();
        let younger = gate.admit(B, now + Duration::from_secs(1)).unwrap();
        spoke.spoke();
        assert!(gate.admit(C, now + LATER - Duration::from_millis(1)).is_none(), "it may still speak");
        let new = gate.admit(C, now + LATER).unwrap();
        assert!(
            oldest.over().is_cancelled() && !younger.over().is_cancelled() && !spoke.over().is_cancelled()
        );
        new.spoke();
        younger.spoke();
        assert!(gate.admit(B, now + LATER * 1000).is_none(), "all have spoken");
        assert_eq!((figures.refused(Reason::Silent), figures.refused(Reason::Connections)), (1, 2));
        assert_eq!(figures.open.get(), 3);
        drop(oldest);
        assert_eq!(figures.open.get(), 3, "its place was given away before");
        assert!(gate.admit(B, now).is_none());
    }

    #[test]
    fn who_has_a_full_share_loses_a_place_of_the_own_and_none_of_others() {
        let (gate, figures, now) = gate(10, 2);
        let other = gate.admit(B, now).unwrap();
        let [first, second] = [(); 2].map(|()| gate.admit(A, now).unwrap());
        let third = gate.admit(A, now + LATER).unwrap();
        assert!(first.over().is_cancelled());
        assert!([&other, &second, &third].iter().all(|pass| !pass.over().is_cancelled()));
        assert_eq!((figures.refused(Reason::Silent), figures.open.get()), (1, 3));
    }

    #[test]
    fn the_silent_stay_while_there_is_room() {
        let (gate, figures, now) = gate(3, 3);
        let silent = gate.admit(A, now).unwrap();
        let _other = gate.admit(B, now + LATER * 1000).unwrap();
        assert!(!silent.over().is_cancelled());
        assert_eq!((figures.refused(Reason::Silent), gate.told(now)), (0, None));
    }

    #[test]
    fn who_waits_for_an_answer_keeps_the_place_until_it_is_a_refusal() {
        let (gate, _, now) = gate(1, 1);
        let asking = gate.admit(A, now).unwrap();
        asking.asks();
        assert!(gate.admit(B, now + LATER).is_none());
        asking.said_nothing();
        let other = gate.admit(B, now + LATER).unwrap();
        assert!(asking.over().is_cancelled());
        other.spoke();
        other.said_nothing();
        assert!(gate.admit(A, now + LATER * 1000).is_none(), "it has spoken before");
    }

    #[test]
    fn a_crowd_is_told_at_once_and_then_once_a_minute_with_all_that_came() {
        let (gate, _, now) = gate(1, 1);
        let _first = gate.admit(A, now).unwrap();
        assert!(gate.admit(B, now).is_none());
        assert_eq!(gate.told(now), Some(Crowded { evicted: 0, refused: 1 }));
        assert!(gate.admit(B, now).is_none());
        let _second = gate.admit(B, now + LATER).unwrap();
        assert_eq!(gate.told(now + LATER), None);
        assert_eq!(gate.told(now + TELL), Some(Crowded { evicted: 1, refused: 1 }));
        assert_eq!(gate.told(now + TELL * 2), None, "there is nothing to tell");
    }
}
