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
        (
            "WARD_LAKE__RETENTION_DAYS",
            "0",
            "WARD_LAKE__RETENTION_DAYS: lake.retention_days is 0, and must be",
        ),
        ("WARD_LOG__LEVEL", "shout", "WARD_LOG__LEVEL: log.level is 'shout', and must be"),
        ("WARD_DEAD_LETTERS__DAYS", "0", "dead_letters.days is 0, and must be from 1 to"),
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
        ("[dead_letters]\ndays = 0".to_owned(), "dead_letters.days is 0, and must be from 1 to"),
        ("[[intake.syslog_tcp]]\nname = \"s\"\nlisten = \"127.0.0.1:0\"".to_owned(), "needs a `source`"),
        (
            http("listen = \"localhost:8088\""),
            "'localhost:8088' is no address and port such as 127.0.0.1:8088",
        ),
        (
            http("listen = \"127.0.0.1:0\"\nlimits = { connections = 0 }"),
            "its connections is 0, and must be from 1",
        ),
        (
            "[log]\nlevel = \"shout\"".to_owned(),
            "log.level is 'shout', and must be error, warn, info, debug or trace",
        ),
        ("store = \"mysql://root:hunter2@db/ward\"".to_owned(), "'mysql' is no database"),
        ("[lake]\nretention_days = 0".to_owned(), "lake.retention_days is 0, and must be from 1 to 36500"),
        ("[lake]\nretention = { \"R X\" = 1 }".to_owned(), "lake.retention is by 'R X'"),
        (
            "[lake]\ncompression_level = 20".to_owned(),
            "lake.compression_level is 20, and must be from 1 to 19",
        ),
        ("[hunt]\nat_once = 0".to_owned(), "hunt.at_once is 0, and must be from 1 to 1000"),
        (
            "[journal]\nmax_megabytes = 18446744073709551615".to_owned(),
            "ward.toml: journal.max_megabytes is 18446744073709551615, and must be from 1 to",
        ),
    ] {
        let desk = desk(&settings);
        for words in [&["config", "check"][..], &["serve"]] {
            let ran = ward(&desk, words, &[]);
            assert_eq!(ran.code(), 2, "{words:?} with {settings}: {}", ran.out());
            assert!(ran.err().contains(said), "{words:?}: {}", ran.err());
            assert!(!ran.err().contains("environment") && !ran.err().contains("hunter2"), "{}", ran.err());
        }
        assert!(!desk.path().join("data").exists(), "nothing was made");
    }
    let good = desk(&http("listen = \"127.0.0.1:0\""));
    assert_eq!(ward(&good, &["config", "check"], &[]).code(), 0);
}

#[test]
fn a_folder_that_is_a_file_is_refused_by_the_check() {
    let desk = Desk::new();
    let file = desk.write("data", "").display().to_string();
    desk.write("ward.toml", format!("[data]\nfolder = \"{file}\"\n"));
    for words in [&["config", "check"][..], &["serve"]] {
        let ran = ward(&desk, words, &[]);
        assert_eq!(ran.code(), 2, "{}", ran.out());
        assert!(ran.err().contains(&format!("data.folder is {file}, and must be a folder")), "{}", ran.err());
    }
}

#[test]
fn names_that_the_store_does_not_know_are_told_by_the_check_and_at_the_start() {
    let mut hub = Hub::new();
    let ghost = free_address();
    let mut config = std::fs::read_to_string(hub.config()).unwrap();
    config.push_str(&format!(
        "[[intake.syslog_tcp]]\nname = \"old\"\nlisten = \"{ghost}\"\nsource = \"ghost\"\n[lake.retention]\nRZZ = 7\n"
    ));
    std::fs::write(hub.config(), config).unwrap();
    let ran = Ran(hub.command(&["config", "check"]).output().unwrap());
    assert_eq!(ran.code(), 0, "the hub can start with it: {}", ran.err());
    for said in [
        "'old' names the source 'ghost', which is not entered here",
        "organisation 'RZZ', which is not entered",
    ] {
        assert!(ran.err().contains(said), "{}", ran.err());
    }
    assert!(!ran.err().contains("'rxx'"), "{}", ran.err());
    hub.start();
    let log = hub.log();
    assert!(log.contains("ghost") && log.contains("ward source add"), "{log}");
    hub.ward(&["organisation", "add", "RZZ", "--name", "Zeal", "--kind", "organisation"]);
    hub.ward(&["source", "add", "ghost", "--organisation", "RXX"]);
    let ran = Ran(hub.command(&["config", "check"]).output().unwrap());
    assert_eq!((ran.code(), ran.err()), (0, ""));
}

#[test]
fn a_database_that_does_not_answer_is_told_with_its_place_and_the_cause() {
    let address = free_address();
    let desk = desk(&format!("store = \"postgres://ward:hunter2@{address}/events\"\n"));
    for words in [&["organisation", "list"][..], &["serve"]] {
        let ran = ward(&desk, words, &[]);
        assert_eq!(ran.code(), 2, "{}", ran.out());
        let told = ran.err();
        assert!(
            told.contains(&format!("the database at {address}, database events could not be connected to")),
            "{told}"
        );
        assert!(told.contains("refused") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_second_hub_in_one_folder_waits_a_little_and_says_what_to_do_about_the_first() {
    let mut hub = Hub::new();
    hub.start();
    let second = Ran(hub.command(&["serve"]).output().unwrap());
    assert_eq!(second.code(), 2, "{}", second.out());
    let told = second.err();
    for said in ["waiting for it to end", "another process still works in", "systemctl stop ward"] {
        assert!(told.contains(said), "{told}");
    }
    assert!(hub.is_ready(), "the first goes on");
}

#[test]
fn whoever_sends_without_a_token_or_with_a_wrong_one_is_told_where_it_goes() {
    let mut hub = Hub::new();
    hub.start();
    let events = hub.desk.write("events.json", "{\"a\":1}\n").display().to_string();
    let url = format!("http://{}", hub.address);
    for (token, said) in [("", "--token-file, or set WARD_TOKEN"), ("nobody", "ward token issue --source")] {
        let mut command = hub.command(&["ingest", &events, "--hub", &url, "--no-progress"]);
        let ran = Ran(command.env("WARD_TOKEN", token).output().unwrap());
        assert_eq!(ran.code(), 2, "{}", ran.out());
        assert!(ran.err().contains("it answered 401") && ran.err().contains(said), "{}", ran.err());
    }
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
    assert!(ran.err().contains(&format!("{hub} could not be reached: ")), "{}", ran.err());
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

/// The files of the lake, with what is in each.
fn lake_files(folder: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(lake_files(&path)),
            false => drop(files.insert(path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    files
}

#[test]
fn a_store_that_is_older_than_the_lake_costs_no_event_and_is_told() {
    let mut hub = Hub::new();
    hub.start();
    hub.kill();
    let (store, aside) = (hub.data().join("ward.db"), hub.desk.path().join("old.db"));
    let empty = std::fs::read(&store).unwrap();
    let wal = std::fs::read(hub.data().join("ward.db-wal")).unwrap_or_default();
    hub.start();
    assert_eq!(hub.post("{\"note\":\"first\"}\n", "first"), Some(200));
    until("the event is in the lake", || !hub.rows(&["hunt", "first", "--format", "json"]).is_empty());
    let lake = hub.data().join("lake");
    let before = lake_files(&lake);
    assert!(!before.is_empty());
    hub.kill();
    std::fs::remove_dir_all(hub.data().join("journal")).unwrap();
    std::fs::rename(&store, &aside).unwrap();
    std::fs::write(&store, empty).unwrap();
    std::fs::write(hub.data().join("ward.db-wal"), wal).unwrap();
    let _ = std::fs::remove_file(hub.data().join("ward.db-shm"));
    hub.start();
    assert!(hub.log().contains("the store is new, or older than the lake"), "{}", hub.log());
    assert_eq!(hub.post("{\"note\":\"second\"}\n", "second"), Some(200));
    until("the other event is in the lake", || !hub.rows(&["hunt", "second", "--format", "json"]).is_empty());
    let after = lake_files(&lake);
    for (path, content) in &before {
        assert!(after.get(path) == Some(content), "{} was written over", path.display());
    }
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
