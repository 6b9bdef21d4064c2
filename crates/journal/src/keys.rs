//! Keys of late, so that a batch that is sent again is answered and not stored again.
//!
//! Invariant: of all batches with one key, at most one is in the journal while the key is remembered.

use std::collections::{HashMap, VecDeque};

use ward_core::{BatchId, Timestamp};

use crate::error::Refused;
use crate::frame::BatchKey;

/// Whom to tell what became of a batch.
pub(crate) type Done = Box<dyn FnOnce(Result<BatchId, Refused>) + Send>;

/// What is known of a key.
pub(crate) enum Asked {
    /// Nothing.
    New(Done),
    /// Its batch is durable.
    Known(BatchId, Done),
    /// Its batch is on the way, and who asked will be told with the first.
    Joined,
}

pub(crate) struct Keys {
    known: HashMap<BatchKey, State>,
    /// The durable ones, in the order they became so.
    order: VecDeque<(Timestamp, BatchKey)>,
    keep_micros: i64,
    most: usize,
}

enum State {
    Waiting(Vec<Done>),
    Durable(BatchId),
}

impl Keys {
    pub fn new(keep: std::time::Duration, most: usize) -> Self {
        let keep_micros = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        Self { known: HashMap::new(), order: VecDeque::new(), keep_micros, most }
    }

    /// What is known of the key. `done` is kept when its batch is on the way.
    pub fn ask(&mut self, key: BatchKey, done: Done) -> Asked {
        match self.known.get_mut(&key) {
            None => Asked::New(done),
            Some(State::Durable(id)) => Asked::Known(*id, done),
            Some(State::Waiting(others)) => {
                others.push(done);
                Asked::Joined
            }
        }
    }

    /// A batch with this key is on the way.
    pub fn expect(&mut self, key: BatchKey) {
        self.known.insert(key, State::Waiting(Vec::new()));
    }

    /// The batch of this key is durable. Gives who else asked for it.
    pub fn settle(&mut self, key: BatchKey, id: BatchId, received: Timestamp) -> Vec<Done> {
        let waiting = self.known.insert(key, State::Durable(id));
        if !matches!(waiting, Some(State::Durable(_))) {
            self.order.push_back((received, key));
        }
        let oldest = received.micros().saturating_sub(self.keep_micros);
        while let Some((received, key)) = self.order.front()
            && (self.order.len() > self.most || received.micros() < oldest)
        {
            self.known.remove(key);
            self.order.pop_front();
        }
        match waiting {
            Some(State::Waiting(others)) => others,
            Some(State::Durable(_)) | None => Vec::new(),
        }
    }

    /// The batch of this key was refused. Gives who else asked for it.
    pub fn forget(&mut self, key: BatchKey) -> Vec<Done> {
        match self.known.remove(&key) {
            Some(State::Waiting(others)) => others,
            Some(State::Durable(_)) | None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(name: u8) -> BatchKey {
        BatchKey([name; 32])
    }

    fn is_known(keys: &mut Keys, name: u8) -> Option<u64> {
        match keys.ask(key(name), Box::new(|_| ())) {
            Asked::Known(id, _) => Some(id.0),
            Asked::New(_) | Asked::Joined => None,
        }
    }

    fn settle(keys: &mut Keys, name: u8, micros: i64) -> usize {
        keys.settle(key(name), BatchId(name.into()), Timestamp::from_micros(micros)).len()
    }

    #[test]
    fn who_asks_while_the_batch_is_on_the_way_is_told_with_the_first() {
        let mut keys = Keys::new(Duration::from_secs(1), 10);
        assert!(matches!(keys.ask(key(1), Box::new(|_| ())), Asked::New(_)));
        keys.expect(key(1));
        assert!(matches!(keys.ask(key(1), Box::new(|_| ())), Asked::Joined));
        assert_eq!((settle(&mut keys, 1, 0), is_known(&mut keys, 1)), (1, Some(1)));
    }

    #[test]
    fn a_refused_batch_may_be_sent_again() {
        let mut keys = Keys::new(Duration::from_secs(1), 10);
        keys.expect(key(1));
        assert!(matches!(keys.ask(key(1), Box::new(|_| ())), Asked::Joined));
        assert_eq!(keys.forget(key(1)).len(), 1);
        assert!(matches!(keys.ask(key(1), Box::new(|_| ())), Asked::New(_)));
    }

    #[test]
    fn a_key_that_is_told_twice_is_not_forgotten_sooner() {
        let mut keys = Keys::new(Duration::from_micros(100), 2);
        for name in [1, 1, 2] {
            settle(&mut keys, name, 0);
        }
        assert_eq!([1, 2].map(|name| is_known(&mut keys, name)), [Some(1), Some(2)]);
    }

    #[test]
    fn keys_are_forgotten_by_age_and_by_number() {
        let mut keys = Keys::new(Duration::from_micros(100), 3);
        for (name, micros) in [(1, 0), (2, 50), (3, 100), (4, 101)] {
            settle(&mut keys, name, micros);
        }
        assert_eq!([1, 2, 3, 4].map(|name| is_known(&mut keys, name)), [None, Some(2), Some(3), Some(4)]);
        settle(&mut keys, 5, 102);
        assert_eq!([2, 3, 5].map(|name| is_known(&mut keys, name)), [None, Some(3), Some(5)]);
        settle(&mut keys, 6, 1_000);
        assert_eq!([3, 4, 5, 6].map(|name| is_known(&mut keys, name)), [None, None, None, Some(6)]);
    }
}
