//! Which alerts are asked for, as statements that read them.
//!
//! Invariant: one condition at most chooses the index of a list, the one that leaves the least ([`Lead`]); the others
//! are checked on the way, so that what is read comes in the list's order.

use std::collections::BTreeSet;

use ward_core::{OrganisationId, Scope, Severity, Timestamp};

use super::{Cursor, SELECT, State, Verdict};
use crate::Store;
use crate::reach::{SMALL, within};
use crate::sql::{Sql, rank, values};

/// Which alerts are asked for. The default: all.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Only these states. Empty: all.
    pub states: BTreeSet<State>,
    /// Only this level and above.
    pub at_least: Option<Severity>,
    /// Only this level.
    pub exactly: Option<Severity>,
    /// Only these organisations, as far as they may be seen.
    pub organisations: Option<BTreeSet<OrganisationId>>,
    /// Only of this rule.
    pub rule: Option<String>,
    /// Only about the host, user or source of this name, written exactly so.
    pub entity: Option<String>,
    /// Only those that somebody, or nobody, looks after.
    pub owner: Option<OwnedBy>,
    /// Only those that were found to be this.
    pub verdict: Option<Verdict>,
    /// Only with a last finding at or after.
    pub from: Option<Timestamp>,
    /// Only with a last finding before.
    pub until: Option<Timestamp>,
    /// Only opened at or after.
    pub opened_from: Option<Timestamp>,
    /// Only opened before.
    pub opened_until: Option<Timestamp>,
}

/// Whose alerts are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedBy {
    /// Those that nobody looks after.
    Nobody,
    /// Those of whom this names, as [`Alert::owner`](super::Alert::owner) has it.
    Somebody(String),
}

/// The condition whose index a list is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Entity,
    Owner,
    Rule,
    Organisation,
    State,
    /// None of them: the order itself.
    Order,
}

/// The statement of a page of the list, with one row more than asked for if there is a next page.
pub(super) fn listing(
    store: &Store,
    scope: &Scope,
    filter: &AlertFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Sql {
    let mut select = Sql::new(SELECT);
    let scope = filter.narrowed(scope);
    filter.add(&mut select, store, &scope, Some(filter.lead(&scope)));
    if let Some(Cursor { level, last_seen, id }) = after {
        if filter.exactly.is_some_and(|only| rank(only) == *level) {
            // Of one level, the place is within it: the index is entered there, not at the level's start.
            select.push(" AND (last_seen, id) < ").tuple(values![*last_seen, *id]);
        } else {
            select.push(" AND (level, last_seen, id) < ").tuple(values![*level, *last_seen, *id]);
        }
    }
    select.push(" ORDER BY level DESC, last_seen DESC, id DESC LIMIT ").bind(i64::from(limit) + 1);
    select
}

/// The statement of how many there are: from the tallies, where they tell.
pub(super) fn counting(store: &Store, scope: &Scope, filter: &AlertFilter) -> Sql {
    let scope = filter.narrowed(scope);
    if !filter.is_tallied() {
        let mut select = Sql::new("SELECT COUNT(*) FROM alerts");
        filter.add(&mut select, store, &scope, None);
        return select;
    }
    let mut select =
        Sql::new("SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM alert_tallies WHERE 1 = 1");
    filter.add_states(&mut select, "state");
    filter.add_levels(&mut select);
    within(&mut select, store.kind(), "organisation", &scope);
    select
}

impl AlertFilter {
    /// Whether it asks for nothing that tallies do not tell apart.
    fn is_tallied(&self) -> bool {
        let Self { rule, entity, owner, verdict, from, until, opened_from, opened_until, .. } = self;
        rule.is_none()
            && entity.is_none()
            && owner.is_none()
            && verdict.is_none()
            && from.is_none()
            && until.is_none()
            && opened_from.is_none()
            && opened_until.is_none()
    }

    fn narrowed(&self, scope: &Scope) -> Scope {
        match &self.organisations {
            Some(wanted) => scope.narrowed(wanted.iter().cloned()),
            None => scope.clone(),
        }
    }

    fn lead(&self, scope: &Scope) -> Lead {
        if self.entity.is_some() {
            Lead::Entity
        } else if matches!(self.owner, Some(OwnedBy::Somebody(_))) {
            Lead::Owner
        } else if self.rule.is_some() {
            Lead::Rule
        } else if scope.organisations().is_some_and(|seen| seen.len() <= SMALL) {
            Lead::Organisation
        } else if self.states.len() == 1 {
            Lead::State
        } else if self.owner.is_some() {
            Lead::Owner
        } else {
            Lead::Order
        }
    }

    /// Adds the conditions. `lead` may choose the index; without one nearly each may, as for a count.
    fn add(&self, select: &mut Sql, store: &Store, scope: &Scope, lead: Option<Lead>) {
        let column = |name: &str, own: Lead| match lead {
            Some(lead) if lead != own => store.kind().aside(name),
            _ => name.to_owned(),
        };
        select.push(" WHERE 1 = 1");
        if let Some(entity) = &self.entity {
            select.push(" AND ").push(&column("entity", Lead::Entity)).push(" = ").bind(entity);
        }
        if let Some(owner) = &self.owner {
            select.push(" AND ");
            match owner {
                // It leaves the most of all, and leads a count only where nothing else can.
                OwnedBy::Nobody if self.lead(scope) != Lead::Owner => {
                    select.push(&store.kind().aside("owner")).push(" IS NULL")
                }
                OwnedBy::Nobody => select.push("owner IS NULL"),
                OwnedBy::Somebody(name) => select.push(&column("owner", Lead::Owner)).push(" = ").bind(name),
            };
        }
        if let Some(rule) = &self.rule {
            select.push(" AND ").push(&column("rule", Lead::Rule)).push(" = ").bind(rule);
        }
        if let Some(verdict) = self.verdict {
            select.push(" AND verdict = ").bind(verdict.name());
        }
        self.add_states(select, &column("state", Lead::State));
        self.add_levels(select);
        if let Some(from) = self.from {
            select.push(" AND last_seen >= ").bind(from);
        }
        if let Some(until) = self.until {
            select.push(" AND last_seen < ").bind(until);
        }
        if let Some(from) = self.opened_from {
            select.push(" AND opened >= ").bind(from);
        }
        if let Some(until) = self.opened_until {
            select.push(" AND opened < ").bind(until);
        }
        within(select, store.kind(), &column("organisation", Lead::Organisation), scope);
    }

    fn add_states(&self, select: &mut Sql, column: &str) {
        if !self.states.is_empty() {
            select.push(" AND ").push(column).push(" IN ");
            select.tuple(self.states.iter().map(|state| state.rank().into()));
        }
    }

    fn add_levels(&self, select: &mut Sql) {
        if let Some(level) = self.at_least {
            select.push(" AND level >= ").bind(rank(level));
        }
        if let Some(level) = self.exactly {
            select.push(" AND level = ").bind(rank(level));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_led_by_what_leaves_the_least() {
        let everywhere = Scope::whole_sector();
        let somebody = Some(OwnedBy::Somebody("anna".to_owned()));
        let open = BTreeSet::from([State::Open]);
        let mut filter = AlertFilter::default();
        assert_eq!(filter.lead(&everywhere), Lead::Order);
        filter.owner = Some(OwnedBy::Nobody);
        assert_eq!(filter.lead(&everywhere), Lead::Owner);
        filter.states = open;
        assert_eq!(filter.lead(&everywhere), Lead::State);
        assert_eq!(filter.lead(&Scope::nothing()), Lead::Organisation);
        filter.rule = Some("r1".to_owned());
        assert_eq!(filter.lead(&Scope::nothing()), Lead::Rule);
        filter.owner = somebody;
        assert_eq!(filter.lead(&everywhere), Lead::Owner);
        filter.entity = Some("pc1".to_owned());
        assert_eq!(filter.lead(&everywhere), Lead::Entity);
    }

    #[test]
    fn tallies_answer_only_what_they_tell_apart() {
        let all = AlertFilter::default;
        let moment = Some(Timestamp::from_micros(0));
        let counted = [
            AlertFilter { rule: Some("r1".to_owned()), ..all() },
            AlertFilter { entity: Some("pc1".to_owned()), ..all() },
            AlertFilter { owner: Some(OwnedBy::Nobody), ..all() },
            AlertFilter { verdict: Some(Verdict::Benign), ..all() },
            AlertFilter { from: moment, ..all() },
            AlertFilter { until: moment, ..all() },
        ];
        assert!(counted.iter().all(|filter| !filter.is_tallied()));
        let tallied = [
            all(),
            AlertFilter { states: BTreeSet::from([State::Open]), ..all() },
            AlertFilter { at_least: Some(Severity::High), exactly: Some(Severity::High), ..all() },
            AlertFilter { organisations: Some(BTreeSet::new()), ..all() },
        ];
        assert!(tallied.iter().all(AlertFilter::is_tallied));
    }
}
