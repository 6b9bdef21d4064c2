//! What the threads of a journal and its readers have in common.

use std::sync::{Arc, Mutex};

use crate::disk::Disk;
use crate::index::Index;
use crate::options::Options;
use crate::queue::Queue;
use crate::slot::Slot;
use crate::sync::lock;
use crate::usage::Counters;

pub(crate) struct Shared {
    pub disk: Arc<dyn Disk>,
    pub options: Options,
    pub queue: Queue,
    pub slot: Slot,
    pub index: Index,
    pub counters: Counters,
    /// Buffers of frames that were written.
    pub spares: Mutex<Vec<Vec<u8>>>,
}

impl Shared {
    /// A buffer for a frame.
    pub fn spare(&self) -> Vec<u8> {
        lock(&self.spares).pop().unwrap_or_default()
    }

    /// Keeps a buffer for later frames, unless it is of unusual size.
    pub fn reuse(&self, bytes: Vec<u8>) {
        let mut spares = lock(&self.spares);
        if spares.len() < 2 && bytes.len() <= 2 * self.options.commit_bytes + (1 << 20) {
            spares.push(bytes);
        }
    }
}
