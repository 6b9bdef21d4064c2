//! Numbers and times as people read them.

use jiff::tz::TimeZone;
use ward_core::Timestamp;

/// `12,345`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 alert`, `2 alerts`: a number and what it counts. The second word is the plural.
pub fn count(many: u64, [one, more]: [&str; 2]) -> String {
    format!("{} {}", number(many), if many == 1 { one } else { more })
}

/// `17 Mar 2026, 13:34:35 UTC`; without seconds that are none.
pub fn time(time: Timestamp) -> String {
    let pattern =
        if time.seconds().rem_euclid(60) == 0 { "%-d %b %Y, %H:%M UTC" } else { "%-d %b %Y, %H:%M:%S UTC" };
    formatted(time, pattern)
}

/// `2026-03-17T13:34:35Z`, as the `datetime` of a `<time>` has it.
pub fn machine_time(time: Timestamp) -> String {
    formatted(time, "%Y-%m-%dT%H:%M:%SZ")
}

fn formatted(time: Timestamp, pattern: &str) -> String {
    let time = jiff::Timestamp::from_second(time.seconds()).unwrap_or_default();
    time.to_zoned(TimeZone::UTC).strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        for (plain, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(number(plain), shown);
        }
        assert_eq!(count(1, ["alert", "alerts"]), "1 alert");
        assert_eq!(count(1_200, ["alert", "alerts"]), "1,200 alerts");
    }

    #[test]
    fn a_time_says_its_zone_and_seconds_only_where_there_are_some() {
        let at = |text| Timestamp::parse(text).unwrap();
        assert_eq!(time(at("2026-03-07T09:04:05.9Z")), "7 Mar 2026, 09:04:05 UTC");
        assert_eq!(time(at("2026-03-07T09:04:00Z")), "7 Mar 2026, 09:04 UTC");
        assert_eq!(machine_time(at("1969-12-31T23:59:59Z")), "1969-12-31T23:59:59Z");
    }
}
