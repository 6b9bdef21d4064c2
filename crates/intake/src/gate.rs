//! How many connections there may be, in all and from one peer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::counters::{ListenerFigures, Reason};

/// Lets connections in while there is room.
#[derive(Debug)]
pub(crate) struct Gate {
    most: usize,
    most_of_peer: usize,
    inside: Mutex<Inside>,
    figures: Arc<ListenerFigures>,
}

#[derive(Debug, Default)]
struct Inside {
    all: usize,
    peers: HashMap<IpAddr, usize>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    peer: IpAddr,
}

impl Gate {
    pub(crate) fn new(most: usize, most_of_peer: usize, figures: Arc<ListenerFigures>) -> Arc<Self> {
        Arc::new(Self { most, most_of_peer, inside: Mutex::default(), figures })
    }

    /// A place for a connection. `None`: there is none, which is counted.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Pass> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.all >= self.most {
            self.figures.refuse(Reason::Connections, 1);
            return None;
        }
        let of_peer = inside.peers.entry(peer).or_default();
        if *of_peer >= self.most_of_peer {
            self.figures.refuse(Reason::ConnectionsOfPeer, 1);
            return None;
        }
        *of_peer += 1;
        inside.all += 1;
        self.figures.connections.add(1);
        self.figures.open.add(1);
        Some(Pass { gate: Arc::clone(self), peer })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.all = inside.all.saturating_sub(1);
        if let Some(of_peer) = inside.peers.get_mut(&self.peer) {
            *of_peer = of_peer.saturating_sub(1);
            if *of_peer == 0 {
                inside.peers.remove(&self.peer);
            }
        }
        self.gate.figures.open.less(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_peer_and_come_back() {
        let figures = Arc::new(ListenerFigures::new("x", "http"));
        let gate = Gate::new(3, 2, Arc::clone(&figures));
        let [a, b]: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let first = gate.admit(a).unwrap();
        let _second = gate.admit(a).unwrap();
        assert!(gate.admit(a).is_none());
        let _third = gate.admit(b).unwrap();
        assert!(gate.admit(b).is_none());
        assert_eq!(
            (figures.refused(Reason::ConnectionsOfPeer), figures.refused(Reason::Connections)),
            (1, 1)
        );
        drop(first);
        assert!(gate.admit(a).is_some());
        assert_eq!(figures.open.get(), 2);
    }
}
