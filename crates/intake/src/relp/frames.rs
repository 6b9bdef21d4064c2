//! RELP frames: number, space, command, space, length, then, unless the length is 0, a space and the data; a
//! newline.

use std::ops::Range;

/// What bytes begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The number that the answer must bear, to 999,999,999. 0: no answer is expected.
    pub number: u32,
    /// What it asks for.
    pub command: Command,
    /// Where its data are.
    pub data: Range<usize>,
    /// Where the next frame starts.
    pub next: usize,
}

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// A session; the data say what the client offers.
    Open,
    /// To keep the message that the data are.
    Syslog,
    /// To end the session.
    Close,
    /// Something else.
    Other,
}

/// Why there is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFrame {
    /// More bytes are needed.
    More,
    /// It is none.
    Broken,
    /// Its data are longer than the limit.
    TooLarge,
}

/// The frame that `bytes` begin with; its data are `longest` bytes at most.
///
/// # Errors
/// There is none.
pub fn frame(bytes: &[u8], longest: usize) -> Result<Frame, NoFrame> {
    let mut rest = Rest { bytes, at: 0 };
    let number = rest.number()?;
    rest.space()?;
    let command = match rest.word(LONGEST_COMMAND, u8::is_ascii_alphabetic)? {
        b"open" => Command::Open,
        b"syslog" => Command::Syslog,
        b"close" => Command::Close,
        _ => Command::Other,
    };
    rest.space()?;
    let length = rest.number()? as usize;
    if length > longest {
        return Err(NoFrame::TooLarge);
    }
    if length > 0 || rest.peek()? == b' ' {
        rest.space()?;
    }
    let data = rest.at..rest.at + length;
    rest.at = data.end;
    match rest.peek()? {
        b'\n' => Ok(Frame { number, command, next: data.end + 1, data }),
        _ => Err(NoFrame::Broken),
    }
}

/// The frame that answers a number with a text, which may be empty.
pub fn answer(number: u32, text: &str) -> String {
    let space = if text.is_empty() { "" } else { " " };
    format!("{number} rsp {}{space}{text}\n", text.len())
}

struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn peek(&self) -> Result<u8, NoFrame> {
        self.bytes.get(self.at).copied().ok_or(NoFrame::More)
    }

    fn space(&mut self) -> Result<(), NoFrame> {
        if self.peek()? != b' ' {
            return Err(NoFrame::Broken);
        }
        self.at += 1;
        Ok(())
    }

    /// The bytes, one at least and `longest` at most, that are such; what ends them must be there.
    fn word(&mut self, longest: usize, such: impl Fn(&u8) -> bool) -> Result<&'a [u8], NoFrame> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(longest + 1).take_while(|byte| such(byte)).count();
        if length > longest || length == 0 && !rest.is_empty() {
            return Err(NoFrame::Broken);
        }
        self.at += length;
        self.peek()?;
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn number(&mut self) -> Result<u32, NoFrame> {
        let digits = self.word(LONGEST_NUMBER, u8::is_ascii_digit)?;
        Ok(digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    }
}

const LONGEST_COMMAND: usize = 32;
const LONGEST_NUMBER: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_whole_or_more_is_asked_for() {
        for (bytes, number, command, data) in [
            ("1 open 15 relp_version=0\n\n", 1, Command::Open, "relp_version=0\n"),
            ("2 syslog 9 <34>1 a\nb\n", 2, Command::Syslog, "<34>1 a\nb"),
            ("999999999 close 0\n", 999_999_999, Command::Close, ""),
            ("3 syslog 0 \n", 3, Command::Syslog, ""),
            ("0 starttls 0\n", 0, Command::Other, ""),
        ] {
            let found = frame(format!("{bytes}4 syslog 1 x\n").as_bytes(), 20).unwrap();
            assert_eq!(
                (found.number, found.command, found.next),
                (number, command, bytes.len()),
                "{bytes:?}"
            );
            assert_eq!(&bytes[found.data], data, "{bytes:?}");
            for cut in 0..bytes.len() {
                assert_eq!(frame(&bytes.as_bytes()[..cut], 20), Err(NoFrame::More), "{bytes:?} to {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_frame_or_too_large_is_told() {
        for bytes in [
            "<34>1 2026",
            "x open 0\n",
            "1  open 0\n",
            "1 open\n",
            "1 op3n 0\n",
            "1 syslog 2 abc\n",
            "1 syslog -1 a\n",
            "1 syslog 1a\n",
            "1234567890 syslog 1 a\n",
            "1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0\n",
        ] {
            assert_eq!(frame(bytes.as_bytes(), 20), Err(NoFrame::Broken), "{bytes:?}");
        }
        assert_eq!(frame(b"1 syslog 21 ", 20), Err(NoFrame::TooLarge));
    }

    #[test]
    fn answers_are_frames_themselves() {
        assert_eq!(answer(7, "200 OK"), "7 rsp 6 200 OK\n");
        assert_eq!(answer(8, ""), "8 rsp 0\n");
        assert_eq!(frame(answer(7, "200 OK").as_bytes(), 20).unwrap().data, 8..14);
    }
}
