//! One thing that a query asks of an event.

use std::cmp::Ordering;

use ward_core::EventId;

use super::{Column, Network, Pattern};

/// One thing that a query asks of an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    /// The original bytes have this somewhere.
    Raw(Pattern),
    /// It is this event.
    Id(EventId),
    /// Its time is so, in microseconds.
    Time(TimeColumn, Op, i64),
    /// Its class is so.
    Class(Op, u32),
    /// A column of text, or one of a list of texts, is of this form.
    Text(Column, Pattern),
    /// One of its addresses is in the network.
    Network(Network),
    /// A field in its original bytes is so.
    Field(String, FieldTest),
}

/// Which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeColumn {
    Time,
    Received,
}

/// How a value stands to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What is asked of a field in the original bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FieldTest {
    /// It has a value of this form.
    Is(Pattern),
    /// It has a value that stands so to the bound.
    Compare(Op, Bound),
}

/// What values of a field are compared with: as numbers if it is one, otherwise as text in lower case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    text: String,
    number: Option<f64>,
}

impl Term {
    /// Whether the original bytes must be read to answer.
    pub fn reads_original(&self) -> bool {
        matches!(self, Self::Raw(_) | Self::Field(..))
    }
}

impl TimeColumn {
    pub const fn column(self) -> Column {
        match self {
            Self::Time => Column::Time,
            Self::Received => Column::Received,
        }
    }
}

impl Op {
    /// Whether a value that compares so with the bound is one of those meant.
    pub fn takes(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }

    /// As it is written between a field and a value.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => ":",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl Bound {
    pub fn new(text: String) -> Self {
        let number = number(&text);
        Self { text, number }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// How a value compares with it. `None`: they cannot be compared.
    pub fn compare(&self, value: &str) -> Option<Ordering> {
        match self.number {
            Some(bound) => number(value)?.partial_cmp(&bound),
            None => Some(value.to_lowercase().cmp(&self.text.to_lowercase())),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    let digits = text.bytes().any(|byte| byte.is_ascii_digit()); // not `inf`, `nan`
    text.parse().ok().filter(|number: &f64| digits && number.is_finite())
}
