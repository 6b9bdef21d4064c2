//! Beats, as pylogbeat and Filebeat speak it.

use std::io::Write;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ward_intake::{Reason, Refusal};

use crate::kit::Hub;

const SOURCE: &str = "source = \"leeds\"";

fn events(numbers: std::ops::RangeInclusive<u32>) -> Vec<u8> {
    let event = |number: u32| {
        let json = format!("{{\"message\":\"m{number}\"}}");
        [b"2J".as_slice(), &number.to_be_bytes(), &(json.len() as u32).to_be_bytes(), json.as_bytes()]
            .concat()
    };
    numbers.flat_map(event).collect()
}

fn window(events: u32) -> Vec<u8> {
    [b"2W".as_slice(), &events.to_be_bytes()].concat()
}

fn packed(frames: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(frames).unwrap();
    let packed = encoder.finish().unwrap();
    [b"2C".as_slice(), &(packed.len() as u32).to_be_bytes(), &packed].concat()
}

async fn acknowledgement(stream: &mut TcpStream) -> u32 {
    let mut bytes = [0; 6];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut bytes)).await;
    assert!(matches!(read, Ok(Ok(_))), "{read:?}");
    assert_eq!(&bytes[..2], b"2A");
    u32::from_be_bytes(bytes[2..].try_into().unwrap())
}

async fn closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(read.is_ok(), "still open");
    rest
}

#[tokio::test]
async fn a_window_is_one_batch_and_acknowledged_by_its_last_number() {
    let hub = Hub::with("beats", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.write_all(&[window(3), packed(&events(1..=3))].concat()).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, 3);
    // pylogbeat counts on, Filebeat begins anew; unpacked frames are as good.
    stream.write_all(&[window(2), events(4..=5)].concat()).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, 5);
    stream.write_all(&[window(1), packed(&events(1..=1))].concat()).await.unwrap();
    assert_eq!(acknowledgement(&mut stream).await, 1);
    let batches = hub.batches();
    assert_eq!((batches.len(), batches[0].format.as_str()), (3, "ndjson"));
    assert!(hub.text().starts_with("{\"message\":\"m1\"}\n{\"message\":\"m2\"}\n"));
}

#[tokio::test]
async fn frames_cut_anywhere_arrive_whole() {
    let hub = Hub::with("beats", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in [window(2), packed(&events(1..=1)), packed(&events(2..=2))].concat() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(acknowledgement(&mut stream).await, 2);
    assert_eq!(hub.batches().len(), 1);
}

#[tokio::test]
async fn a_large_window_is_acknowledged_in_parts() {
    let hub = Hub::with("beats", "source = \"leeds\"\nlimits = { batch_bytes = 1 }").await;
    let mut stream = hub.connect().await;
    stream.write_all(&[window(6000), packed(&events(1..=6000))].concat()).await.unwrap();
    let first = acknowledgement(&mut stream).await;
    assert!(first < 6000, "{first}");
    while acknowledgement(&mut stream).await < 6000 {}
    assert_eq!(hub.figures().events.get(), 6000);
}

#[tokio::test]
async fn while_the_journal_takes_its_time_there_are_signs_of_life() {
    let hub = Hub::with("beats", SOURCE).await;
    hub.delay(Duration::from_millis(5500));
    let mut stream = hub.connect().await;
    stream.write_all(&[window(1), events(1..=1)].concat()).await.unwrap();
    assert_eq!([acknowledgement(&mut stream).await, acknowledgement(&mut stream).await], [0, 1]);
}

#[tokio::test]
async fn a_refusal_closes_the_connection_without_an_acknowledgement() {
    let hub = Hub::with("beats", SOURCE).await;
    hub.refuse(&[Refusal::Full { retry_after: Duration::from_secs(1) }]);
    let mut stream = hub.connect().await;
    stream.write_all(&[window(1), events(1..=1)].concat()).await.unwrap();
    assert!(closed(&mut stream).await.is_empty());
    assert_eq!(hub.figures().refused(Reason::JournalFull), 1);
}

#[tokio::test]
async fn what_is_no_frame_is_set_aside_and_what_came_before_it_kept() {
    let hub = Hub::with("beats", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.write_all(&[window(9), events(1..=2), b"GET / HTTP/1.1\r\n\r\n".to_vec()].concat()).await.unwrap();
    let rest = closed(&mut stream).await;
    assert_eq!(rest, b"2A\0\0\0\x02");
    assert_eq!(hub.letters()[0].bytes, b"GET / HTTP/1.1\r\n\r\n");
    for broken in [b"2C\0\0\0\x03xyz".to_vec(), packed(&packed(&events(1..=1)))] {
        let mut stream = hub.connect().await;
        stream.write_all(&[window(1), broken].concat()).await.unwrap();
        assert!(closed(&mut stream).await.is_empty());
    }
    assert_eq!(hub.figures().set_aside(Reason::Beats), 3);
}

#[tokio::test]
async fn bombs_are_not_unpacked() {
    let hub = Hub::with("beats", "source = \"leeds\"\nlimits = { unpacked_bytes = 100000 }").await;
    let mut stream = hub.connect().await;
    stream.write_all(&[window(1), packed(&vec![0; 1_000_000])].concat()).await.unwrap();
    assert!(closed(&mut stream).await.is_empty());
    assert_eq!(hub.figures().refused(Reason::TooLarge), 1);
    assert!(hub.batches().is_empty());
}
