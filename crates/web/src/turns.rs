//! Whose turn it is to search: few searches run at once, and no token has all turns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use ward_store::tokens::TokenId;

/// The turns to search.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    /// The turns of each token that has any, or waits for one.
    own: Mutex<HashMap<TokenId, Arc<Semaphore>>>,
    /// Most turns of one token.
    most: usize,
}

/// A turn. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    /// So many searches at once. A token leaves one of them to others, where there are several.
    pub(crate) fn new(at_once: usize) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS);
        let most = at_once.saturating_sub(1).max(1);
        Self { all: Arc::new(Semaphore::new(at_once)), own: Mutex::default(), most }
    }

    /// Waits for a turn. `None`: it did not come in time.
    pub(crate) async fn take(&self, token: &TokenId, patience: Duration) -> Option<Turn> {
        let own = self.own(token);
        let turn = async {
            let own = own.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn { _own: own, _of_all: of_all })
        };
        tokio::time::timeout(patience, turn).await.ok().flatten()
    }

    fn own(&self, token: &TokenId) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, turns| Arc::strong_count(turns) > 1);
        Arc::clone(own.entry(token.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.most))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_token_leaves_a_turn_to_others_and_waits_for_its_own() {
        let turns = Turns::new(3);
        let (greedy, other) = (&TokenId("a".to_owned()), &TokenId("b".to_owned()));
        let first = turns.take(greedy, SOON).await.unwrap();
        let _second = turns.take(greedy, SOON).await.unwrap();
        assert!(turns.take(greedy, SOON).await.is_none(), "one is left to others");
        let _others = turns.take(other, SOON).await.unwrap();
        assert!(turns.take(other, SOON).await.is_none(), "all are taken");
        let waiting = turns.take(greedy, Duration::from_secs(60));
        let (turn, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(turn.is_some());
    }

    #[tokio::test]
    async fn who_has_no_turn_any_more_is_forgotten() {
        let turns = Turns::new(1);
        for token in 0..9 {
            drop(turns.take(&TokenId(token.to_string()), SOON).await.unwrap());
        }
        assert_eq!(turns.own.lock().unwrap().len(), 1);
    }
}
