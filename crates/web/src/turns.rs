//! Whose turn it is to search: few searches run at once, and none has all turns: tokens that reach the same
//! organisations share theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use ward_core::Scope;
use ward_store::auth::Access;

/// The turns to search.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    at_once: usize,
    /// The turns of each reach that has any, or waits for one.
    own: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// Most turns of one reach.
    most: usize,
}

/// How many searches run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    /// In all.
    pub all: usize,
    /// In all at most.
    pub most: usize,
    /// Of one reach.
    pub own: usize,
    /// Of one reach at most.
    pub own_most: usize,
}

/// A turn. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    /// So many searches at once. One of them is left to others, where there are several.
    pub(crate) fn new(at_once: usize) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        let most = at_once.saturating_sub(1).max(1);
        Self { all: Arc::new(Semaphore::new(at_once)), at_once, own: Mutex::default(), most }
    }

    /// Waits for a turn. `None`: it did not come in time.
    pub(crate) async fn take(&self, reach: &str, patience: Duration) -> Option<Turn> {
        let own = self.own(reach);
        let turn = async {
            let own = own.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn { _own: own, _of_all: of_all })
        };
        tokio::time::timeout(patience, turn).await.ok().flatten()
    }

    /// How many run now, of this reach and in all. Those of a reach that have a turn of their own and wait for one of all
    /// are counted as running.
    pub(crate) fn running(&self, reach: &str) -> Running {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let free = own.get(reach).map_or(self.most, |turns| turns.available_permits());
        Running {
            all: self.at_once.saturating_sub(self.all.available_permits()),
            most: self.at_once,
            own: self.most.saturating_sub(free),
            own_most: self.most,
        }
    }

    fn own(&self, reach: &str) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, turns| Arc::strong_count(turns) > 1);
        Arc::clone(own.entry(reach.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.most))))
    }
}

/// What somebody reaches. Those of the whole sector are each by themselves.
pub(crate) fn reach(access: &Access, scope: &Scope) -> String {
    match scope.organisations() {
        Some(organisations) => organisations.iter().map(|code| format!("{code} ")).collect(),
        None => access.actor.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_reach_leaves_a_turn_to_others_and_waits_for_its_own() {
        let turns = Turns::new(3);
        let (greedy, other) = ("a", "b");
        let first = turns.take(greedy, SOON).await.unwrap();
        let _second = turns.take(greedy, SOON).await.unwrap();
        assert!(turns.take(greedy, SOON).await.is_none(), "one is left to others");
        let _others = turns.take(other, SOON).await.unwrap();
        assert!(turns.take(other, SOON).await.is_none(), "all are taken");
        assert_eq!(turns.running(greedy), Running { all: 3, most: 3, own: 2, own_most: 2 });
        assert_eq!(turns.running("c"), Running { all: 3, most: 3, own: 0, own_most: 2 });
        let waiting = turns.take(greedy, Duration::from_secs(60));
        let (turn, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(turn.is_some());
    }

    #[tokio::test]
    async fn who_has_no_turn_any_more_is_forgotten() {
        let turns = Turns::new(1);
        for token in 0..9 {
            drop(turns.take(&token.to_string(), SOON).await.unwrap());
        }
        assert_eq!(turns.own.lock().unwrap().len(), 1);
    }
}
