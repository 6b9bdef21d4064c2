//! What may be done. Whatever Ward lets somebody do is one of these, and is asked for by its name.

use std::fmt;

/// Something that may be done, at the organisations that it was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Permission {
    /// See organisations and figures about them; no alert, no event, nobody's name.
    SeeOverview,
    /// See alerts and the findings in them.
    SeeAlerts,
    /// Say what an alert was, acknowledge and close it.
    JudgeAlerts,
    /// Say whose work an alert is.
    AssignAlerts,
    /// Write something under an alert.
    Comment,
    /// Search events, and see them as they came.
    Hunt,
    /// Ask of events whatever SQL can.
    Sql,
    /// See exceptions.
    SeeExceptions,
    /// Make exceptions: what they mute is told to nobody.
    MakeExceptions,
    /// End exceptions.
    EndExceptions,
    /// See sources of telemetry and devices, and which have fallen silent.
    SeeSources,
    /// Enter, change and disable sources.
    ManageSources,
    /// Issue and revoke the tokens that sources send with.
    ManageTokens,
    /// See what could not be decoded.
    SeeLetters,
    /// Have what could not be decoded tried again.
    ReplayLetters,
    /// Throw away what could not be decoded.
    DiscardLetters,
    /// See which rules are in force, and which are refused.
    SeeRules,
    /// Read who did what.
    ReadLedger,
    /// Check that the record of who did what is whole.
    VerifyLedger,
    /// See who has broken the glass, why and until when.
    SeeBreakGlass,
    /// Reach an organisation that one was not given, for a while and with a reason.
    BreakGlass,
    /// See people, and what they may do.
    SeePeople,
    /// Invite people, give and take roles, end sessions.
    ManagePeople,
    /// Change how Ward itself works.
    ManageSettings,
}

/// Several of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet(u32);

use Permission::*;

impl Permission {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 24] = [
        SeeOverview,
        SeeAlerts,
        JudgeAlerts,
        AssignAlerts,
        Comment,
        Hunt,
        Sql,
        SeeExceptions,
        MakeExceptions,
        EndExceptions,
        SeeSources,
        ManageSources,
        ManageTokens,
        SeeLetters,
        ReplayLetters,
        DiscardLetters,
        SeeRules,
        ReadLedger,
        VerifyLedger,
        SeeBreakGlass,
        BreakGlass,
        SeePeople,
        ManagePeople,
        ManageSettings,
    ];

    /// As it is written in tables and interfaces.
    pub const fn name(self) -> &'static str {
        match self {
            SeeOverview => "see_overview",
            SeeAlerts => "see_alerts",
            JudgeAlerts => "judge_alerts",
            AssignAlerts => "assign_alerts",
            Comment => "comment",
            Hunt => "hunt",
            Sql => "sql",
            SeeExceptions => "see_exceptions",
            MakeExceptions => "make_exceptions",
            EndExceptions => "end_exceptions",
            SeeSources => "see_sources",
            ManageSources => "manage_sources",
            ManageTokens => "manage_tokens",
            SeeLetters => "see_letters",
            ReplayLetters => "replay_letters",
            DiscardLetters => "discard_letters",
            SeeRules => "see_rules",
            ReadLedger => "read_ledger",
            VerifyLedger => "verify_ledger",
            SeeBreakGlass => "see_break_glass",
            BreakGlass => "break_glass",
            SeePeople => "see_people",
            ManagePeople => "manage_people",
            ManageSettings => "manage_settings",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }

    /// Whether a person must have shown the second factor a moment ago: what cannot be taken back, lets others in, or
    /// opens what was closed. Whoever finds an unlocked desk can do none of it.
    pub const fn is_of_great_effect(self) -> bool {
        matches!(self, ManageTokens | DiscardLetters | BreakGlass | ManagePeople | ManageSettings)
    }
}

impl PermissionSet {
    /// None.
    pub const NONE: Self = Self(0);

    /// These.
    pub const fn of(permissions: &[Permission]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < permissions.len() {
            bits |= 1 << permissions[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    /// What is in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether this one is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<T: IntoIterator<Item = Permission>>(permissions: T) -> Self {
        permissions.into_iter().fold(Self::NONE, |set, permission| set.and(Self::of(&[permission])))
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name_and_has_a_place_of_its_own() {
        for (place, permission) in Permission::ALL.into_iter().enumerate() {
            assert_eq!(permission as usize, place, "{permission:?}");
            assert_eq!(Permission::named(permission.name()), Some(permission));
            assert_eq!(PermissionSet::of(&[permission]).iter().collect::<Vec<_>>(), [permission]);
        }
        assert_eq!(Permission::named("everything"), None);
        assert_eq!(Permission::ALL.into_iter().collect::<PermissionSet>().iter().count(), 24);
    }

    #[test]
    fn sets_are_joined_and_cut_as_sets_are() {
        let (one, other) = (PermissionSet::of(&[Hunt, Sql]), PermissionSet::of(&[Sql, Comment]));
        assert_eq!(one.within(other), PermissionSet::of(&[Sql]));
        assert_eq!(one.and(other), PermissionSet::of(&[Comment, Sql, Hunt]));
        assert!(one.within(PermissionSet::of(&[Comment])).is_empty() && !one.has(Comment));
    }
}
