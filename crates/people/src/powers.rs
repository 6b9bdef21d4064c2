//! What somebody may do, and where: all that was given to him, put together once and asked in one way.
//!
//! Somebody may be the lead of one organisation and sit on the board of another. So there is no scope of a person, only
//! one of a person for something: [`Powers::scope`]. Where nothing lets him do it, it is empty.
//!
//! Invariant: what may be done somewhere was given for there, by one grant that has both.

use std::collections::BTreeMap;

use ward_core::{OrganisationId, Scope, Timestamp};

use crate::permission::{Permission, PermissionSet};
use crate::role::{BEHIND_GLASS, Role};

/// Where something was given for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Every organisation there is, and what belongs to none.
    WholeSector,
    /// This organisation and everything below it.
    Below(OrganisationId),
}

/// What somebody may do, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Powers {
    parts: Vec<Part>,
    /// Where each permission holds; none is in two of the sets.
    scopes: Vec<(PermissionSet, Scope)>,
    reach: Scope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    may: PermissionSet,
    gives: &'static [Role],
    scope: Scope,
}

/// Whether something may be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Yes,
    /// It may, when the second factor has been shown once more.
    ShowSecondFactor,
    /// It may not.
    No,
}

impl Powers {
    /// What these roles let do, each in its own scope.
    pub fn of(grants: impl IntoIterator<Item = (Role, Scope)>) -> Self {
        let part = |(role, scope): (Role, Scope)| Part { may: role.may(), gives: role.row().gives, scope };
        Self::from_parts(grants.into_iter().map(part).collect())
    }

    /// All there is, within this scope: what whoever runs `ward` on the machine may do, who could as well change the
    /// files.
    pub fn everything(scope: Scope) -> Self {
        let may = Permission::ALL.into_iter().collect();
        Self::from_parts(vec![Part { may, gives: &Role::PEOPLE, scope }])
    }

    /// With what may be done behind the glass, for as long as that lasts. Only what one's own roles let one do somewhere,
    /// and only those that let one break the glass at all.
    #[must_use]
    pub fn behind_glass(self, scope: Scope) -> Self {
        let own = self.parts.iter().filter(|part| part.may.has(Permission::BreakGlass));
        let may = own.fold(PermissionSet::NONE, |may, part| may.and(part.may)).within(BEHIND_GLASS);
        let mut parts = self.parts;
        parts.push(Part { may, gives: &[], scope });
        Self::from_parts(parts)
    }

    fn from_parts(parts: Vec<Part>) -> Self {
        // Permissions that come from the same grants hold in the same scope, which is put together once.
        let mut alike: BTreeMap<Vec<usize>, PermissionSet> = BTreeMap::new();
        for permission in Permission::ALL {
            let from: Vec<usize> = (0..parts.len()).filter(|at| parts[*at].may.has(permission)).collect();
            if !from.is_empty() {
                let set = alike.entry(from).or_default();
                *set = set.and(PermissionSet::of(&[permission]));
            }
        }
        let joined =
            |from: &[usize]| from.iter().fold(Scope::nothing(), |scope, at| scope.joined(&parts[*at].scope));
        let scopes: Vec<_> = alike.into_iter().map(|(from, set)| (set, joined(&from))).collect();
        let reach = scopes.iter().fold(Scope::nothing(), |reach, (_, scope)| reach.joined(scope));
        Self { parts, scopes, reach }
    }

    /// Whether this may be done anywhere.
    pub fn may(&self, permission: Permission) -> bool {
        self.scopes.iter().any(|(set, _)| set.has(permission))
    }

    /// Where this may be done.
    pub fn scope(&self, permission: Permission) -> &Scope {
        static NOTHING: Scope = Scope::nothing();
        self.scopes.iter().find(|(set, _)| set.has(permission)).map_or(&NOTHING, |(_, scope)| scope)
    }

    /// Where anything may be done: how far it reaches in all. No scope to read with.
    pub fn reach(&self) -> &Scope {
        &self.reach
    }

    /// All that may be done somewhere.
    pub fn permissions(&self) -> PermissionSet {
        self.scopes.iter().fold(PermissionSet::NONE, |all, (set, _)| all.and(*set))
    }

    /// Whether this role may be given or taken there.
    pub fn may_give(&self, role: Role, reach: &Reach) -> bool {
        self.parts.iter().any(|part| part.gives.contains(&role) && reach.is_within(&part.scope))
    }

    /// Whether this may be done anywhere now, by somebody who showed the second factor then. Access tokens have none, and
    /// are not asked for it.
    pub fn decide(
        &self,
        permission: Permission,
        second_factor: Option<Timestamp>,
        now: Timestamp,
    ) -> Decision {
        match second_factor {
            _ if !self.may(permission) => Decision::No,
            Some(shown) if permission.is_of_great_effect() && !is_fresh(shown, now) => {
                Decision::ShowSecondFactor
            }
            _ => Decision::Yes,
        }
    }
}

impl Reach {
    /// Whether all of it is in the scope, which has whole trees.
    pub fn is_within(&self, scope: &Scope) -> bool {
        match self {
            Self::WholeSector => scope.organisations().is_none(),
            Self::Below(organisation) => scope.sees(organisation),
        }
    }
}

/// Microseconds for which the second factor lets one do things of great effect. OWASP ASVS 5.0, 7.5.3, asks that it is
/// shown again before them.
pub const STEP_UP: i64 = 5 * 60 * 1_000_000;

/// Whether the second factor was shown a moment ago. Not if that is still to come: a clock went back.
pub fn is_fresh(shown: Timestamp, now: Timestamp) -> bool {
    (0..STEP_UP).contains(&now.micros().saturating_sub(shown.micros()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Permission::*;

    fn org(code: &str) -> OrganisationId {
        OrganisationId::new(code).unwrap()
    }

    fn at(codes: &[&str]) -> Scope {
        Scope::of(codes.iter().map(|code| org(code)))
    }

    #[test]
    fn who_leads_one_organisation_and_sits_on_the_board_of_another_leads_only_the_one() {
        let powers = Powers::of([(Role::OrganisationLead, at(&["RR8"])), (Role::BoardMember, at(&["RCB"]))]);
        assert_eq!(powers.scope(SeeAlerts), &at(&["RR8"]));
        assert_eq!(powers.scope(SeeOverview), &at(&["RR8", "RCB"]));
        assert_eq!(powers.scope(ManageSettings), &Scope::nothing());
        assert!(powers.may(Hunt) && !powers.may(Sql));
        assert_eq!(powers.reach(), &at(&["RR8", "RCB"]));
        assert!(powers.may_give(Role::OrganisationMember, &Reach::Below(org("RR8"))));
        for (role, reach) in [
            (Role::OrganisationMember, Reach::Below(org("RCB"))),
            (Role::OrganisationMember, Reach::WholeSector),
            (Role::OrganisationLead, Reach::Below(org("RR8"))),
            (Role::Administrator, Reach::Below(org("RR8"))),
        ] {
            assert!(!powers.may_give(role, &reach), "{role:?} {reach:?}");
        }
    }

    #[test]
    fn breaking_the_glass_lets_one_see_and_judge_elsewhere_and_nothing_more() {
        let home = Powers::of([(Role::RegionalLead, at(&["QWO"])), (Role::OrganisationLead, at(&["RAE"]))]);
        let behind = home.clone().behind_glass(at(&["RR8"]));
        assert_eq!(behind.scope(Hunt), &at(&["QWO", "RAE", "RR8"]));
        assert_eq!(behind.scope(JudgeAlerts), &at(&["QWO", "RAE", "RR8"]));
        for closed in [MakeExceptions, ManageSources, ManagePeople, SeePeople, ReplayLetters, BreakGlass] {
            assert_eq!(behind.scope(closed), home.scope(closed), "{closed:?}");
        }
        assert!(!behind.may_give(Role::OrganisationMember, &Reach::Below(org("RR8"))));
        let member = Powers::of([(Role::OrganisationMember, at(&["RAE"]))]).behind_glass(at(&["RR8"]));
        assert_eq!(member.reach(), &at(&["RAE"]), "who cannot break it is not let through");
    }

    #[test]
    fn what_has_great_effect_takes_a_second_factor_of_a_moment_ago() {
        let powers = Powers::of([(Role::OrganisationLead, at(&["RR8"]))]);
        let shown = Timestamp::from_micros(1_000);
        let after = |micros: i64| Timestamp::from_micros(1_000 + micros);
        let decide = |what, now| powers.decide(what, Some(shown), now);
        assert_eq!(decide(ManagePeople, after(STEP_UP - 1)), Decision::Yes);
        assert_eq!(decide(ManagePeople, after(STEP_UP)), Decision::ShowSecondFactor);
        assert_eq!(decide(ManagePeople, after(-1)), Decision::ShowSecondFactor, "the clock went back");
        assert_eq!(decide(JudgeAlerts, after(STEP_UP)), Decision::Yes);
        assert_eq!(decide(Sql, after(0)), Decision::No);
        let token = Powers::of([(Role::Operator, Scope::whole_sector())]);
        assert_eq!(token.decide(DiscardLetters, None, after(STEP_UP)), Decision::Yes);
    }

    #[test]
    fn whoever_runs_the_machine_may_do_all_and_give_all() {
        let powers = Powers::everything(Scope::whole_sector());
        assert!(
            Permission::ALL.into_iter().all(|permission| powers.scope(permission) == &Scope::whole_sector())
        );
        assert!(Role::PEOPLE.into_iter().all(|role| powers.may_give(role, &Reach::WholeSector)));
        assert!(!powers.may_give(Role::Operator, &Reach::WholeSector), "people get no roles of tokens");
    }

    fn grants() -> impl Strategy<Value = Vec<(Role, Vec<&'static str>)>> {
        let codes = prop::collection::vec(prop::sample::select(vec!["A", "B", "C", "D"]), 0..3);
        prop::collection::vec((prop::sample::select(Role::PEOPLE.to_vec()), codes), 0..5)
    }

    proptest! {
        /// The quick way to ask and the plain one.
        #[test]
        fn a_permission_holds_exactly_where_one_grant_has_both(grants in grants()) {
            let scoped = grants.iter().map(|(role, codes)| (*role, at(codes)));
            let powers = Powers::of(scoped);
            for permission in Permission::ALL {
                for code in ["A", "B", "C", "D", "E"] {
                    let plain = grants.iter().any(|(role, codes)| {
                        role.may().has(permission) && codes.contains(&code)
                    });
                    prop_assert_eq!(powers.scope(permission).sees(&org(code)), plain);
                }
                let any = grants.iter().any(|(role, _)| role.may().has(permission));
                prop_assert_eq!(powers.may(permission), any);
                prop_assert_eq!(powers.permissions().has(permission), any);
            }
        }

        #[test]
        fn nobody_gives_away_more_than_the_own_reach(grants in grants()) {
            let scoped: Vec<_> = grants.iter().map(|(role, codes)| (*role, at(codes))).collect();
            let powers = Powers::of(scoped);
            for role in Role::PEOPLE {
                prop_assert!(!powers.may_give(role, &Reach::WholeSector));
                for code in ["A", "B", "C", "D", "E"] {
                    if powers.may_give(role, &Reach::Below(org(code))) {
                        prop_assert!(powers.scope(ManagePeople).sees(&org(code)));
                    }
                }
            }
        }
    }
}
