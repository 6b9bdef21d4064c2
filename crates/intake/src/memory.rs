//! The memory of a listener: what its connections and requests hold is limited in all, and no source has more than
//! its share of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use ward_core::SourceId;

/// What the connections and requests of a listener may hold together.
#[derive(Debug)]
pub(crate) struct Memory {
    kibibytes: Arc<Semaphore>,
    /// Kibibytes of each source that holds any.
    own: Mutex<HashMap<SourceId, Arc<Semaphore>>>,
    share: usize,
    /// What is packed may become much: so few unpack at a time.
    unpacking: Semaphore,
}

impl Memory {
    /// So many bytes, of which a source has its share, or what one request of it may take.
    pub(crate) fn new(bytes: usize, request: usize) -> Self {
        let kibibytes = (bytes / 1024).min(Semaphore::MAX_PERMITS);
        Self {
            kibibytes: Arc::new(Semaphore::new(kibibytes)),
            own: Mutex::default(),
            share: kibibytes.div_ceil(SHARES).max(request.div_ceil(1024)),
            unpacking: Semaphore::new(UNPACKING),
        }
    }

    /// Unpacks or decodes so many bytes: few where they are, more on another thread, when it is their turn. `None`:
    /// that thread panicked.
    pub(crate) async fn unpack<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        if bytes < INLINE {
            return Some(work());
        }
        let _turn = self.unpacking.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }

    /// Nothing held yet, for a connection or request of this source.
    pub(crate) fn of(&self, source: &SourceId) -> Held {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.retain(|_, share| Arc::strong_count(share) > 1);
        let share = own.entry(source.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.share)));
        Held { all: Arc::clone(&self.kibibytes), share: Arc::clone(share), permits: None, kibibytes: 0 }
    }
}

/// What one connection or request holds.
#[derive(Debug)]
pub(crate) struct Held {
    all: Arc<Semaphore>,
    share: Arc<Semaphore>,
    /// Of the source's share, and of all.
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
    kibibytes: usize,
}

impl Held {
    /// Holds at least so many bytes. `false`: they are not there.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let wanted = bytes.div_ceil(1024);
        let Some(more) = wanted.checked_sub(self.kibibytes).filter(|more| *more > 0) else { return true };
        let Ok(more) = u32::try_from(more) else { return false };
        let Ok(own) = Arc::clone(&self.share).try_acquire_many_owned(more) else { return false };
        let Ok(of_all) = Arc::clone(&self.all).try_acquire_many_owned(more) else { return false };
        self.add(own, of_all, wanted);
        true
    }

    /// Holds as much as a connection needs that holds so many bytes, more or less than before; what every
    /// connection may hold is free. Waits for as long as that. `false`: they are not there.
    pub(crate) async fn fit(&mut self, bytes: usize, patience: Duration) -> bool {
        let wanted = bytes / FREE * (FREE / 1024);
        if let (Some((own, of_all)), Some(less)) = (&mut self.permits, self.kibibytes.checked_sub(wanted)) {
            drop((own.split(less), of_all.split(less)));
            self.kibibytes = wanted;
        }
        if self.grow(wanted * 1024) {
            return true;
        }
        let Ok(more) = u32::try_from(wanted - self.kibibytes) else { return false };
        let (all, share) = (Arc::clone(&self.all), Arc::clone(&self.share));
        let both = async {
            let own = share.acquire_many_owned(more).await.ok()?;
            Some((own, all.acquire_many_owned(more).await.ok()?))
        };
        let Ok(Some((own, of_all))) = timeout(patience, both).await else { return false };
        self.add(own, of_all, wanted);
        true
    }

    /// Hands what is held over; nothing is held here any more.
    pub(crate) fn hand_over(&mut self) -> Self {
        let (all, share) = (Arc::clone(&self.all), Arc::clone(&self.share));
        std::mem::replace(self, Self { all, share, permits: None, kibibytes: 0 })
    }

    fn add(&mut self, own: OwnedSemaphorePermit, of_all: OwnedSemaphorePermit, wanted: usize) {
        match &mut self.permits {
            Some(held) => {
                held.0.merge(own);
                held.1.merge(of_all);
            }
            None => self.permits = Some((own, of_all)),
        }
        self.kibibytes = wanted;
    }
}

/// Into so many shares the memory is parted: one source cannot keep all others out.
const SHARES: usize = 4;
/// Bytes that a connection may hold without asking: their number is limited by that of the connections.
const FREE: usize = 64 << 10;
const UNPACKING: usize = 4;
/// Bytes up to here are unpacked where they are: it takes less time than to ask another thread.
const INLINE: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Duration = Duration::from_millis(1);

    fn source(name: &str) -> SourceId {
        SourceId::new(name).unwrap()
    }

    #[tokio::test]
    async fn what_is_held_is_limited_in_all_and_given_back() {
        let memory = Memory::new(4 << 20, 1 << 20);
        let mut others: Vec<Held> = ["a", "b", "c"].map(|name| memory.of(&source(name))).into();
        assert!(others.iter_mut().all(|held| held.grow(1 << 20)));
        let (mut request, mut stream) = (memory.of(&source("d")), memory.of(&source("d")));
        assert!(request.grow(900 << 10));
        assert!(stream.fit(FREE - 1, NO_TIME).await, "that much is free");
        assert!(!stream.fit(200 << 10, NO_TIME).await);
        assert!(!request.grow(2 << 20));
        drop(request);
        assert!(stream.fit(1 << 20, NO_TIME).await);
        assert_eq!(memory.kibibytes.available_permits(), 0);
        assert!(stream.fit(100 << 10, NO_TIME).await);
        assert_eq!(memory.kibibytes.available_permits(), 960);
        drop(stream.hand_over());
        assert_eq!(memory.kibibytes.available_permits(), 1024);
    }

    #[tokio::test]
    async fn no_source_has_more_than_its_share() {
        let memory = Memory::new(4 << 20, 1 << 20);
        let (mut first, mut second) = (memory.of(&source("a")), memory.of(&source("a")));
        assert!(first.grow(1 << 20));
        assert!(!second.grow(1024) && !second.fit(FREE, NO_TIME).await);
        assert!(memory.of(&source("b")).grow(1 << 20));
        drop((first, second));
        assert!(memory.of(&source("c")).grow(1 << 20));
        assert_eq!(memory.own.lock().unwrap().len(), 1, "who holds nothing is forgotten");
    }

    #[tokio::test]
    async fn a_stream_waits_until_there_is_room() {
        let memory = Memory::new(4 << 20, 1 << 20);
        let mut first = memory.of(&source("a"));
        assert!(first.grow(1 << 20));
        let mut second = memory.of(&source("a"));
        let waiting = second.fit(128 << 10, Duration::from_secs(60));
        let (fits, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(fits);
    }
}
