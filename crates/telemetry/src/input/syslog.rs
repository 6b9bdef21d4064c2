//! Syslog messages: RFC 5424 (section 6) and RFC 3164 (section 4), and what daemons really write: no
//! priority in files under `/var/log`, ISO 8601 times in place of `Oct 11 22:14:15`, a year after the day.
//!
//! Names: `facility` and `severity` (the keywords of RFC 5424 tables 1 and 2, such as `authpriv` and
//! `err`), `timestamp`, `hostname`, `appname`, `procid`, `msgid`, `message`, and structured data as
//! `id.parameter`. `-`, the nil value, is no value. RFC 3164's tag is `appname`, with the number in
//! brackets as `procid`. A message that is itself a record of another format gives its fields too, and its
//! word counts where both have a field (`severity` of CEF).
//!
//! A time without a year gets one if it is known when the input was received (see
//! [`Options::received`](super::Options::received)), and is then written as `2026-10-11T22:14:15`. A line
//! without a head is all message, as RFC 3164 section 4.3.3 wants.

use super::fields::Fields;
use jiff::civil::{Date, DateTime};
use ward_core::{Timestamp, ValueKind};

/// A message taken apart. Absent parts are empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Message<'a> {
    priority: Option<u8>,
    timestamp: &'a str,
    /// The time has no year.
    yearless: bool,
    hostname: &'a str,
    appname: &'a str,
    procid: &'a str,
    msgid: &'a str,
    structured: &'a str,
    /// The free text at the end.
    pub message: &'a str,
}

impl<'a> Message<'a> {
    /// Takes a line apart. Never fails: what is no head is message.
    pub fn of(line: &'a str) -> Self {
        let (priority, rest) = match priority(line) {
            Some((priority, rest)) => (Some(priority), rest),
            None => (None, line),
        };
        let modern = rest.strip_prefix("1 ").filter(|_| priority.is_some()).and_then(rfc5424);
        Self { priority, ..modern.unwrap_or_else(|| rfc3164(rest)) }
    }

    /// A line that is all message.
    pub fn plain(message: &'a str) -> Self {
        Self { message, ..Self::default() }
    }

    /// Whether there is more than free text.
    pub(super) fn has_head(&self) -> bool {
        self.priority.is_some() || !self.timestamp.is_empty()
    }

    /// Adds its parts, the message as it stands. A field that has a value already keeps it.
    pub fn put(&self, received: Option<Timestamp>, fields: &mut Fields<'_>) {
        if let Some(priority) = self.priority {
            let facility = FACILITIES.get(usize::from(priority / 8)).unwrap_or(&"unknown");
            let severity = SEVERITIES.get(usize::from(priority % 8)).unwrap_or(&"unknown");
            fields.put_absent("facility", ValueKind::Text, facility);
            fields.put_absent("severity", ValueKind::Text, severity);
        }
        let dated = received.filter(|_| self.yearless).and_then(|at| with_year(self.timestamp, at));
        for (key, value) in [
            ("timestamp", dated.as_deref().unwrap_or(self.timestamp)),
            ("hostname", self.hostname),
            ("appname", self.appname),
            ("procid", self.procid),
            ("msgid", self.msgid),
            ("message", self.message),
        ] {
            if !value.is_empty() {
                fields.put_absent(key, ValueKind::Text, value);
            }
        }
        put_structured(self.structured, fields);
    }
}

/// `<134>` and what follows.
fn priority(line: &str) -> Option<(u8, &str)> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    let priority: u8 = number.parse().ok().filter(|&p| p <= 191)?;
    Some((priority, rest))
}

/// What follows `<134>1 `.
fn rfc5424(rest: &str) -> Option<Message<'_>> {
    let mut parts = rest.splitn(6, ' ');
    let mut part = || parts.next().map(|p| if p == "-" { "" } else { p });
    let (timestamp, hostname, appname, procid, msgid) = (part()?, part()?, part()?, part()?, part()?);
    let rest = parts.next()?;
    let end = structured_end(rest)?;
    let (structured, message) = rest.split_at(end);
    let message = message.strip_prefix(' ').unwrap_or(message);
    Some(Message {
        timestamp,
        hostname,
        appname,
        procid,
        msgid,
        structured: if structured == "-" { "" } else { structured },
        message: message.strip_prefix('\u{feff}').unwrap_or(message),
        ..Message::default()
    })
}

/// Where the structured data at the start of `text` ends.
fn structured_end(text: &str) -> Option<usize> {
    if text == "-" || text.starts_with("- ") {
        return Some(1);
    }
    let mut at = 0;
    while text.as_bytes().get(at) == Some(&b'[') {
        at += element_end(text.get(at..)?)?;
    }
    (at > 0).then_some(at)
}

/// The length of the `[id name="value"...]` at the start of `text`.
fn element_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b']' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn put_structured(mut text: &str, fields: &mut Fields<'_>) {
    while let Some(end) = element_end(text) {
        let inside = text.get(1..end - 1).unwrap_or_default();
        let (id, mut rest) = inside.split_once(' ').unwrap_or((inside, ""));
        while let Some((name, after)) = rest.split_once("=\"") {
            let Some(close) = closing_quote(after) else { break };
            let value = after.get(..close).unwrap_or_default();
            fields.put(&format!("{id}.{}", name.trim_start()), &unescaped(value));
            rest = after.get(close + 1..).unwrap_or_default();
        }
        text = text.get(end..).unwrap_or_default();
    }
}

/// Undoes `\"`, `\\` and `\]`; any other backslash stands for itself (RFC 5424, section 6.3.3).
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = if letter == '\\' { letters.next_if(|c| matches!(c, '"' | '\\' | ']')) } else { None };
        out.push(escaped.unwrap_or(letter));
    }
    out
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// What follows `<134>`, or the whole line.
fn rfc3164(text: &str) -> Message<'_> {
    let Some((timestamp, yearless, rest)) = time(text) else {
        return Message::plain(text);
    };
    let rest = rest.trim_start_matches(' ');
    let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
    // Some daemons leave the host out: then the tag stands there, with its colon or bracket.
    let is_tag = first.ends_with(':') || starts_payload(rest);
    let (hostname, rest) = if is_tag { ("", rest) } else { (first, after.trim_start_matches(' ')) };
    let (appname, procid, message) = tag(rest).unwrap_or(("", "", rest));
    Message { timestamp, yearless, hostname, appname, procid, message, ..Message::default() }
}

fn starts_payload(text: &str) -> bool {
    ["CEF:", "LEEF:", "{", "@cee:", "type="].iter().any(|start| text.starts_with(start))
}

/// `sshd[123]: `, `sudo: ` and what follows. A payload of another format is no tag.
fn tag(text: &str) -> Option<(&str, &str, &str)> {
    if starts_payload(text) {
        return None;
    }
    let end = text.find([':', '[', ' '])?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.len() > LONGEST_TAG {
        return None;
    }
    let (procid, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']').filter(|(pid, _)| !pid.contains(' '))?,
        None => ("", rest),
    };
    let rest = rest.strip_prefix(':')?;
    Some((name, procid, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// RFC 3164 says 32; daemons with paths in their names do not keep to it.
const LONGEST_TAG: usize = 96;

/// The time at the start, whether it lacks a year, and what follows.
fn time(text: &str) -> Option<(&str, bool, &str)> {
    let (first, _) = text.split_once(' ')?;
    if first.len() >= 19 && first.contains('T') && Timestamp::parse(first).is_some() {
        return Some((first, false, text.get(first.len()..)?));
    }
    if !MONTHS.contains(&text.get(..3)?) {
        return None;
    }
    // "Oct 11 22:14:15", "Oct  1 22:14:15", "Oct 11 2026 22:14:15", each with or without a fraction
    let after_day = 3 + text.get(3..)?.find(|c: char| c.is_ascii_digit())?;
    let day_end = after_day + text.get(after_day..)?.find(' ')?;
    text.get(3..day_end)?.trim_start().parse::<i8>().ok()?;
    let mut at = day_end + 1;
    let mut word = text.get(at..)?.split(' ').next()?;
    let yearless = !(word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()));
    if !yearless {
        at += word.len() + 1;
        word = text.get(at..)?.split(' ').next()?;
    }
    clock(word.trim_end_matches(':'))?;
    let end = at + word.trim_end_matches(':').len();
    Some((text.get(..end)?, yearless, text.get(at + word.len()..)?))
}

/// `22:14:15` with an optional fraction: hour, minute, second.
fn clock(text: &str) -> Option<(i8, i8, i8)> {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':').map(|part| part.parse::<i8>().ok());
    let clock = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(clock)
}

/// Gives `Oct 11 22:14:15` the latest year in which it is not more than a day after `received`.
fn with_year(text: &str, received: Timestamp) -> Option<String> {
    let mut words = text.split_ascii_whitespace();
    let month = words.next().and_then(|name| MONTHS.iter().position(|m| *m == name))? as i8 + 1;
    let day: i8 = words.next()?.parse().ok()?;
    let word = words.next()?;
    let (hour, minute, second) = clock(word)?;
    let fraction = word.split_once('.').map_or("", |(_, fraction)| fraction);
    let latest = Timestamp::from_micros(received.micros().saturating_add(DAY));
    let latest = jiff::Timestamp::from_microsecond(latest.micros()).ok()?;
    let latest: DateTime = jiff::tz::TimeZone::UTC.to_datetime(latest);
    // Eight years back there is always a 29 February.
    let date =
        (0..=8).filter_map(|back| Date::new(latest.year() - back, month, day).ok()).find_map(|date| {
            let at = date.to_datetime(jiff::civil::Time::new(hour, minute, second.min(59), 0).ok()?);
            (at <= latest).then_some(at)
        })?;
    Some(if fraction.is_empty() { date.to_string() } else { format!("{date}.{fraction}") })
}

const DAY: i64 = 24 * 3600 * 1_000_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfcs_come_apart() {
        let line = "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 \
                    [exampleSDID@32473 iut=\"3\" note=\"a \\\"b\\] c\"] \u{feff}An application event";
        let message = Message::of(line);
        assert_eq!((message.priority, message.hostname), (Some(165), "mymachine.example.com"));
        assert_eq!((message.appname, message.procid, message.msgid), ("evntslog", "", "ID47"));
        assert_eq!(message.message, "An application event");

        let message = Message::of("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick");
        assert_eq!((message.timestamp, message.hostname), ("Oct 11 22:14:15", "mymachine"));
        assert_eq!((message.appname, message.message), ("su", "'su root' failed for lonvick"));

        let bare = "Use the BFG!";
        assert_eq!(Message::of("<13>Use the BFG!"), Message { priority: Some(13), ..rfc3164(bare) });
        assert_eq!(rfc3164(bare).message, bare);
    }

    #[test]
    fn what_daemons_really_write_comes_apart() {
        let message = Message::of("Feb  3 04:05:06 web-1 sshd[811]: Accepted publickey for root");
        assert_eq!((message.timestamp, message.procid), ("Feb  3 04:05:06", "811"));
        let message = Message::of("2026-02-03T04:05:06.789+00:00 web-1 systemd[1]: Started x.");
        assert_eq!((message.timestamp, message.yearless), ("2026-02-03T04:05:06.789+00:00", false));
        let message = Message::of("<189>Feb  3 2026 04:05:06: %ASA-6-302013: Built");
        assert_eq!((message.timestamp, message.yearless), ("Feb  3 2026 04:05:06", false));
        let message = Message::of("Feb  3 04:05:06 su: no host here");
        assert_eq!((message.hostname, message.appname), ("", "su"));
        let message = Message::of("<14>Feb  3 04:05:06 fw CEF:0|a|b|c|d|e|f|");
        assert_eq!((message.appname, message.message), ("", "CEF:0|a|b|c|d|e|f|"));
    }

    #[test]
    fn a_time_without_a_year_is_in_the_latest_year_that_is_not_in_the_future() {
        let received = Timestamp::parse("2026-01-02T00:00:00Z").unwrap();
        for (text, expected) in [
            ("Jan  1 10:00:00", Some("2026-01-01T10:00:00")),
            ("Jan  2 23:00:00.5", Some("2026-01-02T23:00:00.5")),
            ("Jan  4 00:00:00", Some("2025-01-04T00:00:00")),
            ("Dec 31 23:59:60", Some("2025-12-31T23:59:59")),
            ("Feb 29 00:00:00", Some("2024-02-29T00:00:00")),
            ("Feb 30 00:00:00", None),
        ] {
            assert_eq!(with_year(text, received).as_deref(), expected, "{text}");
        }
    }
}
