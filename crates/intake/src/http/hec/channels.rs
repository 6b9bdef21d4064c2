//! Acknowledgement by channel: a client gets a number for each request, and asks later which of them are
//! safe. Ours are when the number is given, so a channel is no more than a counter.
//!
//! Invariant: the number of channels held is bounded; the one that was used longest ago goes first, and a
//! client that asks about it is told "not yet", so that it sends again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use ward_core::SourceId;

use crate::digest;

/// The channels of one listener.
#[derive(Debug, Default)]
pub(crate) struct Channels(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    channels: HashMap<[u8; 32], Channel>,
    used: u64,
}

#[derive(Debug, Default)]
struct Channel {
    next: u64,
    used: u64,
}

#[derive(Deserialize)]
struct Question {
    acks: Vec<u64>,
}

impl Channels {
    /// The number of the next request.
    pub(super) fn next(&self, source: &SourceId, channel: &str) -> u64 {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(source, channel);
        inner.used += 1;
        let used = inner.used;
        if inner.channels.len() >= MOST && !inner.channels.contains_key(&key) {
            let oldest = inner.channels.iter().min_by_key(|(_, channel)| channel.used).map(|(key, _)| *key);
            oldest.map(|key| inner.channels.remove(&key));
        }
        let channel = inner.channels.entry(key).or_default();
        channel.used = used;
        channel.next += 1;
        channel.next - 1
    }

    /// The answer to a question about numbers. `None`: it is none.
    pub(super) fn acks(&self, source: &SourceId, channel: &str, question: &[u8]) -> Option<String> {
        let question: Question = serde_json::from_slice(question).ok()?;
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = inner.channels.get(&key(source, channel)).map_or(0, |channel| channel.next);
        let acks: Vec<String> =
            question.acks.iter().take(MOST_ASKED).map(|id| format!("\"{id}\":{}", *id < next)).collect();
        Some(format!("{{\"acks\":{{{}}}}}", acks.join(",")))
    }
}

/// A channel may have any name; a digest has one length.
fn key(source: &SourceId, channel: &str) -> [u8; 32] {
    digest(&[source.as_str().as_bytes(), b"\0", channel.as_bytes()].concat())
}

const MOST: usize = 4096;
const MOST_ASKED: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_for_each_channel_of_each_source_and_are_safe_once_given() {
        let channels = Channels::default();
        let [a, b] = ["a", "b"].map(|id| SourceId::new(id).unwrap());
        assert_eq!([channels.next(&a, "x"), channels.next(&a, "x"), channels.next(&a, "y")], [0, 1, 0]);
        let asked = |source, channel| channels.acks(source, channel, b"{\"acks\":[0,1,2]}").unwrap();
        assert_eq!(asked(&a, "x"), r#"{"acks":{"0":true,"1":true,"2":false}}"#);
        assert_eq!(asked(&b, "x"), r#"{"acks":{"0":false,"1":false,"2":false}}"#);
        assert_eq!(channels.acks(&a, "x", b"[]"), None);
    }

    #[test]
    fn the_channel_used_longest_ago_is_forgotten() {
        let channels = Channels::default();
        let a = SourceId::new("a").unwrap();
        channels.next(&a, "kept");
        channels.next(&a, "old");
        for n in 0..MOST - 1 {
            channels.next(&a, "kept");
            channels.next(&a, &n.to_string());
        }
        assert_eq!(channels.0.lock().unwrap().channels.len(), MOST);
        assert_eq!(channels.next(&a, "old"), 0);
        assert_eq!(channels.next(&a, "kept"), MOST as u64);
    }
}
