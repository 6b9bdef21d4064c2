//! `systemd-journal-upload`.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use ward_intake::Reason;

use crate::kit::{Hub, LEEDS, answer};

const EXPORT: (&str, &str) = ("Content-Type", "application/vnd.fdo.journal");
const ENTRY: &str = "__REALTIME_TIMESTAMP=1764142487000000\nMESSAGE=hello from journal\nPRIORITY=4\n\n";
const RECORD: &str =
    "{\"__REALTIME_TIMESTAMP\":\"1764142487000000\",\"MESSAGE\":\"hello from journal\",\"PRIORITY\":\"4\"}\n";

#[tokio::test]
async fn entries_are_kept_while_the_request_goes_on_and_answered_at_its_end() {
    let hub = Hub::with("http", "").await;
    let mut stream = hub.connect().await;
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}: {}\r\n{}: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        LEEDS.0, LEEDS.1, EXPORT.0, EXPORT.1
    );
    let chunk = format!("{:x}\r\n{ENTRY}\r\n", ENTRY.len());
    stream.write_all(format!("{head}{chunk}").as_bytes()).await.unwrap();
    hub.events(1).await;
    assert_eq!(hub.only(), ("leeds".to_owned(), "ndjson".to_owned(), RECORD.to_owned()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(format!("{chunk}0\r\n\r\n").as_bytes()).await.unwrap();
    let answer = answer(&mut stream).await;
    assert_eq!((answer.status, answer.text().as_str()), (202, "OK.\n"));
    assert_eq!(hub.text(), RECORD.repeat(2));
}

#[tokio::test]
async fn what_is_no_export_is_set_aside_and_what_came_before_it_kept() {
    let hub = Hub::with("http", "").await;
    let body = format!("{ENTRY}no export\n");
    assert_eq!(hub.ask("POST", "/upload", &[LEEDS, EXPORT], body.as_bytes()).await.status, 400);
    assert_eq!(hub.text(), RECORD);
    assert_eq!(
        (hub.letters()[0].reason, hub.letters()[0].bytes.as_slice()),
        (Reason::JournalExport, &b"no export\n"[..])
    );
    assert_eq!(hub.ask("POST", "/upload", &[LEEDS], ENTRY.as_bytes()).await.status, 415);
    assert_eq!(hub.ask("POST", "/upload", &[EXPORT], ENTRY.as_bytes()).await.status, 401);
}
