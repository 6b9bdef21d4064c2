//! How findings become alerts in the database: those that can grow are read, and what grouping made of them is stored.

use std::collections::BTreeSet;

use ward_core::Timestamp;

use super::tally::Shift;
use super::{State, Verdict};
use crate::StoreError;
use crate::change::Change;
use crate::findings::Finding;
use crate::grouping::{Group, Grouping, Key, Origin};
use crate::sql::{Columns, Sql, rank, rows_a_statement, values};

/// The alerts of these keys that can grow.
pub(crate) async fn not_closed(
    change: &mut Change<'_>,
    keys: &BTreeSet<Key>,
) -> Result<Grouping, StoreError> {
    let keys: Vec<&Key> = keys.iter().collect();
    let mut grouping = Grouping::default();
    for chunk in keys.chunks(rows_a_statement(4)) {
        let mut select = Sql::new(
            "SELECT key, id, first_seen, last_seen, count, level, organisation, state FROM alerts WHERE key IN ",
        );
        select.tuple(chunk.iter().map(|key| key.to_string().into()));
        select.push(" AND state < ").bind(State::Closed.rank()).push(" ORDER BY id");
        for row in change.rows(select).await? {
            let level = row.level(5)?;
            let group = Group {
                id: row.text(1)?.parse()?,
                first_seen: row.time(2)?,
                last_seen: row.time(3)?,
                count: row.count(4)?,
                level,
                origin: Origin::Before {
                    organisation: row.organisation(6)?,
                    state: State::of_rank(row.int(7)?).ok_or(StoreError::Damaged("state of an alert"))?,
                    level,
                },
            };
            grouping.add(row.hash(0)?.into(), group);
        }
    }
    Ok(grouping)
}

/// Stores the alerts that were opened or grew, and how many there are now.
pub(crate) async fn store_groups(
    change: &mut Change<'_>,
    now: Timestamp,
    findings: &[&Finding],
    grouping: &Grouping,
) -> Result<(), StoreError> {
    let (mut opened, mut shift) = (Vec::new(), Shift::default());
    for (key, group) in grouping.changed() {
        let opener = match &group.origin {
            Origin::Opened(by) => findings.get(*by),
            Origin::Before { organisation, state, level } => {
                shift.moved(organisation, (*state, *level), (*state, group.level));
                None
            }
        };
        let Some(opener) = opener else {
            let mut update = Sql::new("UPDATE alerts SET level = ");
            update.bind(rank(group.level)).push(", first_seen = ").bind(group.first_seen);
            update.push(", last_seen = ").bind(group.last_seen).push(", count = ").bind(group.count);
            update.push(", changed = ").bind(now).push(" WHERE id = ").bind(group.id);
            change.execute(update).await?;
            continue;
        };
        shift.more(&opener.organisation, State::Open, group.level);
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
    shift.apply(change).await
}
