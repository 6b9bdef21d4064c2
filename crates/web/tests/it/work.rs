//! What people do with what was found.

use serde_json::{Value, json};
use ward_core::{BatchId, SourceId};
use ward_store::tokens::Role;

use crate::kit::{Hub, LEEDS, code};

#[tokio::test]
async fn a_lead_judges_an_alert_and_the_ledger_says_who() {
    let hub = Hub::start().await;
    let lead = hub.at_leeds(Role::Lead).await;
    let alert = format!("/api/v1/alerts/{}", hub.leeds.alert);
    let decision =
        json!({ "state": "closed", "verdict": "benign", "owner": "anna", "note": "a planned change" });
    let judged = lead.ask("PATCH", &alert, Some(decision)).await.expect(200).json();
    assert_eq!(
        (&judged["state"], &judged["owner"], &judged["count"]),
        (&json!("closed"), &json!("anna"), &json!(1))
    );
    let after = lead.ask("PATCH", &alert, Some(json!({ "owner": null }))).await.expect(200).json();
    assert_eq!((&after["owner"], &after["verdict"]), (&Value::Null, &json!("benign")));
    assert_eq!(lead.get(&alert).await.json()["alert"], after);
    lead.ask("PATCH", &alert, Some(json!({ "state": "gone" }))).await.expect(400);
    let ledger =
        hub.of_the_sector(Role::Analyst).await.get("/api/v1/ledger?limit=500").await.expect(200).json();
    let entry = ledger["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["action"] == "alert.judge")
        .unwrap()
        .clone();
    assert_eq!((&entry["subject"], &entry["actor"]["kind"]), (&json!(hub.leeds.alert), &json!("token")));
    assert_eq!(entry["detail"]["note"], "a planned change");
}

#[tokio::test]
async fn alerts_are_listed_by_what_is_asked_for_and_in_pages() {
    let hub = Hub::start().await;
    let sector = hub.of_the_sector(Role::Reader).await;
    let total = async |query: &str| {
        sector.get(&format!("/api/v1/alerts?{query}")).await.expect(200).json()["total"].clone()
    };
    for (query, count) in [
        ("state=open&state=closed", 2),
        ("state=closed", 0),
        ("level=high", 2),
        ("level=critical", 0),
        ("organisation=RR8", 1),
        ("organisation=QWO", 2),
        ("organisation=RR8&organisation=RCB", 2),
        ("rule=r1", 2),
        ("rule=r2", 0),
        ("from=2026-11-26T11:00:00Z", 2),
        ("until=2026-11-26T11:00:00Z", 0),
    ] {
        assert_eq!(total(query).await, count, "{query}");
    }
    let first = sector.get("/api/v1/alerts?limit=1").await.json();
    let next = first["next"].as_str().unwrap();
    let second = sector.get(&format!("/api/v1/alerts?limit=1&cursor={next}")).await.expect(200).json();
    assert_ne!(first["alerts"][0]["id"], second["alerts"][0]["id"]);
    assert_eq!(second["next"], Value::Null);
    sector.get("/api/v1/alerts?cursor=x").await.expect(400);
    sector.get(&format!("/api/v1/findings?cursor={next}")).await.expect(400);
}

#[tokio::test]
async fn a_finding_comes_with_its_events_and_tells_which_are_gone() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    let path = format!("/api/v1/findings/{}", hub.leeds.finding);
    let plain = reader.get(&path).await.expect(200).json();
    assert_eq!((plain.get("evidence"), &plain["finding"]["alert"]), (None, &json!(hub.leeds.alert)));
    let whole = reader.get(&format!("{path}?evidence=true")).await.expect(200).json();
    assert_eq!(whole["evidence"][0]["id"], "1.0");
    assert_eq!((whole["evidence"].as_array().unwrap().len(), &whole["missing"]), (1, &json!(["1.9"])));
}

#[tokio::test]
async fn a_lead_makes_an_exception_and_ends_it() {
    let hub = Hub::start().await;
    let lead = hub.at_leeds(Role::Lead).await;
    let with = |field: &str, value: &str| {
        let mut new = json!({ "organisation": "RR801", "filter": "filter: y", "reason": "planned", "owner": "ops", "expires": "2026-12-24" });
        new[field] = value.into();
        Some(new)
    };
    let made = lead.ask("POST", "/api/v1/exceptions", with("reason", "planned")).await.expect(201).json();
    for (field, value, status) in [
        ("filter", "nonsense", 400),
        ("expires", "soon", 400),
        ("expires", "2026-11-01", 422),
        ("reason", " ", 422),
        ("colour", "red", 400),
        ("organisation", "../etc", 404),
    ] {
        lead.ask("POST", "/api/v1/exceptions", with(field, value)).await.expect(status);
    }
    let list = lead.get("/api/v1/exceptions?organisation=RR801").await.json();
    assert_eq!(
        (&list["exceptions"][0]["id"], &list["exceptions"][0]["in_force"]),
        (&made["id"], &json!(true))
    );
    let path = format!("/api/v1/exceptions/{}", made["id"].as_str().unwrap());
    assert!(lead.ask("DELETE", &path, None).await.expect(204).body.is_empty());
    lead.ask("DELETE", &path, None).await.expect(404);
    assert_eq!(
        lead.get("/api/v1/exceptions?organisation=RR801").await.json()["exceptions"][0]["in_force"],
        false
    );
}

#[tokio::test]
async fn a_record_that_was_set_aside_is_looked_at_replayed_and_thrown_away() {
    let hub = Hub::start().await;
    let operator = hub.at_leeds(Role::Operator).await;
    let path = format!("/api/v1/deadletters/{}", hub.leeds.letter);
    let letter = operator.get(&path).await.expect(200).json()["dead_letter"].clone();
    assert_eq!(
        (&letter["text"], &letter["content_base64"], &letter["bytes"]),
        (&json!("{"), &json!("ew=="), &json!(1))
    );
    let binary = operator.get("/api/v1/deadletters/1.2").await.expect(200).json()["dead_letter"].clone();
    assert_eq!((&binary["text"], &binary["content_base64"]), (&Value::Null, &json!("/wA=")));
    let waiting = async || {
        operator.get("/api/v1/deadletters?waiting=true").await.expect(200).json()["dead_letters"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(waiting().await, 2);
    assert_eq!(
        operator.ask("POST", &format!("{path}/replay"), None).await.expect(200).json(),
        json!({ "batch": 101 })
    );
    assert_eq!(waiting().await, 1);
    operator.ask("DELETE", "/api/v1/deadletters", None).await.expect(400);
    operator.ask("DELETE", "/api/v1/deadletters?waiting=true", None).await.expect(400);
    let gone = operator.ask("DELETE", "/api/v1/deadletters?reason=binary", None).await.expect(200).json();
    assert_eq!(gone, json!({ "discarded": 1 }));
    let counts = operator.get("/api/v1/deadletters/counts").await.expect(200).json();
    assert_eq!(counts["counts"], json!([{ "reason": "at-leeds-dc", "count": 1 }]));
    let [dropped] = &counts["dropped"].as_array().unwrap()[..] else { panic!("{counts}") };
    assert_eq!((&dropped["source"], &dropped["why"]), (&json!("leeds-dc"), &json!("age")));
    assert_eq!((&dropped["count"], &dropped["bytes"]), (&json!(1), &json!(8)));
    let york = hub.of_the_sector(Role::Reader).await.get("/api/v1/deadletters?reason=binary").await.json();
    assert_eq!(york["dead_letters"].as_array().unwrap().len(), 1, "York's is still there");
}

#[tokio::test]
async fn a_journal_that_refuses_a_replay_leaves_the_record_waiting() {
    let hub = Hub::start_with(|state| {
        state.replay = std::sync::Arc::new(|_| Box::pin(async { Err("the disk is full".to_owned()) }));
    })
    .await;
    let operator = hub.at_leeds(Role::Operator).await;
    let told = operator
        .ask("POST", &format!("/api/v1/deadletters/{}/replay", hub.leeds.letter), None)
        .await
        .expect(503);
    assert_eq!(
        (told.header("retry-after"), &told.json()["error"]["hint"]),
        (Some("10"), &json!("the disk is full"))
    );
    let waiting = operator.get("/api/v1/deadletters?waiting=true").await.json();
    assert_eq!(waiting["dead_letters"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn devices_and_sources_that_are_silent_are_told() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    let devices = reader.get("/api/v1/devices").await.expect(200).json();
    assert_eq!(
        (&devices["devices"][0]["silent"], &devices["devices"][0]["events"]),
        (&json!(true), &json!(3))
    );
    let silent = reader.get("/api/v1/silent").await.expect(200).json();
    assert_eq!(
        silent["silent"],
        json!([{ "source": "leeds-dc", "organisation": LEEDS, "since": "2026-11-26T11:00:00Z", "ever_heard": true }])
    );
    let source = reader.get("/api/v1/sources/leeds-dc").await.expect(200).json();
    assert_eq!(source["source"]["silent_after_seconds"], 600);
}

#[tokio::test]
async fn lists_of_any_length_come_in_pages_that_meet() {
    let hub = Hub::start().await;
    let sector = hub.of_the_sector(Role::Operator).await;
    let pages = [("organisations", 4), ("sources", 2), ("devices", 2), ("deadletters", 4), ("findings", 2)];
    for (list, count) in pages {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = sector.get(&format!("/api/v1/{list}?limit=1{cursor}")).await.expect(200).json();
            let key = if list == "deadletters" { "dead_letters" } else { list };
            seen.extend(page[key].as_array().unwrap().iter().map(Value::to_string));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let whole: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), whole.len()), (count, count), "{list}");
    }
}

#[tokio::test]
async fn the_ledger_is_checked_for_whoever_may_see_all_of_it() {
    let hub = Hub::start().await;
    let verified =
        hub.of_the_sector(Role::Operator).await.get("/api/v1/ledger/verify").await.expect(200).json();
    assert_eq!(verified["whole"], true);
    assert!(verified["entries"].as_u64() > Some(5), "{verified}");
    hub.at_leeds(Role::Operator).await.get("/api/v1/ledger/verify").await.expect(404);
}

#[tokio::test]
async fn everybody_learns_who_they_are_and_what_is_in_force() {
    let hub = Hub::start().await;
    let lead = hub.at_leeds(Role::Lead).await;
    let me = lead.get("/api/v1/me").await.expect(200).json();
    assert_eq!(
        (&me["role"], &me["organisations"]),
        (&json!("lead"), &json!({ "count": 2, "whole_sector": false }))
    );
    let rules = lead.get("/api/v1/rules").await.expect(200).json();
    assert_eq!(rules["refused"], json!([{ "place": "bad.yml:3", "reason": "no condition" }]));
    let me = hub.of_the_sector(Role::Reader).await.get("/api/v1/me").await.expect(200).json();
    assert_eq!(me["organisations"], json!({ "count": 4, "whole_sector": true }));
}

#[tokio::test]
async fn a_damaged_file_is_named_and_the_rest_is_found() {
    let hub = Hub::start().await;
    let source = SourceId::new("leeds-dc").unwrap();
    hub.with_events(BatchId(10), 5, &code(LEEDS), &source, "pc7.leeds.example").await;
    let damaged = hub.state.lake.root().join("organisation=RR8/day=2026-11-26/10-0.parquet");
    std::fs::write(&damaged, b"PAR1").unwrap();
    let reader = hub.at_leeds(Role::Reader).await;
    let answer = reader.get("/api/v1/events").await.expect(200).json();
    assert_eq!(answer["rows"].as_array().unwrap().len(), 1);
    assert_eq!(answer["scanned"]["damaged"][0]["file"], "organisation=RR8/day=2026-11-26/10-0.parquet");
    reader.get("/api/v1/events/10.2").await.expect(503);
}
