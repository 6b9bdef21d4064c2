//! What stands in a query string, read as the row of a table says.
//!
//! Invariant: a parameter that the row does not name is refused, so that a misspelt condition never shows more
//! than was asked for.

use axum::http::StatusCode;
use ward_core::{OrganisationId, Timestamp};

use crate::refusal::Refusal;
use crate::route::{Kind, Parameter};

/// What stands in a query string, checked.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(&'static str, String)>);

/// Bytes that a query string may have.
const LONGEST: usize = 32 << 10;

/// Most parameters in one query string.
const MOST: usize = 500;

impl Parameters {
    /// Reads a query string that may have these parameters.
    ///
    /// # Errors
    /// 400: it has what is not known, the same twice, or a value of another kind.
    pub fn read(known: &'static [Parameter], query: &str) -> Result<Self, Refusal> {
        Self::of(known, query, |_| true)
    }

    /// Reads what a form puts into a query string: a field that was left empty is as one that is not there.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_form(known: &'static [Parameter], query: &str) -> Result<Self, Refusal> {
        Self::of(known, query, |value| !value.trim().is_empty())
    }

    fn of(
        known: &'static [Parameter],
        query: &str,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<Self, Refusal> {
        if query.len() > LONGEST {
            return Err(Refusal::new(StatusCode::URI_TOO_LONG, "could not read so long a query string"));
        }
        let mut read: Vec<(&'static str, String)> = Vec::new();
        let given = form_urlencoded::parse(query.as_bytes());
        for (name, value) in given.filter(|(_, value)| is_there(value)) {
            let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
                return Err(unknown(known, &name));
            };
            if !parameter.repeated && read.iter().any(|(known, _)| *known == parameter.name) {
                let message = format!("could not take '{}' twice", parameter.name);
                return Err(Refusal::unclear(message));
            }
            if read.len() == MOST {
                return Err(Refusal::unclear(format!("could not take more than {MOST} parameters")));
            }
            check(parameter, &value)?;
            read.push((parameter.name, value.into_owned()));
        }
        Ok(Self(read))
    }

    /// The value of a parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// A number, or what stands for it when there is none.
    pub fn number(&self, name: &str, otherwise: u32) -> u32 {
        self.text(name).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
    }

    /// A point in time.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(Timestamp::parse)
    }

    /// A length of time, in microseconds.
    pub fn span(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(span)
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// Codes of organisations.
    pub fn codes<'a>(&'a self, name: &'a str) -> impl Iterator<Item = OrganisationId> + 'a {
        self.all(name).filter_map(|code| OrganisationId::new(code).ok())
    }
}

fn check(parameter: &Parameter, value: &str) -> Result<(), Refusal> {
    let good = match parameter.kind {
        Kind::Text => true,
        Kind::Number(most) => value.parse().is_ok_and(|number: u64| (1..=most).contains(&number)),
        Kind::Time => Timestamp::parse(value).is_some(),
        Kind::Span => span(value).is_some(),
        Kind::Flag => matches!(value, "true" | "false"),
        Kind::Code => OrganisationId::new(value).is_ok(),
        Kind::OneOf(words) => words.contains(&value),
    };
    if good {
        return Ok(());
    }
    let expected = match parameter.kind {
        Kind::Text => "a text".to_owned(),
        Kind::Number(most) => format!("a whole number from 1 to {most}"),
        Kind::Time => "a time such as 2026-11-26T10:00:00Z or a date".to_owned(),
        Kind::Span => "a number and s, m, h, d or w, such as 30d".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Code => "the code of an organisation".to_owned(),
        Kind::OneOf(words) => format!("one of {}", words.join(", ")),
    };
    Err(Refusal::unclear(format!("could not read '{}'", parameter.name)).hint(format!("expected {expected}")))
}

fn unknown(known: &[Parameter], name: &str) -> Refusal {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(40).collect();
    let known: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
    let refusal = Refusal::unclear(format!("could not make sense of the parameter '{name}'"));
    match known.as_slice() {
        [] => refusal.hint("this route has none"),
        known => refusal.hint(format!("this route has {}", known.join(", "))),
    }
}

/// A number and its unit, in microseconds.
fn span(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let number = text.strip_suffix(unit)?;
    let digits = !number.is_empty() && number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = digits.then(|| number.parse().ok())??;
    number.checked_mul(seconds)?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::ROUTES;

    fn events() -> &'static [Parameter] {
        ROUTES.iter().find(|route| route.path == "/api/v1/events").unwrap().parameters
    }

    #[test]
    fn a_field_that_was_left_empty_is_as_one_that_is_not_there() {
        let read = Parameters::read_form(events(), "q=&limit=+&last=2w").unwrap();
        assert_eq!((read.text("q"), read.number("limit", 9)), (None, 9));
        assert_eq!(Parameters::read(events(), "limit=").unwrap_err().status(), 400);
    }

    #[test]
    fn a_query_string_is_read_as_browsers_and_curl_write_it() {
        let read =
            Parameters::read(events(), "q=a+b%20c%3A%22d%22&organisation=RR8&organisation=RCB").unwrap();
        assert_eq!(read.text("q"), Some("a b c:\"d\""));
        assert_eq!(read.codes("organisation").count(), 2);
    }

    #[test]
    fn a_misspelt_or_repeated_parameter_is_refused_and_the_right_ones_named() {
        let refusal = Parameters::read(events(), "organization=RR8").unwrap_err();
        assert!(refusal.body("1")["hint"].as_str().unwrap().contains("organisation"));
        assert_eq!(Parameters::read(events(), "q=a&q=b").unwrap_err().status(), 400);
    }

    #[test]
    fn each_kind_of_value_is_checked() {
        for wrong in [
            "limit=0",
            "limit=-1",
            "limit=x",
            "from=yesterday",
            "last=30",
            "last=d",
            "last=%2B3d",
            "estimate=yes",
            "organisation=..%2F",
            "format=xml",
            "last=999999999999w",
        ] {
            assert_eq!(Parameters::read(events(), wrong).unwrap_err().status(), 400, "{wrong}");
        }
        let good = Parameters::read(events(), "limit=7&from=2026-11-26&last=2w&estimate=true").unwrap();
        assert_eq!(good.number("limit", 1), 7);
        assert_eq!(good.span("last"), Some(14 * 86_400_000_000));
        assert!(good.flag("estimate"));
    }
}
