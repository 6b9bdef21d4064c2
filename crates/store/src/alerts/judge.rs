//! What people decide about alerts, one by one or many at once.
//!
//! Invariant: each alert that is judged has an entry of its own in the ledger, so that it names all of them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use ward_core::{Actor, Scope, Timestamp};

use super::steps::{self, Step, written};
use super::tally::Shift;
use super::{Alert, SELECT, State, Verdict, WHAT, read};
use crate::change::Change;
use crate::database::Kind;
use crate::ids::AlertId;
use crate::reach::within;
use crate::sql::{Sql, rows_a_statement};
use crate::{Store, StoreError};

/// Most alerts that are judged at once.
pub const MOST_AT_ONCE: usize = 500;

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
    /// Why. Told by the alert's history, and not by the ledger, which keeps everything for ever.
    pub reason: Option<String>,
}

/// Decides something about an alert. What changed by it, and why, becomes a [`Step`].
///
/// # Errors
/// There is none, it may not be seen, or the reason is longer than [`LONGEST_TEXT`](super::LONGEST_TEXT).
pub async fn judge(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    id: AlertId,
    judgement: &Judgement,
) -> Result<Alert, StoreError> {
    let judged = decide(store, by, now, scope, &[id], judgement).await?;
    judged.into_iter().next().ok_or(StoreError::NotFound(WHAT))
}

/// Decides the same about many alerts: all or none of those that are there and may be seen. Tells which those are, in
/// the order in which they were named.
///
/// # Errors
/// They are more than [`MOST_AT_ONCE`], or the reason is longer than [`LONGEST_TEXT`](super::LONGEST_TEXT).
pub async fn judge_all(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    ids: &[AlertId],
    judgement: &Judgement,
) -> Result<Vec<AlertId>, StoreError> {
    if ids.len() > MOST_AT_ONCE {
        let why = format!("{} alerts could not be judged at once: {MOST_AT_ONCE} is the most", ids.len());
        return Err(StoreError::Refused(why));
    }
    let judged = decide(store, by, now, scope, ids, judgement).await?;
    Ok(judged.into_iter().map(|alert| alert.id).collect())
}

async fn decide(
    store: &Store,
    by: &Actor,
    now: Timestamp,
    scope: &Scope,
    ids: &[AlertId],
    judgement: &Judgement,
) -> Result<Vec<Alert>, StoreError> {
    let reason = judgement.reason.as_deref().map(written).transpose()?.flatten();
    let mut change = store.change(by, now).await?;
    let mut alerts = visible(&mut change, store.kind(), scope, ids).await?;
    let (mut steps, mut shift) = (Vec::new(), Shift::default());
    for (number, alert) in (change.next_number()..).zip(&mut alerts) {
        let before = (alert.state, alert.level);
        let (state, verdict, owner) = judgement.apply(alert);
        alert.changed = now;
        shift.moved(&alert.organisation, before, (alert.state, alert.level));
        if state.is_some() || verdict.is_some() || owner.is_some() || reason.is_some() {
            let text = reason.clone().unwrap_or_default();
            steps.push((
                alert.id,
                Step { id: number, time: now, by: by.clone(), state, verdict, owner, text },
            ));
        }
    }
    judgement.store(&mut change, now, &alerts).await?;
    shift.apply(&mut change).await?;
    steps::insert(&mut change, &steps).await?;
    let detail = judgement.detail(reason.as_deref());
    let subjects = alerts.iter().map(|alert| (alert.id.to_string(), detail.clone())).collect();
    change.commit_each("alert.judge", subjects).await?;
    Ok(alerts)
}

/// Those of the alerts that are there and may be seen, each once, in the order of their names here.
async fn visible(
    change: &mut Change<'_>,
    kind: Kind,
    scope: &Scope,
    ids: &[AlertId],
) -> Result<Vec<Alert>, StoreError> {
    let mut found: BTreeMap<AlertId, Alert> = BTreeMap::new();
    for chunk in ids.chunks(rows_a_statement(1)) {
        let mut select = Sql::new(SELECT);
        select.push(" WHERE id IN ").tuple(chunk.iter().map(|id| (*id).into()));
        within(&mut select, kind, &kind.aside("organisation"), scope);
        for row in change.rows(select).await? {
            let alert = read(&row)?;
            found.insert(alert.id, alert);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

impl Judgement {
    /// Makes the alert what is decided, and tells what of state, verdict and owner that changed.
    fn apply(&self, alert: &mut Alert) -> (Option<State>, Option<Verdict>, Option<Option<String>>) {
        let state = self.state.filter(|state| *state != alert.state);
        let verdict = self.verdict.filter(|verdict| *verdict != alert.verdict);
        let owner = self.owner.clone().filter(|owner| *owner != alert.owner);
        alert.state = state.unwrap_or(alert.state);
        alert.verdict = verdict.unwrap_or(alert.verdict);
        if let Some(owner) = &owner {
            alert.owner.clone_from(owner);
        }
        if let Some(note) = &self.note {
            alert.note.clone_from(note);
        }
        (state, verdict, owner)
    }

    /// Stores what is decided about these alerts.
    async fn store(
        &self,
        change: &mut Change<'_>,
        now: Timestamp,
        alerts: &[Alert],
    ) -> Result<(), StoreError> {
        for chunk in alerts.chunks(rows_a_statement(1)) {
            let mut update = Sql::new("UPDATE alerts SET changed = ");
            update.bind(now);
            if let Some(state) = self.state {
                update.push(", state = ").bind(state.rank());
            }
            if let Some(verdict) = self.verdict {
                update.push(", verdict = ").bind(verdict.name());
            }
            if let Some(owner) = &self.owner {
                update.push(", owner = ").bind(owner.as_deref());
            }
            if let Some(note) = &self.note {
                update.push(", note = ").bind(note);
            }
            update.push(" WHERE id IN ").tuple(chunk.iter().map(|alert| alert.id.into()));
            change.execute(update).await?;
        }
        Ok(())
    }

    /// What the ledger keeps of it.
    fn detail(&self, reason: Option<&str>) -> Json {
        json!({
            "state": self.state.map(State::name),
            "verdict": self.verdict.map(Verdict::name),
            "owner": self.owner,
            "note": self.note,
            "reason_letters": reason.map(|reason| reason.chars().count()),
        })
    }
}
