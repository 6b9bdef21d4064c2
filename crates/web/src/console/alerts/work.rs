//! What people do with alerts: say what one was, take it in hand, give it to somebody, write something under it; one by
//! one, or several that were ticked in the queue.

use ward_pages::Fault;
use ward_people::Permission;
use ward_store::AlertId;
use ward_store::alerts::{self, Judgement, State, Verdict};

use super::{me, one};
use crate::ask::Answer;
use crate::console::origin;
use crate::console::visit::{Visit, sent_on};
use crate::refusal::Refusal;

/// Longest reason and comment, in bytes.
const LONGEST: usize = 4_000;

/// `POST /alerts/{id}/verdict`: what it was, and why. A verdict that it was no attack closes the alert.
pub(crate) async fn verdict(visit: Visit) -> Answer {
    let id = alert(&visit)?;
    let judgement = match judgement(&visit) {
        Ok(judgement) => judgement,
        Err(faults) => return one::shown(&visit, faults).await,
    };
    let (store, scope) = (visit.ask.store(), visit.ask.scope()?);
    alerts::judge(store, visit.actor()?, visit.ask.now, scope, id, &judgement).await?;
    Ok(sent_on(&format!("/alerts/{id}?done=judged")))
}

/// `POST /alerts/{id}/state`: takes it in hand, or opens it again.
pub(crate) async fn state(visit: Visit) -> Answer {
    let id = alert(&visit)?;
    let state = match visit.form.text("state") {
        "acknowledged" => State::Acknowledged,
        "open" => State::Open,
        "closed" => State::Closed,
        _ => return Err(Refusal::unclear("could not tell what to do with the alert")),
    };
    let mut judgement = Judgement { state: Some(state), ..Judgement::default() };
    if state == State::Acknowledged && visit.may(Permission::AssignAlerts) {
        judgement.owner = Some(Some(me(&visit)?));
    }
    let (store, scope) = (visit.ask.store(), visit.ask.scope()?);
    alerts::judge(store, visit.actor()?, visit.ask.now, scope, id, &judgement).await?;
    Ok(sent_on(&format!("/alerts/{id}?done=worked")))
}

/// `POST /alerts/{id}/owner`: gives it to somebody, or to nobody.
pub(crate) async fn owner(visit: Visit) -> Answer {
    let id = alert(&visit)?;
    let (store, now, scope) = (visit.ask.store(), visit.ask.now, visit.ask.scope()?);
    let owner = match visit.form.text("owner") {
        "nobody" => None,
        "me" => Some(me(&visit)?),
        other => {
            // Only somebody who can work on it.
            let (alert, _) = alerts::get(store, scope, id, 0).await?;
            let people = ward_store::people::grants::who_may(
                store,
                scope,
                Permission::JudgeAlerts,
                &alert.organisation,
                now,
            );
            let known = people.await?.into_iter().find(|person| person.id.to_string() == other);
            let Some(person) = known else {
                let fault = Fault::new("owner", "Choose somebody who may work on this alert");
                return one::shown(&visit, vec![fault]).await;
            };
            Some(person.id.to_string())
        }
    };
    let judgement = Judgement { owner: Some(owner), ..Judgement::default() };
    alerts::judge(store, visit.actor()?, now, scope, id, &judgement).await?;
    Ok(sent_on(&format!("/alerts/{id}?done=worked")))
}

/// `POST /alerts/{id}/comment`
pub(crate) async fn comment(visit: Visit) -> Answer {
    let (id, text) = (alert(&visit)?, visit.form.text("comment"));
    if text.is_empty() || text.len() > LONGEST {
        let why = if text.is_empty() { "Enter what others should know" } else { "Enter a shorter text" };
        return one::shown(&visit, vec![Fault::new("comment", why)]).await;
    }
    let (store, scope) = (visit.ask.store(), visit.ask.scope()?);
    alerts::comment(store, visit.actor()?, visit.ask.now, scope, id, text).await?;
    Ok(sent_on(&format!("/alerts/{id}?done=commented#history")))
}

/// `POST /alerts`: the same for all that were ticked in the queue.
pub(crate) async fn several(visit: Visit) -> Answer {
    let ids: Vec<AlertId> = visit.form.all("alert").filter_map(|id| id.parse().ok()).collect();
    let back = origin::next(visit.form.text("next"));
    let back = if back.starts_with("/alerts") { back } else { "/alerts" };
    if ids.is_empty() {
        return Ok(sent_on(&told(back, "nothing")));
    }
    let judgement = match visit.form.text("do") {
        "take" => {
            let owner = if visit.may(Permission::AssignAlerts) { Some(Some(me(&visit)?)) } else { None };
            Judgement { state: Some(State::Acknowledged), owner, ..Judgement::default() }
        }
        "verdict" => judgement(&visit).map_err(|_| {
            Refusal::unclear("could not record a verdict without saying which, and why")
                .hint("go back, choose a verdict and a reason, and send it again")
        })?,
        _ => return Err(Refusal::unclear("could not tell what to do with the alerts")),
    };
    let (store, scope) = (visit.ask.store(), visit.ask.scope()?);
    let done = alerts::judge_all(store, visit.actor()?, visit.ask.now, scope, &ids, &judgement).await?;
    Ok(sent_on(&told(back, &format!("judged-{}", done.len()))))
}

fn alert(visit: &Visit) -> Result<AlertId, Refusal> {
    visit.ask.named("alert", |id| id.parse().ok())
}

/// The verdict of a form, with its reason.
fn judgement(visit: &Visit) -> Result<Judgement, Vec<Fault>> {
    let verdict = Verdict::named(visit.form.text("verdict")).filter(|verdict| *verdict != Verdict::Undecided);
    let (preset, typed) = (visit.form.text("why"), visit.form.text("reason"));
    let reason = [preset, typed].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    let mut faults = Vec::new();
    if verdict.is_none() {
        faults.push(Fault::new("verdict", "Choose what it was"));
    }
    if reason.is_empty() {
        faults.push(Fault::new("reason", "Enter why: others read it when they see the same alert"));
    } else if reason.len() > LONGEST {
        faults.push(Fault::new("reason", "Enter a shorter reason"));
    }
    let Some(verdict) = verdict.filter(|_| faults.is_empty()) else { return Err(faults) };
    let is_over = matches!(verdict, Verdict::FalsePositive | Verdict::Benign);
    let state = if is_over { State::Closed } else { State::Acknowledged };
    Ok(Judgement { state: Some(state), verdict: Some(verdict), reason: Some(reason), ..Judgement::default() })
}

/// A place in the queue, with what was done.
fn told(place: &str, what: &str) -> String {
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "done") {
        kept.append_pair(&name, &value);
    }
    kept.append_pair("done", what);
    format!("{path}?{}", kept.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_to_where_one_was_in_the_queue() {
        assert_eq!(told("/alerts", "judged-3"), "/alerts?done=judged-3");
        assert_eq!(told("/alerts?rule=a%26b&done=nothing", "judged-1"), "/alerts?rule=a%26b&done=judged-1");
    }
}
