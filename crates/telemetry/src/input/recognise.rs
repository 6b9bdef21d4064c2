//! Which format an input is in, told from its first bytes.
//!
//! Magic numbers and brackets decide alone. Among line formats the first one, in the order below, that at
//! least half of the first lines are written in: the stricter a format, the earlier it is asked.

use super::documents::{self, Extent, Wrapped};
use super::syslog::Message;
use super::{Format, access_log, auditd, logfmt, table};
use crate::Error;

/// How many bytes are looked at.
pub(super) const HEAD: usize = 64 << 10;

/// The format of an input that starts with `head`. `whole`: nothing follows.
///
/// # Errors
/// No format fits.
pub(super) fn recognise(head: &[u8], whole: bool) -> Result<Format, Error> {
    if head.starts_with(b"ElfFile\0") || memchr::memmem::find(head, b"ElfChnk\0").is_some() {
        return Ok(Format::Evtx);
    }
    let start = head.iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x1e));
    let (space, text) = head.split_at(start.unwrap_or(head.len()));
    let json = match text {
        [b'{', ..] if space.contains(&0x1e) => Some(Format::Json),
        [b'{', ..] => Some(objects(text, whole)),
        [b'[', rest @ ..] => {
            let inside = rest.iter().find(|b| !b.is_ascii_whitespace());
            matches!(inside, None | Some(b'{' | b']')).then_some(Format::Json)
        }
        _ => None,
    };
    json.or_else(|| lines(text, whole)).ok_or_else(|| unknown(head))
}

/// The JSON format of a text that starts with an object.
fn objects(text: &[u8], whole: bool) -> Format {
    if let Wrapped::Yes(at) = documents::wrapped(text, 0) {
        let otlp = memchr::memmem::find(text.get(..at).unwrap_or_default(), b"\"resourceLogs\"").is_some();
        return if otlp { Format::Otlp } else { Format::Json };
    }
    let complete = first_lines(text, whole);
    let is_object = |line: &[u8]| match documents::object_end(line, 0) {
        Extent::End { end, .. } => line.starts_with(b"{") && end == line.len(),
        _ => false,
    };
    let objects = complete.iter().filter(|line| is_object(line)).count();
    if objects > 0 && objects * 2 >= complete.len() { Format::JsonLines } else { Format::Json }
}

/// The line format that most lines are written in.
fn lines(text: &[u8], whole: bool) -> Option<Format> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = first_lines(text.as_bytes(), whole)
        .into_iter()
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    let first = *lines.first()?;
    if let Some(format) = directive(first) {
        return Some(format);
    }
    let fits: [(Format, &Fits); 7] = [
        (Format::Cef, &|line| line.starts_with("CEF:")),
        (Format::Leef, &|line| line.starts_with("LEEF:")),
        (Format::Auditd, &auditd::fits),
        (Format::AccessLog, &access_log::fits),
        (Format::SyslogFrames, &counted),
        (Format::Syslog, &|line| Message::of(line).has_head()),
        (Format::Logfmt, &logfmt::fits),
    ];
    let most = |fit: &Fits| lines.iter().filter(|line| fit(line)).count() * 2 >= lines.len();
    fits.into_iter()
        // Frames need not end in a newline: the first one speaks for all.
        .find(|(format, fit)| if *format == Format::SyslogFrames { fit(first) } else { most(fit) })
        .map(|(format, _)| format)
        .or_else(|| is_table(&lines).then_some(Format::Csv))
}

/// Whether a line is written in a format.
type Fits = dyn Fn(&str) -> bool;

fn directive(line: &str) -> Option<Format> {
    let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
    if starts(&["#separator", "#set_separator", "#fields\t", "#path\t"]) {
        Some(Format::Zeek)
    } else if starts(&["#Version:", "#Software:", "#Fields:", "#Date:", "#Start-Date:", "#Remark:"]) {
        Some(Format::W3c)
    } else {
        None
    }
}

/// `123 <34>...`
fn counted(line: &str) -> bool {
    line.split_once(" <").is_some_and(|(count, _)| {
        !count.is_empty() && count.len() < 9 && count.bytes().all(|b| b.is_ascii_digit())
    })
}

/// A header of names, and lines with as many cells (unless a quoted one goes over their end).
fn is_table(lines: &[&str]) -> bool {
    let Some(header) = lines.first() else { return false };
    let Some(delimiter) = table::csv_delimiter(header) else { return false };
    let cells = |line| table::Cells { rest: Some(line), delimiter };
    let is_name = |name: &str| {
        let name = name.trim();
        name.len() <= 128
            && name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '@' | '#' | '$'))
            && !name.contains(['=', '{', '<'])
    };
    // Unnamed columns happen at the end of spreadsheets.
    let names = cells(header).filter(|name| is_name(name)).count();
    let others = cells(header).filter(|name| !is_name(name) && !name.is_empty()).count();
    let width = cells(header).count();
    let rows = lines.get(1..).unwrap_or_default();
    let fitting = rows.iter().filter(|row| row.contains('"') || cells(row).count() == width).count();
    names >= 2 && others == 0 && fitting * 2 >= rows.len()
}

/// The first lines that are complete, without empty ones.
fn first_lines(text: &[u8], whole: bool) -> Vec<&[u8]> {
    let mut pieces: Vec<&[u8]> = text.split(|b| *b == b'\n').take(LINES + 1).collect();
    // What follows the last newline is cut, unless that is all there is.
    if pieces.len() > LINES || !whole {
        let last = pieces.pop();
        if pieces.is_empty() {
            pieces.extend(last);
        }
    }
    pieces.into_iter().map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
}

const LINES: usize = 32;
const SHOWN: usize = 48;

fn unknown(head: &[u8]) -> Error {
    if head.is_empty() {
        return Error::UnknownContent { start: "nothing".to_owned() };
    }
    let start = head.get(..SHOWN).unwrap_or(head).escape_ascii().to_string();
    Error::UnknownContent { start: format!("'{start}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_known_by_its_first_bytes() {
        for (head, expected) in [
            ("ElfFile\0...", Format::Evtx),
            ("{\"a\":1}\n{\"a\":2}\n", Format::JsonLines),
            ("{\"a\":1}", Format::JsonLines),
            ("{\"a\":1}{\"a\":2}\n", Format::Json),
            ("{\n \"a\": 1\n}\n", Format::Json),
            (" [ {\"a\":1}]", Format::Json),
            ("{\"Records\":[{\"a\":1}]}", Format::Json),
            ("{\"resourceLogs\":[{}]}\n{\"resourceLogs\":[{}]}", Format::Otlp),
            ("<34>1 - - - - - - x", Format::Syslog),
            ("Oct 11 22:14:15 host app: x\n", Format::Syslog),
            ("13 <34>message x13 <34>message y", Format::SyslogFrames),
            ("CEF:0|a|b|c|d|e|f|", Format::Cef),
            ("LEEF:1.0|a|b|c|d|", Format::Leef),
            ("a=1 b=2\n", Format::Logfmt),
            ("type=CWD msg=audit(1.2:3): cwd=\"/\"", Format::Auditd),
            ("a,b\n1,2\n", Format::Csv),
            ("\"a b\";c\n1;2\n", Format::Csv),
            ("#separator \\x09\n", Format::Zeek),
            ("#Software: IIS\n", Format::W3c),
            ("1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1", Format::AccessLog),
        ] {
            assert_eq!(recognise(head.as_bytes(), true).unwrap(), expected, "{head}");
        }
    }

    #[test]
    fn one_damaged_line_does_not_mislead() {
        let head = "{\"a\":\n{\"a\":2}\n{\"a\":3}\n";
        assert_eq!(recognise(head.as_bytes(), true).unwrap(), Format::JsonLines);
        let head = "garbage\n<34>Oct 11 22:14:15 h a: x\n<34>Oct 11 22:14:15 h a: y\n";
        assert_eq!(recognise(head.as_bytes(), true).unwrap(), Format::Syslog);
    }

    #[test]
    fn what_is_unknown_is_told_with_its_first_bytes() {
        for head in ["", "\u{1}\u{2}binary", "just some prose", "[Wed Oct 11 14:32:52 2000] [error] x"] {
            let error = recognise(head.as_bytes(), true).unwrap_err().to_string();
            assert!(error.starts_with("unknown content") && error.contains("evtx"), "{error}");
        }
    }
}
