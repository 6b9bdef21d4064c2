//! Sessions: from signing in to signing out, or to the end that each has without it.
//!
//! Limits follow OWASP ASVS 5.0, V7.3: half an hour without a sign of life, twelve hours in all, the length of an
//! analyst's shift.

use ward_core::Timestamp;

use crate::powers::is_fresh;

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Microseconds without a sign of life.
    pub idle: i64,
    /// Microseconds in all.
    pub absolute: i64,
}

/// How somebody came to have a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// By password, and what comes after it.
    Password,
    /// By a one-time link.
    Link,
    /// By another's word: OpenID Connect.
    Identity,
}

/// A session, as far as it is decided by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// When it began.
    pub begun: Timestamp,
    /// The last sign of life.
    pub seen: Timestamp,
    /// When it ends, whatever is done in it.
    pub ends: Timestamp,
    /// Microseconds without a sign of life after which it ends.
    pub idle: i64,
    /// When it was ended.
    pub ended: Option<Timestamp>,
    /// When the second factor was last shown in it. `None`: not yet. It opens nothing then.
    pub second_factor: Option<Timestamp>,
}

/// What a session is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything that its person may do; things of great effect too.
    Fresh,
    /// Everything but things of great effect, which want the second factor once more.
    Open,
    /// Showing the second factor, and nothing else.
    Half,
    /// Nothing.
    Ended,
}

/// Microseconds in which the second factor must be shown, before a session opens anything.
pub const HALF: i64 = 10 * MINUTE;

const MINUTE: i64 = 60 * 1_000_000;

impl Default for Limits {
    fn default() -> Self {
        Self { idle: 30 * MINUTE, absolute: 12 * 60 * MINUTE }
    }
}

impl Session {
    /// One that begins now. Without a second factor it lasts as long as it takes to show one.
    pub fn begin(now: Timestamp, limits: Limits, second_factor: bool) -> Self {
        let lasts = if second_factor { limits.absolute } else { HALF.min(limits.absolute) };
        Self {
            begun: now,
            seen: now,
            ends: Timestamp::from_micros(now.micros().saturating_add(lasts)),
            idle: limits.idle,
            ended: None,
            second_factor: second_factor.then_some(now),
        }
    }

    /// What it is good for now. A session of the future is good for nothing: a clock went back.
    pub fn state(&self, now: Timestamp) -> State {
        let silent = now.micros().saturating_sub(self.seen.micros());
        match self.second_factor {
            _ if self.ended.is_some() || now < self.begun || now >= self.ends || silent >= self.idle => {
                State::Ended
            }
            None => State::Half,
            Some(shown) if is_fresh(shown, now) => State::Fresh,
            Some(_) => State::Open,
        }
    }
}

impl How {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Password, Self::Link, Self::Identity];

    /// As it is written in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Identity => "identity",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::powers::STEP_UP;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn after(micros: i64) -> Timestamp {
        Timestamp::from_micros(NOW.micros() + micros)
    }

    #[test]
    fn a_session_ends_without_a_sign_of_life_and_after_a_shift_with_them() {
        let session = Session::begin(NOW, Limits::default(), true);
        assert_eq!(session.state(after(0)), State::Fresh);
        assert_eq!(session.state(after(STEP_UP)), State::Open);
        assert_eq!(session.state(after(30 * MINUTE - 1)), State::Open);
        assert_eq!(session.state(after(30 * MINUTE)), State::Ended);
        let lively = Session { seen: after(719 * MINUTE), ..session };
        assert_eq!(lively.state(after(720 * MINUTE - 1)), State::Open);
        assert_eq!(lively.state(after(720 * MINUTE)), State::Ended);
        assert_eq!(session.state(after(-1)), State::Ended, "the clock went back");
        assert_eq!(Session { ended: Some(NOW), ..session }.state(after(1)), State::Ended);
    }

    #[test]
    fn half_a_session_opens_nothing_and_is_soon_over() {
        let half = Session::begin(NOW, Limits::default(), false);
        assert_eq!(half.state(after(HALF - 1)), State::Half);
        assert_eq!(half.state(after(HALF)), State::Ended);
    }

    proptest! {
        #[test]
        fn what_has_ended_never_opens_again(
            idle in 0..60 * MINUTE, absolute in 0..900 * MINUTE, seen in 0..900 * MINUTE, times in prop::collection::vec(0..2_000 * MINUTE, 2..20),
        ) {
            let session = Session::begin(NOW, Limits { idle, absolute }, true);
            let session = Session { seen: after(seen), ..session };
            let mut times = times;
            times.sort_unstable();
            let states: Vec<_> = times.iter().map(|time| session.state(after(*time))).collect();
            let ended = states.iter().position(|state| *state == State::Ended).unwrap_or(states.len());
            prop_assert!(states[ended..].iter().all(|state| *state == State::Ended));
        }
    }

    #[test]
    fn each_way_is_found_by_its_name() {
        for how in How::ALL {
            assert_eq!(How::named(how.name()), Some(how));
        }
        assert_eq!(How::named("magic"), None);
    }
}
