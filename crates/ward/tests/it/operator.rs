//! What an operator does wrong on a long day, and what he is told.

use crate::desk::{Desk, Ran};
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
    for (name, value, said) in
        [("WARD_LAKE__RETENTION_DAYS", "soon", "soon"), ("WARD_LAKE__RETENTION_DAY", "7", "retention_day")]
    {
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
