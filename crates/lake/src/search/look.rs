//! A field that is asked for by its name: to take a record apart costs more than to see that what is asked for is
//! nowhere in it.
//!
//! Invariant: what is seen beforehand changes no answer. (properties in `tests/it`)

use regex::bytes::Regex;
use ward_telemetry::input::{Format, stands_verbatim};

use super::check::{Form, anywhere};
use crate::query::{Bound, FieldTest, Op, Pattern, Piece, QueryError};
use crate::{fields, json};

/// A field that is asked for.
#[derive(Debug)]
pub(crate) struct Look {
    name: String,
    asked: Asked,
    sign: Option<Sign>,
}

/// What is asked of its values.
#[derive(Debug)]
enum Asked {
    Is(Form),
    Compare(Op, Bound),
}

/// A piece of what is asked for, which most records that have it have in their bytes.
#[derive(Debug)]
struct Sign {
    text: String,
    anywhere: Regex,
}

impl Look {
    /// # Errors
    /// The value is too long to be looked for.
    pub fn of(name: &str, test: &FieldTest) -> Result<Self, QueryError> {
        let name = name.to_owned();
        Ok(match test {
            FieldTest::Is(pattern) => {
                Self { name, asked: Asked::Is(Form::new(pattern)), sign: Sign::of(pattern)? }
            }
            FieldTest::Compare(op, bound) => {
                Self { name, asked: Asked::Compare(*op, bound.clone()), sign: None }
            }
        })
    }

    /// Whether a record of this format has such a field.
    pub fn holds(&self, format: &str, raw: &[u8]) -> bool {
        let is_missing = |sign: &Sign| !json::is_object(raw) && sign.is_missing(&self.name, format, raw);
        !self.sign.as_ref().is_some_and(is_missing)
            && fields::any(format, raw, &self.name, &mut |value| self.asked.holds(value))
    }
}

impl Asked {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Is(form) => form.covers(value),
            Self::Compare(op, bound) => bound.compare(value).is_some_and(|order| op.takes(order)),
        }
    }
}

impl Sign {
    fn of(pattern: &Pattern) -> Result<Option<Self>, QueryError> {
        let texts = pattern.pieces().iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Any | Piece::One => None,
        });
        // The characters that `stands_verbatim` takes.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " _.-:@".contains(c);
        let runs = texts.flat_map(|text| text.split(|c| !is_plain(c)));
        let Some(text) = runs.max_by_key(|run| run.len()).filter(|run| run.len() >= SHORTEST) else {
            return Ok(None);
        };
        let anywhere = anywhere(&Pattern::literal(text))?;
        Ok(Some(Self { text: text.to_owned(), anywhere }))
    }

    /// Whether it is certain that no value of the record has it.
    fn is_missing(&self, name: &str, format: &str, raw: &[u8]) -> bool {
        let is_verbatim = |format: Format| stands_verbatim(&self.text, name, format, raw);
        !self.anywhere.is_match(raw) && format.parse().is_ok_and(is_verbatim)
    }
}

/// Anything shorter is in nearly every record.
const SHORTEST: usize = 3;
