//! `/alerts/{id}/exception`: an exception from what an alert found: by which values, for how long, why, and what it would
//! have hidden.

use serde::Serialize;
use serde_json::Value;
use ward_core::Timestamp;
use ward_pages::{Fault, Link, Page};
use ward_people::Permission;
use ward_store::alerts::{self, Alert, AlertFilter};
use ward_store::exceptions::{self, NewException};
use ward_store::findings::Stored;
use ward_store::{AlertId, StoreError};

use super::said;
use crate::ask::Answer;
use crate::console::visit::{Visit, sent_on};
use crate::refusal::Refusal;

const TEMPLATE: &str = "alerts/exception.jinja";

/// Alerts of the rule, and findings of each, that a preview looks at.
const ALERTS: u32 = 20;
const FINDINGS: u32 = 100;

/// Days that can be chosen.
const DAYS: [i64; 4] = [7, 30, 90, 365];

const DAY: i64 = 86_400 * 1_000_000;

#[derive(Serialize)]
struct Shown {
    id: String,
    organisation: String,
    fields: Vec<Field>,
    reason: String,
    days: i64,
    choices: [i64; 4],
    preview: Option<Preview>,
}

/// A value that was matched, and whether it is asked for.
#[derive(Serialize)]
struct Field {
    name: String,
    value: String,
    ticked: bool,
}

/// What it would have hidden.
#[derive(Serialize)]
struct Preview {
    looked: usize,
    hidden: usize,
    /// Alerts that would never have been opened, or would have fewer findings.
    alerts: Vec<PreviewAlert>,
    filter: String,
}

#[derive(Serialize)]
struct PreviewAlert {
    id: String,
    entity: String,
    hidden: usize,
    of: usize,
}

/// `GET /alerts/{id}/exception`
pub(crate) async fn get(visit: Visit) -> Answer {
    let (alert, findings) = found(&visit, 1).await?;
    let finding = findings.first().ok_or_else(|| Refusal::missing("finding"))?;
    show(&visit, &alert, finding, &[], None, Vec::new())
}

/// `POST /alerts/{id}/exception`: shows what it would hide, or makes it.
pub(crate) async fn post(visit: Visit) -> Answer {
    let (alert, findings) = found(&visit, 1).await?;
    let finding = findings.first().ok_or_else(|| Refusal::missing("finding"))?;
    let ticked: Vec<&str> = visit.form.all("field").collect();
    let chosen: Vec<(&String, &Value)> =
        finding.finding.matched.iter().filter(|(name, _)| ticked.contains(&name.as_str())).collect();
    let (reason, mut faults) = (visit.form.text("reason"), Vec::new());
    if chosen.is_empty() {
        faults.push(Fault::new(
            "field",
            "Tick at least one value: without any, the whole rule would be silent",
        ));
    }
    if visit.form.text("do") != "preview" && reason.is_empty() {
        faults.push(Fault::new("reason", "Enter why this is to be passed over"));
    }
    if !faults.is_empty() {
        return show(&visit, &alert, finding, &ticked, None, faults);
    }
    let filter = filter(&alert, reason, &chosen);
    if let Err(why) = (visit.ask.state().check_filter)(&filter) {
        let fault = Fault::new("field", format!("Tick other values: these make no filter ({why})"));
        return show(&visit, &alert, finding, &ticked, None, vec![fault]);
    }
    if visit.form.text("do") == "preview" {
        let preview = preview(&visit, &alert, &chosen, filter).await?;
        return show(&visit, &alert, finding, &ticked, Some(preview), Vec::new());
    }
    let (store, scope, now) = (visit.ask.store(), visit.ask.scope()?, visit.ask.now);
    let new = NewException {
        organisation: alert.organisation.clone(),
        and_below: visit.form.text("and_below") == "true",
        filter,
        reason: reason.to_owned(),
        owner: visit.present()?.name.clone(),
        expires: Timestamp::from_micros(now.micros().saturating_add(days(&visit) * DAY)),
    };
    match exceptions::add(store, visit.actor()?, now, scope, &new).await {
        Ok(_) => Ok(sent_on("/exceptions?done=made")),
        Err(StoreError::Refused(why)) => {
            show(&visit, &alert, finding, &ticked, None, vec![Fault::new("reason", why)])
        }
        Err(error) => Err(error.into()),
    }
}

/// The alert that the path names, where exceptions may be made, with its newest findings.
async fn found(visit: &Visit, findings: u32) -> Result<(Alert, Vec<Stored>), Refusal> {
    let id: AlertId = visit.ask.named("alert", |id| id.parse().ok())?;
    let scope = visit.ask.access()?.scope(Permission::SeeAlerts);
    let (alert, findings) = alerts::get(visit.ask.store(), scope, id, findings).await?;
    if !visit.ask.scope()?.sees(&alert.organisation) {
        return Err(Refusal::missing("alert"));
    }
    Ok((alert, findings))
}

fn show(
    visit: &Visit,
    alert: &Alert,
    finding: &Stored,
    ticked: &[&str],
    preview: Option<Preview>,
    faults: Vec<Fault>,
) -> Answer {
    let first = visit.form.text("do").is_empty();
    let field = |(name, value): (&String, &Value)| Field {
        name: name.clone(),
        value: said(value),
        ticked: first || ticked.contains(&name.as_str()),
    };
    let shown = Shown {
        id: alert.id.to_string(),
        organisation: alert.organisation.to_string(),
        fields: finding.finding.matched.iter().map(field).collect(),
        reason: visit.form.text("reason").to_owned(),
        days: days(visit),
        choices: DAYS,
        preview,
    };
    let page = page(visit, alert).faults(faults);
    visit.show(TEMPLATE, &page, &shown)
}

fn page(visit: &Visit, alert: &Alert) -> Page {
    visit.page("Pass this over from now on").below([
        Link::new("Now", "/"),
        Link::new("Alerts", "/alerts"),
        Link::new(&alert.title, format!("/alerts/{}", alert.id)),
    ])
}

fn days(visit: &Visit) -> i64 {
    visit.form.text("days").parse().ok().filter(|days| DAYS.contains(days)).unwrap_or(30)
}

async fn preview(
    visit: &Visit,
    alert: &Alert,
    chosen: &[(&String, &Value)],
    filter: String,
) -> Result<Preview, Refusal> {
    let (store, scope) = (visit.ask.store(), visit.ask.access()?.scope(Permission::SeeAlerts));
    let wanted = AlertFilter {
        rule: Some(alert.rule.clone()),
        organisations: Some([alert.organisation.clone()].into()),
        ..AlertFilter::default()
    };
    let mut preview = Preview { looked: 0, hidden: 0, alerts: Vec::new(), filter };
    for one in alerts::list(store, scope, &wanted, None, ALERTS).await?.alerts {
        let (_, findings) = alerts::get(store, scope, one.id, FINDINGS).await?;
        let hidden = findings.iter().filter(|it| is_hidden(it, chosen)).count();
        preview.looked += findings.len();
        preview.hidden += hidden;
        if hidden > 0 {
            preview.alerts.push(PreviewAlert {
                id: one.id.to_string(),
                entity: one.entity.name().to_owned(),
                hidden,
                of: findings.len(),
            });
        }
    }
    Ok(preview)
}

/// Whether all chosen values are among those that a finding matched. Case does not count, as in the filter.
fn is_hidden(stored: &Stored, chosen: &[(&String, &Value)]) -> bool {
    chosen.iter().all(|(name, value)| {
        let there = stored.finding.matched.get(*name);
        there.is_some_and(|there| said(there).to_lowercase() == said(value).to_lowercase())
    })
}

/// A Sigma filter (Sigma filters specification 2.1) that passes over what has all of these values.
fn filter(alert: &Alert, reason: &str, chosen: &[(&String, &Value)]) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let title = if reason.is_empty() { &alert.title } else { reason };
    let title: String = title.chars().filter(|c| !c.is_control()).take(200).collect();
    let mut text = format!(
        "title: {}\nfilter:\n  rules:\n    - {}\n  selection:\n",
        quoted(&title),
        quoted(&alert.rule)
    );
    for (name, value) in chosen {
        let values = match value {
            Value::Array(all) => all.iter().collect(),
            one => vec![*one],
        };
        text.push_str(&format!("    {}:\n", quoted(name)));
        for value in values {
            let value = match value {
                Value::String(text) => quoted(&plain(text)),
                other => other.to_string(),
            };
            text.push_str(&format!("      - {value}\n"));
        }
    }
    text.push_str("  condition: not selection\n");
    text
}

/// A text of which Sigma takes no letter for anything else: wildcards and what escapes them are escaped.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '\\') {
            plain.push('\\');
        }
        plain.push(letter);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_something_else_in_sigma_stands_for_itself() {
        assert_eq!(plain("C:\\x\\*.exe?"), "C:\\\\x\\\\\\*.exe\\?");
    }
}
