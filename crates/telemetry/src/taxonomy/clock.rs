//! Times as logs write them. What says no zone is taken as UTC, what says no year as the year given.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use ward_core::Timestamp;

/// Reads a time in any of these forms:
/// - ISO 8601 and its kin (`2020-10-21 12:19:01.088`), also with `/` or `.` between year, month and day;
/// - seconds, milliseconds, microseconds or nanoseconds since 1970, and `/Date(1603275541088)/`;
/// - `10/21/2020 12:19:01 PM`, month first unless only the other way makes sense;
/// - `10/Oct/2020:13:55:36 -0700` of web servers;
/// - `Oct 11 22:14:15` of syslog, in `year`; `Oct 11 2020 22:14:15`; `Wed Oct 11 22:14:15 2020`;
/// - `Wed, 11 Oct 2020 22:14:15 +0100` of mail and web;
/// - `audit(1364481363.243:24287)` of the Linux audit daemon.
pub(super) fn read(text: &str, year: Option<i16>) -> Option<Timestamp> {
    let text = text.trim().trim_matches(['"', '[', ']']);
    let first = *text.as_bytes().first()?;
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    if let Some(rest) = text.strip_prefix("/Date(") {
        let digits = rest.split([')', '+']).next()?;
        return digits.parse::<i64>().ok().map(|ms| Timestamp::from_micros(ms.saturating_mul(1000)));
    }
    if let Some(rest) = text.strip_prefix("audit(") {
        return epoch(rest.split([':', ')']).next()?);
    }
    if first.is_ascii_digit() || first == b'-' || first == b'+' {
        return epoch(text).or_else(|| Timestamp::parse(text)).or_else(|| worded(text, year));
    }
    worded(text, year)
}

/// Longest text that is tried.
const MAX_TEXT_BYTES: usize = 80;

fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    // A number of up to eight digits is a date such as 20201021, or none at all.
    if !(9..=19).contains(&whole.len()) || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let value: i64 = whole.parse().ok()?;
    match whole.len() {
        ..=11 => {
            let fraction = fraction.get(..fraction.len().min(6)).unwrap_or_default();
            let micros = fraction.parse::<i64>().ok()? * 10i64.pow(6 - fraction.len() as u32);
            Some(Timestamp::from_micros(value * 1_000_000 + micros))
        }
        12..=14 => Some(Timestamp::from_micros(value * 1_000)),
        15..=17 => Some(Timestamp::from_micros(value)),
        _ => Some(Timestamp::from_micros(value / 1_000)),
    }
}

/// Reads the forms that are words and numbers in some order: finds out what each part is.
fn worded(text: &str, year: Option<i16>) -> Option<Timestamp> {
    let mut parts = Parts { year: None, month: None, day: None, ..Parts::default() };
    // The web server's colon between date and time stands for a space.
    let apart =
        text.find(':').filter(|at| text.get(..*at).is_some_and(|date| date.matches('/').count() == 2));
    let (date, rest) = match apart.filter(|at| !text.get(..*at).unwrap_or_default().contains(' ')) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, ""),
    };
    for word in date.split([' ', ',']).chain(rest.split(' ')).filter(|word| !word.is_empty()) {
        parts.take(word)?;
    }
    let date = Date::new(parts.year.or(year)?, parts.month?, parts.day?).ok()?;
    let mut time = parts.time.unwrap_or(Time::midnight());
    if let Some(afternoon) = parts.afternoon {
        let hour = time.hour() % 12 + if afternoon { 12 } else { 0 };
        time = Time::new(hour, time.minute(), time.second(), time.subsec_nanosecond()).ok()?;
    }
    let zone = TimeZone::fixed(parts.offset.unwrap_or(Offset::UTC));
    let zoned = DateTime::from_parts(date, time).to_zoned(zone).ok()?;
    Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

#[derive(Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<Time>,
    afternoon: Option<bool>,
    offset: Option<Offset>,
}

impl Parts {
    /// Says what one word is. `None`: it is no part of a time, or one too many.
    fn take(&mut self, word: &str) -> Option<()> {
        let first = *word.as_bytes().first()?;
        let separator = word.bytes().find(|b| b"/.-".contains(b));
        if let Some(separator) = separator
            && self.day.is_none()
            && first.is_ascii_digit()
            && !word.contains(':')
        {
            return self.take_date(word, char::from(separator));
        }
        if word.contains(':') && first.is_ascii_digit() {
            return self.take_time(word);
        }
        if matches!(first, b'+' | b'-') {
            return self.take_offset(word);
        }
        if first.is_ascii_digit() {
            let number: i16 = word.parse().ok()?;
            let free = if word.len() == 4 { self.year.is_none() } else { self.day.is_none() };
            match word.len() {
                4 => self.year = Some(number),
                1 | 2 => self.day = i8::try_from(number).ok(),
                _ => return None,
            }
            return free.then_some(());
        }
        match word.to_ascii_uppercase().as_str() {
            "AM" => self.afternoon = Some(false),
            "PM" => self.afternoon = Some(true),
            "Z" | "UTC" | "GMT" => self.offset = Some(Offset::UTC),
            "MON" | "TUE" | "WED" | "THU" | "FRI" | "SAT" | "SUN" => {}
            other => self.month = Some(month(other)?),
        }
        Some(())
    }

    /// Three numbers (or a month's name) with one separator.
    fn take_date(&mut self, word: &str, separator: char) -> Option<()> {
        let pieces: Vec<&str> = word.split(separator).collect();
        let &[a, b, c] = pieces.as_slice() else { return None };
        let (year, month_text, day) = if a.len() == 4 {
            (a, b, c)
        } else if b.parse::<i8>().is_err() || separator == '.' || a.parse::<i8>().is_ok_and(|a| a > 12) {
            (c, b, a)
        } else {
            (c, a, b)
        };
        self.year = Some(year.parse().ok().filter(|_| year.len() == 4)?);
        self.month = Some(month_text.parse().ok().or_else(|| month(&month_text.to_ascii_uppercase()))?);
        self.day = Some(day.parse().ok()?);
        Some(())
    }

    fn take_time(&mut self, word: &str) -> Option<()> {
        let word = word.strip_suffix('Z').unwrap_or(word);
        let (clock, offset) = match word.find(['+', '-']) {
            Some(at) => (word.get(..at)?, Some(word.get(at..)?)),
            None => (word, None),
        };
        let padded =
            if clock.as_bytes().get(1) == Some(&b':') { format!("0{clock}") } else { clock.to_owned() };
        self.time = Some(padded.parse().ok()?);
        offset.map_or(Some(()), |offset| self.take_offset(offset))
    }

    /// `+0100` or `+01:00`.
    fn take_offset(&mut self, word: &str) -> Option<()> {
        let digits: String = word.get(1..)?.chars().filter(|c| *c != ':').collect();
        let number: i32 = digits.parse().ok().filter(|_| digits.len() == 4)?;
        let seconds = (number / 100 * 60 + number % 100) * 60;
        self.offset =
            Some(Offset::from_seconds(if word.starts_with('-') { -seconds } else { seconds }).ok()?);
        Some(())
    }
}

fn month(upper: &str) -> Option<i8> {
    const MONTHS: [&str; 12] =
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    MONTHS.iter().position(|name| upper.get(..3) == Some(*name)).map(|at| at as i8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_names_the_same_second() {
        let expected = Timestamp::parse("2020-10-21T12:19:01Z").unwrap();
        for form in [
            "2020-10-21T12:19:01Z",
            "2020-10-21 12:19:01",
            "2020/10/21 12:19:01",
            "1603282741",
            "1603282741000",
            "1603282741000000",
            "1603282741000000000",
            "/Date(1603282741000)/",
            "audit(1603282741.000:24287)",
            "10/21/2020 12:19:01 PM",
            "10/21/2020 12:19:01",
            "21/10/2020 12:19:01",
            "21.10.2020 12:19:01",
            "21/Oct/2020:14:19:01 +0200",
            "[21/Oct/2020:05:19:01 -0700]",
            "Oct 21 12:19:01",
            "Oct 21 2020 12:19:01",
            "Wed Oct 21 12:19:01 2020",
            "Wed, 21 Oct 2020 13:19:01 +0100",
            "Wed, 21 Oct 2020 12:19:01 GMT",
        ] {
            assert_eq!(read(form, Some(2020)), Some(expected), "{form}");
        }
    }

    #[test]
    fn fractions_and_the_clock_of_twelve_hours_are_kept() {
        let text = |form: &str| read(form, None).map(|t| t.to_string()).unwrap_or_default();
        assert_eq!(text("1603282741.123456"), "2020-10-21T12:19:01.123456Z");
        assert_eq!(text("10/21/2020 1:05:09.5 PM"), "2020-10-21T13:05:09.5Z");
        assert_eq!(text("10/21/2020 12:05:09 AM"), "2020-10-21T00:05:09Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let long = "1".repeat(200);
        for form in [
            "",
            "-",
            "yesterday",
            "Oct 11 22:14:15",
            "12",
            "4624",
            "31/31/2020",
            "10/21/2020 25:00:00",
            "é1:2",
            &long,
        ] {
            assert_eq!(read(form, None), None, "{form}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_fail(text in "[0-9/:.+ TZaOct,-]{0,40}|\\PC{0,40}", year in proptest::option::of(1970i16..2100)) {
            let _ = read(&text, year);
        }
    }
}
