//! Cutting an input into blocks of whole records.
//!
//! Lines are cut at a newline and nothing else is looked at; other records are found by a [`Framer`].
//! Invariant: bytes looked at again, to find the next record after one that does not end, are at most
//! [`SEARCH_FREE`] and four times what was read; beyond that the input is given up.

use super::block::{Block, Fault, Unit};
use super::evtx::CHUNK;
use super::frame::{Frame, Framer};
use super::table::Columns;
use super::window::Window;
use super::{Format, Input};
use crate::Error;
use std::sync::Arc;

/// Where the reading stands between blocks.
#[derive(Debug)]
pub(super) struct Progress {
    /// Number of the next record.
    pub record: u64,
    /// A record did not end; the next one is searched for.
    lost: bool,
    searched_again: u64,
    given_up: bool,
    /// The end was reached and what is missing there was told.
    finished: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self { record: 1, lost: false, searched_again: 0, given_up: false, finished: false }
    }
}

/// What was found in the window so far.
#[derive(Default)]
struct Found {
    /// Where the next frame starts.
    at: usize,
    units: Vec<Unit>,
    faults: Vec<Fault>,
}

const SEARCH_FREE: u64 = 64 << 20;
/// The longest start of a record that a search may find cut at the end of the window.
const LEAD: usize = 8 << 10;

impl Input {
    /// The next block of a format whose records are lines.
    pub(super) fn lines(&mut self) -> Option<Block> {
        let (limits, mut faults) = (&self.options.limits, Vec::new());
        let mut target = limits.block.max(self.window.data().len() * 2);
        let mut searched = 0;
        let cut = loop {
            let came = self.window.more(target);
            let data = self.window.data();
            if let Some(newline) = memchr::memrchr(b'\n', data.get(searched..).unwrap_or_default()) {
                break searched + newline + 1;
            }
            if !came && self.window.ended() {
                break data.len();
            }
            searched = data.len();
            if searched > limits.record {
                let (record, offset) = (self.progress.record, self.window.offset());
                faults.push(Fault { record, offset, error: Error::TooLong { limit: limits.record } });
                self.progress.record += 1;
                skip_line(&mut self.window, limits.block);
                (searched, target) = (0, limits.block.max(self.window.data().len() * 2));
            } else if searched >= target {
                target *= 2;
            }
        };
        let (first_record, offset) = (self.progress.record, self.window.offset());
        let data = self.window.data().get(..cut).unwrap_or_default();
        let newlines = memchr::memchr_iter(b'\n', data).count() as u64;
        self.progress.record += newlines + u64::from(data.last().is_some_and(|b| *b != b'\n'));
        let columns = self.columns.clone();
        if let Some(columns) = &mut self.columns {
            let told = note_directives(data, columns, self.options.limits.columns);
            faults.extend(told.map(|error| Fault { record: first_record, offset, error }));
        }
        let (bytes, used) = self.window.take(cut);
        let format = self.format;
        let block = Block { format, bytes, used, offset, first_record, units: None, columns, faults };
        (used > 0 || !block.faults.is_empty()).then_some(block)
    }

    /// The next block of a format whose records are found by a framer.
    pub(super) fn frames(&mut self, framer: &mut dyn Framer) -> Option<Block> {
        if self.progress.given_up {
            self.window.stop();
            return None;
        }
        let block = self.options.limits.block;
        let block = if self.format == Format::Evtx { block.min(4 * CHUNK) } else { block };
        let mut target = block.max(self.window.data().len() * 2);
        let mut found = Found::default();
        let first_record = self.progress.record;
        loop {
            self.window.more(target);
            self.find_all(framer, &mut found);
            if self.window.ended() || !found.units.is_empty() || !found.faults.is_empty() {
                break;
            }
            // One record fills the window, or nothing in it was of worth.
            self.window.discard(found.at);
            found.at = 0;
            if self.window.data().len() >= target {
                target *= 2;
            }
        }
        if self.window.ended() && !self.progress.finished {
            self.progress.finished = true;
            // A record that did not end has been told.
            if let Some(error) = framer.missing().filter(|_| !self.progress.lost) {
                self.fault(&mut found, 0, error);
            }
        }
        let offset = self.window.offset();
        let (bytes, used) = self.window.take(found.at);
        let Found { units, faults, .. } = found;
        let (format, columns) = (self.format, self.columns.clone());
        let nothing = units.is_empty() && faults.is_empty();
        let units = Some(units);
        (!nothing).then_some(Block { format, bytes, used, offset, first_record, units, columns, faults })
    }

    /// Takes all frames that can be told from the window.
    fn find_all(&mut self, framer: &mut dyn Framer, found: &mut Found) {
        let all = self.window.ended();
        let limit = if self.format == Format::Evtx { usize::MAX } else { self.options.limits.record };
        let too_long = || Error::TooLong { limit };
        while !self.progress.given_up && (!self.progress.lost || self.find_again(framer, found, all)) {
            let bytes = self.window.data().get(found.at..).unwrap_or_default();
            let length = bytes.len();
            if length == 0 {
                return;
            }
            match framer.frame(bytes, all) {
                Frame::Record { start, end, .. } if end - start > limit => {
                    self.fault(found, start, too_long());
                    found.at += end;
                }
                Frame::Record { start, end, count } => {
                    self.unit(found, start, end, count);
                    found.at += end;
                }
                Frame::Skip(next) => found.at += next,
                Frame::Broken { error, next } => {
                    self.fault(found, 0, error);
                    found.at += next;
                }
                Frame::Lost { start, looked, what } => {
                    self.lose(found, start, looked, Error::Unclosed { what })
                }
                Frame::More { start } if length - start > limit => {
                    self.lose(found, start, length - start, too_long());
                }
                Frame::More { .. } => return,
            }
        }
    }

    fn unit(&mut self, found: &mut Found, start: usize, end: usize, count: u64) {
        let (start, end) = (found.at + start, found.at + end);
        let record = self.progress.record;
        self.progress.record += count;
        if self.format != Format::Csv || self.columns.is_some() {
            found.units.push(Unit { start, end, record });
            return;
        }
        let header = String::from_utf8_lossy(self.window.data().get(start..end).unwrap_or_default());
        let delimiter = super::table::csv_delimiter(&header).unwrap_or(',');
        let (columns, told) = Columns::csv(&header, delimiter, self.options.limits.columns);
        self.columns = Some(Arc::new(columns));
        if let Err(error) = told {
            found.faults.push(Fault { record, offset: self.window.offset() + start as u64, error });
        }
    }

    fn fault(&mut self, found: &mut Found, start: usize, error: Error) {
        let record = if self.format == Format::Evtx { 0 } else { self.progress.record };
        self.progress.record += 1;
        let offset = self.window.offset() + (found.at + start) as u64;
        found.faults.push(Fault { record, offset, error });
    }

    /// A record does not end: the next one is to be searched for after its first byte.
    fn lose(&mut self, found: &mut Found, start: usize, looked: usize, error: Error) {
        self.fault(found, start, error);
        self.progress.lost = true;
        self.progress.searched_again += looked as u64;
        found.at += start + 1;
        let read = self.window.offset() + found.at as u64;
        if self.progress.searched_again > SEARCH_FREE + 4 * read {
            self.fault(found, 0, Error::GivenUp);
            self.progress.given_up = true;
        }
    }

    fn find_again(&mut self, framer: &mut dyn Framer, found: &mut Found, all: bool) -> bool {
        let data = self.window.data();
        match framer.resume(data, found.at) {
            Some(next) => {
                found.at = next;
                self.progress.lost = false;
            }
            None if all => found.at = data.len(),
            None => found.at = data.len().saturating_sub(LEAD).max(found.at),
        }
        !self.progress.lost
    }
}

/// Drops the bytes up to the next newline.
fn skip_line(window: &mut Window, block: usize) {
    loop {
        if let Some(newline) = memchr::memchr(b'\n', window.data()) {
            window.discard(newline + 1);
            return;
        }
        window.discard(usize::MAX);
        if !window.more(block) && window.ended() {
            return;
        }
    }
}

/// Takes in the lines of a block that start with `#`, for the blocks after it.
fn note_directives(data: &[u8], columns: &mut Arc<Columns>, limit: usize) -> Option<Error> {
    let mut told = None;
    let mut at = if data.starts_with(b"#") { Some(0) } else { next_directive(data, 0) };
    while let Some(start) = at {
        let rest = data.get(start..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
        let mut changed = (**columns).clone();
        match changed.directive(&line, limit) {
            Ok(false) => {}
            Ok(true) => *columns = Arc::new(changed),
            Err(error) => {
                *columns = Arc::new(changed);
                told = Some(error);
            }
        }
        at = next_directive(data, start + end);
    }
    told
}

fn next_directive(data: &[u8], from: usize) -> Option<usize> {
    Some(from + memchr::memmem::find(data.get(from..)?, b"\n#")? + 1)
}
