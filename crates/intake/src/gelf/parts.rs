//! Messages that came in parts (GELF over UDP, "Chunking"): two magic bytes, eight of the message's number,
//! which part, of how many, then the part.
//!
//! Invariant: what is held is bounded in bytes and in number; a message that is not whole five seconds after
//! its first part is given up, and the oldest goes when there is no room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Parts that wait for others.
#[derive(Debug)]
pub struct Parts {
    waiting: HashMap<(IpAddr, [u8; 8]), Waiting>,
    bytes: usize,
    most_bytes: usize,
    given_up: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Waiting {
    since: Duration,
    parts: Vec<Option<Vec<u8>>>,
    missing: usize,
}

/// What a datagram is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datagram {
    /// A part of a message that is not whole yet.
    Part,
    /// The last missing part of a message, which is this.
    Whole(Vec<u8>),
    /// No part at all.
    Plain,
    /// A part that cannot be.
    Broken,
}

impl Parts {
    /// Holds up to so many bytes.
    pub fn new(most_bytes: usize) -> Self {
        Self { waiting: HashMap::new(), bytes: 0, most_bytes, given_up: Vec::new() }
    }

    /// Takes a datagram that came from `peer` at `now`, on any clock that does not go back.
    pub fn take(&mut self, datagram: &[u8], peer: IpAddr, now: Duration) -> Datagram {
        let [0x1e, 0x0f, rest @ ..] = datagram else { return Datagram::Plain };
        let Some((head, part)) = rest.split_first_chunk::<10>() else { return Datagram::Broken };
        let [id @ .., number, count] = *head;
        if count == 0 || count > MOST_PARTS || number >= count {
            return Datagram::Broken;
        }
        self.make_room(part.len(), now);
        let new =
            || Waiting { since: now, parts: vec![None; usize::from(count)], missing: usize::from(count) };
        let waiting = self.waiting.entry((peer, id)).or_insert_with(new);
        if waiting.parts.len() != usize::from(count) {
            return Datagram::Broken;
        }
        let Some(place) = waiting.parts.get_mut(usize::from(number)) else { return Datagram::Broken };
        if place.is_none() {
            *place = Some(part.to_vec());
            waiting.missing -= 1;
            self.bytes += part.len();
        }
        if waiting.missing > 0 {
            return Datagram::Part;
        }
        let whole = self.remove((peer, id));
        Datagram::Whole(whole)
    }

    /// What was given up since this was last asked: the parts there were of each.
    pub fn given_up(&mut self, now: Duration) -> Vec<Vec<u8>> {
        self.make_room(0, now);
        std::mem::take(&mut self.given_up)
    }

    fn make_room(&mut self, bytes: usize, now: Duration) {
        loop {
            let oldest = self.waiting.iter().min_by_key(|(_, waiting)| waiting.since);
            let Some((key, waiting)) = oldest else { return };
            let late = now.saturating_sub(waiting.since) > PATIENCE;
            if !late && self.bytes + bytes <= self.most_bytes && self.waiting.len() < MOST_WAITING {
                return;
            }
            let lost = self.remove(*key);
            self.given_up.push(lost);
        }
    }

    fn remove(&mut self, key: (IpAddr, [u8; 8])) -> Vec<u8> {
        let Some(waiting) = self.waiting.remove(&key) else { return Vec::new() };
        let whole = waiting.parts.into_iter().flatten().collect::<Vec<_>>().concat();
        self.bytes -= whole.len();
        whole
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
const MOST_PARTS: u8 = 128;
const MOST_WAITING: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn part(id: u8, number: u8, count: u8, bytes: &[u8]) -> Vec<u8> {
        [&[0x1e, 0x0f, id, 0, 0, 0, 0, 0, 0, 0, number, count], bytes].concat()
    }

    fn second(at: u64) -> Duration {
        Duration::from_secs(at)
    }

    #[test]
    fn parts_come_in_any_order_more_than_once_and_mixed() {
        let mut parts = Parts::new(1000);
        for (datagram, expected) in [
            (part(1, 2, 3, b"c"), Datagram::Part),
            (part(2, 0, 2, b"x"), Datagram::Part),
            (part(1, 0, 3, b"a"), Datagram::Part),
            (part(1, 0, 3, b"a"), Datagram::Part),
            (part(1, 1, 3, b"b"), Datagram::Whole(b"abc".to_vec())),
            (part(2, 1, 2, b"y"), Datagram::Whole(b"xy".to_vec())),
            (part(3, 0, 1, b"z"), Datagram::Whole(b"z".to_vec())),
            (b"{}".to_vec(), Datagram::Plain),
            (part(4, 3, 3, b""), Datagram::Broken),
            (part(4, 0, 0, b""), Datagram::Broken),
            (part(4, 0, 129, b""), Datagram::Broken),
            (b"\x1e\x0f123".to_vec(), Datagram::Broken),
        ] {
            assert_eq!(parts.take(&datagram, PEER, second(0)), expected, "{datagram:?}");
        }
        assert_eq!(parts.bytes, 0);
        assert!(parts.given_up(second(0)).is_empty());
    }

    #[test]
    fn what_never_becomes_whole_is_given_up() {
        let mut parts = Parts::new(10);
        parts.take(&part(1, 0, 2, b"late"), PEER, second(0));
        assert!(parts.given_up(second(5)).is_empty());
        assert_eq!(parts.given_up(second(6)), [b"late"]);
        parts.take(&part(1, 0, 2, b"12345678"), PEER, second(7));
        parts.take(&part(2, 0, 2, b"abcdefgh"), PEER, second(8));
        assert_eq!(parts.given_up(second(8)), [b"12345678"], "the oldest goes when there is no room");
        for id in 0..=255 {
            for peer in 0..8 {
                let peer = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, peer));
                parts.take(&part(id, 0, 2, b""), peer, second(9));
            }
        }
        assert!(parts.waiting.len() <= MOST_WAITING);
    }
}
