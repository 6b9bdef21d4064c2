//! RELP, as rsyslog's `omrelp` speaks it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ward_intake::{Reason, Refusal};

use crate::kit::Hub;

const SOURCE: &str = "source = \"leeds\"";
const OPEN: &[u8] = b"1 open 50 relp_version=0\nrelp_software=test\ncommands=syslog\n\n";

/// Opens a session.
async fn session(hub: &Hub) -> TcpStream {
    let mut stream = hub.connect().await;
    stream.write_all(OPEN).await.unwrap();
    let offers = "200 OK\nrelp_version=0\nrelp_software=ward\ncommands=syslog";
    hears(&mut stream, &format!("1 rsp {} {offers}\n", offers.len())).await;
    stream
}

fn message(number: u32, text: &str) -> String {
    format!("{number} syslog {} {text}\n", text.len())
}

async fn hears(stream: &mut TcpStream, expected: &str) {
    let mut answer = vec![0; expected.len()];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut answer)).await;
    assert!(matches!(read, Ok(Ok(_))), "{read:?} after {}", answer.escape_ascii());
    assert_eq!(String::from_utf8(answer).unwrap(), expected);
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut rest = String::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut rest)).await;
    assert!(read.is_ok(), "still open");
    rest
}

#[tokio::test]
async fn each_message_is_answered_and_a_session_ends_in_order() {
    let hub = Hub::with("relp", SOURCE).await;
    let mut stream = session(&hub).await;
    stream.write_all((message(2, "<34>1 a") + &message(3, "<34>1 b\nc\n")).as_bytes()).await.unwrap();
    hears(&mut stream, "2 rsp 6 200 OK\n3 rsp 6 200 OK\n").await;
    assert_eq!(hub.text(), "7 <34>1 a10 <34>1 b\nc\n");
    assert!(hub.batches().iter().all(|batch| batch.format == "syslog-frames"));
    stream.write_all(b"4 close 0\n").await.unwrap();
    assert_eq!(rest(&mut stream).await, "4 rsp 0\n0 serverclose 0\n");
    assert_eq!(hub.figures().events.get(), 2);
}

#[tokio::test]
async fn messages_are_whole_however_their_bytes_come() {
    let hub = Hub::with("relp", SOURCE).await;
    let mut stream = session(&hub).await;
    stream.set_nodelay(true).unwrap();
    for byte in message(2, "<34>1 a").bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    hears(&mut stream, "2 rsp 6 200 OK\n").await;
    assert_eq!(hub.text(), "7 <34>1 a");
}

#[tokio::test]
async fn nothing_is_answered_until_it_is_kept() {
    let hub = Hub::with("relp", SOURCE).await;
    let mut stream = session(&hub).await;
    hub.refuse(&[Refusal::Full { retry_after: Duration::from_millis(100) }; 2]);
    hub.delay(Duration::from_millis(200));
    let start = std::time::Instant::now();
    stream.write_all(message(2, "<34>1 a").as_bytes()).await.unwrap();
    hears(&mut stream, "2 rsp 6 200 OK\n").await;
    assert!(start.elapsed() >= Duration::from_millis(600), "two refusals and a delay");
    assert_eq!(hub.text(), "7 <34>1 a");
}

#[tokio::test]
async fn what_cannot_be_kept_for_long_is_left_to_the_client_to_send_again() {
    let hub = Hub::with("relp", "source = \"leeds\"\nlimits = { read_seconds = 1 }").await;
    let mut stream = session(&hub).await;
    hub.refuse(&[Refusal::Full { retry_after: Duration::from_millis(400) }; 4]);
    stream.write_all(message(2, "<34>1 a").as_bytes()).await.unwrap();
    assert_eq!(rest(&mut stream).await, "", "closed without an answer");
    assert!(hub.batches().is_empty());
    let mut stream = session(&hub).await;
    stream.write_all(message(2, "<34>1 a").as_bytes()).await.unwrap();
    hears(&mut stream, "2 rsp 6 200 OK\n").await;
    assert_eq!(hub.text(), "7 <34>1 a");
}

#[tokio::test]
async fn what_is_too_long_is_set_aside_and_answered_so_that_it_is_not_sent_for_ever() {
    let hub = Hub::with("relp", "source = \"leeds\"\nlimits = { message_bytes = 16 }").await;
    let mut stream = session(&hub).await;
    stream.write_all((message(2, &"x".repeat(17)) + &message(3, "<34>1 a")).as_bytes()).await.unwrap();
    hears(&mut stream, "2 rsp 6 200 OK\n3 rsp 6 200 OK\n").await;
    assert_eq!(hub.text(), "7 <34>1 a");
    let letters = hub.letters();
    assert_eq!((letters.len(), letters[0].reason), (1, Reason::MessageTooLong));
    assert_eq!(letters[0].bytes, [b'x'; 17]);
    // longer than anything that is held
    stream.write_all(message(4, &"x".repeat(65)).as_bytes()).await.unwrap();
    // what was not read any more may make a reset of the close
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty());
    // what is set aside is counted there
    assert_eq!(hub.figures().refused(Reason::MessageTooLong), 1);
}

#[tokio::test]
async fn what_is_not_understood_is_told_or_set_aside() {
    let hub = Hub::with("relp", SOURCE).await;
    let mut stream = session(&hub).await;
    stream.write_all(b"2 starttls 0\n").await.unwrap();
    hears(&mut stream, "2 rsp 19 500 unknown command\n").await;
    stream.write_all((message(3, "<34>1 a") + "GET / HTTP/1.1\r\n").as_bytes()).await.unwrap();
    assert_eq!(rest(&mut stream).await, "3 rsp 6 200 OK\n");
    assert_eq!((hub.text().as_str(), hub.letters().len()), ("7 <34>1 a", 1));
    let mut unopened = hub.connect().await;
    unopened.write_all(message(1, "<34>1 a").as_bytes()).await.unwrap();
    assert_eq!(rest(&mut unopened).await, "1 rsp 22 500 no session is open\n");
    // what is set aside is counted there
    assert_eq!(hub.figures().refused(Reason::Relp), 2);
}

#[tokio::test]
async fn a_stop_tells_the_client_after_what_it_sent_was_answered() {
    let hub = Hub::with("relp", SOURCE).await;
    let mut stream = session(&hub).await;
    stream.write_all(message(2, "<34>1 a").as_bytes()).await.unwrap();
    hears(&mut stream, "2 rsp 6 200 OK\n").await;
    assert!(hub.running.stop(Duration::from_secs(20)).await);
    assert_eq!(rest(&mut stream).await, "0 serverclose 0\n");
}
