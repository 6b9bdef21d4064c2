//! `/findings/{id}`: the events that a finding rests on, as they came, with what the rule matched marked.

use serde::Serialize;
use serde_json::Value;
use ward_core::EventId;
use ward_lake::FoundRow;
use ward_pages::{Link, Markup};
use ward_people::Permission;
use ward_store::findings;

use super::said;
use crate::ask::Answer;
use crate::console::visit::Visit;
use crate::findings::evidence;
use crate::refusal::Refusal;

/// Events that are shown at once.
const SHOWN: usize = 20;

/// Bytes of an event that are shown.
const LONGEST: usize = 16 << 10;

/// Shortest matched text that is marked: shorter ones stand everywhere.
const SHORTEST: usize = 2;

#[derive(Serialize)]
struct Shown {
    title: String,
    time: i64,
    values: Vec<(String, String)>,
    events: Vec<EventShown>,
    /// Events that are not in the lake: not yet, or not any more.
    missing: usize,
    /// Events that are left out here.
    more: usize,
}

#[derive(Serialize)]
struct EventShown {
    id: String,
    time: i64,
    received: i64,
    source: String,
    format: String,
    device: Option<String>,
    user: Option<String>,
    raw: Markup,
    cut: bool,
}

/// `GET /findings/{id}`
pub(crate) async fn get(visit: Visit) -> Answer {
    let ask = &visit.ask;
    let id = ask.named("finding", |id| id.parse().ok())?;
    let stored = findings::get(ask.store(), ask.scope()?, id).await?;
    let finding = &stored.finding;
    // Events say more than findings do, and not everybody who sees these sees them.
    let scope = ask.access()?.scope(Permission::Hunt);
    if !scope.sees(&finding.organisation) {
        return Err(Refusal::missing("finding"));
    }
    let scope = scope.narrowed([finding.organisation.clone()]);
    let wanted: Vec<EventId> = finding.events.iter().take(SHOWN).copied().collect();
    let (events, missing) = evidence(ask, &scope, &wanted).await?;
    let mut texts = Vec::new();
    // What a correlation counted stands in no event.
    let matched = finding.matched.iter().filter(|(name, _)| !name.starts_with("correlation."));
    matched.for_each(|(_, value)| collect(value, &mut texts));
    let page = visit.page("The events that this was found in").wide();
    let page = match stored.alert {
        Some(alert) => page.below([
            Link::new("Now", "/"),
            Link::new("Alerts", "/alerts"),
            Link::new(&finding.rule.title, format!("/alerts/{alert}")),
        ]),
        None => page,
    };
    let shown = Shown {
        title: finding.rule.title.clone(),
        time: finding.time.micros(),
        values: finding.matched.iter().map(|(name, value)| (name.clone(), said(value))).collect(),
        events: events.iter().map(|event| event_shown(event, &texts)).collect(),
        missing: missing.len(),
        more: finding.events.len().saturating_sub(SHOWN),
    };
    visit.show("alerts/finding.jinja", &page, &shown)
}

fn event_shown(event: &FoundRow, matched: &[String]) -> EventShown {
    let text = String::from_utf8_lossy(&event.raw);
    let end = text.floor_char_boundary(LONGEST);
    let texts: Vec<&str> = matched.iter().map(String::as_str).collect();
    EventShown {
        id: event.id.to_string(),
        time: event.time.micros(),
        received: event.received.micros(),
        source: event.source.clone(),
        format: event.format.clone(),
        device: event.device.clone(),
        user: event.user.clone(),
        raw: Markup::marked(text.get(..end).unwrap_or_default(), &texts),
        cut: end < text.len(),
    }
}

/// The texts that matched, and as JSON and XML would write them.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.chars().count() >= SHORTEST => {
            let json = Value::from(text.as_str()).to_string();
            let json = json.trim_matches('"').to_owned();
            let xml = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            texts.extend([xml, json].into_iter().filter(|other| other != text));
            texts.push(text.clone());
        }
        Value::Number(number) => {
            let text = number.to_string();
            if text.len() >= SHORTEST {
                texts.push(text);
            }
        }
        Value::Array(all) => all.iter().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_matched_is_looked_for_as_the_event_may_write_it() {
        let mut texts = Vec::new();
        collect(&json!(["C:\\Windows\\cmd.exe", 4104, "a<b", "x", true]), &mut texts);
        assert_eq!(texts, ["C:\\\\Windows\\\\cmd.exe", "C:\\Windows\\cmd.exe", "4104", "a&lt;b", "a<b"]);
    }
}
