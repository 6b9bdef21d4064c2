//! What was done with an alert: the history that its page tells.
//!
//! Invariant: a step is stored with the ledger's entry whose number it has. What people wrote is in the step alone: it
//! can name people, and the ledger keeps everything for ever.

use serde_json::json;
use sqlx::any::AnyRow;
use ward_core::{Actor, Scope, Timestamp};
use ward_ledger::{actor_kind, actor_kind_name};

use super::{State, Verdict, WHAT};
use crate::change::Change;
use crate::database::Kind;
use crate::ids::AlertId;
use crate::reach::within;
use crate::sql::{Columns, Sql, Value, rows_a_statement, values};
use crate::{Store, StoreError};

/// Most steps of an alert that are told.
pub const MOST_STEPS: u32 = 500;
/// Longest reason or comment, in bytes.
pub const LONGEST_TEXT: usize = 16 << 10;

/// Something that was done with an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Number of its entry in the ledger.
    pub id: u64,
    /// When.
    pub time: Timestamp,
    /// Who did it.
    pub by: Actor,
    /// How far it is from then on. `None`: as far as before.
    pub state: Option<State>,
    /// What it is from then on. `None`: what it was.
    pub verdict: Option<Verdict>,
    /// Who looks after it from then on; `Some(None)`: nobody. `None`: who did before.
    pub owner: Option<Option<String>>,
    /// Why, or what was said. Can be empty.
    pub text: String,
}

/// Says something about an alert, and decides nothing.
///
/// # Errors
/// There is none, it may not be seen, or nothing or more than [`LONGEST_TEXT`] is said.
pub async fn comment(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    id: AlertId,
    text: &str,
) -> Result<(), StoreError> {
    let empty = || StoreError::Refused("a comment could not be entered: it says nothing".to_owned());
    let text = written(text)?.ok_or_else(empty)?;
    let mut change = store.change(by, now).await?;
    change.row(seen(store.kind(), scope, id)).await?.ok_or(StoreError::NotFound(WHAT))?;
    let mut update = Sql::new("UPDATE alerts SET changed = ");
    update.bind(now).push(" WHERE id = ").bind(id);
    change.execute(update).await?;
    let detail = json!({ "letters": text.chars().count() });
    let step = Step {
        id: change.next_number(),
        time: now,
        by: by.clone(),
        state: None,
        verdict: None,
        owner: None,
        text,
    };
    insert(&mut change, &[(id, step)]).await?;
    change.commit("alert.comment", &id.to_string(), detail).await
}

/// What was done with an alert, oldest first: the newest [`MOST_STEPS`].
///
/// # Errors
/// There is no such alert, or it may not be seen.
pub async fn steps(store: &Store, scope: &Scope, id: AlertId) -> Result<Vec<Step>, StoreError> {
    store.row(seen(store.kind(), scope, id)).await?.ok_or(StoreError::NotFound(WHAT))?;
    let mut select = Sql::new(
        "SELECT id, time, actor_kind, actor_name, state, verdict, owner_decided, owner, text FROM alert_steps \
         WHERE alert = ",
    );
    select.bind(id).push(" ORDER BY id DESC LIMIT ").bind(MOST_STEPS);
    store.rows(select).await?.iter().rev().map(read).collect()
}

/// What somebody wrote, without the white space around it. `None`: nothing.
pub(super) fn written(text: &str) -> Result<Option<String>, StoreError> {
    let text = text.trim();
    if text.len() > LONGEST_TEXT {
        let why = format!("a text could not be entered: it has more than {LONGEST_TEXT} bytes");
        return Err(StoreError::Refused(why));
    }
    Ok(Some(text).filter(|text| !text.is_empty()).map(str::to_owned))
}

/// Stores steps of alerts.
pub(super) async fn insert(change: &mut Change<'_>, steps: &[(AlertId, Step)]) -> Result<(), StoreError> {
    for chunk in steps.chunks(rows_a_statement(10)) {
        let mut insert = Sql::new(
            "INSERT INTO alert_steps (id, alert, time, actor_kind, actor_name, state, verdict, owner_decided, \
             owner, text) VALUES ",
        );
        insert.tuples(chunk.iter().map(|(alert, step)| row_of(*alert, step)));
        change.execute(insert).await?;
    }
    Ok(())
}

fn row_of(alert: AlertId, step: &Step) -> Vec<Value> {
    values![
        step.id,
        alert,
        step.time,
        actor_kind_name(step.by.kind),
        &step.by.name,
        step.state.map(State::rank),
        step.verdict.map(Verdict::name),
        step.owner.is_some(),
        step.owner.clone().flatten(),
        &step.text,
    ]
}

/// A row if there is such an alert and it may be seen.
fn seen(kind: Kind, scope: &Scope, id: AlertId) -> Sql {
    let mut select = Sql::new("SELECT id FROM alerts WHERE id = ");
    select.bind(id);
    within(&mut select, kind, "organisation", scope);
    select
}

fn read(row: &AnyRow) -> Result<Step, StoreError> {
    let kind = actor_kind(&row.text(2)?).ok_or(StoreError::Damaged("actor of a step"))?;
    let state =
        row.maybe_int(4)?.map(|rank| State::of_rank(rank).ok_or(StoreError::Damaged("state of a step")));
    let verdict =
        row.maybe_text(5)?.map(|name| Verdict::named(&name).ok_or(StoreError::Damaged("verdict of a step")));
    let owner = row.maybe_text(7)?;
    Ok(Step {
        id: row.count(0)?,
        time: row.time(1)?,
        by: Actor { kind, name: row.text(3)? },
        state: state.transpose()?,
        verdict: verdict.transpose()?,
        owner: row.flag(6)?.then_some(owner),
        text: row.text(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_says_nothing_and_too_much_is_refused() {
        assert_eq!(written(" \n\t ").unwrap(), None);
        assert_eq!(written(" a drill\n").unwrap().as_deref(), Some("a drill"));
        assert!(written(&"x".repeat(LONGEST_TEXT)).unwrap().is_some());
        let error = written(&"x".repeat(LONGEST_TEXT + 1)).unwrap_err().to_string();
        assert!(error.contains("more than 16384 bytes"), "{error}");
    }
}
