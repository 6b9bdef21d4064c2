//! A page of the list, and the place where it ends.

use std::fmt;
use std::str::FromStr;

use ward_core::Timestamp;

use super::Alert;
use crate::StoreError;
use crate::ids::AlertId;
use crate::sql::rank;

/// Where a page of the list ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(super) level: i64,
    pub(super) last_seen: Timestamp,
    pub(super) id: AlertId,
}

/// A page of the list, worst and newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// Where the next page starts. `None`: this is the last.
    pub next: Option<Cursor>,
    /// How many there are on all pages.
    pub total: u64,
}

impl Cursor {
    pub(super) fn at(alert: &Alert) -> Self {
        Self { level: rank(alert.level), last_seen: alert.last_seen, id: alert.id }
    }
}

impl fmt::Display for Cursor {
    /// `level.micros.id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.level, self.last_seen.micros(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let none = || StoreError::NotFound("page");
        let mut parts = text.splitn(3, '.');
        let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok()).ok_or_else(none);
        let (level, last_seen) = (number()?, Timestamp::from_micros(number()?));
        let id = parts.next().ok_or_else(none)?.parse().map_err(|_| none())?;
        Ok(Self { level, last_seen, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_from_what_is_shown() {
        let cursor = Cursor { level: 4, last_seen: Timestamp::from_micros(-7), id: AlertId([9; 16]) };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for wrong in ["", "4", "4.5", "4.5.6", "x.5.00000000000000000000000000000000"] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }
}
