//! How many alerts were opened when: what a histogram shows.

use ward_core::{Scope, Severity, Timestamp};

use crate::reach::within_in_order;
use crate::sql::{Columns, Sql};
use crate::{Store, StoreError};

/// Most steps of time that are told at once.
pub const MOST_STEPS_OF_TIME: i64 = 200;

/// How many alerts were opened from `from` and before `until`, by step of time and level, oldest first. A step is told by
/// its start; the last may be cut short. What there is none of is left out.
///
/// # Errors
/// A step is no time, or there would be more than [`MOST_STEPS_OF_TIME`].
pub async fn opened(
    store: &Store,
    scope: &Scope,
    from: Timestamp,
    until: Timestamp,
    step_micros: i64,
) -> Result<Vec<(Timestamp, Severity, u64)>, StoreError> {
    let refused = |why: &str| StoreError::Refused(format!("alerts could not be counted by time: {why}"));
    if step_micros <= 0 {
        return Err(refused("a step is no time"));
    }
    let span = until.micros().saturating_sub(from.micros());
    if span <= 0 {
        return Ok(Vec::new());
    }
    if (span - 1) / step_micros >= MOST_STEPS_OF_TIME {
        return Err(refused(&format!("there would be more than {MOST_STEPS_OF_TIME} steps")));
    }
    let mut select = Sql::new("SELECT (opened - ");
    select.bind(from).push(") / ").bind(step_micros).push(", level, COUNT(*) FROM alerts WHERE opened >= ");
    select.bind(from).push(" AND opened < ").bind(until);
    within_in_order(&mut select, store.kind(), "organisation", scope);
    select.push(" GROUP BY 1, 2 ORDER BY 1, 2");
    let rows = store.rows(select).await?;
    let start = |number: i64| Timestamp::from_micros(from.micros().saturating_add(number * step_micros));
    rows.iter().map(|row| Ok((start(row.int(0)?), row.level(1)?, row.count(2)?))).collect()
}
