//! How every request is treated, whatever it asks for.

use std::sync::atomic::Ordering::Relaxed;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use ward_core::Actor;
use ward_store::tokens::{self, Role};
use ward_web::{Least, ROUTES};

use crate::kit::{Hub, sample};

#[tokio::test]
async fn every_answer_carries_its_number_and_keeps_browsers_from_doing_anything_with_it() {
    let hub = Hub::start().await;
    let operator = hub.of_the_sector(Role::Operator).await;
    let mut answers = vec![
        operator.get("/nothing").await,
        operator.ask("PUT", "/api/v1/me", None).await,
        hub.stranger().get("/api/v1/me").await,
    ];
    for route in ROUTES {
        let (path, body) = sample(route, &hub.leeds);
        answers.push(operator.ask(route.method, &path, body).await);
    }
    let mut numbers = std::collections::BTreeSet::new();
    for told in answers {
        assert_eq!(told.header("cache-control"), Some("no-store"));
        assert_eq!(told.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            told.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'")
        );
        assert!(numbers.insert(told.header("x-request-id").unwrap().to_owned()), "a number twice");
    }
}

#[tokio::test]
async fn a_number_that_is_brought_is_kept_if_it_is_fit_for_a_log() {
    let hub = Hub::start().await;
    for (brought, kept) in
        [("trace-7.a_b", true), ("a b", false), ("", false), (&"x".repeat(65) as &str, false)]
    {
        let request = Request::get("/healthz").header("x-request-id", brought).body(Body::empty()).unwrap();
        let told = hub.stranger().send(request).await.expect(200);
        assert_eq!(told.header("x-request-id") == Some(brought), kept, "{brought}");
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_below_the_interface_answers() {
    let hub = Hub::start().await;
    let guesser = hub.with_secret("ward_0123456789abcdef");
    for route in ROUTES.iter().filter(|route| matches!(route.least, Least::Known | Least::May(_))) {
        let (path, body) = sample(route, &hub.leeds);
        for person in [&hub.stranger(), &guesser] {
            let told = person.ask(route.method, &path, body.clone()).await.expect(401);
            assert_eq!(told.header("www-authenticate"), Some("Bearer realm=\"ward\""));
            assert!(told.json()["error"]["hint"].as_str().unwrap().contains("Bearer"));
        }
    }
    let mut request = Request::get("/api/v1/me").body(Body::empty()).unwrap();
    request.headers_mut().insert("authorization", "Basic d2FyZDp3YXJk".parse().unwrap());
    hub.stranger().send(request).await.expect(401);
}

#[tokio::test]
async fn a_revoked_token_is_good_for_two_seconds_at_most() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    reader.get("/api/v1/me").await.expect(200);
    let token = tokens::list(&hub.store, &ward_core::Scope::whole_sector()).await.unwrap().remove(0).id;
    tokens::revoke(&hub.store, &Actor::operator("test"), hub.now(), &token).await.unwrap();
    hub.wait(2);
    reader.get("/api/v1/me").await.expect(401);
}

#[tokio::test]
async fn that_a_token_is_in_use_is_noted() {
    let hub = Hub::start().await;
    hub.at_leeds(Role::Reader).await.get("/api/v1/me").await.expect(200);
    for _ in 0..100 {
        let token = tokens::list(&hub.store, &ward_core::Scope::whole_sector()).await.unwrap().remove(0);
        if token.last_used == Some(hub.now()) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("nobody noted it");
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_in_json() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    for path in ["/nothing", "/api", "/api/v1", "/api/v1/nothing", "/api/v1/alerts/", "/api/v1/alerts/a/b"] {
        assert_eq!(reader.get(path).await.expect(404).json()["error"]["status"], 404, "{path}");
    }
    let told = reader.ask("DELETE", "/api/v1/alerts", None).await.expect(405);
    assert_eq!(told.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(told.json()["error"]["message"], "could not do that here");
    let told = reader.ask("OPTIONS", "/api/v1/exceptions", None).await.expect(204);
    assert_eq!(told.header("allow"), Some("GET, POST, HEAD, OPTIONS"));
    assert!(told.header("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn head_tells_what_get_would_without_the_body() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    for (path, status) in [("/api/v1/alerts", 200), ("/api/v1/events", 200), ("/api/v1/alerts/none", 404)] {
        let told = reader.ask("HEAD", path, None).await.expect(status);
        assert!(told.body.is_empty());
        assert_eq!(told.header("content-type"), Some("application/json"));
    }
    hub.stranger().ask("HEAD", "/api/v1/alerts", None).await.expect(401);
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let hub = Hub::start().await;
    let lead = hub.at_leeds(Role::Lead).await;
    let long = json!({ "note": "x".repeat(300 << 10) });
    lead.ask("PATCH", &format!("/api/v1/alerts/{}", hub.leeds.alert), Some(long)).await.expect(413);
    lead.get(&format!("/api/v1/events?q={}", "x".repeat(40 << 10))).await.expect(414);
    lead.get(&format!("/api/v1/events?q={}", "x".repeat(9 << 10))).await.expect(400);
}

#[tokio::test]
async fn what_fails_in_ward_tells_its_number_and_no_more() {
    let hub = Hub::start().await;
    let reader = hub.at_leeds(Role::Reader).await;
    reader.get("/api/v1/me").await.expect(200);
    hub.store.close().await;
    let told = reader.get("/api/v1/alerts").await.expect(500);
    let number = told.header("x-request-id").unwrap().to_owned();
    let error = told.json()["error"].clone();
    assert_eq!(error["message"], "could not answer: something failed in Ward");
    assert_eq!(error["hint"], format!("the hub's log has more under {number}"));
    let ready = hub.stranger().get("/readyz").await.expect(503).json();
    assert_eq!(ready, json!({ "ready": false, "reasons": ["the store does not answer"] }));
    hub.stranger().get("/healthz").await.expect(200);
}

#[tokio::test]
async fn a_hub_whose_journal_refuses_is_alive_and_not_ready() {
    let hub = Hub::start().await;
    assert_eq!(
        hub.stranger().get("/readyz").await.expect(200).json(),
        json!({ "ready": true, "reasons": [] })
    );
    hub.failing.store(true, Relaxed);
    let ready = hub.stranger().get("/readyz").await.expect(503).json();
    assert_eq!(ready["reasons"], json!(["the journal refuses: disk full"]));
    hub.stranger().get("/healthz").await.expect(200);
}

#[tokio::test]
async fn figures_are_open_or_for_whoever_sees_the_whole_sector() {
    let told = Hub::start().await.stranger().get("/metrics").await.expect(200);
    assert!(told.text().contains("ward_rules 3"));
    assert_eq!(told.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let closed = Hub::start_with(|state| state.open_metrics = false).await;
    closed.stranger().get("/metrics").await.expect(401);
    closed.at_leeds(Role::Operator).await.get("/metrics").await.expect(404);
    closed.of_the_sector(Role::Reader).await.get("/metrics").await.expect(200);
    closed.failing.store(true, Relaxed);
    assert_eq!(closed.stranger().get("/readyz").await.expect(503).json(), json!({ "ready": false }));
}
