//! Lengths of time as people write them: `90d`, `30m`, `1d12h`.

use ward_core::Timestamp;

/// A length of time, in microseconds, more than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub i64);

impl Span {
    /// The time so long after `now`.
    pub fn after(self, now: Timestamp) -> Timestamp {
        Timestamp::from_micros(now.micros().saturating_add(self.0))
    }

    /// The time so long before `now`.
    pub fn before(self, now: Timestamp) -> Timestamp {
        Timestamp::from_micros(now.micros().saturating_sub(self.0))
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no length of time such as 90d, 12h, 30m, 45s or 1d12h");
        let (mut sum, mut number) = (0_i64, None::<i64>);
        for letter in text.trim().chars() {
            if let Some(digit) = letter.to_digit(10) {
                let longer = number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit.into()));
                number = Some(longer.ok_or_else(wrong)?);
                continue;
            }
            let unit = UNITS.iter().find(|(unit, _)| *unit == letter).map(|(_, seconds)| *seconds);
            let part = number.take().zip(unit).and_then(|(number, unit)| number.checked_mul(unit * SECOND));
            sum = part.and_then(|part| sum.checked_add(part)).ok_or_else(wrong)?;
        }
        if sum > 0 && number.is_none() { Ok(Self(sum)) } else { Err(wrong()) }
    }
}

const SECOND: i64 = 1_000_000;
const UNITS: [(char, i64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 7 * 86_400)];

/// A length of time in the largest units that say it whole.
pub fn text(micros: i64) -> String {
    let mut rest = micros / SECOND;
    let mut text = String::new();
    for (unit, seconds) in UNITS.iter().rev().skip(1) {
        if rest >= *seconds {
            text.push_str(&format!("{}{unit}", rest / seconds));
            rest %= seconds;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// For `clap`: a point in time.
pub fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "not a date or time such as 2026-11-23T08:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (written, seconds) in [
            ("45s", 45),
            ("30m", 1_800),
            ("12h", 43_200),
            ("90d", 7_776_000),
            ("1d12h", 129_600),
            (" 2w ", 1_209_600),
        ] {
            assert_eq!(written.parse(), Ok(Span(seconds * SECOND)), "{written}");
        }
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for wrong in ["", "0d", "90", "d", "-1d", "1y", "1.5h", "9999999999999999999d", "300000000w", "1d2"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for written in ["45s", "30m", "1d12h", "14d"] {
            assert_eq!(text(written.parse::<Span>().unwrap().0), written);
        }
        assert_eq!(text(0), "0s");
    }

    #[test]
    fn no_length_leads_beyond_the_end_of_time() {
        let now = Timestamp::from_micros(i64::MAX - 1);
        assert_eq!(Span(SECOND).after(now), Timestamp::from_micros(i64::MAX));
        assert_eq!(Span(5).before(Timestamp::from_micros(7)), Timestamp::from_micros(2));
    }
}
