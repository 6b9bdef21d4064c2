//! One-time links: how somebody gets in who has no password (yet, or any more).
//!
//! Invariant: a link is good once, until its end, and for one thing.

use ward_core::Timestamp;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Becoming the first administrator of a hub that has none.
    FirstAdministrator,
    /// Choosing the first password and second factor of an account.
    Invitation,
    /// Choosing another password. The second factor stays.
    Password,
    /// Choosing another password and another second factor: for whoever has lost both phone and recovery codes. Whoever
    /// makes such a link has made sure by other means who asks.
    Everything,
}

/// A link, as far as it is decided by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made.
    pub made: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was used, or replaced by a newer one.
    pub spent: Option<Timestamp>,
}

const HOUR: i64 = 3_600 * 1_000_000;

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FirstAdministrator, Self::Invitation, Self::Password, Self::Everything];

    /// As it is written in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstAdministrator => "first_administrator",
            Self::Invitation => "invitation",
            Self::Password => "password",
            Self::Everything => "everything",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// Microseconds for which such a link is good unless somebody says otherwise: an invitation may wait for a weekend,
    /// what replaces a password may not wait for long.
    pub const fn lasts(self) -> i64 {
        match self {
            Self::FirstAdministrator => 24 * HOUR,
            Self::Invitation => 72 * HOUR,
            Self::Password | Self::Everything => HOUR,
        }
    }

    /// Microseconds for which such a link may be good at most.
    pub const fn longest(self) -> i64 {
        match self {
            Self::FirstAdministrator => 24 * HOUR,
            Self::Invitation => 14 * 24 * HOUR,
            Self::Password | Self::Everything => 24 * HOUR,
        }
    }
}

impl Link {
    /// Whether it is good now.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.spent.is_none() && (self.made..self.expires).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_once_and_until_its_end() {
        let at = Timestamp::from_micros;
        let link = Link { purpose: Purpose::Invitation, made: at(10), expires: at(20), spent: None };
        assert!(link.is_good(at(10)) && link.is_good(at(19)));
        assert!(!link.is_good(at(20)) && !link.is_good(at(9)));
        assert!(!Link { spent: Some(at(11)), ..link }.is_good(at(12)));
    }

    #[test]
    fn each_purpose_is_found_by_its_name_and_none_lasts_longer_than_it_may() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::named(purpose.name()), Some(purpose));
            assert!(purpose.lasts() <= purpose.longest());
        }
        assert_eq!(Purpose::named("door"), None);
    }
}
