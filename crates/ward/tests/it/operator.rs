//! What an operator does wrong on a long day, and what he is told.

use crate::desk::{Desk, Ran, event, rule};
use crate::dice::Dice;
use crate::postgres;
use crate::running::{Hub, free_address, until};

fn ward(desk: &Desk, words: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = desk.command(words);
    command.env("WARD_CONFIG", desk.path().join("ward.toml")).envs(environment.iter().copied());
    Ran(command.output().unwrap())
}

/// A desk with this configuration, and no hub.
fn desk(settings: &str) -> Desk {
    let desk = Desk::new();
    let folder = desk.path().join("data");
    desk.write("ward.toml", format!("[data]\nfolder = \"{}\"\n{settings}", folder.display()));
    desk
}

#[test]
fn the_environment_overrides_a_setting_and_what_it_sets_wrongly_is_refused() {
    let desk = desk("[lake]\nretention_days = 30\n");
    let shown = |environment: &[_]| {
        let ran = ward(&desk, &["config", "show"], environment);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        ran.out().lines().find(|line| line.starts_with("retention_days = ")).unwrap().to_owned()
    };
    assert!(shown(&[]).starts_with("retention_days = 30 "));
    let line = shown(&[("WARD_LAKE__RETENTION_DAYS", "7")]);
    assert!(
        line.starts_with("retention_days = 7 ") && line.ends_with("# WARD_LAKE__RETENTION_DAYS"),
        "{line}"
    );
    for (name, value, said) in [
        ("WARD_LAKE__RETENTION_DAYS", "soon", "soon"),
        ("WARD_LAKE__RETENTION_DAY", "7", "retention_day"),
        ("WARD_DEAD_LETTERS__DAYS", "0", "nonzero"),
    ] {
        for words in [["config", "check"], ["organisation", "list"]] {
            let ran = ward(&desk, &words, &[(name, value)]);
            assert_eq!(ran.code(), 2, "{name}={value}: {}", ran.out());
            assert!(ran.err().contains(said) && ran.err().contains("environment"), "{}", ran.err());
        }
    }
}

#[test]
fn the_check_of_a_configuration_finds_what_would_keep_the_hub_from_starting() {
    let http = |rest: &str| format!("[[intake.http]]\nname = \"http\"\n{rest}");
    for (settings, said) in [
        (http("listen = \"0.0.0.0:0\""), "plain_text_off_loopback"),
        (
            http("listen = \"127.0.0.1:0\"\ntls = { certificate = \"gone.pem\", key = \"gone.key\" }"),
            "gone.pem",
        ),
        ("[watch]\nrules = [\"gone\"]".to_owned(), "gone"),
        ("[dead_letters]\ndays = 0".to_owned(), "nonzero"),
        ("[[intake.syslog_tcp]]\nname = \"s\"\nlisten = \"127.0.0.1:0\"".to_owned(), "needs a `source`"),
    ] {
        let desk = desk(&settings);
        for words in [&["config", "check"][..], &["serve"]] {
            let ran = ward(&desk, words, &[]);
            assert_eq!(ran.code(), 2, "{words:?} with {settings}: {}", ran.out());
            assert!(ran.err().contains(said), "{words:?}: {}", ran.err());
        }
        assert!(!desk.path().join("data").exists(), "nothing was made");
    }
    let good = desk(&http("listen = \"127.0.0.1:0\""));
    assert_eq!(ward(&good, &["config", "check"], &[]).code(), 0);
}

#[test]
fn organisations_are_listed_only_where_a_hub_was_begun() {
    let desk = desk("");
    let ran = ward(&desk, &["organisation", "list"], &[]);
    assert_eq!(ran.code(), 2, "{}", ran.out());
    assert!(ran.err().contains("data/ward.db"), "{}", ran.err());
    assert!(!desk.path().join("data").exists());
    let add = ["organisation", "add", "RXX", "--name", "Riverside", "--kind", "organisation"];
    assert_eq!(ward(&desk, &add, &[]).code(), 0);
    assert!(ward(&desk, &["organisation", "list"], &[]).out().contains("Riverside"));
}

#[test]
fn whoever_sends_to_a_hub_that_is_away_is_told_that_it_is_waited_for() {
    let desk = Desk::new();
    let events = desk.write("events.json", "{\"a\":1}\n").display().to_string();
    let hub = format!("http://{}", free_address());
    let ran = desk.ward(&["ingest", &events, "--hub", &hub, "--patience", "1", "--no-progress"]);
    assert_eq!(ran.code(), 2);
    assert_eq!(ran.err().matches("Waiting for the hub").count(), 1, "once: {}", ran.err());
    assert!(ran.err().contains("Stopped at"), "{}", ran.err());
}

#[test]
fn the_hub_may_be_its_own_collector_of_log_records() {
    let mut hub = Hub::new();
    let collector = free_address();
    let token = hub.desk.write("log.token", &hub.token);
    let mut config = std::fs::read_to_string(hub.config()).unwrap();
    config.push_str(&format!("[[intake.http]]\nname = \"otlp\"\nlisten = \"{collector}\"\n"));
    config.push_str(&format!("[log]\notlp = \"http://{collector}/v1/logs\"\n"));
    config.push_str(&format!("otlp_token_file = \"{}\"\n", token.display()));
    std::fs::write(hub.config(), config).unwrap();
    hub.start();
    let found = |hub: &Hub| hub.rows(&["hunt", "\"the hub is ready\"", "--format", "json"]);
    until("its own log record", || !found(&hub).is_empty());
    let raw = found(&hub)[0]["raw"].as_str().unwrap().to_owned();
    assert!(raw.contains("service.name") && raw.contains("\"ward\""), "whose it is: {raw}");
}

#[test]
fn a_collector_in_plain_text_on_another_machine_is_refused() {
    let desk = desk("[log]\notlp = \"http://collector.example:4318/v1/logs\"\n");
    let ran = ward(&desk, &["serve"], &[]);
    assert_eq!(ran.code(), 2);
    assert!(ran.err().contains("collector.example") && ran.err().contains("use https"), "{}", ran.err());
}

#[test]
fn a_batch_of_much_that_is_no_event_is_set_aside_once_and_long_names_stop_nothing() {
    let mut hub = Hub::new();
    hub.start();
    let post = |format: &str, body: &str| {
        ureq::post(format!("http://{}/ingest/v1/events?format={format}", hub.address))
            .header("Authorization", format!("Bearer {}", hub.token))
            .send(body)
            .unwrap()
            .status()
    };
    let ones = format!("[{}1]", "1,".repeat(100_000));
    assert_eq!(post("json", &ones), 200);
    let long = "x".repeat(100_000);
    assert_eq!(post("ndjson", &format!("{{\"Hostname\":\"{long}\",\"note\":\"after\"}}\n")), 200);
    until("what came after", || !hub.rows(&["hunt", "after", "--format", "json"]).is_empty());
    until("one letter", || !hub.rows(&["deadletter", "list", "--format", "json"]).is_empty());
    assert_eq!(hub.rows(&["deadletter", "list", "--format", "json"]).len(), 1);
}

#[test]
fn a_statement_that_takes_too_much_ends_itself_and_not_the_hub() {
    let mut hub = Hub::new();
    let config = std::fs::read_to_string(hub.config()).unwrap();
    std::fs::write(hub.config(), config + "[hunt]\nseconds = 3\nmemory_megabytes = 64\n").unwrap();
    hub.start();
    let events: String = (0..100).map(|i| format!("{{\"Hostname\":\"pc{i}\",\"i\":{i}}}\n")).collect();
    assert_eq!(hub.post(&events, "k"), Some(200));
    until("its events", || hub.rows(&["hunt", "i:*", "--limit", "1000", "--format", "json"]).len() == 100);
    let analyst = hub.ward(&["token", "issue", "--label", "analyst", "--role", "analyst", "--whole-sector"]);
    let ask = |sql: &str| {
        let answer = ureq::post(format!("http://{}/api/v1/sql", hub.address))
            .header("Authorization", format!("Bearer {}", analyst.trim()))
            .config()
            .http_status_as_error(false)
            .build()
            .send(serde_json::json!({ "sql": sql }).to_string());
        let mut answer = answer.unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default())
    };
    until("the token", || ask("SELECT 1").0 == 200);
    assert_eq!(ask("SELECT count(*) AS n FROM events"), (200, "{\"n\":100}\n".to_owned()));
    let doubled =
        |level: usize| format!(", c{level} AS (SELECT * FROM c{0} UNION ALL SELECT * FROM c{0})", level - 1);
    let doubled = (1..40).map(doubled).collect::<String>();
    for sql in [
        "SELECT length(repeat(device, 1000000000)) FROM events".to_owned(),
        "SELECT lpad(device, 2000000000, device) FROM events".to_owned(),
        format!("WITH c0 AS (SELECT 1 AS x){doubled} SELECT count(*) FROM c39"),
    ] {
        let (status, told) = ask(&sql);
        assert!(matches!(status, 422 | 500 | 503), "{sql}: {status} {told}");
        assert_eq!(ask("SELECT count(*) AS n FROM events").0, 200, "after {sql}");
    }
    assert!(hub.is_ready());
    let status = std::fs::read_to_string(format!("/proc/{}/status", hub.id())).unwrap_or_default();
    if let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 600_000, "the hub itself took {peak}");
    }
}

#[test]
fn a_finding_that_the_database_never_takes_is_set_aside_and_holds_up_no_other() {
    let store = match postgres::schema() {
        Ok(store) => store,
        Err(why) => return postgres::say_skipped(&why),
    };
    let mut hub = Hub::over(store, "");
    // An index of PostgreSQL takes no key that long, however it is packed.
    let mut dice = Dice::new(1);
    let long: String = (0..20_000).map(|_| format!("{:x}", dice.below(16))).collect();
    let rules =
        [rule("shadow", "high", "one").replace("id: shadow", "id: short"), rule("odd", "high", "odd")];
    hub.desk.write("rules/shadow.yml", &rules[0]);
    hub.desk.write("rules/odd.yml", rules[1].replace("id: odd", &format!("id: {long}")));
    hub.start();
    let events: String =
        (0..40).map(|i| event(i, "pc", if i == 7 { "one odd" } else { "one" }) + "\n").collect();
    assert_eq!(hub.post(&events, "k"), Some(200));
    until("the other findings", || hub.figure("ward_findings_total{level=\"high\"}") == Some(40.0));
    let letters = || hub.rows(&["deadletter", "list", "--format", "json"]);
    until("its letter", || !letters().is_empty());
    assert_eq!((letters().len(), letters()[0]["reason"].as_str()), (1, Some("unstorable")));
    assert!(hub.is_ready(), "{}", hub.log());
}

#[test]
fn a_record_that_cannot_be_read_is_set_aside_as_it_was_framed() {
    let mut hub = Hub::new();
    hub.start();
    let (bad, good) = (&b"<34>1 - pc app - - - caf\xe9\nsecond line"[..], &b"<34>1 - pc app - - - well"[..]);
    let frame = |message: &[u8]| [format!("{} ", message.len()).as_bytes(), message].concat();
    let mut stream = std::net::TcpStream::connect(&hub.syslog).unwrap();
    std::io::Write::write_all(&mut stream, &[frame(good), frame(bad), frame(good)].concat()).unwrap();
    drop(stream);
    let letters = || hub.rows(&["deadletter", "list", "--format", "json"]);
    until("its letter", || !letters().is_empty());
    let id = letters()[0]["id"].as_str().unwrap().to_owned();
    let raw = hub.command(&["deadletter", "show", &id, "--raw"]).output().unwrap().stdout;
    assert_eq!(raw.escape_ascii().to_string(), frame(bad).escape_ascii().to_string());
}

#[test]
fn a_letter_that_is_larger_than_a_body_may_be_is_refused_with_the_reason_and_not_tried_for_ever() {
    let mut hub = Hub::new();
    hub.start();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &b"{x}\n".repeat(5_000_000)).unwrap();
    let answer = ureq::post(format!("http://{}/ingest/v1/events?format=ndjson", hub.address))
        .header("Authorization", format!("Bearer {}", hub.token))
        .header("Content-Encoding", "gzip")
        .send(&packed.finish().unwrap()[..]);
    assert_eq!(answer.unwrap().status(), 200);
    let letters = || hub.rows(&["deadletter", "list", "--format", "json"]);
    until("its letter", || !letters().is_empty());
    let id = letters()[0]["id"].as_str().unwrap().to_owned();
    let hub_url = format!("http://{}", hub.address);
    let replay = ["deadletter", "replay", &id, "--hub", &hub_url, "--patience", "20"];
    let ran = hub.command(&replay).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(2) && told.contains("longer than 16777216 bytes"), "{told}");
}

#[test]
fn what_is_set_aside_again_by_a_replay_is_not_replayed_by_it() {
    let mut hub = Hub::new();
    hub.start();
    assert_eq!(hub.post("{x}\n", "k"), Some(200));
    let letters = || hub.rows(&["deadletter", "list", "--format", "json"]);
    until("its letter", || letters().len() == 1);
    let reason = letters()[0]["reason"].as_str().unwrap().to_owned();
    let hub_url = format!("http://{}", hub.address);
    let replay = ["deadletter", "replay", "--reason", &reason, "--hub", &hub_url];
    hub.ward(&replay);
    until("it again", || letters().len() == 2);
    hub.ward(&replay);
    until("both again", || letters().len() == 4);
    // Nor does a token of others make it theirs.
    hub.ward(&["organisation", "add", "RYY", "--name", "Lakeside", "--kind", "organisation"]);
    hub.ward(&["source", "add", "ryy", "--organisation", "RYY"]);
    let token = hub.ward(&["token", "issue", "--label", "lake", "--source", "ryy"]);
    let ran = hub.command(&replay).env("WARD_TOKEN", token.trim()).output().unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.code() == Some(2) && told.contains("of RXX, and the token of RYY"), "{told}");
    assert_eq!(letters().len(), 4);
}

#[test]
fn a_source_that_sends_what_nobody_can_read_fills_its_own_room_only_and_that_is_told() {
    let mut hub = Hub::with("tidy_seconds = 1\n[dead_letters]\nmegabytes_of_source = 1");
    hub.start();
    let junk = |nth: usize| format!("{{{}", nth.to_string().repeat(400_000));
    let letters = || hub.rows(&["deadletter", "list", "--format", "json"]);
    let first = |letters: &[serde_json::Value]| letters[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(hub.post(&junk(1), "1"), Some(200));
    until("its letter", || !letters().is_empty());
    let oldest = first(&letters());
    for nth in 2..5 {
        assert_eq!(hub.post(&junk(nth), &nth.to_string()), Some(200));
    }
    let told = || {
        let listed = hub.command(&["deadletter", "list"]).output().unwrap();
        String::from_utf8_lossy(&listed.stderr).into_owned()
    };
    until("what went", || {
        told().contains("Dropped of rxx (RXX): 2 records, 800.0 kB, more than [dead_letters]")
    });
    assert_eq!(letters().len(), 2);
    assert_ne!(first(&letters()), oldest);
    until("a line of the log", || hub.log().contains("there are more than are kept of one"));
}
