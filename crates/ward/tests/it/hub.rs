//! The hub as those who run it see it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::desk::event;
use crate::running::{Hub, until};

#[test]
fn what_a_source_sends_becomes_an_alert_and_can_be_searched() {
    let mut hub = Hub::new();
    hub.start();
    let lines = [event(1, "PACS01", "whoami"), event(2, "PACS01", "vssadmin delete shadows")].join("\n");
    assert_eq!(hub.post(&lines, "a"), Some(200));
    until("an alert", || hub.rows(&["alerts", "--format", "json"]).len() == 1);
    let alerts = hub.rows(&["alerts", "--format", "json"]);
    assert_eq!(alerts[0]["title"], "shadow");
    until("the event is in the lake", || {
        hub.rows(&["hunt", "device:pacs01 AND \"delete shadows\"", "--format", "json"]).len() == 1
    });
    assert!(hub.ward(&["verify"]).contains("unbroken"));
    assert_eq!(hub.post(&lines, "a"), Some(200), "the same again");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(hub.rows(&["hunt", "*", "--format", "json"]).len(), 2, "is not stored again");
}

#[test]
fn an_address_in_prose_and_a_column_of_a_table_can_be_hunted() {
    let mut hub = Hub::new();
    hub.start();
    let mut sender = TcpStream::connect(&hub.syslog).unwrap();
    let message =
        "<38>Nov 23 10:00:00 web1 sshd[77]: Failed password for root from 203.0.113.7 port 22 ssh2\n";
    sender.write_all(message.as_bytes()).unwrap();
    drop(sender);
    let found = |query: &str| hub.rows(&["hunt", query, "--format", "json"]);
    until("the message is in the lake", || found("ip:203.0.113.7").len() == 1);
    assert_eq!(found("procid:77 facility:auth").len(), 1);

    let head = "when,Ward,logsource.product,What";
    let rows =
        ["2026-11-23T10:00:00Z,ICU,doors,\"opened, from outside\"", "2026-11-23T10:00:01Z,A7,doors,closed"];
    let table = hub.desk.write("doors.csv", format!("{head}\n{}\n", rows.join("\n"))).display().to_string();
    hub.ward(&["ingest", &table, "--no-progress", "--hub", &format!("http://{}", hub.address)]);
    until("the table is in the lake", || found("Ward:*").len() == 2);
    let icu = found("Ward:icu");
    assert_eq!((icu.len(), &icu[0]["raw"]), (1, &Value::from(format!("{head}\n{}", rows[0]))));
    assert!(found("Ward:Ward OR What:A7").is_empty());

    let rule = "title: opened\nid: opened\nlevel: low\nlogsource: {product: doors}\n\
                detection: {sel: {What|startswith: 'opened, from'}, condition: sel}\n";
    let rule = hub.desk.write("opened.yml", rule).display().to_string();
    let hits = hub.rows(&["hunt", "--rule", &rule, "--format", "json"]);
    assert_eq!((hits.len(), &hits[0]["event"]), (1, &icu[0]["id"]));
}

#[test]
fn short_rows_under_a_long_header_do_not_fill_the_lake_with_headers() {
    let mut hub = Hub::new();
    hub.start();
    let head: Vec<String> = (0..1_000).map(|n| format!("column{n}")).collect();
    let (head, rows) = (head.join(","), "7,1\n".repeat(2_000));
    let table = format!("{head}\n{rows}");
    let answer = hub.post_to("/ingest/v1/events?format=csv", "Bearer", &table, "a").unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let count = |query: &str| hub.rows(&["hunt", query, "--format", "json", "--limit", "5000"]).len();
    until("all rows are in the lake", || count("format:csv") == 2_000);
    let with_head = count("column0:7");
    assert!(with_head > 0 && with_head * head.len() <= 32 * table.len(), "{with_head}");
}

#[test]
fn a_rule_that_is_added_is_in_force_without_a_restart_and_a_bad_one_stops_nothing() {
    let mut hub = Hub::new();
    hub.start();
    hub.desk.write("rules/bad.yml", "title: broken\ndetection: [");
    hub.desk.write("rules/who.yml", crate::desk::rule("who", "low", "whoami"));
    let mut sent = 0;
    until("the new rule finds something", || {
        sent += 1;
        assert_eq!(hub.post(&event(sent, "PC1", "whoami"), &sent.to_string()), Some(200));
        std::thread::sleep(Duration::from_millis(200));
        !hub.rows(&["alerts", "--format", "json"]).is_empty()
    });
}

#[test]
fn what_is_sent_again_is_known_though_its_segment_is_gone_and_the_hub_was_killed() {
    let mut hub = Hub::new();
    hub.start();
    let nothing_waits = |hub: &Hub| hub.figure("ward_journal_segments") == Some(0.0);
    for batch in 0..3 {
        assert_eq!(hub.post(&event(batch, "PC1", "whoami"), &batch.to_string()), Some(200));
        until("nothing waits", || nothing_waits(&hub));
    }
    hub.kill();
    hub.start();
    for batch in 0..4 {
        assert_eq!(hub.post(&event(batch, "PC1", "whoami"), &batch.to_string()), Some(200));
    }
    until("the new one is in the lake", || {
        nothing_waits(&hub) && hub.rows(&["hunt", "*", "--format", "json"]).len() >= 4
    });
    assert_eq!(hub.rows(&["hunt", "*", "--format", "json"]).len(), 4);
}

#[test]
fn each_acknowledged_event_is_there_exactly_once_however_often_the_hub_is_killed() {
    let mut hub = Hub::new();
    hub.start();
    let mut acknowledged = 0_u32;
    for round in 0..5_u32 {
        let until_killed = 10 + round * 7;
        for n in 0..until_killed {
            let batch = round * 100 + n;
            let lines: Vec<String> = (0..3)
                .map(|at| {
                    event(at, &format!("PC-{batch}-{at}"), if at == 0 { "delete shadows" } else { "whoami" })
                })
                .collect();
            // Whoever gets no answer sends the same again, as the key says.
            if n + 1 == until_killed {
                let first = std::thread::scope(|scope| {
                    let sending = scope.spawn(|| hub.post(&lines.join("\n"), &batch.to_string()));
                    std::thread::sleep(Duration::from_millis(u64::from(round) * 2));
                    sending.join().unwrap()
                });
                hub.kill();
                hub.start();
                if first.is_some() {
                    acknowledged += 1;
                    continue;
                }
            }
            until("an answer", || hub.post(&lines.join("\n"), &batch.to_string()) == Some(200));
            acknowledged += 1;
        }
    }
    let events = || hub.rows(&["hunt", "*", "--format", "json", "--limit", "100000"]);
    until("all events are in the lake", || events().len() >= acknowledged as usize * 3);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for row in events() {
        *seen.entry(row["device"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(seen.len(), acknowledged as usize * 3);
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
    let alerts = hub.rows(&["alerts", "--format", "json", "--limit", "10000"]);
    assert_eq!(alerts.len(), acknowledged as usize, "one finding for each first event");
    assert!(alerts.iter().all(|alert| alert["count"] == 1));
    assert!(hub.ward(&["verify"]).contains("unbroken"));
}

#[test]
fn old_files_that_are_sent_in_tell_the_hub_what_they_tell_detect() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/samples");
    let mut hub = Hub::new();
    let own_rules = format!("rules = [\"{}/rules\"]", hub.desk.path().display());
    let config = std::fs::read_to_string(hub.config()).unwrap();
    assert!(config.contains(&own_rules));
    // None named: the rules that come with Ward, as for detect. What old events fulfil is told at once, so that
    // nobody has to wait until all of them have come.
    std::fs::write(hub.config(), config.replace(&own_rules, "late_quiet_seconds = 3600")).unwrap();
    hub.start();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let detected = hub.rows(&["detect", samples, "--format", "json", "--no-summary", "--no-progress"]);
    let mut expected: Vec<_> =
        detected.iter().map(|finding| (text(&finding["rule"]["id"]), text(&finding["time"]))).collect();
    expected.sort();
    let correlated = detected.iter().filter(|finding| finding["event"]["first"].is_string()).count();
    assert!(expected.len() > 50 && correlated > 10, "{correlated}, {expected:?}");
    hub.ward(&["ingest", samples, "--no-progress", "--hub", &format!("http://{}", hub.address)]);
    let alerts = || hub.rows(&["alerts", "--format", "json", "--limit", "10000"]);
    until("the hub has found as much as detect", || {
        let counts = alerts().iter().map(|alert| alert["count"].as_u64().unwrap()).sum::<u64>();
        counts as usize >= expected.len()
    });
    let mut told = Vec::new();
    for alert in alerts() {
        let show =
            ["alerts", "show", alert["id"].as_str().unwrap(), "--findings", "1000", "--format", "json"];
        for finding in hub.rows(&show)[0]["findings"].as_array().unwrap() {
            told.push((text(&alert["rule"]), text(&finding["time"])));
        }
    }
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn what_did_not_happen_in_old_files_is_told_soon_after_they_have_come() {
    let mut hub = Hub::new();
    let config = std::fs::read_to_string(hub.config()).unwrap();
    std::fs::write(hub.config(), config.replace("[watch]", "[watch]\nlate_quiet_seconds = 1")).unwrap();
    let base = crate::desk::rule("started", "low", "backup start").replace("title", "name: started\ntitle");
    let rare = "---\ntitle: rare\nid: rare\nstatus: test\nlevel: high\ncorrelation: {type: event_count, \
                rules: [started], group-by: [Hostname], timespan: 1h, condition: {lt: 2}}\n";
    hub.desk.write("rules/rare.yml", base + rare);
    hub.start();
    // Two within an hour, and one by itself; all of them older than what happens now.
    let old = |second, host| event(second, host, "backup start").replace("2026-11-23", "2026-03-17");
    let lines = [old(1, "PACS01"), old(2, "PACS02"), old(3, "PACS01")].join("\n");
    assert_eq!(hub.post(&lines, "a"), Some(200));
    until("the correlation is decided", || {
        let alerts = hub.rows(&["alerts", "--min-level", "high", "--format", "json"]);
        alerts.iter().any(|alert| alert["title"] == "rare" && alert["count"] == 1)
    });
}

#[test]
fn whoever_asks_where_no_hub_is_is_told_so_and_nothing_is_made() {
    let desk = crate::desk::Desk::new();
    let folder = desk.path().join("nowhere");
    let config = desk.write("ward.toml", format!("[data]\nfolder = \"{}\"\n", folder.display()));
    for words in [&["alerts"][..], &["hunt", "x"], &["verify"], &["source", "list"], &["deadletter", "list"]]
    {
        let ran = desk.ward(&[words, &["--config", &config.display().to_string()]].concat());
        assert_eq!(ran.code(), 2, "{words:?}: {}", ran.out());
        assert!(ran.err().contains("nowhere/ward.db") && ran.err().contains("--config"), "{}", ran.err());
    }
    assert!(!folder.exists());
}
