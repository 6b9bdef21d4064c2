//! Where the first thread puts down a group for the second: one place, and requests to seal.

use std::sync::{Condvar, Mutex};
use std::time::Instant;

use crate::group::Group;
use crate::sync::{lock, wait, wait_for};

#[derive(Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

/// What is to be done next.
pub(crate) enum Work {
    Write(Box<Group>),
    /// Somebody asked for the segment to be sealed.
    Seal,
    /// The time is over.
    Wake,
    /// Nothing will come any more.
    End,
}

#[derive(Default)]
struct State {
    group: Option<Box<Group>>,
    /// How often sealing was asked for, and how many of these were answered.
    seals_asked: u64,
    seals_done: u64,
    /// The first thread has ended.
    ended: bool,
    /// The second thread has ended.
    gone: bool,
}

impl Slot {
    /// `false`: nobody takes groups any more.
    pub fn wait_until_free(&self) -> bool {
        let mut state = lock(&self.state);
        while state.group.is_some() && !state.gone {
            state = wait(&self.changed, state);
        }
        !state.gone
    }

    pub fn put(&self, group: Group) {
        lock(&self.state).group = Some(Box::new(group));
        self.changed.notify_all();
    }

    pub fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    /// What is to be done next, until this time.
    pub fn next(&self, until: Option<Instant>) -> Work {
        let mut state = lock(&self.state);
        loop {
            if let Some(group) = state.group.take() {
                self.changed.notify_all();
                return Work::Write(group);
            }
            if state.seals_asked > state.seals_done {
                return Work::Seal;
            }
            if state.ended {
                return Work::End;
            }
            let now = Instant::now();
            state = match until {
                Some(until) if until <= now => return Work::Wake,
                Some(until) => wait_for(&self.changed, state, until - now),
                None => wait(&self.changed, state),
            };
        }
    }

    /// Asks for a seal and waits for it.
    pub fn seal(&self) {
        let mut state = lock(&self.state);
        state.seals_asked += 1;
        let mine = state.seals_asked;
        self.changed.notify_all();
        while state.seals_done < mine && !state.gone {
            state = wait(&self.changed, state);
        }
    }

    /// The segment is sealed, for all who asked.
    pub fn sealed(&self) {
        let mut state = lock(&self.state);
        state.seals_done = state.seals_asked;
        self.changed.notify_all();
    }

    /// Nobody takes groups any more.
    pub fn leave(&self) {
        lock(&self.state).gone = true;
        self.changed.notify_all();
    }
}
