//! Events, searched as a stream.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use ward_core::{BatchId, SourceId};
use ward_store::tokens::Role;
use ward_web::HuntLimits;

use crate::kit::{Hub, LEEDS, code};

async fn many(hub: &Hub, count: u32) {
    let source = SourceId::new("leeds-dc").unwrap();
    hub.with_events(BatchId(10), count, &code(LEEDS), &source, "pc7.leeds.example").await;
}

#[tokio::test]
async fn rows_come_newest_first_with_what_was_scanned_in_each_format() {
    let hub = Hub::start().await;
    many(&hub, 5_000).await;
    let reader = hub.at_leeds(Role::Reader).await;
    let json = reader.get("/api/v1/events?q=host:pc7.leeds.example&limit=1200").await.expect(200).json();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &rows[0]["id"], &rows[1199]["id"]),
        (1_200, &json!("10.4999"), &json!("10.3800"))
    );
    assert_eq!(json["scanned"]["found"], 1_200);
    let told =
        reader.get("/api/v1/events?q=host:pc7.leeds.example&limit=1200&format=ndjson").await.expect(200);
    assert_eq!(told.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = told.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&lines[..1_200], rows.as_slice());
    assert!(lines.len() == 1_201 && lines[1_200]["scanned"]["rows"].as_u64() >= Some(1_200));
    let csv =
        reader.get("/api/v1/events?q=host:pc7.leeds.example&limit=3&format=csv").await.expect(200).text();
    assert_eq!(csv.lines().count(), 4);
    assert!(csv.starts_with("organisation,batch,index,time,") && csv.contains("RR8,10,4999,"), "{csv}");
}

#[tokio::test]
async fn a_bad_query_is_refused_with_the_place_and_a_hint() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    let error = reader.get("/api/v1/events?q=a%20(b").await.expect(400).json()["error"].clone();
    assert!(error["column"].as_u64().is_some_and(|column| column > 1), "{error}");
    assert!(error["hint"].as_str().unwrap().starts_with("expected "), "{error}");
    for wrong in
        ["order=oldest", "format=xml", "from=2026-11-26&to=2026-11-25", "from=2026-11-26&last=1d", "limit=0"]
    {
        reader.get(&format!("/api/v1/events?{wrong}")).await.expect(400);
    }
}

#[tokio::test]
async fn times_and_estimates_are_kept() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    let count = async |query: &str| {
        reader.get(&format!("/api/v1/events?{query}")).await.expect(200).json()["rows"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("last=2h").await, 1);
    assert_eq!(count("last=30m").await, 0, "it happened an hour ago");
    assert_eq!(count("from=2026-11-26T11:00:00Z&to=2026-11-26T11:00:01Z").await, 1);
    assert_eq!(count("to=2026-11-26T11:00:00Z").await, 0);
    let estimate = reader.get("/api/v1/events?q=vssadmin.exe&estimate=true").await.expect(200).json();
    assert_eq!(
        (&estimate["estimate"]["rows"], &estimate["estimate"]["reads_original"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(estimate.get("rows"), None);
}

#[tokio::test]
async fn an_event_is_shown_by_its_id() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    let event = reader.get(&format!("/api/v1/events/{}", hub.leeds.event)).await.expect(200).json();
    assert_eq!((&event["event"]["id"], &event["event"]["class_uid"]), (&json!("1.0"), &json!(1007)));
    assert!(event["event"]["raw"].as_str().unwrap().contains("vssadmin.exe"));
    for none in ["1.7", "x", "1", "1.0%20OR%20id:2.0"] {
        reader.get(&format!("/api/v1/events/{none}")).await.expect(404);
    }
}

#[tokio::test]
async fn a_search_that_needs_too_much_says_so_before_the_first_row_or_after_the_last() {
    let slow =
        Hub::start_with(|state| state.hunt = HuntLimits { time: Duration::ZERO, ..HuntLimits::default() })
            .await;
    many(&slow, 2_000).await;
    let error = slow.at_leeds(Role::Reader).await.get("/api/v1/events?q=nothing").await.expect(422).json();
    assert!(error["error"]["hint"].as_str().unwrap().contains("less time"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_away_or_does_not_read_gives_the_turn_to_others() {
    let hub = Hub::start_with(|state| {
        state.hunt = HuntLimits { at_once: 1, time: Duration::from_secs(20), ..HuntLimits::default() };
    })
    .await;
    many(&hub, 20_000).await;
    let reader = hub.at_leeds(Role::Reader).await;
    // Asked for much, read a little, and gone.
    let token = hub.token_of(&reader);
    let request = Request::get("/api/v1/events?limit=20000&format=ndjson")
        .header("authorization", format!("Bearer {token}"));
    let answer = hub.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(!first.is_empty() && first.len() < 2_000_000, "the first rows come before the last are found");
    drop(body);
    let started = std::time::Instant::now();
    reader.get("/api/v1/events?limit=1").await.expect(200);
    assert!(started.elapsed() < Duration::from_secs(8), "the turn was not given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_searches_are_all_taken_says_so() {
    let hub = Hub::start_with(|state| {
        state.hunt = HuntLimits { at_once: 1, ..HuntLimits::default() };
    })
    .await;
    many(&hub, 20_000).await;
    let analyst = hub.at_leeds(Role::Analyst).await;
    // Somebody who asked for much and does not read.
    let token = hub.token_of(&analyst);
    let request = Request::post("/api/v1/sql").header("authorization", format!("Bearer {token}"));
    let statement = Body::from(r#"{"sql":"SELECT * FROM events"}"#);
    let answer = hub.router.clone().oneshot(request.body(statement).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let told = analyst.get("/api/v1/events").await.expect(503);
    assert_eq!(told.header("retry-after"), Some("5"));
    let error = told.json()["error"].clone();
    let (message, hint) = (error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
    assert!(message.contains("1 of at most 1 searches are running"), "{message}");
    assert!(hint.contains("try again in 5 seconds") && hint.contains("at_once"), "{hint}");
    // It goes away: the statement ends, and the turn is free.
    drop(answer);
    analyst.get("/api/v1/events").await.expect(200);
}

#[tokio::test]
async fn sql_answers_in_each_format_and_says_what_is_wrong_with_it() {
    let hub = Hub::start().await;
    many(&hub, 300).await;
    let analyst = hub.at_leeds(Role::Analyst).await;
    let ask = async |format: &str, body: Value| {
        analyst.ask("POST", &format!("/api/v1/sql{format}"), Some(body)).await
    };
    let count = json!({ "sql": "SELECT device, count(*) AS n FROM events GROUP BY device ORDER BY n DESC" });
    let told = ask("", count.clone()).await.expect(200);
    assert_eq!(told.header("content-type"), Some("application/x-ndjson"));
    let first: Value = serde_json::from_str(told.text().lines().next().unwrap()).unwrap();
    assert_eq!(first, json!({ "device": "pc7.leeds.example", "n": 300 }));
    let csv = ask("?format=csv", count.clone()).await.expect(200).text();
    assert!(csv.starts_with("device,n") && csv.contains("pc7.leeds.example,300"), "{csv}");
    assert!(ask("?format=parquet", count.clone()).await.expect(200).body.starts_with(b"PAR1"));
    ask("?format=xml", count).await.expect(400);
    for wrong in [
        "DROP TABLE events",
        "SELECT 1; SELECT 2",
        "SELECT * FROM tokens",
        "SELEC",
        "SELECT nothing FROM events",
    ] {
        let error = ask("", json!({ "sql": wrong })).await.expect(400).json();
        assert!(
            error["error"]["message"].as_str().unwrap().starts_with("could not run this SQL: "),
            "{error}"
        );
    }
    for wrong in [
        json!({ "sql": "", "from": "soon" }),
        json!({ "query": "" }),
        json!({ "sql": "SELECT 1", "from": "2026-02-01", "to": "2026-01-01" }),
    ] {
        ask("", wrong).await.expect(400);
    }
}
