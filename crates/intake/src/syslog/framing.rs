//! Where a message of a syslog stream ends: RFC 6587, and what is sent in its name.
//!
//! Each message may be framed in its own way. One that begins with a count, a space and `<` is counted
//! (section 3.4.1); after a counted one, the `<` is not asked for. All others end at a newline or a NUL
//! (section 3.4.2). So a line such as `5 apples fell` is not taken for a count.
//!
//! Invariant: the messages do not depend on how the bytes arrive.

/// Cuts a stream.
#[derive(Debug, Clone)]
pub struct Framer {
    longest: usize,
    /// The message before was counted.
    counted: bool,
    /// Bytes of the line at hand that are known to hold no end.
    looked: usize,
    /// Bytes of a counted message that are still to be thrown away.
    discard: usize,
    /// The rest of the line is to be thrown away.
    discard_line: bool,
}

/// What comes next, in places of the bytes shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A message.
    Message {
        /// Where it starts.
        start: usize,
        /// Where it ends.
        end: usize,
        /// Where the next one starts.
        next: usize,
        /// Whether it was counted.
        counted: bool,
    },
    /// A counted message that is cut off by the end of the stream.
    Cut {
        /// Where what is there of it starts; it goes to the end.
        start: usize,
    },
    /// A message is longer than anything that is held: its head is passed over, its rest will be.
    TooLong {
        /// Where to go on.
        next: usize,
    },
    /// Nothing of interest.
    Skip {
        /// Where to go on.
        next: usize,
    },
    /// More bytes are needed. At the end of the stream: nothing is left.
    More,
}

impl Framer {
    /// Nothing longer than `longest` bytes is held.
    pub const fn new(longest: usize) -> Self {
        Self { longest, counted: false, looked: 0, discard: 0, discard_line: false }
    }

    /// What `bytes`, all that is there and not yet passed, begin with. `ended`: no more will come.
    pub fn next(&mut self, bytes: &[u8], ended: bool) -> Step {
        if bytes.is_empty() {
            return Step::More;
        }
        if self.discard > 0 {
            let next = self.discard.min(bytes.len());
            self.discard -= next;
            return Step::Skip { next };
        }
        if self.discard_line {
            let end = line_end(bytes);
            self.discard_line = end.is_none();
            return Step::Skip { next: end.map_or(bytes.len(), |end| end + 1) };
        }
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
        if blank > 0 {
            return Step::Skip { next: blank };
        }
        match head(bytes, ended, self.counted) {
            Head::Unknown => Step::More,
            Head::Counted { start, length } => self.counted(bytes.len(), start, length, ended),
            Head::Line => self.line(bytes, ended),
        }
    }

    fn counted(&mut self, there: usize, start: usize, length: usize, ended: bool) -> Step {
        let end = start + length;
        if length > self.longest {
            self.counted = true;
            self.discard = length;
            return Step::TooLong { next: start };
        }
        if end <= there {
            self.counted = true;
            return Step::Message { start, end, next: end, counted: true };
        }
        if ended { Step::Cut { start } } else { Step::More }
    }

    fn line(&mut self, bytes: &[u8], ended: bool) -> Step {
        let found = line_end(bytes.get(self.looked..).unwrap_or_default()).map(|at| at + self.looked);
        let end = match found {
            Some(end) => end,
            None if ended => bytes.len(),
            None if bytes.len() > self.longest => {
                self.looked = 0;
                self.counted = false;
                self.discard_line = true;
                return Step::TooLong { next: bytes.len() };
            }
            None => {
                self.looked = bytes.len();
                return Step::More;
            }
        };
        self.looked = 0;
        self.counted = false;
        let next = (end + 1).min(bytes.len());
        if end > self.longest {
            return Step::TooLong { next };
        }
        let trimmed = bytes.get(..end).is_some_and(|line| line.ends_with(b"\r"));
        Step::Message { start: 0, end: end - usize::from(trimmed), next, counted: false }
    }
}

enum Head {
    Counted {
        start: usize,
        length: usize,
    },
    Line,
    /// It cannot be told yet.
    Unknown,
}

/// How a message that begins like this is framed.
fn head(bytes: &[u8], ended: bool, counted_before: bool) -> Head {
    let unknown = if ended { Head::Line } else { Head::Unknown };
    if !matches!(bytes.first(), Some(b'1'..=b'9')) {
        return Head::Line;
    }
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > LONGEST_COUNT {
        return Head::Line;
    }
    match (bytes.get(digits), bytes.get(digits + 1)) {
        (None, _) => return unknown,
        (Some(b' '), Some(b'<')) => {}
        (Some(b' '), _) if counted_before => {}
        (Some(b' '), None) => return unknown,
        _ => return Head::Line,
    }
    let number = bytes.get(..digits).unwrap_or_default();
    let length = number.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    Head::Counted { start: digits + 1, length }
}

fn line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', 0, bytes)
}

/// Digits of the longest count.
const LONGEST_COUNT: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a stream says when it comes in portions of these lengths, again and again.
    fn said(bytes: &[u8], portions: &[usize], longest: usize) -> Vec<String> {
        let mut framer = Framer::new(longest);
        let (mut held, mut at, mut said) = (Vec::new(), 0, Vec::new());
        let mut portions = portions.iter().cycle();
        loop {
            let ended = at == bytes.len();
            loop {
                let shown =
                    |range: std::ops::Range<usize>| String::from_utf8_lossy(&held[range]).into_owned();
                let next = match framer.next(&held, ended) {
                    Step::Message { start, end, next, .. } => {
                        said.push(shown(start..end));
                        next
                    }
                    Step::Cut { start } => {
                        said.push(format!("cut: {}", shown(start..held.len())));
                        held.len()
                    }
                    Step::TooLong { next } => {
                        said.push("too long".to_owned());
                        next
                    }
                    Step::Skip { next } => next,
                    Step::More => break,
                };
                held.drain(..next);
            }
            if ended {
                return said;
            }
            let more = (*portions.next().unwrap_or(&1)).clamp(1, bytes.len() - at);
            held.extend_from_slice(&bytes[at..at + more]);
            at += more;
        }
    }

    #[test]
    fn messages_are_counted_or_end_at_newline_or_nul_each_in_its_own_way() {
        for (stream, expected) in [
            ("8 <34>1 a\n7 <34>1 b", vec!["<34>1 a\n", "<34>1 b"]),
            ("<34>a\r\n<34>b\n\n<34>c", vec!["<34>a", "<34>b", "<34>c"]),
            ("<1>a\0<1>b\nwith line\0", vec!["<1>a", "<1>b", "with line"]),
            ("5 <1>abOct 11 host app: x\n4 <1>c", vec!["<1>ab", "Oct 11 host app: x", "<1>c"]),
            ("5 apples fell\n2026-11-26 host: y\n", vec!["5 apples fell", "2026-11-26 host: y"]),
            ("4 <1>a4 free", vec!["<1>a", "free"]),
            ("1234567890 <1>a\n", vec!["1234567890 <1>a"]),
            ("9 <1>short", vec!["cut: <1>short"]),
            ("7", vec!["7"]),
            ("", vec![]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            let stream = stream.replace("9 <1>short", "99 <1>short");
            assert_eq!(said(stream.as_bytes(), &[usize::MAX], 100), expected, "{stream:?}");
            assert_eq!(said(stream.as_bytes(), &[1], 100), expected, "{stream:?} byte by byte");
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over_and_the_next_message_is_read() {
        let long = "x".repeat(50);
        let stream = format!("<1>{long}\n<1>a\n53 <1>{long}4 <1>b");
        for portion in [1, 7, 1000] {
            let expected = ["too long", "<1>a", "too long", "<1>b"];
            assert_eq!(said(stream.as_bytes(), &[portion], 20), expected, "{portion}");
        }
    }

    proptest! {
        #[test]
        fn the_messages_do_not_depend_on_how_the_bytes_arrive(
            stream in "([0-9]{1,3} |<[0-9]{1,3}>|[a-z ]{0,9}|\n|\0|\r\n){0,40}",
            portions in prop::collection::vec(1_usize..20, 1..6),
            longest in 4_usize..60,
        ) {
            let whole = said(stream.as_bytes(), &[usize::MAX], longest);
            prop_assert_eq!(said(stream.as_bytes(), &portions, longest), whole);
        }

        #[test]
        fn what_is_counted_comes_back(messages in prop::collection::vec("<[0-9]{1,3}>[ -~\n]{0,50}", 0..20)) {
            let stream: String = messages.iter().map(|it| format!("{} {it}", it.len())).collect();
            prop_assert_eq!(said(stream.as_bytes(), &[3], 100), messages);
        }
    }
}
