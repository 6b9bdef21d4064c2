//! Alerts: the list, one of them with its findings, and what people decide about it.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use ward_core::Timestamp;
use ward_store::FindingId;
use ward_store::alerts::{self, Alert, AlertFilter, Cursor, Judgement, State, Verdict};
use ward_store::findings::Stored;

use crate::ask::{Answer, Ask, shown};
use crate::refusal::Refusal;
use crate::{cursor, json};

const LIST: &str = "alerts";
/// Findings are paged by the same cursor, whichever list they are in.
pub(crate) const FINDINGS: &str = "findings";

/// Longest note and name of an owner, in bytes.
const LONGEST: usize = 16 << 10;

/// What somebody decides; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    state: Option<String>,
    verdict: Option<String>,
    /// `null`: nobody looks after it.
    #[serde(default, deserialize_with = "given")]
    owner: Option<Option<String>>,
    note: Option<String>,
}

/// `GET /api/v1/alerts`
pub(crate) async fn list(ask: Ask) -> Answer {
    let wanted = &ask.parameters;
    let filter = AlertFilter {
        states: wanted.all("state").filter_map(State::named).collect(),
        at_least: wanted.text("level").and_then(|level| level.parse().ok()),
        organisations: ask.organisations(wanted.codes("organisation")).await?,
        rule: wanted.text("rule").map(str::to_owned),
        from: wanted.time("from"),
        until: wanted.time("until"),
        ..AlertFilter::default()
    };
    let after: Option<Cursor> = cursor::read(LIST, wanted.text("cursor"), |place| place.parse().ok())?;
    let page = alerts::list(ask.store(), ask.scope()?, &filter, after.as_ref(), ask.limit()).await?;
    shown(&json!({
        "alerts": page.alerts.iter().map(json::alert).collect::<Vec<Value>>(),
        "next": page.next.map(|next| cursor::shown(LIST, &next.to_string())),
        "total": page.total,
    }))
}

/// `GET /api/v1/alerts/{id}`
pub(crate) async fn get(ask: Ask) -> Answer {
    let id = ask.named("alert", |id| id.parse().ok())?;
    let after = cursor::read(FINDINGS, ask.parameters.text("cursor"), finding_place)?;
    let first = if after.is_some() { 0 } else { ask.limit() };
    let (alert, mut findings) = alerts::get(ask.store(), ask.scope()?, id, first).await?;
    if let Some(after) = after {
        findings = alerts::more_findings(ask.store(), ask.scope()?, id, after, ask.limit()).await?;
    }
    shown(&with_findings(&alert, &findings, ask.limit()))
}

/// `PATCH /api/v1/alerts/{id}`
pub(crate) async fn judge(ask: Ask) -> Answer {
    let id = ask.named("alert", |id| id.parse().ok())?;
    let judgement = judgement(ask.json()?)?;
    let (actor, scope) = (&ask.access()?.actor, ask.scope()?);
    let alert = alerts::judge(ask.store(), actor, ask.now, scope, id, &judgement).await?;
    shown(&json::alert(&alert))
}

/// The cursor after the last finding of a page that is full.
pub(crate) fn next_finding(findings: &[Stored], limit: u32) -> Option<String> {
    let last = findings.last().filter(|_| findings.len() >= limit as usize)?;
    let place = format!("{}.{}", last.finding.time.micros(), last.finding.id);
    Some(cursor::shown(FINDINGS, &place))
}

/// The place of a finding in its list.
pub(crate) fn finding_place(place: &str) -> Option<(Timestamp, FindingId)> {
    let (micros, id) = place.split_once('.')?;
    Some((Timestamp::from_micros(micros.parse().ok()?), id.parse().ok()?))
}

fn with_findings(alert: &Alert, findings: &[Stored], limit: u32) -> Value {
    json!({
        "alert": json::alert(alert),
        "findings": findings.iter().map(json::finding).collect::<Vec<Value>>(),
        "next": next_finding(findings, limit),
    })
}

fn judgement(decision: Decision) -> Result<Judgement, Refusal> {
    let Decision { state, verdict, owner, note } = decision;
    let long = |text: &str| text.len() > LONGEST;
    if note.as_deref().is_some_and(long) || owner.iter().flatten().any(|owner| long(owner)) {
        return Err(Refusal::unclear(format!("could not take a text of more than {LONGEST} bytes")));
    }
    if (&state, &verdict, &owner, &note) == (&None, &None, &None, &None) {
        return Err(Refusal::unclear("could not find a decision in the body")
            .hint("it has state, verdict, owner or note"));
    }
    let state = state
        .map(|name| State::named(&name).ok_or_else(|| not_one_of("state", &State::ALL.map(State::name))));
    let verdict = verdict.map(|name| {
        Verdict::named(&name).ok_or_else(|| not_one_of("verdict", &Verdict::ALL.map(Verdict::name)))
    });
    Ok(Judgement {
        state: state.transpose()?,
        verdict: verdict.transpose()?,
        owner,
        note,
        ..Judgement::default()
    })
}

fn not_one_of(what: &str, words: &[&str]) -> Refusal {
    Refusal::unclear(format!("could not read '{what}'")).hint(format!("expected one of {}", words.join(", ")))
}

/// Tells `null` from what is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(body: &str) -> Result<Judgement, Refusal> {
        judgement(serde_json::from_str(body).map_err(|error| Refusal::unclear(error.to_string()))?)
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_the_owner_away() {
        let judgement = decided(r#"{"state":"closed","owner":null}"#).unwrap();
        assert_eq!((judgement.state, judgement.owner), (Some(State::Closed), Some(None)));
        assert_eq!((judgement.verdict, judgement.note), (None, None));
        assert_eq!(decided(r#"{"note":""}"#).unwrap().owner, None);
    }

    #[test]
    fn a_decision_that_says_nothing_or_something_unknown_is_refused() {
        let long = format!("{{\"note\":\"{}\"}}", "x".repeat(LONGEST + 1));
        for body in ["{}", r#"{"state":"gone"}"#, r#"{"verdict":"maybe"}"#, r#"{"level":"low"}"#, &long] {
            assert_eq!(decided(body).unwrap_err().status(), 400, "{body}");
        }
    }
}
