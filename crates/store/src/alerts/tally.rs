//! How many alerts there are, by organisation, state and level, without counting them.
//!
//! Invariant: the tallies are what counting the alerts would give. Whatever opens an alert, or changes its state or
//! level, changes them in the same transaction: it gathers a [`Shift`] and applies it once.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use ward_core::{OrganisationId, Scope, Severity};

use super::State;
use crate::change::Change;
use crate::reach::within;
use crate::sql::{Columns, Sql, rank, rows_a_statement, values};
use crate::{Store, StoreError};

/// How many alerts of one state and level an organisation has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Whose alerts.
    pub organisation: OrganisationId,
    /// How far people are with them.
    pub state: State,
    /// How bad they are.
    pub level: Severity,
    /// How many.
    pub count: u64,
}

/// How many alerts there are that may be seen, by organisation, state and level. What there is none of is left out.
///
/// # Errors
/// The database fails.
pub async fn tallies(store: &Store, scope: &Scope) -> Result<Vec<Tally>, StoreError> {
    let mut select = Sql::new("SELECT organisation, state, level, count FROM alert_tallies WHERE count > 0");
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" ORDER BY organisation, state, level");
    let rows = store.rows(select).await?;
    let read = |row: &AnyRow| {
        Ok(Tally {
            organisation: row.organisation(0)?,
            state: state(row, 1)?,
            level: row.level(2)?,
            count: row.count(3)?,
        })
    };
    rows.iter().map(read).collect()
}

/// How many alerts there are that may be seen, by state and level, of all organisations together. What there is none of
/// is left out.
///
/// # Errors
/// The database fails.
pub async fn totals(store: &Store, scope: &Scope) -> Result<Vec<(State, Severity, u64)>, StoreError> {
    let mut select =
        Sql::new("SELECT state, level, CAST(SUM(count) AS BIGINT) FROM alert_tallies WHERE count > 0");
    within(&mut select, store.kind(), "organisation", scope);
    select.push(" GROUP BY state, level ORDER BY state, level");
    let rows = store.rows(select).await?;
    rows.iter().map(|row| Ok((state(row, 0)?, row.level(1)?, row.count(2)?))).collect()
}

/// By how much the tallies change.
#[derive(Debug, Default)]
pub(super) struct Shift {
    by: BTreeMap<(OrganisationId, i64, i64), i64>,
}

impl Shift {
    /// One more of these.
    pub fn more(&mut self, organisation: &OrganisationId, state: State, level: Severity) {
        self.add(organisation, state, level, 1);
    }

    /// One that was so is otherwise now.
    pub fn moved(&mut self, organisation: &OrganisationId, from: (State, Severity), to: (State, Severity)) {
        if from != to {
            self.add(organisation, from.0, from.1, -1);
            self.add(organisation, to.0, to.1, 1);
        }
    }

    fn add(&mut self, organisation: &OrganisationId, state: State, level: Severity, by: i64) {
        *self.by.entry((organisation.clone(), state.rank(), rank(level))).or_default() += by;
    }

    /// Changes the tallies: many in one statement, as this is done with every finding.
    pub async fn apply(self, change: &mut Change<'_>) -> Result<(), StoreError> {
        let mut rows = self.by.into_iter().filter(|(_, by)| *by != 0).peekable();
        while rows.peek().is_some() {
            let mut upsert =
                Sql::new("INSERT INTO alert_tallies (organisation, state, level, count) VALUES ");
            upsert.tuples(
                rows.by_ref()
                    .take(rows_a_statement(4))
                    .map(|((organisation, state, level), by)| values![&organisation, state, level, by]),
            );
            upsert.push(
                " ON CONFLICT (organisation, state, level) \
                 DO UPDATE SET count = alert_tallies.count + excluded.count",
            );
            change.execute(upsert).await?;
        }
        Ok(())
    }
}

fn state(row: &AnyRow, at: usize) -> Result<State, StoreError> {
    State::of_rank(row.int(at)?).ok_or(StoreError::Damaged("state of an alert"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_there_and_back_changes_nothing() {
        let leeds = OrganisationId::new("RR8").unwrap();
        let (open, closed) = ((State::Open, Severity::High), (State::Closed, Severity::High));
        let mut shift = Shift::default();
        shift.moved(&leeds, open, closed);
        shift.moved(&leeds, open, open);
        assert_eq!(shift.by.values().copied().collect::<Vec<_>>(), [-1, 1]);
        shift.moved(&leeds, closed, open);
        assert!(shift.by.values().all(|by| *by == 0));
    }
}
