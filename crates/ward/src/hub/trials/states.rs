//! Every state that a power cut can leave: files at a moment, and the store after a commit.

use std::collections::BTreeSet;
use std::path::Path;

use super::disks::{Files, Moment, Record};

/// What is left.
#[derive(Debug)]
pub struct State<'a> {
    record: &'a Record,
    moment: &'a Moment,
    nth: usize,
    files: &'a Files,
    base: &'a [u8],
    /// The log, as far as it had been written.
    log: &'a [u8],
}

/// All states, each once. `base`: the store as it was at the start; `log`: all that was written to its log.
pub fn states<'a>(record: &'a Record, base: &'a [u8], log: &'a [u8]) -> Vec<State<'a>> {
    let commits = commits(log);
    assert!(commits.len() > 20, "the log of the store has {} commits", commits.len());
    let mut seen = BTreeSet::new();
    let mut states = Vec::new();
    let mut before = 0;
    for (nth, moment) in record.moments.iter().enumerate() {
        let end = moment.log as usize;
        // Commits since the moment before: the power may have gone after each of them, or before the first.
        let first = commits.iter().rposition(|commit| *commit <= before);
        let since = commits.iter().skip(first.unwrap_or(0)).take_while(|commit| **commit <= end);
        let mut logs: BTreeSet<usize> = since.copied().collect();
        if first.is_none() {
            logs.insert(0);
        }
        before = end;
        let last = logs.last().copied();
        for log_end in logs {
            // What was torn matters where the store is as late as can be.
            let ways = if Some(log_end) == last { moment.left.len() } else { 1 };
            for files in &moment.left[..ways] {
                let same: Vec<_> =
                    files.iter().map(|(path, bytes)| (path.clone(), bytes.as_ptr() as usize)).collect();
                if seen.insert((same, log_end, moment.acknowledged, moment.sent)) {
                    states.push(State { record, moment, nth, files, base, log: &log[..log_end] });
                }
            }
        }
    }
    states
}

impl State<'_> {
    /// Puts it into a folder.
    pub fn put(&self, data: &Path) {
        std::fs::create_dir_all(data.join("journal")).unwrap();
        std::fs::write(data.join("ward.db"), self.base).unwrap();
        std::fs::write(data.join("ward.db-wal"), self.log).unwrap();
        for (path, bytes) in self.files {
            let path = data.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &**bytes).unwrap();
        }
    }

    /// Batches that were acknowledged by then.
    pub fn acknowledged(&self) -> &[usize] {
        &self.record.acknowledged[..self.moment.acknowledged]
    }

    /// Batches that were sent by then.
    pub fn sent(&self) -> &[usize] {
        &self.record.sent[..self.moment.sent]
    }

    /// Which it is.
    pub fn says(&self) -> String {
        let files = self.files.keys().map(|path| path.display().to_string()).collect::<Vec<_>>();
        format!(
            "cut at {} before '{}', store at byte {} of its log, left: {files:?}",
            self.nth,
            self.moment.next,
            self.log.len()
        )
    }
}

/// Where commits end in a write-ahead log of SQLite: a head of 32 bytes, then pages with a head of 24 each, in
/// which bytes 4 to 8 are 0 unless it is the last page of a commit.
fn commits(log: &[u8]) -> Vec<usize> {
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
    let frames = log[32..].chunks_exact(24 + page).enumerate();
    frames.filter(|(_, frame)| frame[4..8] != [0; 4]).map(|(nth, _)| 32 + (nth + 1) * (24 + page)).collect()
}
