//! What findings look like in each format, and where the summary goes.

use crate::desk::{Desk, event};

fn desk() -> Desk {
    let desk = Desk::new();
    let lines = ["whoami", "vssadmin delete shadows", "cmd /c \\\"delete shadows, now\\\""];
    let text: Vec<String> = lines.iter().zip(1..).map(|(line, n)| event(n, "PACS01", line)).collect();
    desk.write("a.json", text.join("\n"));
    desk
}

#[test]
fn a_json_finding_names_its_rule_its_source_and_its_record() {
    let ran = desk().ward(&["detect", "--rules", "rules", "--format", "json", "a.json"]);
    let found = ran.json();
    assert_eq!(found.len(), 2);
    let found = &found[1];
    assert_eq!(found["rule"]["id"], "shadow");
    assert_eq!(found["rule"]["title"], "shadow");
    assert_eq!(found["rule"]["level"], "high");
    assert_eq!(found["source"], "a.json");
    assert_eq!(found["record"], 3);
    assert_eq!(found["time"], "2026-11-23T08:00:03Z");
    assert_eq!(found["host"], "PACS01");
    assert_eq!(found["event"]["CommandLine"], "cmd /c \"delete shadows, now\"");
    assert!(ran.err().contains("2 findings in 3 events of 1 input."), "{}", ran.err());
}

#[test]
fn csv_has_a_header_even_when_nothing_is_found() {
    let desk = desk();
    let ran = desk.ward(&["detect", "--rules", "rules", "--format", "csv", "a.json"]);
    let mut lines = ran.out().lines();
    assert_eq!(
        lines.next().unwrap(),
        "time,rule.level,rule.id,rule.title,rule.tags,rule.author,host,user,source,record,event"
    );
    assert!(lines.next().unwrap().starts_with("2026-11-23T08:00:02Z,high,shadow,shadow,"));
    desk.write("quiet.json", event(1, "PACS01", "whoami"));
    let ran = desk.ward(&["detect", "--rules", "rules", "--format", "csv", "quiet.json"]);
    assert_eq!(ran.out().lines().count(), 1);
}

#[test]
fn an_ocsf_finding_is_a_detection_finding() {
    let found = desk().ward(&["detect", "--rules", "rules", "--format", "ocsf", "a.json"]).json();
    assert_eq!(found[0]["class_uid"], 2004);
    assert_eq!(found[0]["severity_id"], 4);
    assert_eq!(found[0]["finding_info"]["attacks"][0]["technique"]["uid"], "T1490");
    assert_eq!(found[0]["evidences"][0]["data"]["EventID"], 1);
}

#[test]
fn the_table_and_the_summary_fit_eighty_columns_without_colour() {
    let ran = desk().ward(&["detect", "--rules", "rules", "--stats", "a.json"]);
    let both = format!("{}{}", ran.out(), ran.err());
    for line in both.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!both.contains('\x1b'));
    assert!(
        ran.out().lines().any(|l| l == "high     2026-11-23 08:00:02 PACS01           2 shadow"),
        "{both}"
    );
    for told in
        ["By rule", "By host", "By ATT&CK technique", "T1490     Impact", "Timeline", "1 rule in force"]
    {
        assert!(ran.err().contains(told), "{told}\n{both}");
    }
    assert!(ran.err().contains("peak memory"), "{both}");
}

#[test]
fn colour_comes_when_asked_for_and_the_summary_goes_when_asked_to() {
    let desk = desk();
    let ran = desk.ward(&["detect", "--rules", "rules", "--color", "always", "--no-summary", "a.json"]);
    assert!(ran.out().contains("\x1b[31mhigh\x1b[0m"));
    assert_eq!(ran.err(), "");
}

#[test]
fn the_help_teaches_examples_and_exit_codes() {
    let ran = desk().ward(&["detect", "--help"]);
    assert_eq!(ran.code(), 0);
    for told in ["Examples:", "Exit codes:", "--min-level", "rule.id"] {
        assert!(ran.out().contains(told), "{told}\n{}", ran.out());
    }
}

#[test]
fn no_format_writes_characters_that_are_hidden() {
    let desk = Desk::new();
    let hidden = "\u{9b}2J\u{202e}\u{200b}\u{feff}\u{7f}";
    desk.write(
        &format!("{hidden}.json"),
        event(1, &format!("A{hidden}"), &format!("delete shadows {hidden}")),
    );
    for format in ["json", "csv", "ocsf", "table"] {
        let ran = desk.ward(&["detect", "--rules", "rules", "--format", format, "."]);
        assert_eq!(ran.code(), 1, "{}", ran.err());
        let both = format!("{}{}", ran.out(), ran.err());
        let shown = both.chars().find(|c| hidden.replace("2J", "").contains(*c));
        assert_eq!(shown, None, "{format}: {both:?}");
    }
    let found = desk.ward(&["detect", "--rules", "rules", "--format", "json", "."]).json();
    assert_eq!(found[0]["host"], format!("A{hidden}"));
    assert_eq!(found[0]["event"]["CommandLine"], format!("delete shadows {hidden}"));
}

#[test]
fn a_rate_says_what_it_leaves_out() {
    let ran = desk().ward(&["detect", "--rules", "rules", "--stats", "a.json"]);
    let is_rate = |line: &&str| line.starts_with("events per second") || line.starts_with("bytes per second");
    let rates: Vec<_> = ran.err().lines().filter(is_rate).collect();
    assert_eq!(rates.len(), 2);
    assert!(rates.iter().all(|line| line.ends_with("(without the loading of rules)")), "{rates:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let desk = desk();
    for args in [
        &["--help"][..],
        &["--version"],
        &["help", "detect"],
        &["detect", "--help"],
        &["detect", "--rules", "rules", "--format", "csv", "a.json"],
        &["rules", "check", "rules"],
        &["rules", "explain", "rules/shadow.yml", "a.json"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = desk.command(args).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.starts_with("ward could not write its output: No space left"), "{args:?}: {said}");
    }
    assert_eq!((desk.ward(&["--version"]).code(), desk.ward(&["detect"]).code()), (0, 2));
}
