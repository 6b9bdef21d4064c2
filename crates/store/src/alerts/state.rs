//! How far people are with an alert, and what it turned out to be.

/// How far people are with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nobody has looked.
    Open,
    /// Somebody is looking.
    Acknowledged,
    /// Done. What is found from now on opens a new one.
    Closed,
}

/// What an alert turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Not known yet.
    Undecided,
    /// An attack, or what looked like one on purpose.
    TruePositive,
    /// The rule was wrong.
    FalsePositive,
    /// The rule was right, and it is permitted.
    Benign,
}

impl State {
    /// All of them, from the start.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Closed];

    /// As it is written in interfaces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// As it is stored, so that a database can compare.
    pub(crate) const fn rank(self) -> i64 {
        self as i64
    }

    pub(super) fn of_rank(rank: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.rank() == rank)
    }
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Undecided, Self::TruePositive, Self::FalsePositive, Self::Benign];

    /// As it is written in tables and interfaces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::TruePositive => "true_positive",
            Self::FalsePositive => "false_positive",
            Self::Benign => "benign",
        }
    }

    /// The verdict of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_verdicts_are_found_by_what_is_stored() {
        for state in State::ALL {
            assert_eq!(State::named(state.name()), Some(state));
            assert_eq!(State::of_rank(state.rank()), Some(state));
        }
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::named(verdict.name()), Some(verdict));
        }
        assert_eq!(State::of_rank(3), None);
    }
}
