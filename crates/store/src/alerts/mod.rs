//! Alerts: what people look at. Each gathers the findings of one rule at one entity of one organisation.
//!
//! Invariant: alerts are made by findings only ([`crate::findings::record`]); people judge them.
//! Invariant: the list is read from an index in its own order (level, then time), whatever the filter and however
//! many alerts there are; only a scope of several organisations that is still small is sorted.
//! Invariant: how many there are is tallied with each change, and not counted where it need not be.

mod filter;
mod gather;
mod judge;
mod opened;
mod page;
mod state;
mod steps;
mod tally;

use sqlx::any::AnyRow;
use ward_core::{OrganisationId, Scope, Severity, Timestamp};

use crate::findings::{self, Stored};
use crate::grouping::Entity;
use crate::ids::{AlertId, FindingId};
use crate::reach::within;
use crate::sql::{Columns, Sql};
use crate::{Store, StoreError};

pub use filter::{AlertFilter, OwnedBy};
pub(crate) use gather::{not_closed, store_groups};
pub use judge::{Judgement, MOST_AT_ONCE, judge, judge_all};
pub use opened::{MOST_STEPS_OF_TIME, opened};
pub use page::{AlertPage, Cursor};
pub use state::{State, Verdict};
pub use steps::{LONGEST_TEXT, MOST_STEPS, Step, comment, steps};
pub use tally::{Tally, tallies, totals};

use filter::{counting, listing};

const WHAT: &str = "alert";

/// Findings that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Where.
    pub organisation: OrganisationId,
    /// Id of the rule.
    pub rule: String,
    /// What people call the rule.
    pub title: String,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// Who or what it is about.
    pub entity: Entity,
    /// Level of its worst finding.
    pub level: Severity,
    /// How far people are with it.
    pub state: State,
    /// What people found it to be.
    pub verdict: Verdict,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What people noted.
    pub note: String,
    /// When its first finding happened.
    pub first_seen: Timestamp,
    /// When its last finding happened.
    pub last_seen: Timestamp,
    /// How many findings it has.
    pub count: u64,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it last grew or was judged.
    pub changed: Timestamp,
}

/// A page of alerts, at most `limit`; `after` is where the page before ended.
///
/// # Errors
/// The database fails.
pub async fn list(
    store: &Store,
    scope: &Scope,
    filter: &AlertFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<AlertPage, StoreError> {
    let rows = store.rows(listing(store, scope, filter, after, limit)).await?;
    let mut alerts: Vec<Alert> = rows.iter().map(read).collect::<Result<_, _>>()?;
    let more = alerts.len() > limit as usize;
    alerts.truncate(limit as usize);
    let next = alerts.last().filter(|_| more).map(Cursor::at);
    let total = store.row(counting(store, scope, filter)).await?;
    let total = total.ok_or(StoreError::Damaged("count of alerts"))?.count(0)?;
    Ok(AlertPage { alerts, next, total })
}

/// How the database would go about [`list`], in its own words: for tests and for whoever finds it slow.
///
/// # Errors
/// The database fails.
pub async fn explain(
    store: &Store,
    scope: &Scope,
    filter: &AlertFilter,
    after: Option<&Cursor>,
) -> Result<Vec<String>, StoreError> {
    let (words, column) = store.kind().explanation();
    let mut sql = listing(store, scope, filter, after, 50);
    sql.text.insert_str(0, words);
    store.rows(sql).await?.iter().map(|row| row.text(column)).collect()
}

/// The alert of this id, and its newest findings, at most `findings`.
///
/// # Errors
/// There is none, or it may not be seen.
pub async fn get(
    store: &Store,
    scope: &Scope,
    id: AlertId,
    findings: u32,
) -> Result<(Alert, Vec<Stored>), StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE id = ").bind(id);
    within(&mut select, store.kind(), "organisation", scope);
    let alert = store.row(select).await?.ok_or(StoreError::NotFound(WHAT)).and_then(|row| read(&row))?;
    let findings = findings::page(store, scope, Some(id), None, findings).await?;
    Ok((alert, findings))
}

/// More findings of an alert, newest first; `after` is the last of the page before.
///
/// # Errors
/// The database fails. An alert that may not be seen has no findings.
pub async fn more_findings(
    store: &Store,
    scope: &Scope,
    id: AlertId,
    after: (Timestamp, FindingId),
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    findings::page(store, scope, Some(id), Some(after), limit).await
}

const SELECT: &str = "SELECT id, organisation, rule, title, tags, entity_kind, entity, level, state, verdict, owner, \
                      note, first_seen, last_seen, count, opened, changed FROM alerts";

fn read(row: &AnyRow) -> Result<Alert, StoreError> {
    Ok(Alert {
        id: row.text(0)?.parse()?,
        organisation: row.organisation(1)?,
        rule: row.text(2)?,
        title: row.text(3)?,
        tags: row.json(4, "list of tags")?,
        entity: Entity::of(&row.text(5)?, row.text(6)?).ok_or(StoreError::Damaged("entity"))?,
        level: row.level(7)?,
        state: State::of_rank(row.int(8)?).ok_or(StoreError::Damaged("state of an alert"))?,
        verdict: Verdict::named(&row.text(9)?).ok_or(StoreError::Damaged("verdict"))?,
        owner: row.maybe_text(10)?,
        note: row.text(11)?,
        first_seen: row.time(12)?,
        last_seen: row.time(13)?,
        count: row.count(14)?,
        opened: row.time(15)?,
        changed: row.time(16)?,
    })
}
