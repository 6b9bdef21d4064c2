//! Findings as OCSF Detection Findings (class 2004) of schema version 1.9.0, one a line.
//!
//! Facts of the schema: <https://schema.ocsf.io/1.9.0/classes/detection_finding>. Times are milliseconds
//! since the epoch. The event itself is in `evidences[].data`.

use serde_json::{Map, Value, json};
use ward_core::{Severity, Timestamp};

use super::super::finding::{Evidence, Finding};
use super::json;
use crate::attack;

/// Version of the schema that is written.
const SCHEMA: &str = "1.9.0";
/// The Findings category.
const CATEGORY: u32 = 2;
/// Detection Finding.
const CLASS: u32 = 2004;
/// A finding is created.
const CREATE: u32 = 1;
/// A detection by rule.
const BY_RULE: u32 = 1;
/// Type of an observable that is a host name; 4 is a user name.
const HOST_NAME: u32 = 1;
/// See [`HOST_NAME`].
const USER_NAME: u32 = 4;

/// Writes one finding. `now` stands for the time of an event that has none: the schema wants one.
pub fn finding(finding: &Finding<'_>, now: Timestamp, out: &mut Vec<u8>) {
    let rule = &finding.rule;
    let time = millis(finding.time.unwrap_or(now));
    let (severity_id, severity) = severity(rule.level);
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("activity_id", json!(CREATE));
    put("activity_name", json!("Create"));
    put("category_uid", json!(CATEGORY));
    put("category_name", json!("Findings"));
    put("class_uid", json!(CLASS));
    put("class_name", json!("Detection Finding"));
    put("type_uid", json!(CLASS * 100 + CREATE));
    put("type_name", json!("Detection Finding: Create"));
    put("time", json!(time));
    put("severity_id", json!(severity_id));
    put("severity", json!(severity));
    put("status_id", json!(1));
    put("status", json!("New"));
    put("is_alert", json!(true));
    put("message", json!(rule.title));
    put("metadata", metadata(finding));
    put("finding_info", finding_info(finding, time));
    if let Some(host) = finding.host {
        put("device", json!({"hostname": host, "type_id": 0}));
    }
    if let Evidence::Correlated(together) = finding.evidence {
        put("start_time", json!(millis(together.first)));
        put("end_time", json!(millis(together.last)));
        put("count", json!(together.count));
    }
    let observables = observables(finding);
    if !observables.is_empty() {
        put("observables", json!(observables));
    }
    // Last, and by hand: the event goes out as it came in, without being parsed.
    let mut text = Vec::new();
    json::value(&Value::Object(object), &mut text);
    text.pop();
    out.extend_from_slice(&text);
    out.extend_from_slice(b",\"evidences\":[{\"uid\":");
    json::value(&json!(finding.place.to_string()), out);
    if let Some(user) = finding.user {
        out.extend_from_slice(b",\"user\":");
        json::value(&json!({"name": user}), out);
    }
    out.extend_from_slice(b",\"data\":");
    json::event(&finding.evidence, out);
    out.extend_from_slice(b"}]}\n");
}

fn metadata(finding: &Finding<'_>) -> Value {
    let mut metadata = json!({
        "version": SCHEMA,
        "product": {"name": "Ward", "version": env!("CARGO_PKG_VERSION")},
        "log_name": finding.place.source,
    });
    if let Some(time) = finding.time {
        metadata["original_time"] = json!(time.to_string());
    }
    metadata
}

fn finding_info(finding: &Finding<'_>, time: i64) -> Value {
    let rule = &finding.rule;
    let mut info = json!({
        "uid": format!("{}:{}", rule.id, finding.place),
        "title": rule.title,
        "analytic": {"uid": rule.id, "name": rule.title, "type_id": BY_RULE, "type": "Rule"},
        "attacks": attacks(rule.tags),
        "created_time": time,
    });
    if let Some(author) = rule.author {
        info["tags"] = json!([{"name": "author", "value": author}]);
    }
    if let Evidence::Correlated(together) = finding.evidence {
        let related = together.places.iter().map(|place| json!({"uid": place.to_string()}));
        info["related_events"] = related.collect();
        info["related_events_count"] = json!(together.count);
        info["first_seen_time"] = json!(millis(together.first));
        info["last_seen_time"] = json!(millis(together.last));
    }
    info
}

/// One object for each technique and one for each tactic: tags do not say which belong together.
fn attacks(tags: &[String]) -> Vec<Value> {
    let techniques = attack::techniques(tags).into_iter().map(|id| match id.split_once('.') {
        Some((technique, _)) => json!({"technique": {"uid": technique}, "sub_technique": {"uid": id}}),
        None => json!({"technique": {"uid": id}}),
    });
    let tactics = attack::tactics(tags).into_iter();
    techniques.chain(tactics.map(|t| json!({"tactic": {"uid": t.id, "name": t.name}}))).collect()
}

fn observables(finding: &Finding<'_>) -> Vec<Value> {
    let host = finding.host.map(
        |host| json!({"name": "device.hostname", "type_id": HOST_NAME, "type": "Hostname", "value": host}),
    );
    let user = finding.user.map(|user| {
        json!({"name": "evidences[].user.name", "type_id": USER_NAME, "type": "User Name", "value": user})
    });
    host.into_iter().chain(user).collect()
}

fn severity(level: Severity) -> (u32, &'static str) {
    match level {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn millis(time: Timestamp) -> i64 {
    time.micros().div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn shown(found: &Finding<'_>) -> Value {
        let mut out = Vec::new();
        finding(found, Timestamp::from_micros(5_000_000), &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn what_the_schema_requires_is_there() {
        let tags = sample::tags();
        let shown = shown(&sample::finding(Evidence::Json(b"{\"EventID\":1}"), &tags));
        assert_eq!(shown["class_uid"], 2004);
        assert_eq!(shown["type_uid"], 200_401);
        assert_eq!(shown["severity_id"], 4);
        assert_eq!(shown["time"], 1_603_713_507_997_i64);
        assert_eq!(shown["metadata"]["version"], "1.9.0");
        assert_eq!(shown["metadata"]["product"]["name"], "Ward");
        assert_eq!(
            shown["finding_info"]["uid"],
            "8de1cbe8-d6f5-496d-8237-5f44a721c7a0:logs/pacs01.evtx:4711"
        );
        assert_eq!(shown["evidences"][0]["data"], json!({"EventID": 1}));
        assert_eq!(shown["observables"][0]["value"], "PACS01.trust.example");
    }

    #[test]
    fn tags_become_attacks() {
        let tags = sample::tags();
        assert_eq!(
            json!(attacks(&tags)),
            json!([
                {"technique": {"uid": "T1490"}},
                {"technique": {"uid": "T1059"}, "sub_technique": {"uid": "T1059.001"}},
                {"tactic": {"uid": "TA0040", "name": "Impact"}},
            ])
        );
    }

    #[test]
    fn an_event_without_time_gets_that_of_the_scan() {
        let mut found = sample::finding(Evidence::Text(b"text"), &[]);
        found.time = None;
        assert_eq!(shown(&found)["time"], 5000);
    }
}
