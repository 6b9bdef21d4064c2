//! What the watch found, and how it becomes alerts.
//!
//! Invariant: a finding is stored once, however often it is recorded: its id says which it is.
//! Invariant: findings, the alerts they open or make grow, and the ledger's entry are one transaction.
//! A finding that an exception mutes is stored and counted there, and makes no alert.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use sqlx::any::AnyRow;
use ward_core::{Actor, EventId, OrganisationId, Scope, Severity, SourceId, Timestamp};
use ward_ledger::Hash;

use crate::alerts;
use crate::change::Change;
use crate::grouping::{Entity, Grouping, Key, Origin};
use crate::ids::{AlertId, ExceptionId, FindingId};
use crate::reach::{within, within_in_order};
use crate::sql::{Columns, Sql, Value, rank, rows_a_statement, sql, values};
use crate::{Store, StoreError};

const WHAT: &str = "finding";

/// Something a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its id, made from rule and events.
    pub id: FindingId,
    /// Where it was found.
    pub organisation: OrganisationId,
    /// Who sent the event, or the last of the events.
    pub source: SourceId,
    /// The event, or the evidence of a correlation. At most [`MOST_EVENTS`] are kept.
    pub events: Vec<EventId>,
    /// The rule that found it.
    pub rule: RuleName,
    /// The rule's level.
    pub level: Severity,
    /// The computer it happened at.
    pub host: Option<String>,
    /// The account that did it.
    pub user: Option<String>,
    /// When it happened.
    pub time: Timestamp,
    /// When the event came.
    pub received: Timestamp,
    /// The values that matched, by field. At most [`MOST_VALUES`], cut to [`LONGEST_VALUE`].
    pub matched: Map<String, Json>,
    /// The exception that mutes it.
    pub exception: Option<ExceptionId>,
}

/// What a rule is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Its tags, such as `attack.t1059.001`.
    pub tags: Vec<String>,
}

/// A finding as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What was found.
    pub finding: Finding,
    /// When it was stored.
    pub stored: Timestamp,
    /// The alert it belongs to. `None`: it is muted.
    pub alert: Option<AlertId>,
}

/// What recording changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Those that were not there before.
    pub new: Vec<FindingId>,
    /// Alerts that were opened.
    pub opened: Vec<AlertId>,
    /// Alerts that grew.
    pub grown: Vec<AlertId>,
}

/// Most events that a finding keeps as evidence.
pub const MOST_EVENTS: usize = 100;
/// Most values that a finding keeps.
pub const MOST_VALUES: usize = 32;
/// Longest text of a value that a finding keeps, in letters.
pub const LONGEST_VALUE: usize = 1_000;

/// Stores findings that are not there yet and puts them into alerts.
///
/// # Errors
/// The database fails; then nothing was stored.
pub async fn record(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    findings: &[Finding],
) -> Result<Recorded, StoreError> {
    if findings.is_empty() {
        return Ok(Recorded::default());
    }
    let mut change = store.change(by, now).await?;
    let mut new = unseen(&mut change, findings).await?;
    if new.is_empty() {
        return Ok(Recorded::default());
    }
    new.sort_by_key(|finding| (finding.time, finding.id));
    let loud = new.iter().filter(|finding| finding.exception.is_none());
    let keys: BTreeSet<Key> = loud.map(|finding| Key::of(finding)).collect();
    let mut grouping = alerts::not_closed(&mut change, &keys).await?;
    let place = |(at, finding): (usize, &&Finding)| match finding.exception {
        Some(_) => None,
        None => Some(grouping.place(finding, at)),
    };
    let places: Vec<Option<AlertId>> = new.iter().enumerate().map(place).collect();

    let recorded = recorded(&new, &grouping);
    alerts::store_groups(&mut change, now, &new, &grouping).await?;
    insert(&mut change, now, &new, &places).await?;
    count_muted(&mut change, &new).await?;
    let digest: Vec<u8> = new.iter().flat_map(|finding| finding.id.0).collect();
    let detail = json!({
        "count": new.len(),
        "digest": Hash::of(&digest).to_string(),
        "alerts_opened": recorded.opened.len(),
        "alerts_grown": recorded.grown.len(),
    });
    change.commit("finding.record", &format!("{} findings", new.len()), detail).await?;
    Ok(recorded)
}

/// The finding of this id.
///
/// # Errors
/// There is none, or it may not be seen.
pub async fn get(store: &Store, scope: &Scope, id: FindingId) -> Result<Stored, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE id = ").bind(id);
    within(&mut select, store.kind(), "organisation", scope);
    store.row(select).await?.ok_or(StoreError::NotFound(WHAT)).and_then(|row| read(&row))
}

/// Findings, newest first, at most `limit`; `after` is the last of the page before. Muted ones among them.
///
/// # Errors
/// The database fails.
pub async fn list(
    store: &Store,
    scope: &Scope,
    after: Option<(Timestamp, FindingId)>,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    page(store, scope, None, after, limit).await
}

/// As [`list`], of one alert.
pub(crate) async fn page(
    store: &Store,
    scope: &Scope,
    alert: Option<AlertId>,
    after: Option<(Timestamp, FindingId)>,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let mut select = Sql::new(SELECT);
    select.push(" WHERE 1 = 1");
    if let Some(alert) = alert {
        select.push(" AND alert = ").bind(alert);
    }
    if let Some((time, id)) = after {
        select.push(" AND (time, id) < ").tuple(values![time, id]);
    }
    match alert {
        Some(_) => within(&mut select, store.kind(), &store.kind().aside("organisation"), scope),
        None => within_in_order(&mut select, store.kind(), "organisation", scope),
    }
    select.push(" ORDER BY time DESC, id DESC LIMIT ").bind(limit);
    store.rows(select).await?.iter().map(read).collect()
}

/// Those of the findings that are not stored, each once.
async fn unseen<'f>(
    change: &mut Change<'_>,
    findings: &'f [Finding],
) -> Result<Vec<&'f Finding>, StoreError> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for chunk in findings.chunks(rows_a_statement(4)) {
        let mut select = Sql::new("SELECT id FROM findings WHERE id IN ");
        select.tuple(chunk.iter().map(|finding| finding.id.into()));
        for row in change.rows(select).await? {
            seen.insert(row.text(0)?);
        }
    }
    Ok(findings.iter().filter(|finding| seen.insert(finding.id.to_string())).collect())
}

async fn insert(
    change: &mut Change<'_>,
    now: Timestamp,
    findings: &[&Finding],
    places: &[Option<AlertId>],
) -> Result<(), StoreError> {
    let rows: Vec<_> = findings.iter().zip(places).collect();
    for chunk in rows.chunks(rows_a_statement(16)) {
        let mut insert = Sql::new(
            "INSERT INTO findings (id, organisation, source, events, rule, title, level, tags, host, \
             user_name, time, received, stored, matched, exception, alert) VALUES ",
        );
        insert.tuples(chunk.iter().map(|(finding, alert)| row_of(finding, **alert, now)));
        change.execute(insert).await?;
    }
    Ok(())
}

fn row_of(finding: &Finding, alert: Option<AlertId>, now: Timestamp) -> Vec<Value> {
    let events: Vec<String> = finding.events.iter().take(MOST_EVENTS).map(EventId::to_string).collect();
    values![
        finding.id,
        &finding.organisation,
        &finding.source,
        Json::from(events).to_string(),
        &finding.rule.id,
        &finding.rule.title,
        rank(finding.level),
        Json::from(finding.rule.tags.as_slice()).to_string(),
        finding.host.as_deref(),
        finding.user.as_deref(),
        finding.time,
        finding.received,
        now,
        bounded(&finding.matched),
        finding.exception.map(|id| id.to_string()).as_deref(),
        alert.map(|id| id.to_string()).as_deref(),
    ]
}

async fn count_muted(change: &mut Change<'_>, findings: &[&Finding]) -> Result<(), StoreError> {
    let mut muted: BTreeMap<ExceptionId, i64> = BTreeMap::new();
    for id in findings.iter().filter_map(|finding| finding.exception) {
        *muted.entry(id).or_default() += 1;
    }
    for (id, count) in muted {
        change
            .execute(sql("UPDATE exceptions SET muted = muted + $1 WHERE id = $2", values![count, id]))
            .await?;
    }
    Ok(())
}

fn recorded(new: &[&Finding], grouping: &Grouping) -> Recorded {
    let mut recorded =
        Recorded { new: new.iter().map(|finding| finding.id).collect(), ..Recorded::default() };
    for (_, group) in grouping.changed() {
        let list = match group.origin {
            Origin::Opened(_) => &mut recorded.opened,
            Origin::Before { .. } => &mut recorded.grown,
        };
        list.push(group.id);
    }
    recorded
}

/// The values as JSON text of bounded size.
fn bounded(matched: &Map<String, Json>) -> String {
    let cut = |text: &str| text.chars().take(LONGEST_VALUE).collect::<String>();
    let short = |value: &Json| match value {
        Json::String(text) => Json::String(cut(text)),
        Json::Object(_) | Json::Array(_) => Json::String(cut(&value.to_string())),
        plain => plain.clone(),
    };
    let kept = matched.iter().take(MOST_VALUES).map(|(field, value)| (cut(field), short(value)));
    Json::Object(kept.collect()).to_string()
}

const SELECT: &str = "SELECT id, organisation, source, events, rule, title, level, tags, host, user_name, time, \
                      received, stored, matched, exception, alert FROM findings";

fn read(row: &AnyRow) -> Result<Stored, StoreError> {
    let events: Vec<String> = row.json(3, "list of events")?;
    let events: Result<Vec<EventId>, ()> = events.iter().map(|id| id.parse()).collect();
    let finding = Finding {
        id: row.text(0)?.parse()?,
        organisation: row.organisation(1)?,
        source: row.source(2)?,
        events: events.map_err(|()| StoreError::Damaged("list of events"))?,
        rule: RuleName { id: row.text(4)?, title: row.text(5)?, tags: row.json(7, "list of tags")? },
        level: row.level(6)?,
        host: row.maybe_text(8)?,
        user: row.maybe_text(9)?,
        time: row.time(10)?,
        received: row.time(11)?,
        matched: row.json(13, "list of values")?,
        exception: row.maybe_text(14)?.map(|id| id.parse()).transpose()?,
    };
    Ok(Stored {
        finding,
        stored: row.time(12)?,
        alert: row.maybe_text(15)?.map(|id| id.parse()).transpose()?,
    })
}

impl Finding {
    /// Who or what it is about: the host, else the user, else the source.
    pub fn entity(&self) -> Entity {
        match (&self.host, &self.user) {
            (Some(host), _) => Entity::Host(host.clone()),
            (None, Some(user)) => Entity::User(user.clone()),
            (None, None) => Entity::Source(self.source.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::finding;

    #[test]
    fn what_is_kept_of_the_values_is_bounded_and_stays_json() {
        let mut matched = Map::new();
        for at in 0..100 {
            matched.insert(format!("field{at}"), json!("x".repeat(100_000)));
        }
        let text = bounded(&matched);
        assert!(text.len() < MOST_VALUES * (LONGEST_VALUE + 20));
        assert_eq!(serde_json::from_str::<Map<String, Json>>(&text).unwrap().len(), MOST_VALUES);
    }

    #[test]
    fn a_finding_is_about_the_nearest_thing_that_is_known() {
        let mut about = finding(1);
        about.user = Some("anna".to_owned());
        assert_eq!(about.entity(), Entity::Host("pc1".to_owned()));
        about.host = None;
        assert_eq!(about.entity(), Entity::User("anna".to_owned()));
        about.user = None;
        assert_eq!(about.entity(), Entity::Source("leeds-dc".to_owned()));
    }
}
