//! Batches that wait to be written, bounded in bytes, and the keys of those that came before.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use ward_core::{Batch, BatchId};

use crate::error::Refused;
use crate::format::{MAX_BATCH_BYTES, batches};
use crate::frame::BatchKey;
use crate::keys::{Asked, Done, Keys};
use crate::options::Options;
use crate::sync::{lock, wait, wait_for};

pub(crate) struct Queue {
    state: Mutex<State>,
    /// For the encoder: there is something to take.
    arrived: Condvar,
    /// For senders: there is room.
    room: Condvar,
}

/// A batch on its way.
pub(crate) struct Waiting {
    pub batch: Batch,
    pub key: Option<BatchKey>,
    pub bytes: usize,
    pub since: Instant,
    pub done: Done,
}

/// What became of a batch at the door.
pub(crate) enum Entered {
    /// It waits.
    Waits,
    /// A batch with its key waits already.
    Joined,
    /// A batch with its key is durable.
    Known(BatchId, Done),
    /// It may not come in.
    Refused(Batch, Done, Refused),
}

struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    keys: Keys,
    closed: bool,
}

impl Queue {
    pub fn new(keys: Keys) -> Self {
        let state = State { waiting: VecDeque::new(), bytes: 0, keys, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), room: Condvar::new() }
    }

    /// Lets a batch in. `patient`: waits until there is room.
    pub fn enter(
        &self,
        batch: Batch,
        key: Option<BatchKey>,
        mut done: Done,
        options: &Options,
        patient: bool,
    ) -> Entered {
        let bytes = batches::size(&batch);
        if bytes > MAX_BATCH_BYTES || batch.format.len() > usize::from(u8::MAX) {
            return Entered::Refused(batch, done, Refused::TooLarge { bytes });
        }
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return Entered::Refused(batch, done, Refused::Closed);
            }
            if let Some(key) = key {
                match state.keys.ask(key, done) {
                    Asked::New(same) => done = same,
                    Asked::Known(id, done) => return Entered::Known(id, done),
                    Asked::Joined => return Entered::Joined,
                }
            }
            // One that is larger than the whole queue comes in when the queue is empty.
            if state.bytes + bytes <= options.queue_bytes || state.waiting.is_empty() {
                break;
            }
            if !patient {
                return Entered::Refused(batch, done, Refused::Busy);
            }
            state = wait(&self.room, state);
        }
        if let Some(key) = key {
            state.keys.expect(key);
        }
        state.waiting.push_back(Waiting { batch, key, bytes, since: Instant::now(), done });
        let before = state.bytes;
        state.bytes += bytes;
        let soon = options.commit_soon_bytes;
        if state.waiting.len() == 1 || (before < soon && state.bytes >= soon) {
            self.arrived.notify_one();
        }
        Entered::Waits
    }

    /// Takes the batches of the next frame; waits for them. `None`: closed, and nothing is left.
    pub fn take(&self, options: &Options) -> Option<Vec<Waiting>> {
        let mut state = lock(&self.state);
        loop {
            let Some(first) = state.waiting.front() else {
                if state.closed {
                    return None;
                }
                state = wait(&self.arrived, state);
                continue;
            };
            let waited = first.since.elapsed();
            if state.bytes >= options.commit_soon_bytes || waited >= options.commit_wait || state.closed {
                break;
            }
            state = wait_for(&self.arrived, state, options.commit_wait - waited);
        }
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while bytes < options.commit_bytes.min(MAX_BATCH_BYTES)
            && let Some(next) = state.waiting.pop_front()
        {
            bytes += next.bytes;
            taken.push(next);
        }
        state.bytes -= bytes;
        drop(state);
        self.room.notify_all();
        Some(taken)
    }

    /// Works with the keys.
    pub fn keys<T>(&self, work: impl FnOnce(&mut Keys) -> T) -> T {
        work(&mut lock(&self.state).keys)
    }

    /// Bytes and batches that wait.
    pub fn waiting(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.bytes, state.waiting.len())
    }

    /// Refuses what still waits, when nobody will ever take it.
    pub fn abandon(&self) {
        self.close();
        let waiting = std::mem::take(&mut lock(&self.state).waiting);
        for Waiting { key, done, .. } in waiting {
            let others = key.map(|key| self.keys(|keys| keys.forget(key))).unwrap_or_default();
            for done in std::iter::once(done).chain(others) {
                done(Err(Refused::Closed));
            }
        }
    }

    /// Lets nothing in any more.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.arrived.notify_all();
        self.room.notify_all();
    }
}
