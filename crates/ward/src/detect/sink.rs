//! Puts what the threads found back into the order of the inputs.
//!
//! Each block of input has a turn. A thread may start on a block only while fewer than a set number of
//! turns are open, so a slow block cannot let the others run ahead without bound. What a turn brings is
//! held until all turns before it are done.
//!
//! Invariant: a turn that ends without bringing anything (a thread that gives up) is still done, so
//! nobody waits for it forever.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Takes what turns bring, in order.
pub trait Receiver<T> {
    /// Takes what the next turn brought. `false`: nobody wants more.
    fn receive(&mut self, brought: T) -> bool;
}

/// Hands out turns and puts what they bring in order.
#[derive(Debug)]
pub struct Sink<T, R> {
    most_open: u64,
    state: Mutex<State<T, R>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T, R> {
    /// Number of the next turn to be handed out.
    next: u64,
    /// Number of the next turn to be received.
    due: u64,
    waiting: BTreeMap<u64, Option<T>>,
    closed: bool,
    receiver: R,
}

/// The right to work on one block.
#[derive(Debug)]
pub struct Turn<'a, T, R: Receiver<T>> {
    sink: &'a Sink<T, R>,
    number: u64,
    brought: Option<T>,
}

impl<T, R: Receiver<T>> Sink<T, R> {
    /// A sink that lets at most `most_open` turns be open at once (at least one).
    pub fn new(most_open: usize, receiver: R) -> Self {
        let state = State { next: 0, due: 0, waiting: BTreeMap::new(), closed: false, receiver };
        Self { most_open: most_open.max(1) as u64, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Takes the next piece of work together with its turn, so that both have the same order. Waits while
    /// too many turns are open; `None`: there is no more work, or nobody wants more.
    pub fn turn<W>(
        &self,
        take: impl FnOnce() -> Option<W>,
        order: &Mutex<()>,
    ) -> Option<(W, Turn<'_, T, R>)> {
        let _in_order = order.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        while state.next - state.due >= self.most_open && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return None;
        }
        drop(state);
        let work = take()?;
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        Some((work, Turn { sink: self, number, brought: None }))
    }

    /// What the receiver became, once all turns are done.
    pub fn into_receiver(self) -> R {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).receiver
    }

    fn done(&self, number: u64, brought: Option<T>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.waiting.insert(number, brought);
        while let Some(brought) = state.waiting.remove(&state.due) {
            state.due += 1;
            if let Some(brought) = brought
                && !state.closed
            {
                state.closed = !state.receiver.receive(brought);
            }
        }
        drop(guard);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, R: Receiver<T>> Turn<'_, T, R> {
    /// Ends the turn with what it brings.
    pub fn bring(mut self, brought: T) {
        self.brought = Some(brought);
    }
}

impl<T, R: Receiver<T>> Drop for Turn<'_, T, R> {
    fn drop(&mut self) {
        self.sink.done(self.number, self.brought.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    #[derive(Default)]
    struct List {
        got: Vec<u64>,
        enough: Option<usize>,
    }

    impl Receiver<u64> for List {
        fn receive(&mut self, brought: u64) -> bool {
            self.got.push(brought);
            self.enough.is_none_or(|enough| self.got.len() < enough)
        }
    }

    /// Threads work on numbers below `count`; `work` says what each brings.
    fn run(count: u64, list: List, work: impl Fn(u64) -> Option<u64> + Sync) -> Vec<u64> {
        let sink = Sink::new(4, list);
        let order = Mutex::new(());
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < count);
                    while let Some((number, turn)) = sink.turn(take, &order) {
                        if let Some(result) = work(number) {
                            turn.bring(result);
                        }
                    }
                });
            }
        });
        sink.into_receiver().got
    }

    #[test]
    fn what_threads_bring_comes_out_in_order() {
        let slow_start = |n: u64| {
            std::thread::sleep(Duration::from_micros(if n.is_multiple_of(7) { 2000 } else { 50 }));
            Some(n)
        };
        assert_eq!(run(200, List::default(), slow_start), (0..200).collect::<Vec<_>>());
    }

    #[test]
    fn a_turn_that_brings_nothing_holds_up_nobody() {
        let got = run(100, List::default(), |n| (n % 3 != 0).then_some(n));
        assert_eq!(got, (0..100).filter(|n| n % 3 != 0).collect::<Vec<_>>());
    }

    #[test]
    fn nobody_runs_ahead_of_a_slow_block() {
        let furthest = AtomicU64::new(0);
        let seen_by_first = AtomicU64::new(0);
        run(100, List::default(), |n| {
            furthest.fetch_max(n, Ordering::SeqCst);
            if n == 0 {
                std::thread::sleep(Duration::from_millis(50));
                seen_by_first.store(furthest.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            Some(n)
        });
        assert!(seen_by_first.load(Ordering::SeqCst) <= 3);
    }

    #[test]
    fn when_nobody_wants_more_all_threads_stop() {
        let got = run(u64::MAX, List { enough: Some(5), ..List::default() }, Some);
        assert_eq!(got, [0, 1, 2, 3, 4]);
    }
}
