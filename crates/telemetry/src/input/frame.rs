//! Where a record ends, for formats whose records are not lines.
//!
//! A framer is shown the bytes from the end of the last frame on and says what stands at their start. It
//! holds no bytes itself: shown more, it answers again.

use crate::Error;

/// What stands at the start of the bytes shown.
#[derive(Debug)]
pub(super) enum Frame {
    /// A record from `start` to `end`; the next frame starts at `end`. It counts as so many records.
    Record { start: usize, end: usize, count: u64 },
    /// Nothing of worth up to here.
    Skip(usize),
    /// A record that cannot be used. The next frame starts at `next`.
    Broken { error: Error, next: usize },
    /// A record from `start` on is broken in a way that hides its end: the next one must be searched for
    /// after `start`. So many bytes were `looked` at to find out.
    Lost { start: usize, looked: usize, what: &'static str },
    /// It cannot be told from these bytes alone: more are needed. A record may start at `start`.
    More { start: usize },
}

/// Finds records.
pub(super) trait Framer: Send {
    /// What stands at the start of `bytes`. With `all`, nothing comes after them, and the answer is never
    /// [`Frame::More`].
    fn frame(&mut self, bytes: &[u8], all: bool) -> Frame;

    /// After a broken record: the first place at or after `from` where a record may start again.
    fn resume(&mut self, bytes: &[u8], from: usize) -> Option<usize>;

    /// At the end of the input: what should have come.
    fn missing(&self) -> Option<Error> {
        None
    }
}

/// Rows of CSV: a newline in quotes ends no row (RFC 4180, section 2, rule 6).
pub(super) struct Rows {
    pub delimiter: char,
}

impl Framer for Rows {
    fn frame(&mut self, bytes: &[u8], all: bool) -> Frame {
        let blank = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
        if blank > 0 {
            return Frame::Skip(blank);
        }
        let newline = memchr::memchr(b'\n', bytes);
        let line = bytes.get(..newline.unwrap_or(bytes.len())).unwrap_or_default();
        let end = if memchr::memchr(b'"', line).is_none() { newline } else { self.row_end(bytes) };
        match end {
            Some(end) => Frame::Record { start: 0, end: end + 1, count: 1 },
            None if !all => Frame::More { start: 0 },
            None if self.ends_in_quotes(bytes) => {
                Frame::Lost { start: 0, looked: bytes.len(), what: "a quoted cell does not end" }
            }
            None => Frame::Record { start: 0, end: bytes.len(), count: 1 },
        }
    }

    fn resume(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        Some(from + memchr::memchr(b'\n', bytes.get(from..)?)? + 1)
    }
}

impl Rows {
    /// The newline that ends the row at the start of `bytes`.
    fn row_end(&self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            at = self.cell_end(bytes, at)?;
            if bytes.get(at) == Some(&b'\n') {
                return Some(at);
            }
            at += 1;
        }
    }

    /// The delimiter or newline after the cell that starts at `at`.
    fn cell_end(&self, bytes: &[u8], mut at: usize) -> Option<usize> {
        if bytes.get(at) == Some(&b'"') {
            loop {
                at += 1;
                at += memchr::memchr(b'"', bytes.get(at..)?)? + 1;
                match bytes.get(at) {
                    Some(b'"') => {}
                    Some(_) => break,
                    None => return None,
                }
            }
        }
        Some(at + memchr::memchr2(self.delimiter as u8, b'\n', bytes.get(at..)?)?)
    }

    /// Whether bytes without a row's end stop inside of quotes.
    fn ends_in_quotes(&self, bytes: &[u8]) -> bool {
        let mut at = 0;
        loop {
            match self.cell_end(bytes, at) {
                Some(end) => at = end + 1,
                None if bytes.get(at) != Some(&b'"') => return false,
                // A quote as the very last byte closes the cell.
                None => {
                    let quotes = memchr::memchr_iter(b'"', bytes.get(at..).unwrap_or_default()).count();
                    return !quotes.is_multiple_of(2);
                }
            }
        }
    }
}

/// Octet-counted syslog frames, `LENGTH MESSAGE` (RFC 6587, section 3.4.1); between them lines, as
/// section 3.4.2 has them, are understood too.
pub(super) struct Counted {
    pub limit: usize,
}

impl Framer for Counted {
    fn frame(&mut self, bytes: &[u8], all: bool) -> Frame {
        let blank = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(bytes.len());
        if blank > 0 {
            return Frame::Skip(blank);
        }
        let digits = bytes.iter().take(LONGEST_COUNT).position(|b| !b.is_ascii_digit());
        let counted = digits.filter(|&at| at > 0 && bytes.get(at) == Some(&b' '));
        let Some(digits) = counted else {
            return match memchr::memchr(b'\n', bytes) {
                Some(end) => Frame::Record { start: 0, end: end + 1, count: 1 },
                None if all => Frame::Record { start: 0, end: bytes.len(), count: 1 },
                None => Frame::More { start: 0 },
            };
        };
        let start = digits + 1;
        let number = bytes.get(..digits).unwrap_or_default();
        let length = number.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
        let end = start + length;
        if length > self.limit {
            return Frame::Lost {
                start: 0,
                looked: start,
                what: "a frame claims to be longer than the limit",
            };
        }
        match (end <= bytes.len(), all) {
            (true, _) => Frame::Record { start, end, count: 1 },
            (false, false) => Frame::More { start: 0 },
            (false, true) => {
                Frame::Lost { start: 0, looked: start, what: "a frame is longer than what is left" }
            }
        }
    }

    fn resume(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            at += memchr::memchr(b'<', bytes.get(at..)?)?;
            let head = bytes.get(from..at).unwrap_or_default();
            let count = head.iter().rev().skip(1).take_while(|b| b.is_ascii_digit()).count();
            // A count that reaches back to `from` may be the end of the one given up.
            if count > 0 && count + 1 < head.len() && head.last() == Some(&b' ') {
                return Some(at - count - 1);
            }
            at += 1;
        }
    }
}

/// Digits of the longest count, and its space.
const LONGEST_COUNT: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of `bytes`, told with all of them at hand.
    fn records<'a>(framer: &mut dyn Framer, bytes: &'a str) -> Vec<&'a str> {
        let (mut at, mut found) = (0, Vec::new());
        while at < bytes.len() {
            match framer.frame(&bytes.as_bytes()[at..], true) {
                Frame::Record { start, end, .. } => {
                    found.push(&bytes[at + start..at + end]);
                    at += end;
                }
                Frame::Skip(next) | Frame::Broken { next, .. } => at += next,
                Frame::Lost { start, .. } => {
                    found.push("lost");
                    let Some(next) = framer.resume(bytes.as_bytes(), at + start + 1) else { break };
                    at = next;
                }
                Frame::More { .. } => unreachable!("all bytes were shown"),
            }
        }
        found
    }

    #[test]
    fn newlines_in_quotes_end_no_row() {
        let mut rows = Rows { delimiter: ',' };
        assert_eq!(
            records(&mut rows, "a,\"b\nc\"\"\n\",d\r\n\ne,5\" x\nf"),
            ["a,\"b\nc\"\"\n\",d\r\n", "e,5\" x\n", "f"]
        );
        assert_eq!(records(&mut rows, "a,\"b\nc,d\ne,\"f\""), ["lost", "c,d\n", "e,\"f\""]);
    }

    #[test]
    fn frames_are_counted_and_lines_between_them_read() {
        let mut frames = Counted { limit: 100 };
        assert_eq!(
            records(&mut frames, "5 <1>a\n6 <1>b\nc<1>line\n9 <1>d"),
            ["<1>a\n", "<1>b\nc", "<1>line\n", "lost"]
        );
        assert_eq!(records(&mut frames, "999 <1>a 4 <1>b"), ["lost", "<1>b"]);
    }
}
