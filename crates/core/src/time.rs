//! Points in time, in microseconds since 1970-01-01T00:00:00Z.

use std::fmt;

/// A point in time: microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Reads ISO 8601 / RFC 3339 with `T` or a space between date and time, any number of fraction
    /// digits, and an optional offset. A time without an offset is taken as UTC. A bare date is its
    /// midnight.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
            return Some(Self(stamp.as_microsecond()));
        }
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_microsecond()))
    }

    /// Reads a number of seconds, milliseconds, microseconds or nanoseconds since the epoch: the unit
    /// is told from the size, as log shippers never say it.
    pub fn from_epoch_number(value: f64) -> Option<Self> {
        let size = value.abs();
        let micros = if !value.is_finite() {
            return None;
        } else if size < 1e11 {
            value * 1e6
        } else if size < 1e14 {
            value * 1e3
        } else if size < 1e17 {
            value
        } else {
            value / 1e3
        };
        (micros.abs() < 9.2e18).then_some(Self(micros as i64))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many fraction digits as the value has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => write!(f, "{stamp}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_shippers_write_name_the_same_instant() {
        let expected = Timestamp::parse("2020-10-26T11:58:27.997Z").unwrap();
        for form in
            ["2020-10-26 11:58:27.997", "2020-10-26T12:58:27.997+01:00", " 2020-10-26T11:58:27.9970000Z "]
        {
            assert_eq!(Timestamp::parse(form), Some(expected), "{form}");
        }
        assert_eq!(expected.to_string(), "2020-10-26T11:58:27.997Z");
    }

    #[test]
    fn epoch_numbers_tell_their_unit_by_size() {
        for number in [1_600_000_000.0, 1_600_000_000_000.0, 1_600_000_000_000_000.0, 1.6e18] {
            assert_eq!(Timestamp::from_epoch_number(number).unwrap().seconds(), 1_600_000_000);
        }
        assert_eq!(Timestamp::from_epoch_number(f64::NAN), None);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2020-13-01T00:00:00Z", "12:00"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
