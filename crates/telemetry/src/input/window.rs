//! The bytes of an input that are at hand.
//!
//! Invariant: no byte is copied but the part of a record that a block ended in.

use super::compression::Plain;
use crate::Error;

/// A stretch of an input, from the end of the last block on.
pub(super) struct Window {
    plain: Plain,
    live: bool,
    bytes: Vec<u8>,
    used: usize,
    /// Where `bytes` starts in the decompressed input.
    offset: u64,
    /// What is left from the last block.
    carry: Vec<u8>,
    /// The carry was read ahead and may hold whole records.
    ahead: bool,
    ended: bool,
    failure: Option<Error>,
}

impl Window {
    pub fn new(plain: Plain, live: bool) -> Self {
        Self {
            plain,
            live,
            bytes: Vec::new(),
            used: 0,
            offset: 0,
            carry: Vec::new(),
            ahead: false,
            ended: false,
            failure: None,
        }
    }

    /// Reads up to `most` bytes ahead, or to the first newline if live, and shows them.
    pub fn look_ahead(&mut self, most: usize) -> &[u8] {
        while self.used < most && !(self.live && memchr::memchr(b'\n', self.data()).is_some()) {
            if !self.more(most) {
                break;
            }
        }
        self.data()
    }

    /// Starts a block in the memory of `reuse`, with what is left from the last one.
    pub fn begin(&mut self, reuse: Vec<u8>) {
        self.bytes = reuse;
        self.used = self.carry.len();
        if self.bytes.len() < self.used {
            self.bytes.resize(self.used, 0);
        }
        if let Some(front) = self.bytes.get_mut(..self.used) {
            front.copy_from_slice(&self.carry);
        }
        self.carry.clear();
    }

    /// Reads until `target` bytes are at hand, or one read more if live. `false`: nothing came.
    pub fn more(&mut self, target: usize) -> bool {
        if self.live && std::mem::take(&mut self.ahead) {
            return true;
        }
        if self.bytes.len() < target {
            self.bytes.resize(target, 0);
        }
        let Some(space) = self.bytes.get_mut(self.used..target).filter(|space| !space.is_empty()) else {
            return false;
        };
        match self.plain.fill(space, self.live) {
            Ok(0) => self.ended = true,
            Ok(read) => {
                self.used += read;
                return true;
            }
            Err(error) => {
                self.ended = true;
                self.failure = Some(error);
            }
        }
        false
    }

    pub fn data(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether nothing comes after the bytes at hand.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Forgets the bytes before `to`.
    pub fn discard(&mut self, to: usize) {
        let to = to.min(self.used);
        self.bytes.copy_within(to..self.used, 0);
        self.used -= to;
        self.offset += to as u64;
    }

    /// Hands out the bytes before `cut` (memory and length) and keeps the rest for the next block.
    pub fn take(&mut self, cut: usize) -> (Vec<u8>, usize) {
        let cut = cut.min(self.used);
        self.carry.extend_from_slice(self.bytes.get(cut..self.used).unwrap_or_default());
        self.offset += cut as u64;
        self.used = 0;
        (std::mem::take(&mut self.bytes), cut)
    }

    /// Keeps what was looked at for the first block.
    pub fn keep_ahead(&mut self) {
        self.take(0);
        self.ahead = true;
    }

    /// Reads no further.
    pub fn stop(&mut self) {
        self.ended = true;
        self.used = 0;
        self.carry.clear();
    }

    /// Why the input ended before its end, once.
    pub fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    pub fn taken(&self) -> std::sync::Arc<std::sync::atomic::AtomicU64> {
        std::sync::Arc::clone(self.plain.taken())
    }
}
