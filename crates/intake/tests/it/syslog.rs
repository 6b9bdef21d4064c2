//! Syslog over TCP: what rsyslog, syslog-ng and logger send, and what nobody should.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ward_intake::{Reason, Refusal};

use crate::kit::Hub;

const SOURCE: &str = "source = \"leeds\"";

/// rsyslog with octet-counted framing: the message ends in a line feed.
const RSYSLOG: &str = "114 <36>1 2026-11-23T09:26:51.417036+00:00 ws-01 sshd - - -  Failed password for \
invalid user admin from 203.0.113.1 port 41\n";

#[tokio::test]
async fn counted_messages_become_frames() {
    let hub = Hub::with("syslog_tcp", SOURCE).await;
    let message = RSYSLOG.split_once(' ').unwrap().1;
    let stream = format!("{} {message}", message.len()).repeat(3);
    hub.connect().await.write_all(stream.as_bytes()).await.unwrap();
    hub.events(3).await;
    assert_eq!(hub.text(), stream);
    assert!(hub.batches().iter().all(|batch| batch.format == "syslog-frames"));
}

#[tokio::test]
async fn lines_stay_lines() {
    let hub = Hub::with("syslog_tcp", SOURCE).await;
    let stream =
        "<36>Nov 23 09:26:51 ws-01 sshd: Failed password for root\n<36>Nov 23 09:26:52 ws-01 su: x\n";
    hub.connect().await.write_all(stream.as_bytes()).await.unwrap();
    hub.events(2).await;
    let (source, format, payload) = hub.only();
    assert_eq!((source.as_str(), format.as_str(), payload.as_str()), ("leeds", "syslog", stream));
}

#[tokio::test]
async fn messages_cut_anywhere_arrive_whole() {
    let hub = Hub::with("syslog_tcp", SOURCE).await;
    let mut stream = hub.connect().await;
    stream.set_nodelay(true).unwrap();
    for part in ["<36>No", "v 23 09:26:51 ws a: x", "\n1", "1 <3", "6>1 line\n", "x<1>last without an end"] {
        stream.write_all(part.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    drop(stream);
    hub.events(3).await;
    let text = hub.text();
    for part in ["<36>Nov 23 09:26:51 ws a: x", "11 <36>1 line\nx", "<1>last without an end"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn too_long_a_message_is_set_aside_and_one_beyond_all_measure_counted() {
    let hub = Hub::with("syslog_tcp", "source = \"leeds\"\nlimits = { message_bytes = 100 }").await;
    let (long, endless) = ("y".repeat(200), "z".repeat(1000));
    let stream = format!("<1>{long}\n<1>a\n<1>{endless}\n<1>b\n");
    hub.connect().await.write_all(stream.as_bytes()).await.unwrap();
    hub.events(2).await;
    assert_eq!(hub.text(), "<1>a\n<1>b\n");
    let letter = &hub.letters()[0];
    assert_eq!(
        (letter.reason, letter.bytes.len(), letter.protocol),
        (Reason::MessageTooLong, 203, "syslog_tcp")
    );
    assert_eq!(hub.figures().refused(Reason::MessageTooLong), 1);
}

#[tokio::test]
async fn while_the_journal_refuses_nothing_is_lost_and_reading_stops() {
    let hub = Hub::with("syslog_tcp", "source = \"leeds\"\nlimits = { batch_bytes = 2000 }").await;
    let wait = Duration::from_millis(50);
    hub.refuse(&[Refusal::Full { retry_after: wait }, Refusal::Busy { retry_after: wait }]);
    let mut stream = hub.connect().await;
    let sent: String = (0..1000).map(|n| format!("<1>message number {n}\n")).collect();
    stream.write_all(sent.as_bytes()).await.unwrap();
    hub.events(1000).await;
    assert_eq!(hub.text(), sent);
    assert_eq!(hub.figures().refused(Reason::JournalFull), 1);
}

#[tokio::test]
async fn idle_connections_cannot_close_a_listener_and_who_spoke_keeps_the_place() {
    let hub =
        Hub::with("syslog_tcp", "source = \"leeds\"\nlimits = { connections = 2, silent_seconds = 1 }").await;
    let mut spoke = hub.connect().await;
    spoke.write_all(b"<1>first\n").await.unwrap();
    hub.events(1).await;
    let mut silent = hub.connect().await;
    hub.until(|hub| hub.figures().open.get() == 2).await;
    let mut rest = Vec::new();
    let _ = hub.connect().await.read_to_end(&mut rest).await;
    assert_eq!(hub.figures().refused(Reason::Connections), 1, "the silent one may still speak");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut new = hub.connect().await;
    new.write_all(b"<1>second\n").await.unwrap();
    hub.events(2).await;
    assert_eq!(silent.read_to_end(&mut rest).await.unwrap_or_default(), 0, "it is closed");
    assert_eq!((hub.figures().refused(Reason::Silent), hub.figures().open.get()), (1, 2));
    spoke.write_all(b"<1>third\n").await.unwrap();
    hub.events(3).await;
    let _ = hub.connect().await.read_to_end(&mut rest).await;
    assert_eq!(hub.figures().refused(Reason::Connections), 2, "both have spoken");
}

#[tokio::test]
async fn a_silent_forwarder_stays_while_there_is_room() {
    let hub =
        Hub::with("syslog_tcp", "source = \"leeds\"\nlimits = { connections = 3, silent_seconds = 1 }").await;
    let mut silent = hub.connect().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let _others = (hub.connect().await, hub.connect().await);
    hub.until(|hub| hub.figures().open.get() == 3).await;
    silent.write_all(b"<1>at last\n").await.unwrap();
    hub.events(1).await;
    assert_eq!(hub.figures().refused(Reason::Silent), 0);
}

#[tokio::test]
async fn a_listener_that_cannot_know_its_senders_does_not_start() {
    use ward_intake::{Counters, IntakeConfig, start};
    for (config, said) in [
        ("[[syslog_tcp]]\nname = \"x\"\nlisten = \"127.0.0.1:0\"", "needs a `source`"),
        (
            "[[syslog_tcp]]\nname = \"x\"\nlisten = \"0.0.0.0:0\"\nsource = \"leeds\"",
            "plain_text_off_loopback",
        ),
        ("[[syslog_tls]]\nname = \"x\"\nlisten = \"127.0.0.1:0\"\nsource = \"leeds\"", "needs `tls`"),
        (
            "[[http]]\nname = \"x\"\nlisten = \"127.0.0.1:0\"\n[[http]]\nname = \"x\"\nlisten = \"127.0.0.1:0\"",
            "has this name",
        ),
        ("[[http]]\nname = \"x\"\nlisten = \"192.0.2.1:80\"", "plain text"),
    ] {
        let config: IntakeConfig = toml::from_str(config).unwrap();
        let dependencies = crate::kit::dependencies(&Default::default(), &Counters::default().into());
        let error = start(&config, &dependencies).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn what_was_read_is_handed_over_when_ward_stops() {
    let hub = Hub::with("syslog_tcp", "source = \"leeds\"\nlimits = { batch_milliseconds = 60000 }").await;
    let mut stream = hub.connect().await;
    stream.write_all(b"<1>a\n<1>b\n").await.unwrap();
    hub.until(|hub| hub.figures().open.get() == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let inbox = std::sync::Arc::clone(&hub.inbox);
    assert!(hub.batches().is_empty());
    let Hub { running, counters, .. } = hub;
    assert!(running.stop(Duration::from_secs(5)).await);
    assert_eq!(counters.listeners()[0].events.get(), 2);
    drop(inbox);
}
