//! Alerts: what people look at. Each gathers the findings of one rule at one entity of one organisation.
//!
//! Invariant: alerts are made by findings only ([`crate::findings::record`]); people judge them.
//! Invariant: the list is read from an index in its own order (level, then time), whatever the filter and however
//! many alerts there are; only a scope of several organisations that is still small is sorted.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, OrganisationId, Scope, Severity, Timestamp};

use crate::change::Change;
use crate::findings::{self, Finding, Stored};
use crate::grouping::{Entity, Group, Grouping, Key};
use crate::ids::{AlertId, FindingId};
use crate::reach::{SMALL, within};
use crate::sql::{Columns, Sql, rank, rows_a_statement, values};
use crate::{Store, StoreError};

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

/// Which alerts are asked for. The default: all.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Only these states. Empty: all.
    pub states: BTreeSet<State>,
    /// Only this level and above.
    pub at_least: Option<Severity>,
    /// Only these organisations, as far as they may be seen.
    pub organisations: Option<BTreeSet<OrganisationId>>,
    /// Only of this rule.
    pub rule: Option<String>,
    /// Only with a last finding at or after.
    pub from: Option<Timestamp>,
    /// Only with a last finding before.
    pub until: Option<Timestamp>,
}

/// Where a page of the list ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    level: i64,
    last_seen: Timestamp,
    id: AlertId,
}

/// A page of the list, worst and newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// Where the next page starts. `None`: this is the last.
    pub next: Option<Cursor>,
    /// How many there are on all pages.
    pub total: u64,
}

/// What somebody decides about an alert; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// How far it is.
    pub state: Option<State>,
    /// What it is.
    pub verdict: Option<Verdict>,
    /// Who looks after it. `Some(None)`: nobody.
    pub owner: Option<Option<String>>,
    /// What is noted, instead of what was.
    pub note: Option<String>,
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
    let next = alerts.last().filter(|_| more).map(Alert::cursor);
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

/// Decides something about an alert.
///
/// # Errors
/// There is none, or it may not be seen.
pub async fn judge(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    id: AlertId,
    judgement: &Judgement,
) -> Result<Alert, StoreError> {
    let mut change = store.change(by, now).await?;
    let mut select = Sql::new(SELECT);
    select.push(" WHERE id = ").bind(id);
    within(&mut select, store.kind(), "organisation", scope);
    let mut alert = change.row(select).await?.ok_or(StoreError::NotFound(WHAT)).and_then(|row| read(&row))?;
    alert.state = judgement.state.unwrap_or(alert.state);
    alert.verdict = judgement.verdict.unwrap_or(alert.verdict);
    alert.owner = judgement.owner.clone().unwrap_or(alert.owner);
    alert.note = judgement.note.clone().unwrap_or(alert.note);
    alert.changed = now;
    let mut update = Sql::new("UPDATE alerts SET state = ");
    update.bind(alert.state.rank()).push(", verdict = ").bind(alert.verdict.name());
    update.push(", owner = ").bind(alert.owner.as_deref()).push(", note = ").bind(&alert.note);
    update.push(", changed = ").bind(now).push(" WHERE id = ").bind(id);
    change.execute(update).await?;
    let detail = json!({
        "state": judgement.state.map(State::name),
        "verdict": judgement.verdict.map(Verdict::name),
        "owner": judgement.owner,
        "note": judgement.note,
    });
    change.commit("alert.judge", &id.to_string(), detail).await?;
    Ok(alert)
}

/// The alerts of these keys that can grow.
pub(crate) async fn not_closed(
    change: &mut Change<'_>,
    keys: &BTreeSet<Key>,
) -> Result<Grouping, StoreError> {
    let keys: Vec<&Key> = keys.iter().collect();
    let mut grouping = Grouping::default();
    for chunk in keys.chunks(rows_a_statement(4)) {
        let mut select =
            Sql::new("SELECT key, id, first_seen, last_seen, count, level FROM alerts WHERE key IN ");
        select.tuple(chunk.iter().map(|key| key.to_string().into()));
        select.push(" AND state < ").bind(State::Closed.rank()).push(" ORDER BY id");
        for row in change.rows(select).await? {
            let group = Group {
                id: row.text(1)?.parse()?,
                first_seen: row.time(2)?,
                last_seen: row.time(3)?,
                count: row.count(4)?,
                level: row.level(5)?,
                opened_by: None,
            };
            grouping.add(row.hash(0)?.into(), group);
        }
    }
    Ok(grouping)
}

/// Stores the alerts that were opened or grew.
pub(crate) async fn store_groups(
    change: &mut Change<'_>,
    now: Timestamp,
    findings: &[&Finding],
    grouping: &Grouping,
) -> Result<(), StoreError> {
    let mut opened = Vec::new();
    for (key, group) in grouping.changed() {
        let opener = group.opened_by.and_then(|at| findings.get(at));
        let Some(opener) = opener else {
            let mut update = Sql::new("UPDATE alerts SET level = ");
            update.bind(rank(group.level)).push(", first_seen = ").bind(group.first_seen);
            update.push(", last_seen = ").bind(group.last_seen).push(", count = ").bind(group.count);
            update.push(", changed = ").bind(now).push(" WHERE id = ").bind(group.id);
            change.execute(update).await?;
            continue;
        };
        let entity = opener.entity();
        opened.push(values![
            group.id,
            key.to_string(),
            &opener.organisation,
            &opener.rule.id,
            &opener.rule.title,
            serde_json::Value::from(opener.rule.tags.as_slice()).to_string(),
            entity.kind(),
            entity.name(),
            rank(group.level),
            State::Open.rank(),
            Verdict::Undecided.name(),
            "",
            group.first_seen,
            group.last_seen,
            group.count,
            now,
            now,
        ]);
    }
    let each = rows_a_statement(17);
    let mut opened = opened.into_iter().peekable();
    while opened.peek().is_some() {
        let mut insert = Sql::new(
            "INSERT INTO alerts (id, key, organisation, rule, title, tags, entity_kind, entity, level, state, \
             verdict, note, first_seen, last_seen, count, opened, changed) VALUES ",
        );
        insert.tuples(opened.by_ref().take(each));
        change.execute(insert).await?;
    }
    Ok(())
}

fn listing(store: &Store, scope: &Scope, filter: &AlertFilter, after: Option<&Cursor>, limit: u32) -> Sql {
    let mut select = Sql::new(SELECT);
    let scope = filter.narrowed(scope);
    filter.add(&mut select, store, &scope, true);
    if let Some(Cursor { level, last_seen, id }) = after {
        select.push(" AND (level, last_seen, id) < ").tuple(values![*level, *last_seen, *id]);
    }
    select.push(" ORDER BY level DESC, last_seen DESC, id DESC LIMIT ").bind(i64::from(limit) + 1);
    select
}

fn counting(store: &Store, scope: &Scope, filter: &AlertFilter) -> Sql {
    let mut select = Sql::new("SELECT COUNT(*) FROM alerts");
    filter.add(&mut select, store, &filter.narrowed(scope), false);
    select
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

impl Alert {
    fn cursor(&self) -> Cursor {
        Cursor { level: rank(self.level), last_seen: self.last_seen, id: self.id }
    }
}

impl AlertFilter {
    fn narrowed(&self, scope: &Scope) -> Scope {
        match &self.organisations {
            Some(wanted) => scope.narrowed(wanted.iter().cloned()),
            None => scope.clone(),
        }
    }

    /// Adds the conditions. In order: one condition may choose the index, the others are checked on the way.
    fn add(&self, select: &mut Sql, store: &Store, scope: &Scope, in_order: bool) {
        let seen = scope.organisations().map(BTreeSet::len);
        let by_organisation = !in_order || seen.is_some_and(|seen| seen <= SMALL) && self.rule.is_none();
        let by_state = !in_order || self.states.len() == 1 && self.rule.is_none() && !by_organisation;
        let column = |name: &str, by: bool| if by { name.to_owned() } else { store.kind().aside(name) };
        select.push(" WHERE 1 = 1");
        if let Some(rule) = &self.rule {
            select.push(" AND rule = ").bind(rule);
        }
        if !self.states.is_empty() {
            select.push(" AND ").push(&column("state", by_state)).push(" IN ");
            select.tuple(self.states.iter().map(|state| state.rank().into()));
        }
        if let Some(level) = self.at_least {
            select.push(" AND level >= ").bind(rank(level));
        }
        if let Some(from) = self.from {
            select.push(" AND last_seen >= ").bind(from);
        }
        if let Some(until) = self.until {
            select.push(" AND last_seen < ").bind(until);
        }
        within(select, store.kind(), &column("organisation", by_organisation), scope);
    }
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

    const fn rank(self) -> i64 {
        self as i64
    }

    fn of_rank(rank: i64) -> Option<Self> {
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

impl fmt::Display for Cursor {
    /// `level.micros.id`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.level, self.last_seen.micros(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let none = || StoreError::NotFound("page");
        let mut parts = text.splitn(3, '.');
        let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok()).ok_or_else(none);
        let (level, last_seen) = (number()?, Timestamp::from_micros(number()?));
        let id = parts.next().ok_or_else(none)?.parse().map_err(|_| none())?;
        Ok(Self { level, last_seen, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_from_what_is_shown() {
        let cursor = Cursor { level: 4, last_seen: Timestamp::from_micros(-7), id: AlertId([9; 16]) };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for wrong in ["", "4", "4.5", "4.5.6", "x.5.00000000000000000000000000000000"] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }

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
