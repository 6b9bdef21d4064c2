//! Fluent Forward, as fluent-logger, Fluentd and Fluent Bit speak it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ward_intake::{Reason, Refusal};

use crate::kit::Hub;

const SOURCE: &str = "source = \"leeds\"";

/// As fluent-logger for Python writes `emit('auth', {"i": number})`.
fn emitted(number: u8) -> Vec<u8> {
    [&b"\x93\xa9ward.auth\xce\x69\x26\xaf\x07\x81\xa1i"[..], &[number]].concat()
}

/// Entries with `EventTime`, as Fluentd packs them.
fn entries(numbers: std::ops::Range<u8>) -> Vec<u8> {
    numbers
        .flat_map(|i| [&b"\x92\xd7\x00\x69\x26\xaf\x07\x00\x00\x00\x05\x81\xa1i"[..], &[i]].concat())
        .collect()
}

/// A packed message with this chunk, whose entries are compressed if `compressed`.
fn chunk(chunk: &[u8; 2], entries: &[u8], compressed: bool) -> Vec<u8> {
    let entries = if compressed { crate::events::gzip(entries) } else { entries.to_vec() };
    let mut message = b"\x93\xa3app\xc5".to_vec();
    message.extend_from_slice(&u16::try_from(entries.len()).unwrap().to_be_bytes());
    message.extend_from_slice(&entries);
    message.extend_from_slice(if compressed { b"\x83\xaacompressed\xa4gzip" } else { b"\x82" });
    message.extend_from_slice(b"\xa4size\x05\xa5chunk\xa2");
    message.extend_from_slice(chunk);
    message
}

async fn acknowledgement(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 8];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut bytes)).await;
    assert!(matches!(read, Ok(Ok(_))), "{read:?}");
    assert_eq!(&bytes[..6], b"\x81\xa3ack\xa2");
    String::from_utf8(bytes[6..].to_vec()).unwrap()
}

async fn closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(read.is_ok(), "still open");
    rest
}

#[tokio::test]
async fn messages_without_a_name_go_together_and_are_not_answered() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.write_all(&[emitted(0), b"\xc0".to_vec(), emitted(1), emitted(2)].concat()).await.unwrap();
    hub.events(3).await;
    let line = |i| format!("{{\"i\":{i},\"@timestamp\":1764142855,\"fluent\":{{\"tag\":\"ward.auth\"}}}}\n");
    assert_eq!(hub.text(), [line(0), line(1), line(2)].concat());
    assert_eq!(hub.batches()[0].format, "ndjson");
    stream.shutdown().await.unwrap();
    assert!(closed(&mut stream).await.is_empty());
}

#[tokio::test]
async fn a_chunk_is_one_batch_and_acknowledged_however_its_bytes_come() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in chunk(b"c1", &entries(0..3), false) {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    let (source, format, payload) = hub.only();
    assert_eq!((source.as_str(), format.as_str(), payload.lines().count()), ("leeds", "ndjson", 3));
    assert!(payload.contains("\"@timestamp\":1764142855.000000005"), "{payload}");
    stream.write_all(&chunk(b"c2", &entries(3..6), true)).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, "c2");
    assert_eq!((hub.batches().len(), hub.figures().events.get()), (2, 6));
}

#[tokio::test]
async fn a_chunk_that_is_sent_again_is_the_same_batch() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    for _ in 0..2 {
        let mut stream = hub.connect().await;
        stream.write_all(&chunk(b"c1", &entries(0..3), false)).await.unwrap();
        assert_eq!(acknowledgement(&mut stream).await, "c1");
    }
    assert_eq!(hub.batches().len(), 1);
    // a client that counts anew from its start, with other events
    let mut stream = hub.connect().await;
    stream.write_all(&chunk(b"c1", &entries(3..6), false)).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    assert_eq!(hub.batches().len(), 2);
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_kept() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    hub.delay(Duration::from_millis(300));
    hub.refuse(&[Refusal::Full { retry_after: Duration::from_millis(10) }]);
    let mut stream = hub.connect().await;
    stream.write_all(&chunk(b"c1", &entries(0..3), false)).await.unwrap();
    hub.until(|hub| hub.figures().refused(Reason::JournalFull) == 1).await;
    assert_eq!(hub.figures().batches.get(), 0);
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    assert_eq!((hub.batches().len(), hub.figures().batches.get()), (1, 1));
}

#[tokio::test]
async fn a_closed_inbox_acknowledges_nothing() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    hub.refuse(&[Refusal::Closed]);
    let mut stream = hub.connect().await;
    stream.write_all(&chunk(b"c1", &entries(0..3), false)).await.unwrap();
    assert!(closed(&mut stream).await.is_empty());
    assert!(hub.batches().is_empty());
}

#[tokio::test]
async fn what_came_before_a_chunk_is_kept_before_it() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.write_all(&[emitted(0), chunk(b"c1", &entries(1..2), false)].concat()).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    let text = hub.text();
    assert!(text.starts_with("{\"i\":0,") && text.contains("\n{\"i\":1,"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_read_is_set_aside_whole_and_the_next_message_is_taken() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    let mut stream = hub.connect().await;
    let broken = chunk(b"c1", b"\x92\x05", false);
    let (no_message, no_record) = (b"\x93\xa1t\x05\xa1x".to_vec(), b"\x91\x05".to_vec());
    stream.write_all(&[&broken[..], &no_message, &no_record, &emitted(7)].concat()).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    hub.events(1).await;
    let letters: Vec<_> = hub.letters().into_iter().map(|letter| letter.bytes).collect();
    assert_eq!(letters, [broken, no_message, no_record]);
    assert_eq!((hub.figures().set_aside(Reason::Fluent), hub.figures().events.get()), (3, 1));
}

#[tokio::test]
async fn bytes_that_are_no_message_end_the_connection() {
    let hub = Hub::with("fluent_forward", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.write_all(&[emitted(0), b"\xc1\xc1".to_vec()].concat()).await.unwrap();
    assert!(closed(&mut stream).await.is_empty());
    assert_eq!(hub.letters()[0].bytes, b"\xc1\xc1");
    assert_eq!(hub.figures().events.get(), 1, "what came before was kept");
}

#[tokio::test]
async fn what_is_too_large_is_neither_held_nor_unpacked() {
    let hub = Hub::with(
        "fluent_forward",
        "source = \"leeds\"\nlimits = { body_bytes = 1000, unpacked_bytes = 4000 }",
    )
    .await;
    for large in
        [b"\xdd\xff\xff\xff\xff".to_vec(), vec![0xdb, 0, 1, 0, 0].into_iter().chain([b'x'; 2000]).collect()]
    {
        let mut stream = hub.connect().await;
        stream.write_all(&large).await.unwrap();
        // what was not read any more may make a reset of the close
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty());
    }
    assert_eq!(hub.figures().refused(Reason::TooLarge), 2);
    assert!(hub.letters().is_empty());
    let bomb = chunk(b"c1", &entries(0..9).repeat(100), true);
    assert!(bomb.len() < 1000, "{}", bomb.len());
    let mut stream = hub.connect().await;
    stream.write_all(&bomb).await.unwrap();
    // sent again it would be no smaller: all of it is kept as it came
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    assert_eq!(hub.letters()[0].bytes, bomb);
    assert!(hub.batches().is_empty());
}

#[tokio::test]
async fn a_chunk_of_more_than_one_batch_is_kept_as_several_before_it_is_acknowledged() {
    let hub = Hub::with(
        "fluent_forward",
        "source = \"leeds\"\nlimits = { body_bytes = 10000, unpacked_bytes = 4000 }",
    )
    .await;
    let mut stream = hub.connect().await;
    let large = chunk(b"c1", &entries(0..100).repeat(2), false);
    stream.write_all(&large).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    assert_eq!(hub.figures().events.get(), 200);
    let text = hub.text();
    let numbers = text.lines().map(|line| line.split([':', ',']).nth(1).unwrap().parse::<u8>().unwrap());
    assert!(numbers.eq((0..100).chain(0..100)), "{text}");
    let batches = hub.batches();
    assert!(batches.len() > 2 && batches.iter().all(|batch| batch.payload.len() < 4200), "{}", batches.len());
    // the same again: each part is known
    stream.write_all(&large).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, "c1");
    assert_eq!(hub.batches().len(), batches.len());
}

#[tokio::test]
async fn a_stop_hands_over_what_was_read() {
    let hub =
        Hub::with("fluent_forward", "source = \"leeds\"\nlimits = { batch_milliseconds = 60000 }").await;
    let mut stream = hub.connect().await;
    stream.write_all(&emitted(0)).await.unwrap();
    hub.until(|hub| hub.figures().requests.get() == 1).await;
    let Hub { running, inbox: _, counters } = hub;
    assert!(running.stop(Duration::from_secs(20)).await);
    assert_eq!(counters.listeners()[0].events.get(), 1);
}
