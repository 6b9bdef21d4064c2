//! `ward rules`.

use crate::desk::{Desk, event, rule};

#[test]
fn check_lists_what_is_refused_with_place_and_reason() {
    let desk = Desk::new();
    assert_eq!(desk.ward(&["rules", "check", "rules"]).code(), 0);
    desk.write(
        "rules/broken.yml",
        rule("broken", "high", "x").replace("condition: sel", "condition: nobody"),
    );
    let ran = desk.ward(&["rules", "check", "rules"]);
    assert_eq!(ran.code(), 1);
    assert!(ran.out().contains("rules/broken.yml:15\n    broken: the condition"), "{}", ran.out());
    assert!(ran.out().contains("1 rule, 0 correlations and 0 filters in force; 1 refused."), "{}", ran.out());
    let lines = desk.ward(&["rules", "check", "--format", "json", "rules"]).json();
    assert_eq!((lines[0]["kind"].as_str(), lines[0]["line"].as_u64()), (Some("refused"), Some(15)));
    assert_eq!(lines[1]["kind"], "total");
    assert_eq!(desk.ward(&["rules", "check", "nowhere"]).code(), 2);
}

#[test]
fn a_scan_says_how_many_rules_were_refused_and_how_to_list_them() {
    let desk = Desk::new();
    desk.write(
        "rules/broken.yml",
        rule("broken", "high", "x").replace("condition: sel", "condition: nobody"),
    );
    desk.write("a.json", event(1, "PACS01", "whoami"));
    let ran = desk.ward(&["detect", "--rules", "rules", "a.json"]);
    assert!(ran.err().contains("1 rule in force; 1 refused."), "{}", ran.err());
    assert!(ran.err().contains("ward rules check rules"), "{}", ran.err());
}

#[test]
fn explain_shows_what_held_and_what_failed_with_the_values() {
    let desk = Desk::new();
    desk.write("a.json", format!("{}\n{}\n", event(1, "A", "whoami"), event(2, "A", "delete shadows")));
    let ran = desk.ward(&["rules", "explain", "rules/shadow.yml", "a.json", "--record", "1"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    for told in ["Record 1\n", "windows/process_creation", "does not fire: the condition fails", "'whoami'"] {
        assert!(ran.out().contains(told), "{told}\n{}", ran.out());
    }
    let ran = desk.ward(&["rules", "explain", "--rules", "rules", "shadow", "a.json"]);
    assert_eq!(ran.code(), 1);
    assert!(ran.out().contains("Record 2\n") && ran.out().contains(" fires\n"), "{}", ran.out());
    let ran = desk.ward(&["rules", "explain", "rules/shadow.yml", "a.json", "--record", "9"]);
    assert_eq!((ran.code(), ran.err()), (2, "ward could not find record 9 in a.json; it has 2 events\n"));
}

#[test]
fn explain_says_from_which_field_a_value_was_read() {
    let desk = Desk::new();
    desk.write(
        "a.json",
        "{\"event\":{\"code\":\"1\",\"provider\":\"Microsoft-Windows-Sysmon\"},\
          \"winlog\":{\"channel\":\"Microsoft-Windows-Sysmon/Operational\",\"event_id\":1},\
          \"process\":{\"command_line\":\"vssadmin delete shadows\"}}",
    );
    let ran = desk.ward(&["rules", "explain", "rules/shadow.yml", "a.json"]);
    assert!(ran.out().contains("CommandLine was read from process.command_line"), "{}", ran.out());
    assert_eq!(ran.code(), 1, "{}", ran.out());
}
