//! Elasticsearch, as its clients and others' speak it.

use std::time::Duration;

use ward_intake::{Reason, Refusal};

use crate::events::gzip;
use crate::kit::{Hub, YORK};

/// `id:t-leeds` as an API key.
const KEY: (&str, &str) = ("Authorization", "ApiKey aWQ6dC1sZWVkcw==");
const OWN: &str = "application/vnd.elasticsearch+x-ndjson; compatible-with=9";
const BODY: &str = "{\"create\":{\"_index\":\"logs-ward-default\"}}\n{\"event\":{\"kind\":\"event\"},\"message\":\"login failed\"}\n";

#[tokio::test]
async fn elasticsearch_py_shakes_hands_and_puts_its_documents_packed() {
    let hub = Hub::with("http", "").await;
    let own = "application/vnd.elasticsearch+json; compatible-with=9";
    let answer = hub.ask("GET", "/", &[KEY, ("Accept", own)], b"").await;
    assert_eq!((answer.status, answer.header("x-elastic-product").as_str()), (200, "Elasticsearch"));
    assert_eq!(
        (answer.json()["version"]["number"].as_str(), answer.header("content-type").as_str()),
        (Some("9.1.0"), own)
    );
    let headers = [KEY, ("Accept", own), ("Content-Type", OWN), ("Content-Encoding", "gzip")];
    let answer = hub.ask("PUT", "/_bulk", &headers, &gzip(BODY.as_bytes())).await;
    assert_eq!((answer.status, answer.header("content-type").as_str()), (200, own));
    assert_eq!(answer.header("x-elastic-product"), "Elasticsearch");
    let json = answer.json();
    assert_eq!((&json["errors"], &json["items"][0]["create"]["status"]), (&false.into(), &201.into()));
    assert_eq!(json["items"][0]["create"]["_id"], "1.0", "its batch and its place in it");
    let expected =
        "{\"_index\":\"logs-ward-default\",\"event\":{\"kind\":\"event\"},\"message\":\"login failed\"}\n";
    assert_eq!(hub.only(), ("leeds".to_owned(), "ndjson".to_owned(), expected.to_owned()));
}

#[tokio::test]
async fn other_shippers_post_in_their_own_ways() {
    let hub = Hub::with("http", "").await;
    for (path, content_type, credential) in [
        ("/_bulk", "application/json", "Basic YWRtaW46dC1sZWVkcw=="),
        ("/_bulk?filter_path=errors", "application/x-ndjson", "Bearer t-leeds"),
        ("/logs-x/_bulk", "text/plain", "ApiKey id:t-leeds"),
        ("/elastic/_bulk", "application/x-ndjson", "ApiKey t-leeds"),
    ] {
        let headers = [("Authorization", credential), ("Content-Type", content_type)];
        let answer = hub.ask("POST", path, &headers, BODY.trim_end().as_bytes()).await;
        assert_eq!(
            (answer.status, answer.header("content-type").as_str()),
            (200, "application/json"),
            "{path}"
        );
    }
    assert_eq!(hub.figures().events.get(), 4);
}

#[tokio::test]
async fn what_beats_set_up_first_is_acknowledged_and_not_kept() {
    let hub = Hub::with("http", "elastic_version = \"8.15.2\"").await;
    for (method, path, status, said) in [
        ("GET", "/", 200, "8.15.2"),
        ("HEAD", "/", 200, ""),
        ("GET", "/_license?human=false", 200, "active"),
        ("GET", "/_xpack", 200, "basic"),
        ("GET", "/_cluster/health", 200, "green"),
        ("GET", "/_cat/health", 200, "green"),
        ("GET", "/_nodes/http", 200, "ward.test"),
        ("GET", "/_ilm/policy/winlogbeat", 404, "nothing"),
        ("PUT", "/_ilm/policy/winlogbeat", 200, "acknowledged"),
        ("HEAD", "/_index_template/winlogbeat-8.15.2", 404, ""),
        ("PUT", "/_index_template/winlogbeat-8.15.2", 200, "acknowledged"),
        ("GET", "/_data_stream/winlogbeat-8.15.2", 404, "nothing"),
        ("PUT", "/_data_stream/winlogbeat-8.15.2", 200, "acknowledged"),
        ("PUT", "/_ingest/pipeline/winlogbeat-routing", 200, "acknowledged"),
        ("HEAD", "/logs", 404, ""),
        ("PUT", "/logs", 200, "\"index\":\"logs\""),
    ] {
        let answer = hub.ask(method, path, &[KEY], b"").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.text().contains(said), "{method} {path}: {answer:?}");
        assert_eq!(answer.header("x-elastic-product"), "Elasticsearch", "{path}");
    }
}

#[tokio::test]
async fn only_known_sources_are_answered() {
    let hub = Hub::with("http", "").await;
    for (method, path) in [("GET", "/"), ("POST", "/_bulk"), ("GET", "/_license"), ("PUT", "/x")] {
        let answer = hub.ask(method, path, &[("Authorization", "ApiKey nobody")], b"").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["error"]["type"], "security_exception");
        assert!(answer.header("www-authenticate").starts_with("Basic"));
    }
}

#[tokio::test]
async fn documents_fail_alone_and_broken_actions_fail_the_body() {
    let hub = Hub::with("http", "").await;
    let answer =
        hub.ask("POST", "/_bulk", &[KEY], b"{\"index\":{}}\n{broken\n{\"index\":{}}\n{\"a\":1}\n").await;
    assert_eq!((answer.status, &answer.json()["errors"]), (200, &true.into()));
    assert_eq!(answer.json()["items"][0]["index"]["error"]["type"], "document_parsing_exception");
    assert_eq!(hub.text(), "{\"a\":1}\n");
    let broken = b"{\"index\":{}}\n{\"a\":1}\nwhat\n";
    let answer = hub.ask("POST", "/_bulk", &[KEY], broken).await;
    assert_eq!((answer.status, answer.json()["status"].as_u64()), (400, Some(400)));
    assert!(answer.text().contains("[3]"));
    let letters = hub.letters();
    assert_eq!((letters[0].reason, letters[0].bytes.as_slice()), (Reason::BulkDocument, &b"{broken"[..]));
    assert_eq!((letters[1].reason, letters[1].bytes.as_slice()), (Reason::BulkAction, &broken[..]));
    assert_eq!(hub.batches().len(), 1);
}

#[tokio::test]
async fn a_busy_hub_rejects_so_that_clients_try_again() {
    let hub = Hub::with("http", "").await;
    hub.refuse(&[Refusal::Busy { retry_after: Duration::from_secs(2) }]);
    let answer = hub.ask("POST", "/_bulk", &[KEY], BODY.as_bytes()).await;
    assert_eq!((answer.status, answer.header("retry-after").as_str()), (503, "2"));
    assert_eq!(answer.json()["error"]["type"], "es_rejected_execution_exception");
    assert_eq!(hub.ask("POST", "/_bulk", &[YORK], BODY.repeat(200).as_bytes()).await.status, 200);
    assert_eq!(hub.ask("POST", "/_bulk", &[YORK], BODY.as_bytes()).await.status, 429);
}
