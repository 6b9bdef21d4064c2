//! Work that can wait, on threads that stand back where others have work that cannot.

use std::thread;

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tokio::sync::oneshot;

/// Does work on a thread of its own, which gets what others leave of the processors. `None`: the system has no thread
/// for it, or it panicked.
pub async fn lowly<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (told, done) = oneshot::channel();
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Where the system does not let it, it takes its share as others do.
        let _ = setpriority_process(Some(gettid()), STANDS_BACK);
        // Whoever waits may have been stopped.
        let _ = told.send(work());
    });
    match spawned {
        Ok(_) => done.await.ok(),
        Err(error) => {
            tracing::error!(%error, name, "could not start a thread");
            None
        }
    }
}

/// About a tenth of the share of other threads (`nice`).
const STANDS_BACK: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_stands_back_and_who_waits_for_it_does_not() {
        let own = rustix::process::getpriority_process(Some(gettid())).unwrap();
        let its = lowly("trial", || rustix::process::getpriority_process(Some(gettid())).unwrap()).await;
        assert_eq!(its, Some(own.max(STANDS_BACK)));
        assert_eq!(rustix::process::getpriority_process(Some(gettid())).unwrap(), own);
        let panics = lowly("trial", move || assert!(own > 100, "on purpose"));
        assert_eq!(panics.await, None);
    }
}
