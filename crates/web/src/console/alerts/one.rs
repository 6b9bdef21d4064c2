//! `/alerts/{id}`: what happened in one sentence, what it rests on, what else is like it, and what to do next.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use ward_core::OrganisationId;
use ward_pages::{Fault, Link, Notice, Page, words};
use ward_people::Permission;
use ward_store::alerts::{self, Alert, AlertFilter, State, Step, Verdict};
use ward_store::findings::Stored;
use ward_store::people::grants;
use ward_store::{AlertId, PersonId};

use super::{Names, owners, state_said, verdict_said};
use crate::alerts::{FINDINGS, finding_place, next_finding};
use crate::ask::Answer;
use crate::console::now::colour;
use crate::console::visit::{Visit, escaped};
use crate::cursor;
use crate::refusal::Refusal;
use crate::state::RuleText;

pub(super) const TEMPLATE: &str = "alerts/alert.jinja";

/// Findings that are shown at once.
const FINDINGS_SHOWN: u32 = 20;
/// Similar alerts that are shown of each kind.
const SIMILAR: u32 = 5;
/// Values of a finding that are shown at once.
const VALUES: usize = 8;

#[derive(Serialize)]
struct Shown {
    id: String,
    sentence: String,
    next_step: &'static str,
    level: &'static str,
    colour: &'static str,
    state: &'static str,
    is_closed: bool,
    is_decided: bool,
    is_open: bool,
    verdict: &'static str,
    owner: Option<String>,
    mine: bool,
    entity: String,
    entity_kind: &'static str,
    organisation: String,
    code: String,
    rule: String,
    techniques: Vec<Technique>,
    tactics: Vec<String>,
    count: u64,
    note: String,
    steps: Vec<StepShown>,
    findings: Vec<FindingShown>,
    older: Option<String>,
    similar: Vec<Similar>,
    may_judge: bool,
    may_assign: bool,
    may_comment: bool,
    may_except: bool,
    may_hunt: bool,
    people: Vec<Choice>,
    /// What the rule says about itself, if it is in force.
    about: Option<RuleText>,
    /// What was filled into the form that must be put right.
    chosen: String,
    reason: String,
}

#[derive(Serialize)]
struct Technique {
    id: String,
    href: String,
}

#[derive(Serialize)]
struct StepShown {
    time: i64,
    who: String,
    what: String,
    text: String,
}

#[derive(Serialize)]
struct FindingShown {
    id: String,
    time: i64,
    host: Option<String>,
    user: Option<String>,
    source: String,
    values: Vec<(String, String)>,
    more: usize,
}

/// Alerts that are like this one in some way.
#[derive(Serialize)]
struct Similar {
    title: &'static str,
    total: u64,
    href: String,
    rows: Vec<SimilarRow>,
}

#[derive(Serialize)]
struct SimilarRow {
    id: String,
    title: String,
    organisation: String,
    entity: String,
    last_seen: i64,
    state: &'static str,
    verdict: &'static str,
}

#[derive(Serialize)]
struct Choice {
    id: String,
    name: String,
}

/// `GET /alerts/{id}`
pub(crate) async fn get(visit: Visit) -> Answer {
    shown(&visit, Vec::new()).await
}

/// The page of the alert that the path names; with what must be put right in a form of it.
pub(super) async fn shown(visit: &Visit, faults: Vec<Fault>) -> Answer {
    let ask = &visit.ask;
    let id: AlertId = ask.named("alert", |id| id.parse().ok())?;
    let (store, scope) = (ask.store(), ask.access()?.scope(Permission::SeeAlerts));
    let after = cursor::read(FINDINGS, ask.parameters.text("cursor"), finding_place)?;
    let first = if after.is_some() { 0 } else { FINDINGS_SHOWN };
    let (alert, mut findings) = alerts::get(store, scope, id, first).await?;
    if let Some(after) = after {
        findings = alerts::more_findings(store, scope, id, after, FINDINGS_SHOWN).await?;
    }
    let steps = alerts::steps(store, scope, id).await?;
    let similar = similar(visit, &alert).await?;
    let mut people = owners([&alert]);
    people.extend(steps.iter().filter_map(|step| step.by.name.parse::<PersonId>().ok()));
    people.extend(steps.iter().filter_map(|step| step.owner.clone().flatten()?.parse::<PersonId>().ok()));
    let mut places = BTreeSet::from([alert.organisation.clone()]);
    places
        .extend(similar.iter().flat_map(|(_, _, _, alerts)| alerts.iter().map(|it| it.organisation.clone())));
    let names = Names::of(store, scope, places, people).await?;
    let may = |permission: Permission| {
        ask.access().is_ok_and(|access| access.scope(permission).sees(&alert.organisation))
    };
    let people = if may(Permission::AssignAlerts) {
        assignable(visit, &alert.organisation).await?
    } else {
        Vec::new()
    };
    let page = page(visit, &alert).faults(faults);
    let shown = Shown {
        id: alert.id.to_string(),
        sentence: sentence(&alert, &names),
        next_step: next_step(&alert),
        level: alert.level.as_str(),
        colour: colour(alert.level),
        state: state_said(alert.state),
        is_closed: alert.state == State::Closed,
        is_decided: alert.verdict != Verdict::Undecided,
        is_open: alert.state == State::Open,
        verdict: verdict_said(alert.verdict),
        owner: alert.owner.as_deref().map(|owner| names.owner(owner)),
        mine: alert.owner.as_deref() == Some(super::me(visit)?.as_str()),
        entity: alert.entity.name().to_owned(),
        entity_kind: alert.entity.kind(),
        organisation: names.organisation(&alert.organisation),
        code: alert.organisation.to_string(),
        rule: alert.rule.clone(),
        techniques: alert.tags.iter().filter_map(|tag| technique(tag)).collect(),
        tactics: alert.tags.iter().filter_map(|tag| tactic(tag)).collect(),
        count: alert.count,
        note: alert.note.clone(),
        steps: steps.iter().map(|step| step_shown(step, &names)).collect(),
        older: next_finding(&findings, FINDINGS_SHOWN)
            .map(|next| format!("/alerts/{id}?cursor={}#findings", escaped(&next))),
        findings: findings.iter().map(finding_shown).collect(),
        similar: similar
            .into_iter()
            .map(|(title, total, href, alerts)| Similar {
                title,
                total,
                href,
                rows: alerts.iter().map(|alert| similar_row(alert, &names)).collect(),
            })
            .collect(),
        may_judge: may(Permission::JudgeAlerts),
        may_assign: may(Permission::AssignAlerts),
        may_comment: may(Permission::Comment),
        may_except: may(Permission::MakeExceptions),
        may_hunt: may(Permission::Hunt),
        people,
        about: (visit.ask.state().rule)(&alert.rule).map(readable),
        chosen: visit.form.text("verdict").to_owned(),
        reason: visit.form.text("reason").to_owned(),
    };
    visit.show(TEMPLATE, &page, &shown)
}

fn page(visit: &Visit, alert: &Alert) -> Page {
    let page = visit.page(&alert.title).wide().below([Link::new("Now", "/"), Link::new("Alerts", "/alerts")]);
    match visit.ask.parameters.text("done") {
        Some("judged") => page.notice(
            Notice::success("Your verdict is recorded.").link(Link::new("Back to the queue", "/alerts")),
        ),
        Some("worked") => page.notice(Notice::success("Done.")),
        Some("commented") => {
            page.notice(Notice::success("Your comment is there for everybody who sees this alert."))
        }
        _ => page,
    }
}

/// What happened, in one sentence.
fn sentence(alert: &Alert, names: &Names) -> String {
    let at = match alert.entity.kind() {
        "host" => format!("on {}", alert.entity.name()),
        "user" => format!("by {}", alert.entity.name()),
        _ => String::new(),
    };
    let where_ = names.organisation(&alert.organisation);
    let times = match alert.count {
        1 => format!("once, on {}", words::time(alert.last_seen)),
        many => format!(
            "{} times, from {} to {}",
            words::number(many),
            words::time(alert.first_seen),
            words::time(alert.last_seen)
        ),
    };
    let at = if at.is_empty() { String::new() } else { format!("{at} ") };
    format!("This was seen {at}at {where_} {times}.")
}

/// What to do next.
fn next_step(alert: &Alert) -> &'static str {
    match (alert.state, alert.verdict, &alert.owner) {
        (State::Closed, _, _) => "Nothing is left to do here. What is found from now on opens a new alert.",
        (_, Verdict::TruePositive, _) => {
            "It is an attack: contain it, and tell those whom it concerns. Close the alert when it is over."
        }
        (_, _, None) => "Nobody has it in hand. Take it, look at what was found, and say what it was.",
        _ => "Look at what was found and at what else is like it, then say what it was.",
    }
}

async fn similar(
    visit: &Visit,
    alert: &Alert,
) -> Result<Vec<(&'static str, u64, String, Vec<Alert>)>, Refusal> {
    let (store, scope) = (visit.ask.store(), visit.ask.access()?.scope(Permission::SeeAlerts));
    let rule = escaped(&alert.rule);
    let all = "state=open&state=acknowledged&state=closed";
    let same_rule = AlertFilter { rule: Some(alert.rule.clone()), ..AlertFilter::default() };
    let here = AlertFilter { organisations: Some([alert.organisation.clone()].into()), ..same_rule.clone() };
    let same_entity = AlertFilter {
        entity: Some(alert.entity.name().to_owned()),
        organisations: Some([alert.organisation.clone()].into()),
        ..AlertFilter::default()
    };
    let entity = escaped(alert.entity.name());
    let code = &alert.organisation;
    let wanted = [
        (
            "The same rule at this organisation",
            here,
            format!("/alerts?{all}&rule={rule}&organisation={code}"),
        ),
        ("The same rule at every organisation that you see", same_rule, format!("/alerts?{all}&rule={rule}")),
        (
            "Other alerts about the same",
            same_entity,
            format!("/alerts?{all}&entity={entity}&organisation={code}"),
        ),
    ];
    let mut similar = Vec::new();
    for (title, filter, href) in wanted {
        let found = alerts::list(store, scope, &filter, None, SIMILAR + 1).await?;
        let mut alerts: Vec<Alert> = found.alerts.into_iter().filter(|other| other.id != alert.id).collect();
        alerts.truncate(SIMILAR as usize);
        similar.push((title, found.total, href, alerts));
    }
    Ok(similar)
}

fn similar_row(alert: &Alert, names: &Names) -> SimilarRow {
    SimilarRow {
        id: alert.id.to_string(),
        title: alert.title.clone(),
        organisation: names.organisation(&alert.organisation),
        entity: alert.entity.name().to_owned(),
        last_seen: alert.last_seen.micros(),
        state: state_said(alert.state),
        verdict: if alert.verdict == Verdict::Undecided { "" } else { verdict_said(alert.verdict) },
    }
}

async fn assignable(visit: &Visit, organisation: &OrganisationId) -> Result<Vec<Choice>, Refusal> {
    let (store, now) = (visit.ask.store(), visit.ask.now);
    let scope = visit.ask.access()?.scope(Permission::AssignAlerts);
    let people = grants::who_may(store, scope, Permission::JudgeAlerts, organisation, now).await?;
    Ok(people.into_iter().map(|person| Choice { id: person.id.to_string(), name: person.name }).collect())
}

fn step_shown(step: &Step, names: &Names) -> StepShown {
    let mut what = Vec::new();
    if let Some(state) = step.state {
        what.push(match state {
            State::Open => "Opened it again".to_owned(),
            State::Acknowledged => "Took it in hand".to_owned(),
            State::Closed => "Closed it".to_owned(),
        });
    }
    what.extend(step.verdict.map(|verdict| format!("Verdict: {}", verdict_said(verdict))));
    what.extend(step.owner.as_ref().map(|owner| match owner {
        Some(owner) => format!("Given to {}", names.owner(owner)),
        None => "Given to nobody".to_owned(),
    }));
    if what.is_empty() {
        what.push("Comment".to_owned());
    }
    StepShown {
        time: step.time.micros(),
        who: names.actor(&step.by),
        what: what.join(". "),
        text: step.text.clone(),
    }
}

fn finding_shown(stored: &Stored) -> FindingShown {
    let finding = &stored.finding;
    let value = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    FindingShown {
        id: finding.id.to_string(),
        time: finding.time.micros(),
        host: finding.host.clone(),
        user: finding.user.clone(),
        source: finding.source.to_string(),
        values: finding.matched.iter().take(VALUES).map(|(name, it)| (name.clone(), value(it))).collect(),
        more: finding.matched.len().saturating_sub(VALUES),
    }
}

/// Only what is an address of the web becomes a link.
fn readable(mut about: RuleText) -> RuleText {
    about
        .references
        .retain(|reference| reference.starts_with("https://") || reference.starts_with("http://"));
    about
}

/// `attack.t1059.001` as ATT&CK names it.
fn technique(tag: &str) -> Option<Technique> {
    let number = tag.strip_prefix("attack.t")?;
    let good = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    good.then(|| Technique {
        id: format!("T{number}"),
        href: format!("https://attack.mitre.org/techniques/T{}/", number.replace('.', "/")),
    })
}

/// `attack.defense-evasion` as people say it.
fn tactic(tag: &str) -> Option<String> {
    let name = tag.strip_prefix("attack.")?;
    let is_tactic =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_'));
    is_tactic.then(|| name.replace(['-', '_'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_what_attack_calls_them() {
        let shown = technique("attack.t1059.001").unwrap();
        assert_eq!(
            (shown.id.as_str(), shown.href.as_str()),
            ("T1059.001", "https://attack.mitre.org/techniques/T1059/001/")
        );
        for other in ["attack.impact", "attack.t", "cve.2021-44228", "attack.t10/../x", "attack.s0154"] {
            assert!(technique(other).is_none(), "{other}");
        }
        assert_eq!(tactic("attack.credential-access").as_deref(), Some("credential access"));
        assert_eq!(tactic("attack.t1059"), None);
    }
}
