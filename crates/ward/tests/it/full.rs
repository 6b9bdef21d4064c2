//! Disks that are full or take nothing: senders are told, nothing is lost, and it goes on when there is room.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::symlink;

use crate::desk::{Desk, event};
use crate::running::{Hub, until};
use crate::small_disk::SmallDisk;

/// Batches of two events, the first of which is found, and whether the hub said that it has them.
#[derive(Default)]
struct Sent {
    acknowledged: Vec<u32>,
    refused: Vec<u32>,
    next: u32,
    /// Names of hosts in messages of syslog.
    syslog: Vec<String>,
}

impl Sent {
    /// Sends another; tells what the hub said.
    fn send(&mut self, hub: &Hub) -> u16 {
        let batch = self.next;
        self.next += 1;
        let lines =
            [event(1, &format!("pc-{batch}-a"), "delete shadows"), event(2, &format!("pc-{batch}-b"), "who")];
        let status = hub.post(&lines.join("\n"), &format!("batch-{batch}")).unwrap();
        match status {
            200 => self.acknowledged.push(batch),
            503 => self.refused.push(batch),
            other => panic!("{other}"),
        }
        status
    }

    /// Sends a message by syslog, to which there is no answer.
    fn send_syslog(&mut self, hub: &Hub) {
        let name = format!("switch-{}", self.syslog.len());
        let message = format!("<13>1 2026-11-26T08:00:00Z {name} app - - - port down");
        let mut stream = TcpStream::connect(&hub.syslog).unwrap();
        write!(stream, "{} {message}", message.len()).unwrap();
        self.syslog.push(name);
    }

    /// All that was acknowledged is found once, with one finding each, and nothing that was refused.
    fn hold(&self, hub: &Hub) {
        let devices = || {
            let rows = hub.rows(&["hunt", "*", "--format", "json", "--limit", "100000"]);
            let mut seen: BTreeMap<String, u32> = BTreeMap::new();
            for row in rows {
                *seen.entry(row["device"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            seen
        };
        let all = self.acknowledged.len() * 2 + self.syslog.len();
        until("all is in the lake", || devices().len() >= all);
        until("nothing waits", || hub.figure("ward_journal_segments") == Some(0.0));
        let names = |batch: &u32| [format!("pc-{batch}-a"), format!("pc-{batch}-b")];
        let expected: BTreeMap<String, u32> = self
            .acknowledged
            .iter()
            .flat_map(names)
            .chain(self.syslog.clone())
            .map(|name| (name, 1))
            .collect();
        assert_eq!(devices(), expected);
        let alerts = hub.rows(&["alerts", "--format", "json", "--limit", "10000"]);
        assert_eq!(alerts.len(), self.acknowledged.len(), "one finding for each first event");
        assert!(alerts.iter().all(|alert| alert["count"] == 1));
        assert!(hub.ward(&["verify"]).contains("unbroken"));
    }
}

#[test]
fn a_full_disk_is_told_to_senders_and_nothing_is_lost() {
    let desk = Desk::new();
    let data = desk.path().join("small");
    let Some(disk) = SmallDisk::mount(&data, 24) else { return };
    let mut hub = Hub::at(desk, &data, "");
    hub.start();
    let mut sent = Sent::default();
    for _ in 0..3 {
        for _ in 0..10 {
            assert_eq!(sent.send(&hub), 200);
        }
        // What has just been acknowledged is not in the lake yet, and finds no room there.
        disk.fill();
        let line = event(1, "pc-refused", "who");
        for (path, scheme, body) in [
            ("/ingest/v1/events?format=ndjson", "Bearer", line.clone()),
            ("/services/collector/event", "Splunk", format!("{{\"event\":{line}}}")),
            ("/_bulk", "Bearer", format!("{{\"create\":{{}}}}\n{line}\n")),
        ] {
            let answer = hub.post_to(path, scheme, &body, "refused").unwrap();
            assert_eq!(answer.status(), 503, "{path}");
            assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0, "{path}");
        }
        // Who gets no answers is not read on until there is room.
        sent.send_syslog(&hub);
        until("lake or store fail, too", || {
            assert_eq!(sent.send(&hub), 503);
            hub.figure("ward_lake_failures_total").unwrap() > 0.0
                || hub.figure("ward_store_failing") == Some(1.0)
        });
        assert!(!hub.is_ready());
        disk.empty();
        until("it takes again", || sent.send(&hub) == 200);
        until("it is ready", || hub.is_ready());
        sent.hold(&hub);
        // Numbers of what was refused are gone, and those of what comes after a restart are new.
        hub.kill();
        hub.start();
    }
    assert_eq!(sent.send(&hub), 200);
    sent.hold(&hub);
    assert!(!sent.refused.is_empty());
    drop(disk); // or its folder could not be removed
}

#[test]
fn a_lake_that_cannot_be_written_is_tried_again_and_the_journal_keeps_its_events() {
    let mut hub = Hub::new();
    let lake = hub.data().join("lake");
    let Some(disk) = SmallDisk::mount(&lake, 4) else { return };
    hub.start();
    let mut sent = Sent::default();
    let send_some = |sent: &mut Sent| {
        for _ in 0..10 {
            assert_eq!(sent.send(&hub), 200, "the journal has room");
        }
    };
    let failures = || hub.figure("ward_lake_failures_total").unwrap();
    send_some(&mut sent);
    disk.fill();
    until("writing fails twice", || failures() >= 2.0);
    send_some(&mut sent);
    assert!(hub.is_ready(), "nobody has to wait for the lake");
    disk.empty();
    sent.hold(&hub);
    send_some(&mut sent);
    let before = failures();
    disk.protect(true);
    until("writing fails twice again", || failures() >= before + 2.0);
    send_some(&mut sent);
    disk.protect(false);
    sent.hold(&hub);
    drop(disk); // or its folder could not be removed
}

#[test]
fn a_store_that_cannot_be_written_is_tried_again_and_the_journal_keeps_its_events() {
    let desk = Desk::new();
    let (data, small) = (desk.path().join("data"), desk.path().join("small"));
    let Some(disk) = SmallDisk::mount(&small, 4) else { return };
    std::fs::create_dir(&data).unwrap();
    std::fs::write(small.join("ward.db"), "").unwrap();
    symlink(small.join("ward.db"), data.join("ward.db")).unwrap();
    let mut hub = Hub::at(desk, &data, "");
    hub.start();
    let mut sent = Sent::default();
    for _ in 0..3 {
        for _ in 0..10 {
            assert_eq!(sent.send(&hub), 200);
        }
        disk.fill();
        until("writing fails", || {
            assert_eq!(sent.send(&hub), 200, "the journal has room");
            hub.figure("ward_store_failing") == Some(1.0)
        });
        assert!(!hub.is_ready(), "it says that something is wrong");
        disk.empty();
        until("it is ready", || hub.is_ready());
        sent.hold(&hub);
    }
    drop(disk); // or its folder could not be removed
}
