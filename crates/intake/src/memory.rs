//! The memory of a listener: what its connections and requests hold is limited in all.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// What the connections and requests of a listener may hold together.
#[derive(Debug)]
pub(crate) struct Memory {
    kibibytes: Arc<Semaphore>,
    /// What is packed may become much: so few unpack at a time.
    unpacking: Semaphore,
}

impl Memory {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            kibibytes: Arc::new(Semaphore::new((bytes / 1024).min(Semaphore::MAX_PERMITS))),
            unpacking: Semaphore::new(UNPACKING),
        }
    }

    /// Waits for a turn to unpack. It is over when what is returned is dropped.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.unpacking.acquire().await.ok()
    }
}

/// What one connection or request holds.
#[derive(Debug, Default)]
pub(crate) struct Held {
    permit: Option<OwnedSemaphorePermit>,
    kibibytes: usize,
}

impl Held {
    /// Holds at least so many bytes. `false`: they are not there.
    pub(crate) fn grow(&mut self, memory: &Memory, bytes: usize) -> bool {
        let wanted = bytes.div_ceil(1024);
        let Some(more) = wanted.checked_sub(self.kibibytes).filter(|more| *more > 0) else { return true };
        let Ok(more) = u32::try_from(more) else { return false };
        let Ok(permit) = Arc::clone(&memory.kibibytes).try_acquire_many_owned(more) else { return false };
        self.add(permit, wanted);
        true
    }

    /// Holds as much as a connection needs that holds so many bytes, more or less than before; what every
    /// connection may hold is free. Waits for as long as that. `false`: they are not there.
    pub(crate) async fn fit(&mut self, memory: &Memory, bytes: usize, patience: Duration) -> bool {
        let wanted = bytes / FREE * (FREE / 1024);
        if wanted < self.kibibytes {
            let permit = self.permit.as_mut();
            drop(permit.and_then(|permit| permit.split(self.kibibytes - wanted)));
            self.kibibytes = wanted;
        }
        if self.grow(memory, wanted * 1024) {
            return true;
        }
        let Ok(more) = u32::try_from(wanted - self.kibibytes) else { return false };
        let acquired = timeout(patience, Arc::clone(&memory.kibibytes).acquire_many_owned(more)).await;
        let Ok(Ok(permit)) = acquired else { return false };
        self.add(permit, wanted);
        true
    }

    fn add(&mut self, permit: OwnedSemaphorePermit, wanted: usize) {
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        self.kibibytes = wanted;
    }
}

/// Bytes that a connection may hold without asking: their number is limited by that of the connections.
const FREE: usize = 64 << 10;
const UNPACKING: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn what_is_held_is_limited_in_all_and_given_back() {
        let memory = Memory::new(1 << 20);
        let (mut request, mut stream) = (Held::default(), Held::default());
        assert!(request.grow(&memory, 900 << 10));
        assert!(stream.fit(&memory, FREE - 1, NO_TIME).await, "that much is free");
        assert!(!stream.fit(&memory, 200 << 10, NO_TIME).await);
        assert!(!request.grow(&memory, 2 << 20));
        drop(request);
        assert!(stream.fit(&memory, 1 << 20, NO_TIME).await);
        assert_eq!(memory.kibibytes.available_permits(), 0);
        assert!(stream.fit(&memory, 100 << 10, NO_TIME).await);
        assert_eq!(memory.kibibytes.available_permits(), 960);
        drop(stream);
        assert_eq!(memory.kibibytes.available_permits(), 1024);
    }

    #[tokio::test]
    async fn a_stream_waits_until_there_is_room() {
        let memory = Memory::new(1 << 20);
        let mut first = Held::default();
        assert!(first.grow(&memory, 1 << 20));
        let mut second = Held::default();
        let waiting = second.fit(&memory, 128 << 10, Duration::from_secs(60));
        let (fits, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(fits);
    }
}
