//! `POST /ingest/v1/events`, and what holds for every request.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ward_intake::{Reason, Refusal};

use crate::kit::{Hub, LEEDS, YORK, answer};

const PATH: &str = "/ingest/v1/events";

#[tokio::test]
async fn ndjson_is_kept_as_it_came_and_answered_with_its_batch() {
    let hub = Hub::with("http", "").await;
    let body = "{\"a\":1.10}\n{\"b\": \"x\"}";
    let answer = hub.post(PATH, body.as_bytes()).await;
    assert_eq!((answer.status, answer.text()), (200, "{\"batch\":1,\"events\":2}".to_owned()));
    assert_eq!(hub.only(), ("leeds".to_owned(), "ndjson".to_owned(), body.to_owned()));
    assert_eq!(hub.batches()[0].organisation.as_str(), "RR8");
    assert_eq!(hub.figures().events.get(), 2);
}

#[tokio::test]
async fn the_format_is_told_by_url_content_type_or_content() {
    let hub = Hub::with("http", "").await;
    for (path, content_type, body, format) in [
        ("?format=cef", "text/plain", "CEF:0|a|b|c|d|e|1|", "cef"),
        ("?format=lines", "text/plain", "anything", "lines"),
        ("", "application/x-ndjson; charset=utf-8", "{\"a\":1}", "ndjson"),
        ("", "application/json", "[{\"a\":1},{\"a\":2}]", "json"),
        ("", "application/octet-stream", "<34>1 - h - - - - x", "syslog"),
    ] {
        let headers = [LEEDS, ("Content-Type", content_type)];
        let answer = hub.ask("POST", &format!("{PATH}{path}"), &headers, body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(hub.batches().last().unwrap().format, format);
    }
    assert_eq!(hub.figures().events.get(), 6);
}

#[tokio::test]
async fn the_same_request_again_is_the_same_batch() {
    let hub = Hub::with("http", "").await;
    for (token, expected) in [(LEEDS, 1), (LEEDS, 1), (YORK, 2)] {
        let headers = [token, ("Idempotency-Key", "7f3a")];
        let answer = hub.ask("POST", PATH, &headers, b"{\"a\":1}").await;
        assert_eq!(answer.json()["batch"], expected, "a key means nothing to another source");
    }
}

#[tokio::test]
async fn who_is_not_known_is_refused_before_the_body_is_read() {
    let hub = Hub::with("http", "").await;
    for headers in [
        vec![("Content-Length", "1000000")],
        vec![("Authorization", "Bearer nobody"), ("Content-Length", "9")],
    ] {
        let answer = hub.ask("POST", PATH, &headers, b"").await;
        assert_eq!(answer.status, 401);
        assert!(!answer.header("www-authenticate").is_empty());
        assert!(!answer.text().contains("nobody"));
    }
    let figures = hub.figures();
    assert_eq!((figures.refused(Reason::NoCredential), figures.refused(Reason::UnknownCredential)), (1, 1));
    assert!(hub.batches().is_empty());
}

#[tokio::test]
async fn a_listener_with_a_source_asks_for_no_credential() {
    let hub = Hub::with("http", "source = \"york\"").await;
    assert_eq!(hub.ask("POST", PATH, &[], b"{\"a\":1}").await.status, 200);
    assert_eq!(hub.ask("POST", PATH, &[LEEDS], b"{\"a\":1}").await.status, 200);
    let sources: Vec<String> = hub.batches().iter().map(|batch| batch.source.to_string()).collect();
    assert_eq!(sources, ["york", "leeds"]);
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_packed_or_not() {
    let hub = Hub::with("http", "limits = { body_bytes = 1000, unpacked_bytes = 5000 }").await;
    let long = b"{\"a\":1}\n".repeat(200);
    assert_eq!(hub.post(PATH, &long).await.status, 413);
    let chunked = [b"400\r\n".to_vec(), long[..0x400].to_vec(), b"\r\n0\r\n\r\n".to_vec()].concat();
    let headers = [LEEDS, ("Transfer-Encoding", "chunked")];
    assert_eq!(hub.ask("POST", PATH, &headers, &chunked).await.status, 413);
    let packed = gzip(&b"{\"a\":1}\n".repeat(10_000));
    assert!(packed.len() < 1000);
    let headers = [LEEDS, ("Content-Encoding", "gzip")];
    assert_eq!(hub.ask("POST", PATH, &headers, &packed).await.status, 413);
    assert_eq!(hub.ask("POST", PATH, &headers, &gzip(b"{\"a\":1}\n")).await.status, 200);
    assert_eq!(hub.figures().refused(Reason::TooLarge), 3);
    assert_eq!(hub.text(), "{\"a\":1}\n");
}

#[tokio::test]
async fn what_cannot_be_unpacked_or_recognised_is_set_aside_whole() {
    let hub = Hub::with("http", "").await;
    let mut broken = gzip(b"{\"a\":1}\n");
    broken.truncate(15);
    let answer = hub.ask("POST", PATH, &[LEEDS, ("Content-Encoding", "gzip")], &broken).await;
    assert_eq!((answer.status, answer.json()["error"].is_string()), (400, true));
    let answer = hub.post(PATH, b"\x01\x02 just bytes").await;
    assert!(answer.status == 400 && answer.text().contains("ndjson"), "{answer:?}");
    let letters = hub.letters();
    assert_eq!((letters[0].reason, &letters[0].bytes), (Reason::Compression, &broken));
    assert_eq!(
        (letters[1].reason, letters[1].bytes.as_slice()),
        (Reason::Format, &b"\x01\x02 just bytes"[..])
    );
    assert_eq!(letters[1].source.as_str(), "leeds");
    assert!(hub.batches().is_empty());
    for (path, headers, body, status) in [
        ("?format=xml", vec![LEEDS], "x", 400),
        ("", vec![LEEDS], " \n", 400),
        ("", vec![LEEDS, ("Content-Encoding", "br")], "x", 415),
    ] {
        let answer = hub.ask("POST", &format!("{PATH}{path}"), &headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_journal_says_why_and_when_to_come_back() {
    let hub = Hub::with("http", "").await;
    let wait = Duration::from_secs(7);
    hub.refuse(&[Refusal::Full { retry_after: wait }, Refusal::Busy { retry_after: wait }, Refusal::Failing]);
    for (said, after) in [("full", "7"), ("busy", "7"), ("written", "5")] {
        let answer = hub.post(PATH, b"{\"a\":1}").await;
        assert_eq!((answer.status, answer.header("retry-after").as_str()), (503, after));
        assert!(answer.text().contains(said), "{answer:?}");
    }
    assert_eq!(hub.post(PATH, b"{\"a\":1}").await.status, 200);
    assert_eq!(hub.figures().refused(Reason::JournalFull), 1);
}

#[tokio::test]
async fn a_source_over_its_rate_is_asked_to_wait_and_others_do_not_notice() {
    let hub = Hub::with("http", "").await;
    let many = b"{\"a\":1}\n".repeat(150);
    assert_eq!(hub.ask("POST", PATH, &[YORK], &many).await.status, 200);
    let answer = hub.ask("POST", PATH, &[YORK], b"{\"a\":1}").await;
    assert_eq!((answer.status, answer.header("retry-after").as_str()), (429, "6"), "{answer:?}");
    assert_eq!(hub.post(PATH, &many).await.status, 200);
    assert_eq!(hub.figures().refused(Reason::Rate), 1);
}

#[tokio::test]
async fn slow_clients_are_cut_off_and_others_served_meanwhile() {
    let hub = Hub::with("http", "limits = { header_seconds = 1, read_seconds = 1 }").await;
    let mut silent = hub.connect().await;
    let mut slow_head = hub.connect().await;
    slow_head.write_all(b"POST /ingest").await.unwrap();
    let mut half_preface = hub.connect().await;
    half_preface.write_all(b"PR").await.unwrap();
    let mut slow_body = hub.connect().await;
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{}: {}\r\nContent-Length: 9\r\n", LEEDS.0, LEEDS.1);
    slow_body.write_all(format!("{head}Connection: close\r\n\r\n{{\"a\"").as_bytes()).await.unwrap();
    assert_eq!(hub.post(PATH, b"{\"a\":1}").await.status, 200);
    assert_eq!(answer(&mut slow_body).await.status, 408);
    for stream in [&mut silent, &mut slow_head, &mut half_preface] {
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "still open");
    }
    assert_eq!(hub.batches().len(), 1);
    hub.until(|hub| hub.figures().open.get() == 0).await;
}

#[tokio::test]
async fn memory_for_bodies_is_bounded_across_requests() {
    let hub = Hub::with("http", "limits = { memory_bytes = 102400 }").await;
    hub.delay(Duration::from_millis(500));
    let body = b"{\"a\":1}\n".repeat(8_000);
    let (first, second) = tokio::join!(hub.post(PATH, &body), async {
        hub.until(|hub| hub.batches().len() == 1).await;
        hub.post(PATH, &body).await
    });
    assert_eq!((first.status, second.status), (200, 503));
    assert_eq!(second.header("retry-after"), "1");
    hub.delay(Duration::ZERO);
    assert_eq!(hub.post(PATH, &body).await.status, 200, "it is given back");
}

#[tokio::test]
async fn connections_are_bounded_for_each_peer() {
    let hub = Hub::with("http", "limits = { connections_of_peer = 2 }").await;
    let _held = (hub.connect().await, hub.connect().await);
    hub.until(|hub| hub.figures().open.get() == 2).await;
    let mut third = hub.connect().await;
    let mut rest = Vec::new();
    let _ = third.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert_eq!(hub.figures().refused(Reason::ConnectionsOfPeer), 1);
}

#[tokio::test]
async fn who_was_never_known_gives_way_when_all_places_are_taken() {
    let hub = Hub::with("http", "limits = { connections = 2, silent_seconds = 1 }").await;
    let (mut stranger, mut known) = (hub.connect().await, hub.connect().await);
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n");
    let good = format!("{head}{}: {}\r\n\r\n{{\"a\":1}}", LEEDS.0, LEEDS.1);
    let mut bytes = [0; 4096];
    let mut told = async |stream: &mut tokio::net::TcpStream, request: &str| {
        stream.write_all(request.as_bytes()).await.unwrap();
        let read = stream.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..read]).split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(told(&mut stranger, &format!("{head}\r\n{{\"a\":1}}")).await, "401");
    assert_eq!(told(&mut known, &good).await, "200");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(hub.post(PATH, b"{\"a\":2}").await.status, 200);
    assert_eq!(hub.figures().refused(Reason::Silent), 1);
    assert_eq!(told(&mut known, &good).await, "200", "it keeps its place");
    assert_eq!(hub.batches().len(), 3);
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_refused_by_name() {
    let hub = Hub::with("http", "").await;
    for (path, said) in [
        ("?frmt=csv", "there is no parameter 'frmt'; there is format"),
        ("?format=csv&index=main", "there is no parameter 'index'; there is format"),
    ] {
        let answer = hub.post(&format!("{PATH}{path}"), b"a,b\n1,2\n").await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(said)));
    }
    assert!(hub.batches().is_empty() && hub.letters().is_empty());
    assert_eq!(hub.post(&format!("{PATH}?format=csv"), b"a,b\n1,2\n").await.status, 200);
}

#[tokio::test]
async fn a_packed_file_is_unpacked_though_nothing_says_that_it_is_packed() {
    let hub = Hub::with("http", "limits = { unpacked_bytes = 5000 }").await;
    let lines = "{\"a\":1}\n{\"a\":2}\n";
    let answer = hub.post(PATH, &gzip(lines.as_bytes())).await;
    assert_eq!((answer.status, answer.text()), (200, "{\"batch\":1,\"events\":2}".to_owned()));
    assert_eq!(hub.only(), ("leeds".to_owned(), "ndjson".to_owned(), lines.to_owned()));
    let answer = hub.post(PATH, &gzip(&b"{\"a\":1}\n".repeat(10_000))).await;
    assert_eq!(
        (answer.status, answer.json()["error"].as_str()),
        (413, Some("the body is longer than 5000 bytes"))
    );
    assert!(hub.letters().is_empty(), "it is to be sent again in parts");
    let mut broken = gzip(lines.as_bytes());
    broken.truncate(15);
    let answer = hub.post(PATH, &broken).await;
    assert!(answer.status == 400 && answer.text().contains("damaged"), "{answer:?}");
    assert_eq!((hub.letters()[0].reason, &hub.letters()[0].bytes), (Reason::Compression, &broken));
    assert_eq!(hub.batches().len(), 1);
}

#[tokio::test]
async fn a_stop_lets_a_request_finish_and_takes_no_other() {
    let hub = Hub::with("http", "").await;
    hub.delay(Duration::from_millis(300));
    let address = hub.address();
    let mut stream = hub.connect().await;
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{}: {}\r\nContent-Length: 7\r\n\r\n", LEEDS.0, LEEDS.1);
    stream.write_all(format!("{head}{{\"a\":1}}").as_bytes()).await.unwrap();
    hub.until(|hub| hub.batches().len() == 1).await;
    assert!(hub.running.stop(Duration::from_secs(5)).await);
    assert_eq!(answer(&mut stream).await.status, 200);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_stop_breaks_off_what_does_not_come_to_its_end() {
    let hub = Hub::with("http", "").await;
    hub.delay(Duration::from_secs(600));
    let mut stream = hub.connect().await;
    let head =
        format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{}: {}\r\nContent-Length: 7\r\n\r\n", LEEDS.0, LEEDS.1);
    stream.write_all(format!("{head}{{\"a\":1}}").as_bytes()).await.unwrap();
    hub.until(|hub| hub.batches().len() == 1).await;
    assert!(!hub.running.stop(Duration::from_millis(100)).await);
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
