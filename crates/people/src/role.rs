//! Roles: what somebody is let do by being somebody. [`TABLE`] is the one place where that is decided, for people and
//! for access tokens alike.
//!
//! A role says what, not where: that is part of each grant of it ([`crate::powers`]).
//!
//! Invariant: whoever was given a role can give no role that the giver could not have given ([`Row::gives`]).

use crate::permission::Permission::{self, *};
use crate::permission::PermissionSet;

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An access token: look.
    Reader,
    /// An access token: look, judge alerts, make and end exceptions.
    Lead,
    /// An access token: all of that, search by SQL, replay what could not be decoded, read the ledger.
    Analyst,
    /// An access token: all of it, throw away what could not be decoded, and check the ledger.
    Operator,
    /// Watches over the sector.
    NationalAnalyst,
    /// Answers for the watch over the sector.
    NationalLead,
    /// Answers for a region or care board.
    RegionalLead,
    /// Answers for the security of one organisation.
    OrganisationLead,
    /// Works at an organisation: a care home's manager, a practice's IT.
    OrganisationMember,
    /// Sits on the board of an organisation, a care board or the sector.
    BoardMember,
    /// Runs the programme that makes the sector safer.
    ProgrammeOffice,
    /// Checks what was done.
    Auditor,
    /// Keeps Ward itself going.
    Administrator,
}

/// A role, and what belongs to it.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub role: Role,
    /// As it is written in tables, commands and interfaces.
    pub name: &'static str,
    /// As people say it.
    pub title: &'static str,
    /// Why it has what it has.
    pub why: &'static str,
    /// What it lets do.
    pub may: PermissionSet,
    /// Which roles somebody with it may give to others, within his own reach.
    pub gives: &'static [Role],
}

/// All roles. That a role has something is a decision of ours; `why` says what it rests on.
pub static TABLE: [Row; 13] = [
    Row {
        role: Role::Reader,
        name: "reader",
        title: "Reader (token)",
        why: "a dashboard or report: it looks, and changes nothing",
        may: PermissionSet::of(LOOK),
        gives: &[],
    },
    Row {
        role: Role::Lead,
        name: "lead",
        title: "Lead (token)",
        why: "a ticket system of an organisation: it also judges and mutes what is the organisation's own",
        may: PermissionSet::of(LOOK).and(PermissionSet::of(DECIDE)),
        gives: &[],
    },
    Row {
        role: Role::Analyst,
        name: "analyst",
        title: "Analyst (token)",
        why: "a tool of analysts: it also asks by SQL, reads the ledger, and has records tried again",
        may: PermissionSet::of(LOOK).and(PermissionSet::of(DECIDE)).and(PermissionSet::of(&[
            Sql,
            ReplayLetters,
            ReadLedger,
        ])),
        gives: &[],
    },
    Row {
        role: Role::Operator,
        name: "operator",
        title: "Operator (token)",
        why: "a tool of those who run the hub: it also throws away what nobody can read, and checks the ledger",
        may: PermissionSet::of(LOOK).and(PermissionSet::of(DECIDE)).and(PermissionSet::of(&[
            Sql,
            ReplayLetters,
            ReadLedger,
            DiscardLetters,
            VerifyLedger,
        ])),
        gives: &[],
    },
    Row {
        role: Role::NationalAnalyst,
        name: "national_analyst",
        title: "National analyst",
        why: "finds attacks wherever they are: looks at everything, judges, hunts, mutes with a reason and an end. \
              Throws nothing away and lets nobody in",
        may: PermissionSet::of(LOOK).and(PermissionSet::of(DECIDE)).and(PermissionSet::of(&[
            Sql,
            ReplayLetters,
            BreakGlass,
        ])),
        gives: &[],
    },
    Row {
        role: Role::NationalLead,
        name: "national_lead",
        title: "National lead",
        why: "answers for the analysts: what they may, who did what, who broke the glass, and what is thrown away. \
              Who gets in is the administrator's, so that no one person holds both",
        may: PermissionSet::of(LOOK).and(PermissionSet::of(DECIDE)).and(PermissionSet::of(&[
            Sql,
            ReplayLetters,
            DiscardLetters,
            ReadLedger,
            VerifyLedger,
            SeeBreakGlass,
            BreakGlass,
            SeePeople,
        ])),
        gives: &[],
    },
    Row {
        role: Role::RegionalLead,
        name: "regional_lead",
        title: "Regional or care board lead",
        why: "answers for many organisations, of which most have nobody for it: works in their place, enters their \
              people, and reaches a neighbour's only by breaking the glass",
        may: PermissionSet::of(LOOK).and(PermissionSet::of(DECIDE)).and(PermissionSet::of(&[
            ManageSources,
            ManageTokens,
            ReplayLetters,
            SeeBreakGlass,
            BreakGlass,
            SeePeople,
            ManagePeople,
        ])),
        gives: &[Role::OrganisationLead, Role::OrganisationMember, Role::BoardMember],
    },
    Row {
        role: Role::OrganisationLead,
        name: "organisation_lead",
        title: "Organisation security lead",
        why: "answers for one organisation and knows its devices: all that concerns them, sources and their tokens \
              too, who works there, and who else looked in",
        may: PermissionSet::of(LOOK).and(PermissionSet::of(DECIDE)).and(PermissionSet::of(&[
            ManageSources,
            ManageTokens,
            ReplayLetters,
            SeeBreakGlass,
            SeePeople,
            ManagePeople,
        ])),
        gives: &[Role::OrganisationMember, Role::BoardMember],
    },
    Row {
        role: Role::OrganisationMember,
        name: "organisation_member",
        title: "Organisation member",
        why: "is told what concerns the organisation and answers; events hold what colleagues and patients do, and \
              stay closed",
        may: PermissionSet::of(&[SeeOverview, SeeAlerts, Comment, SeeSources]),
        gives: &[],
    },
    Row {
        role: Role::BoardMember,
        name: "board_member",
        title: "Board member",
        why: "answers for the risk, and needs figures, not names; and is told when outsiders were let in",
        may: PermissionSet::of(&[SeeOverview, SeeBreakGlass]),
        gives: &[],
    },
    Row {
        role: Role::ProgrammeOffice,
        name: "programme_office",
        title: "Programme office",
        why: "measures how far the sector has come: what is covered and by which rules, not what happened to whom",
        may: PermissionSet::of(&[SeeOverview, SeeSources, SeeRules]),
        gives: &[],
    },
    Row {
        role: Role::Auditor,
        name: "auditor",
        title: "Auditor",
        why: "checks what others did: alerts and how they were judged, what is muted, who may what, the ledger. \
              Changes nothing, and needs no events for it",
        may: PermissionSet::of(&[
            SeeOverview,
            SeeAlerts,
            SeeExceptions,
            SeeSources,
            SeeRules,
            ReadLedger,
            VerifyLedger,
            SeeBreakGlass,
            SeePeople,
        ]),
        gives: &[],
    },
    Row {
        role: Role::Administrator,
        name: "administrator",
        title: "Administrator",
        why: "keeps Ward going and lets people in; who does that has no need to see what is found, and whatever he \
              gives, himself never, is in the ledger",
        may: PermissionSet::of(&[
            SeeOverview,
            SeeSources,
            ManageSources,
            ManageTokens,
            SeeRules,
            VerifyLedger,
            SeeBreakGlass,
            SeePeople,
            ManagePeople,
            ManageSettings,
        ]),
        gives: &Role::PEOPLE,
    },
];

/// What whoever looks sees.
const LOOK: &[Permission] = &[SeeOverview, SeeAlerts, Hunt, SeeExceptions, SeeSources, SeeLetters, SeeRules];

/// What whoever decides does.
const DECIDE: &[Permission] = &[JudgeAlerts, AssignAlerts, Comment, MakeExceptions, EndExceptions];

/// What somebody who broke the glass may do behind it, as far as his role lets him do it at home: see and judge what is
/// going on. Nothing that mutes, lets in, throws away or takes out in bulk.
pub const BEHIND_GLASS: PermissionSet = PermissionSet::of(&[
    SeeOverview,
    SeeAlerts,
    JudgeAlerts,
    AssignAlerts,
    Comment,
    Hunt,
    SeeExceptions,
    SeeSources,
    SeeLetters,
]);

impl Role {
    /// Those of access tokens, from the one that may least: each may do what those before it may.
    pub const TOKENS: [Self; 4] = [Self::Reader, Self::Lead, Self::Analyst, Self::Operator];

    /// Those of people.
    pub const PEOPLE: [Self; 9] = [
        Self::NationalAnalyst,
        Self::NationalLead,
        Self::RegionalLead,
        Self::OrganisationLead,
        Self::OrganisationMember,
        Self::BoardMember,
        Self::ProgrammeOffice,
        Self::Auditor,
        Self::Administrator,
    ];

    /// All that belongs to it.
    pub const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// As it is written in tables, commands and interfaces.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What it lets do.
    pub const fn may(self) -> PermissionSet {
        self.row().may
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.role)
    }

    /// Whether it is one of an access token.
    pub fn is_of_tokens(self) -> bool {
        Self::TOKENS.contains(&self)
    }

    /// The one of an access token that lets do this and as little else as possible.
    pub fn least_of_tokens(permission: Permission) -> Option<Self> {
        Self::TOKENS.into_iter().find(|role| role.may().has(permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_the_row_at_its_place_and_is_found_by_its_name() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.role as usize, place, "{}", row.name);
            assert_eq!(Role::named(row.name), Some(row.role));
            assert!(!row.may.is_empty() && row.why.len() > 20, "{}", row.name);
        }
        assert_eq!(Role::TOKENS.len() + Role::PEOPLE.len(), TABLE.len());
        assert_eq!(Role::named("root"), None);
    }

    #[test]
    fn each_role_of_tokens_may_what_those_before_it_may() {
        for pair in Role::TOKENS.windows(2) {
            assert_eq!(pair[0].may().within(pair[1].may()), pair[0].may());
            assert_ne!(pair[0].may(), pair[1].may());
        }
        assert_eq!(Role::least_of_tokens(JudgeAlerts), Some(Role::Lead));
        assert_eq!(Role::least_of_tokens(ManagePeople), None, "no token lets people in");
    }

    /// What a role may not do says more of it than what it may.
    #[test]
    fn the_lines_between_the_roles_are_where_they_were_drawn() {
        let who = |permission: Permission| -> Vec<&str> {
            let people = Role::PEOPLE.into_iter().filter(|role| role.may().has(permission));
            people.map(Role::name).collect()
        };
        assert_eq!(who(ManageSettings), ["administrator"]);
        assert_eq!(who(DiscardLetters), ["national_lead"]);
        assert_eq!(who(ManagePeople), ["regional_lead", "organisation_lead", "administrator"]);
        assert_eq!(who(BreakGlass), ["national_analyst", "national_lead", "regional_lead"]);
        assert_eq!(who(ReadLedger), ["national_lead", "auditor"]);
        let sees_events = ["national_analyst", "national_lead", "regional_lead", "organisation_lead"];
        assert_eq!(who(Hunt), sees_events);
        assert_eq!(who(MakeExceptions), sees_events);
        assert_eq!(who(SeeOverview).len(), Role::PEOPLE.len());
    }

    #[test]
    fn whoever_is_given_a_role_can_give_no_more_than_the_giver() {
        for row in &TABLE {
            for given in row.gives {
                assert!(given.row().gives.iter().all(|next| row.gives.contains(next)), "{}", row.name);
                assert!(!given.is_of_tokens(), "{}", row.name);
            }
            assert_eq!(row.gives.is_empty(), !row.may.has(ManagePeople), "{}", row.name);
        }
    }

    #[test]
    fn nothing_of_great_effect_is_behind_glass() {
        assert!(BEHIND_GLASS.iter().all(|permission| !permission.is_of_great_effect()));
        for closed in [Sql, MakeExceptions, EndExceptions, ReplayLetters, SeePeople] {
            assert!(!BEHIND_GLASS.has(closed), "{closed:?}");
        }
    }
}
