//! GELF and syslog by datagram, GELF by stream, as graypy and rsyslog send them.

use std::io::Write;

use tokio::io::AsyncWriteExt;
use tokio::net::UdpSocket;
use ward_intake::Reason;

use crate::kit::Hub;

const SOURCE: &str = "source = \"leeds\"";
const MESSAGE: &str = r#"{"version":"1.1","host":"ws","short_message":"gelf 0","level":4,"_logger":"g"}"#;
const RECORD: &str = "{\"version\":\"1.1\",\"host\":\"ws\",\"short_message\":\"gelf 0\",\"level\":4,\"logger\":\"g\",\"message\":\"gelf 0\"}\n";

async fn send(hub: &Hub, datagrams: &[Vec<u8>]) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in datagrams {
        socket.send_to(datagram, hub.address()).await.unwrap();
    }
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn datagrams_come_plain_packed_and_in_parts() {
    let hub = Hub::with("gelf_udp", SOURCE).await;
    let packed = zlib(MESSAGE.as_bytes());
    let (first, second) = packed.split_at(20);
    let part = |number: u8, bytes: &[u8]| [b"\x1e\x0f12345678".as_slice(), &[number, 2], bytes].concat();
    let gzip = crate::events::gzip(MESSAGE.as_bytes());
    send(&hub, &[MESSAGE.into(), packed.clone(), gzip, part(1, second), part(0, first)]).await;
    hub.events(4).await;
    assert_eq!(hub.text(), RECORD.repeat(4));
}

#[tokio::test]
async fn datagrams_that_are_no_message_are_set_aside() {
    let hub = Hub::with("gelf_udp", SOURCE).await;
    send(&hub, &[b"hello".to_vec(), b"\x1e\x0f1".to_vec(), b"\x78\x9cbroken".to_vec(), MESSAGE.into()]).await;
    hub.events(1).await;
    let figures = hub.figures();
    assert_eq!((figures.set_aside(Reason::Gelf), figures.set_aside(Reason::GelfParts)), (2, 1));
    assert_eq!(hub.letters()[0].bytes, b"hello");
}

#[tokio::test]
async fn a_stream_is_cut_at_nul() {
    let hub = Hub::with("gelf_tcp", "source = \"leeds\"\nlimits = { message_bytes = 200 }").await;
    let stream = format!("{MESSAGE}\0nonsense\0{}\0{MESSAGE}\0{MESSAGE}", "x".repeat(1000));
    hub.connect().await.write_all(stream.as_bytes()).await.unwrap();
    hub.events(3).await;
    assert_eq!(hub.text(), RECORD.repeat(3));
    assert_eq!(hub.letters()[0].bytes, b"nonsense");
    let figures = hub.figures();
    assert_eq!(figures.refused(Reason::MessageTooLong) + figures.set_aside(Reason::Gelf), 2);
}

#[tokio::test]
async fn syslog_datagrams_are_messages_whatever_they_hold() {
    let hub = Hub::with("syslog_udp", SOURCE).await;
    send(&hub, &[b"<36>1 - ws sshd - - - one\n".to_vec(), b"<36>two\nlines".to_vec(), b"\n".to_vec()]).await;
    hub.events(2).await;
    let text = hub.text();
    assert!(text.contains("<36>1 - ws sshd - - - one") && text.contains("13 <36>two\nlines"), "{text}");
}

#[tokio::test]
async fn a_burst_of_datagrams_arrives() {
    let hub = Hub::with("syslog_udp", SOURCE).await;
    let datagrams: Vec<Vec<u8>> = (0..500).map(|n| format!("<36>message {n}").into_bytes()).collect();
    send(&hub, &datagrams).await;
    hub.until(|hub| hub.figures().events.get() + hub.figures().refused(Reason::DroppedByKernel) >= 500).await;
    assert_eq!(hub.figures().requests.get(), hub.figures().events.get());
}
