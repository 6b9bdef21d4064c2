//! Splunk HEC, as splunk-handler, syslog-ng and others speak it.

use std::time::Duration;

use ward_intake::{Reason, Refusal};
use ward_telemetry::input::{Decoded, Decoder, Format, Input, Options};
use ward_telemetry::taxonomy::Taxonomy;

use crate::events::gzip;
use crate::kit::{Hub, YORK};

const SPLUNK: (&str, &str) = ("Authorization", "Splunk t-leeds");
const EVENT: &str = "/services/collector/event";

/// splunk-handler 3.0: no content type, envelopes right after one another, Python's own notation as event.
const HANDLER: &str = concat!(
    r#"{"event": "{'src': '203.0.113.0', 'action': 'blocked'}", "host": "ws", "index": "main", "source": "t", "sourcetype": "ward:test", "time": 1764142487.5}"#,
    r#"{"event": "{'src': '203.0.113.1', 'action': 'blocked'}", "host": "ws", "index": "main", "source": "t", "sourcetype": "ward:test", "time": 1764142488.5}"#,
);

#[tokio::test]
async fn envelopes_are_kept_and_answered_as_splunk_does() {
    let hub = Hub::with("http", "").await;
    let answer = hub.ask("POST", EVENT, &[SPLUNK], HANDLER.as_bytes()).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{\"text\":\"Success\",\"code\":0}"));
    let (source, format, payload) = hub.only();
    assert_eq!((source.as_str(), format.as_str()), ("leeds", "ndjson"));
    let first: serde_json::Value = serde_json::from_str(payload.lines().next().unwrap()).unwrap();
    assert_eq!(first["message"], "{'src': '203.0.113.0', 'action': 'blocked'}");
    assert_eq!(
        (&first["hec"]["sourcetype"], &first["@timestamp"]),
        (&"ward:test".into(), &1764142487.5.into())
    );
    assert_eq!(hub.figures().events.get(), 2);
}

#[tokio::test]
async fn rules_find_what_the_event_and_its_fields_say_by_name() {
    let hub = Hub::with("http", "").await;
    let body = br#"{"time":1,"event":{"Image":"/bin/a"},"fields":{"CommandLine":"a -x"}}"#;
    hub.ask("POST", EVENT, &[SPLUNK], body).await;
    let names = Taxonomy::builtin().unwrap().field_names(["Image", "CommandLine"].into_iter()).unwrap();
    let options = Options { format: Some(Format::JsonLines), ..Options::default() };
    let payload = hub.batches()[0].payload.clone();
    let mut input = Input::open(Box::new(std::io::Cursor::new(payload)), &options).unwrap();
    let mut block = input.next_block(Vec::new()).unwrap().unwrap();
    let mut found = Vec::new();
    Decoder::new(&options).decode(&mut block, &names, &mut |decoded| {
        let Decoded::Event { event, .. } = decoded else { panic!("not read") };
        let mut scratch = Vec::new();
        for span in event.fields {
            let text = String::from_utf8_lossy(event.text_of(span, &mut scratch)).into_owned();
            found.push((names.name(span.field).to_owned(), text));
        }
    });
    for (name, text) in [("Image", "/bin/a"), ("CommandLine", "a -x")] {
        assert!(found.contains(&(name.to_owned(), text.to_owned())), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn every_path_content_type_and_packing_will_do() {
    let hub = Hub::with("http", "").await;
    let body = b"{\"event\":{\"a\":1}}\n";
    for path in ["/services/collector", EVENT, "/services/collector/event/1.0"] {
        for content_type in ["application/x-www-form-urlencoded", "text/plain", "application/json"] {
            let headers = [SPLUNK, ("Content-Type", content_type), ("Content-Encoding", "gzip")];
            assert_eq!(hub.ask("POST", path, &headers, &gzip(body)).await.status, 200, "{path}");
        }
    }
    assert_eq!(hub.text(), "{\"a\":1}\n".repeat(9));
}

#[tokio::test]
async fn what_is_wrong_is_said_in_splunks_codes() {
    let hub = Hub::with("http", "").await;
    for (path, headers, body, status, code) in [
        (EVENT, vec![SPLUNK], "", 400, 5),
        (EVENT, vec![SPLUNK], "{\"event\":", 400, 6),
        (EVENT, vec![SPLUNK], "{\"event\":\"a\"}{\"host\":1}", 400, 12),
        (EVENT, vec![SPLUNK], "{\"event\":\"\"}", 400, 13),
        (EVENT, vec![], "{\"event\":\"a\"}", 401, 2),
        (EVENT, vec![("Authorization", "Splunk wrong")], "{\"event\":\"a\"}", 403, 4),
        ("/services/collector?token=t-leeds", vec![], "{\"event\":\"a\"}", 400, 16),
        ("/services/collector/ack", vec![SPLUNK], "{\"acks\":[0]}", 400, 10),
        ("/services/collector/ack?channel=x", vec![SPLUNK], "[]", 400, 6),
    ] {
        let answer = hub.ask("POST", path, &headers, body.as_bytes()).await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (status, Some(code)), "{path} {body}");
    }
    assert!(hub.batches().is_empty());
    let letters = hub.letters();
    assert_eq!(letters.len(), 3);
    assert_eq!((letters[0].reason, letters[0].bytes.as_slice()), (Reason::Hec, &b"{\"event\":"[..]));
}

#[tokio::test]
async fn a_token_in_the_url_is_taken_where_that_is_allowed() {
    let hub = Hub::with("http", "token_in_query = true").await;
    let answer =
        hub.ask("POST", "/services/collector?channel=x&token=t%2Dleeds", &[], b"{\"event\":1}").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn requests_with_a_channel_are_numbered_and_safe_when_asked_about() {
    let hub = Hub::with("http", "").await;
    let channel = ("X-Splunk-Request-Channel", "0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba");
    for expected in 0..2 {
        let answer = hub.ask("POST", EVENT, &[SPLUNK, channel], b"{\"event\":1}").await;
        assert_eq!(answer.json()["ackId"], expected);
    }
    let path = format!("/services/collector/ack?channel={}", channel.1);
    let answer = hub.ask("POST", &path, &[SPLUNK], b"{\"acks\":[0,1,2]}").await;
    assert_eq!(answer.text(), r#"{"acks":{"0":true,"1":true,"2":false}}"#);
    let answer = hub.ask("POST", &path, &[YORK], b"{\"acks\":[0]}").await;
    assert_eq!(answer.text(), r#"{"acks":{"0":false}}"#, "channels of others are not seen");
}

#[tokio::test]
async fn raw_lines_are_kept_by_what_they_are() {
    let hub = Hub::with("http", "").await;
    let path = "/services/collector/raw?host=ws-1&sourcetype=app";
    assert_eq!(hub.ask("POST", path, &[SPLUNK], b"hello\nworld\n").await.status, 200);
    assert_eq!(
        hub.ask("POST", "/services/collector/raw/1.0", &[SPLUNK], b"<34>1 - h a - - - x\n").await.status,
        200
    );
    let batches = hub.batches();
    assert_eq!([batches[0].format.as_str(), batches[1].format.as_str()], ["ndjson", "syslog"]);
    assert!(batches[0].payload.starts_with(b"{\"message\":\"hello\",\"host\":\"ws-1\""));
    assert_eq!(hub.figures().events.get(), 3);
}

#[tokio::test]
async fn a_busy_hub_says_so_with_code_9() {
    let hub = Hub::with("http", "").await;
    hub.refuse(&[Refusal::Full { retry_after: Duration::from_secs(3) }]);
    let answer = hub.ask("POST", EVENT, &[SPLUNK], b"{\"event\":1}").await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_u64(), answer.header("retry-after").as_str()),
        (503, Some(9), "3")
    );
    assert!(answer.text().contains("full"));
    let many = b"{\"event\":1}".repeat(200);
    assert_eq!(hub.ask("POST", EVENT, &[YORK], &many).await.status, 200);
    let answer = hub.ask("POST", EVENT, &[YORK], b"{\"event\":1}").await;
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (429, Some(9)));
}

#[tokio::test]
async fn its_health_is_told_to_anyone() {
    let hub = Hub::with("http", "").await;
    for path in ["/services/collector/health", "/services/collector/health/1.0"] {
        let answer = hub.ask("GET", path, &[], b"").await;
        assert_eq!((answer.status, answer.json()["code"].as_u64()), (200, Some(17)));
    }
}
