//! Threads without which the hub is none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

use crate::error::Error;

/// Starts a thread that ends when its work does. A fault in it ends the process at once: a hub that took events in
/// and did not look at them would be trusted in vain, and whoever runs it starts it again.
///
/// # Errors
/// The system has no thread for it.
pub fn vital(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let called = name.to_owned();
    let guarded = move || {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            tracing::error!(thread = called, "a fault in Ward: the hub ends, to be started again");
            std::process::abort();
        }
    };
    Builder::new().name(name.to_owned()).spawn(guarded).map_err(Error::Thread)
}

/// Tells of a fault where it happened, without what it says: that can be a part of an event.
pub fn tell_faults() {
    std::panic::set_hook(Box::new(|fault| {
        let place = fault.location().map(ToString::to_string).unwrap_or_default();
        let why = fault.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
        tracing::error!(place, why, "a fault in Ward: please report it");
    }));
}
