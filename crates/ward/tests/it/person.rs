//! `ward person`, and how the first administrator gets in.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::desk::Ran;
use crate::running::{Hub, until};

fn ran(hub: &Hub, words: &[&str]) -> Ran {
    Ran(hub.command(words).output().unwrap())
}

fn rows(hub: &Hub, words: &[&str]) -> Vec<Value> {
    hub.rows(&[words, &["--format", "json"]].concat())
}

/// The digits at the end of a link, if it is one.
fn secret(link: &str) -> Option<&str> {
    let (console, secret) = link.trim().split_once("/link/")?;
    let good = console.starts_with("http://127.0.0.1:") && secret.len() == 64;
    (good && secret.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(secret)
}

#[test]
fn people_are_entered_given_roles_shown_and_let_in_no_more() {
    let hub = Hub::new();
    let add =
        ["person", "add", "--name", "Bea Nurse", "--email", "bea@leeds.example", "--organisation", "RXX"];
    let added = ran(&hub, &[&add[..], &["--role", "organisation-lead", "--at", "RXX"]].concat());
    assert_eq!(added.code(), 0, "{}", added.err());
    assert!(secret(added.out()).is_some(), "the link alone: {}", added.out());
    assert!(!added.err().contains("/link/"), "{}", added.err());

    let grant = hub.ward(&["person", "grant", "BEA@leeds.example", "--role", "board-member", "--at", "RXX"]);
    let people = rows(&hub, &["person", "list"]);
    assert_eq!(people.len(), 1);
    assert_eq!(people[0]["name"], "Bea Nurse");
    let roles: Vec<_> = people[0]["roles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(roles.contains(&"organisation-lead RXX") && roles.contains(&"board-member RXX"), "{roles:?}");

    hub.ward(&["person", "revoke-grant", grant.trim()]);
    let shown = &rows(&hub, &["person", "show", "bea@leeds.example"])[0];
    let states: Vec<_> = shown["grants"].as_array().unwrap().iter().map(|grant| &grant["state"]).collect();
    assert!(
        states.contains(&&Value::from("revoked")) && states.contains(&&Value::from("in force")),
        "{shown}"
    );
    let id = people[0]["id"].as_str().unwrap();
    hub.ward(&["person", "disable", id]);
    assert_eq!(rows(&hub, &["person", "list"])[0]["state"], "disabled");
    let link = ran(&hub, &["person", "link", id]);
    assert!(link.code() == 2 && link.err().contains("disabled"), "{}", link.err());
    hub.ward(&["person", "enable", id]);
    let again = ran(&hub, &["person", "link", id, "--second-factor"]);
    assert!(
        secret(again.out()).is_some() && again.err().contains("another second factor"),
        "{}",
        again.err()
    );
    assert!(rows(&hub, &["person", "sessions"]).is_empty());

    let told = hub.ward(&["verify"]);
    assert!(!told.contains("Bea"), "{told}");
}

#[test]
fn what_has_no_meaning_is_refused_before_anybody_is_entered() {
    let hub = Hub::new();
    let add = ["person", "add", "--name", "Bea", "--email", "bea@leeds.example"];
    for (more, said) in [
        (&["--role", "organisation-lead"][..], "without --at CODE or --whole-sector"),
        (&["--role", "reader", "--whole-sector"], "'reader' is not one of national-analyst"),
        (&["--at", "RXX"], "--role"),
        (&["--role", "auditor", "--at", "RXX", "--whole-sector"], "cannot be used with"),
        (&["--organisation", "RZZ"], "there is no such organisation"),
        (&["--issuer", "https://id.example"], "--subject"),
    ] {
        let refused = ran(&hub, &[&add[..], more].concat());
        assert_eq!(refused.code(), 2, "{more:?}: {}", refused.out());
        assert!(refused.err().contains(said), "{more:?}: {}", refused.err());
    }
    assert!(rows(&hub, &["person", "list"]).is_empty());
    for (words, said) in [
        (&["person", "add", "--name", "Bea", "--email", "bea"][..], "e-mail address"),
        (&["person", "show", "bea@leeds.example"], "find the person 'bea@leeds.example'"),
        (&["person", "link"], "<PERSON>"),
        (&["person", "link", "bea@leeds.example", "--first-administrator"], "cannot be used with"),
    ] {
        let refused = ran(&hub, words);
        assert!(refused.code() == 2 && refused.err().contains(said), "{words:?}: {}", refused.err());
    }
}

#[test]
fn a_hub_that_nobody_administers_writes_a_link_at_each_start_and_not_into_its_log() {
    let mut hub = Hub::new();
    let links = |hub: &Hub| -> Vec<String> {
        hub.log().lines().filter_map(|line| secret(line).map(str::to_owned)).collect()
    };
    for start in 1..=2 {
        hub.start();
        until("the link is written", || links(&hub).len() == start);
        hub.kill();
    }
    let both = links(&hub);
    assert_ne!(both[0], both[1]);
    let log = hub.log();
    let told = log.lines().filter(|line| line.contains("a link for the first was written"));
    assert_eq!(told.clone().count(), 2, "{log}");
    assert!(told.clone().all(|line| both.iter().all(|secret| !line.contains(secret))));
    assert!(hub.data().join("people.key").exists());

    let third = hub.ward(&["person", "link", "--first-administrator"]);
    assert!(secret(&third).is_some(), "{third}");
    let add = ["person", "add", "--name", "Ada", "--email", "ada@leeds.example", "--role", "administrator"];
    hub.ward(&[&add[..], &["--whole-sector"]].concat());
    let refused = ran(&hub, &["person", "link", "--first-administrator"]);
    assert!(refused.code() == 2 && refused.err().contains("there is one"), "{}", refused.err());
    hub.start();
    assert_eq!(links(&hub).len(), 2);
}

#[test]
fn the_key_of_second_factors_is_in_a_backup_and_for_the_hub_alone_when_it_is_restored() {
    let mut hub = Hub::new();
    hub.start();
    let place = tempfile::tempdir().unwrap();
    let [backup, restored] = ["backup", "restored"].map(|name| place.path().join(name));
    hub.ward(&["backup", &backup.display().to_string()]);
    hub.ward(&["restore", &backup.display().to_string(), "--into", &restored.display().to_string()]);
    let key = std::fs::read(hub.data().join("people.key")).unwrap();
    assert_eq!(key.len(), 65);
    for folder in [&backup, &restored] {
        let path = folder.join("people.key");
        assert_eq!(std::fs::read(&path).unwrap(), key);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
