//! What is scanned, in which order, and how a scan ends.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::desk::{Desk, event, rule};

#[test]
fn nothing_found_is_0_something_found_is_1_something_unread_is_2() {
    let desk = Desk::new();
    desk.write("quiet.json", event(1, "PACS01", "whoami"));
    desk.write("found.json", event(1, "PACS01", "vssadmin delete shadows"));
    desk.write("broken.json", format!("{}\n{{\"a\": \n", event(1, "PACS01", "vssadmin delete shadows")));
    let scan = |input| desk.ward(&["detect", "--rules", "rules", "--format", "json", input]);
    assert_eq!(scan("quiet.json").code(), 0);
    assert_eq!(scan("found.json").code(), 1);
    let broken = scan("broken.json");
    assert_eq!((broken.code(), broken.json().len()), (2, 1), "{}", broken.err());
    assert!(broken.err().contains("broken.json: record 2 at byte"), "{}", broken.err());
    let absent = scan("absent.json");
    assert_eq!(absent.code(), 2);
    assert!(absent.err().starts_with("ward could not read absent.json: "), "{}", absent.err());
}

#[test]
fn what_is_wrong_with_the_command_is_said_in_one_line() {
    let desk = Desk::new();
    desk.write("a.json", event(1, "PACS01", "whoami"));
    for (args, said) in [
        (&["--rules", "nowhere"][..], "ward could not read nowhere: No such file"),
        (
            &["--rules", "rules", "--rule", "nobody"],
            "ward could not find a loaded rule with the id or name 'nobody'",
        ),
        (&["--rules", "a.json"], "ward could not load any rule from a.json"),
    ] {
        let ran = desk.ward(&[&["detect", "a.json"], args].concat());
        assert_eq!(ran.code(), 2);
        assert!(ran.err().starts_with(said), "{}", ran.err());
        assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    }
}

#[test]
fn the_rules_that_come_with_ward_are_used_when_none_are_named() {
    let desk = Desk::new();
    desk.write("a.json", event(1, "PACS01", "vssadmin.exe delete shadows /all /quiet"));
    let ran = desk.ward(&["detect", "a.json"]);
    assert!(ran.err().contains("rules in force"), "{}", ran.err());
    assert_eq!(ran.code(), i32::from(!ran.out().is_empty()), "{}", ran.err());
}

#[test]
fn folders_are_walked_in_order_and_what_is_no_telemetry_is_skipped_and_counted() {
    let desk = Desk::new();
    let found = event(1, "PACS01", "vssadmin delete shadows");
    desk.write("logs/b/second.json", &found);
    desk.write("logs/a.json", &found);
    desk.write("logs/README.md", "not a log");
    desk.write("logs/picture", b"\x89PNG\r\n\x1a\n\x00\x00");
    let ran = desk.ward(&["detect", "--rules", "rules", "--format", "json", "logs"]);
    let sources: Vec<_> = ran.json().iter().map(|f| f["source"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sources, ["logs/a.json", "logs/b/second.json"]);
    assert_eq!(ran.code(), 1, "{}", ran.err());
    assert!(ran.err().contains("1 file in folders are documents"), "{}", ran.err());
    assert!(ran.err().contains("1 file in folders are no telemetry"), "{}", ran.err());
    assert_eq!(desk.ward(&["detect", "--rules", "rules", "logs/picture"]).code(), 2);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_counted_and_a_link_that_leads_nowhere_is_a_problem() {
    let desk = Desk::new();
    desk.write("logs/a.json", event(1, "PACS01", "whoami"));
    std::os::unix::fs::symlink(desk.path().join("rules"), desk.path().join("logs/round")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(desk.path().join("logs/socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(desk.path().join("logs/pipe")).status().unwrap();
    assert!(made.success());
    let scan = || desk.ward(&["detect", "--rules", "rules", "logs"]);
    let ran = scan();
    assert!(ran.err().contains("3 files in folders are no regular files and were skipped."), "{}", ran.err());
    assert_eq!(ran.code(), 0);
    std::os::unix::fs::symlink("gone.json", desk.path().join("logs/link")).unwrap();
    let ran = scan();
    assert!(ran.err().contains("logs/link: it is a link to gone.json: No such file"), "{}", ran.err());
    assert_eq!(ran.code(), 2);
}

#[test]
fn a_folder_without_telemetry_is_no_clean_scan() {
    let desk = Desk::new();
    desk.write("notes/README.md", "nothing");
    desk.write("notes/picture", b"\x89PNG\r\n\x1a\n\x00\x00");
    desk.write("logs/a.json", event(1, "PACS01", "vssadmin delete shadows"));
    std::fs::create_dir(desk.path().join("empty")).unwrap();
    let ran = desk.ward(&["detect", "--rules", "rules", "empty"]);
    assert_eq!((ran.code(), ran.err()), (2, "Nothing to scan: no telemetry found in empty.\n"));
    let ran = desk.ward(&["detect", "--rules", "rules", "--no-summary", "notes"]);
    assert!(ran.err().starts_with("Nothing to scan: no telemetry found in notes.\n1 file"), "{}", ran.err());
    assert!(ran.err().contains("1 file in folders are no telemetry by their content"), "{}", ran.err());
    assert_eq!(ran.code(), 2);
    let ran = desk.ward(&["detect", "--rules", "rules", "--format", "json", "empty", "logs"]);
    assert!(ran.err().contains("no telemetry found in empty."), "{}", ran.err());
    assert_eq!((ran.code(), ran.json().len()), (2, 1), "what could be read is reported all the same");
}

#[test]
fn telemetry_without_an_event_is_told() {
    let desk = Desk::new();
    desk.write("logs/a.json", "[]");
    let ran = desk.ward(&["detect", "--rules", "rules", "logs"]);
    assert!(ran.err().contains("There is no event in what was read."), "{}", ran.err());
    assert_eq!(ran.code(), 0);
}

#[test]
fn the_order_of_findings_does_not_depend_on_the_number_of_threads() {
    let desk = Desk::new();
    for file in 0..8 {
        desk.write_events(&format!("logs/{file}.json"), 4000 + file * 1000, 7);
    }
    let scan = |threads| {
        desk.ward(&["detect", "--rules", "rules", "--format", "json", "--threads", threads, "logs"])
            .out()
            .to_owned()
    };
    let one = scan("1");
    assert!(one.lines().count() > 8 * 500);
    for threads in ["2", "5", "16"] {
        assert!(scan(threads) == one, "{threads} threads");
    }
}

#[test]
fn standard_input_is_read_as_it_is() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["detect", "--rules", "rules", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = event(1, "PACS01", "vssadmin delete shadows");
    child.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    let ran = child.wait_with_output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((found["source"].as_str(), found["record"].as_u64()), (Some("-"), Some(1)));
}

#[test]
fn a_reader_that_goes_away_ends_the_scan_quietly() {
    let desk = Desk::new();
    desk.write_events("many.json", 50_000, 1);
    let mut child = desk
        .command(&["detect", "--rules", "rules", "--format", "json", "many.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    assert_eq!(ran.status.code(), Some(1));
}

#[test]
fn of_a_cut_gzip_what_could_be_read_is_reported() {
    let desk = Desk::new();
    let mut plain = String::new();
    for n in 0..20_000 {
        plain.push_str(&event(n % 3600, &format!("HOST{}", n * 7919 % 104_729), "vssadmin delete shadows"));
        plain.push('\n');
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(plain.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    desk.write("cut.json.gz", &gzip[..gzip.len() / 2]);
    let ran = desk.ward(&["detect", "--rules", "rules", "--format", "json", "cut.json.gz"]);
    assert_eq!(ran.code(), 2);
    let found = ran.out().lines().count();
    assert!((1000..20_000).contains(&found), "{found}");
    assert!(ran.err().contains("cut.json.gz"), "{}", ran.err());
}

#[test]
fn a_record_that_is_too_long_is_skipped_and_told() {
    let desk = Desk::new();
    let long = event(1, "PACS01", &"x".repeat(100_000));
    desk.write("a.json", format!("{long}\n{}\n", event(2, "PACS01", "vssadmin delete shadows")));
    let ran = desk.ward(&["detect", "--rules", "rules", "--format", "json", "--max-record", "64K", "a.json"]);
    assert_eq!((ran.code(), ran.json().len()), (2, 1));
    assert!(ran.err().contains("longer than 65536 bytes"), "{}", ran.err());
}

#[test]
fn rules_and_times_can_be_narrowed() {
    let desk = Desk::new();
    desk.write("rules/who.yml", rule("who", "low", "whoami"));
    desk.write(
        "a.json",
        (0..10).map(|n| event(n * 60, "A", "whoami && delete shadows") + "\n").collect::<String>(),
    );
    let count = |args: &[&str]| {
        desk.ward(&[&["detect", "--rules", "rules", "--format", "json", "a.json"], args].concat())
            .json()
            .len()
    };
    assert_eq!(count(&[]), 20);
    assert_eq!(count(&["--min-level", "high"]), 10);
    assert_eq!(count(&["--rule", "who"]), 10);
    assert_eq!(count(&["--rule", "who", "--rule", "shadow"]), 20);
    assert_eq!(
        count(&["--rule", "who", "--from", "2026-11-23T08:02:00Z", "--to", "2026-11-23T08:05:00Z"]),
        3
    );
}

#[test]
fn events_of_other_times_and_of_none_are_told_apart() {
    let desk = Desk::new();
    let mut lines: String = (0..10).map(|n| event(n * 60, "A", "whoami") + "\n").collect();
    lines.push_str("{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":1}\n");
    desk.write("a.json", lines);
    let scan = |args: &[&str]| desk.ward(&[&["detect", "--rules", "rules", "a.json"], args].concat());
    let ran = scan(&["--from", "2026-11-23T08:02:00Z", "--to", "2026-11-23T08:05:00Z"]);
    assert!(ran.err().contains("Nothing found in 11 events of 1 input."), "{}", ran.err());
    assert!(ran.err().contains("7 events are outside --from and --to"), "{}", ran.err());
    assert!(ran.err().contains("1 event has no time that could be read"), "{}", ran.err());
    assert!(!scan(&[]).err().contains("no time that could be read"));
}

#[test]
fn a_range_of_time_that_holds_none_is_refused() {
    let desk = Desk::new();
    desk.write("a.json", event(1, "PACS01", "vssadmin delete shadows"));
    for from in ["2026-11-23T08:05:00Z", "2026-11-24"] {
        let to = "2026-11-23T08:05:00Z";
        let ran = desk.ward(&["detect", "--rules", "rules", "--from", from, "--to", to, "a.json"]);
        assert_eq!((ran.code(), ran.out()), (2, ""));
        assert!(ran.err().starts_with("ward could not scan from 2026-11-2"), "{}", ran.err());
        assert!(ran.err().ends_with(": --to must be later than --from\n"), "{}", ran.err());
    }
}

#[test]
fn a_log_source_can_be_given_to_what_does_not_say_it() {
    let desk = Desk::new();
    desk.write("a.json", "{\"CommandLine\":\"vssadmin delete shadows\"}");
    let ran = desk.ward(&["detect", "--rules", "rules", "a.json"]);
    assert_eq!(ran.code(), 0);
    assert!(ran.err().contains("1 event fits the log source of no rule"), "{}", ran.err());
    let source = "product=windows,category=process_creation";
    assert_eq!(desk.ward(&["detect", "--rules", "rules", "--logsource", source, "a.json"]).code(), 1);
}

#[test]
fn correlations_are_reported_with_their_group_and_their_events() {
    let desk = Desk::new();
    desk.write(
        "rules/shadow.yml",
        rule("shadow", "low", "delete shadows")
            + "---\ntitle: Many\nid: many\nlevel: critical\ncorrelation:\n  type: event_count\n  rules:\n    - shadow\n  \
               group-by:\n    - Hostname\n  timespan: 5m\n  condition:\n    gte: 3\n",
    );
    let events = |host| (0..4).map(move |n| event(n * 10, host, "vssadmin delete shadows") + "\n");
    desk.write("a.json", events("PACS01").chain(events("RIS02").take(2)).collect::<String>());
    for threads in ["1", "4"] {
        let ran =
            desk.ward(&["detect", "--rules", "rules", "--format", "json", "--threads", threads, "a.json"]);
        let found = ran.json();
        assert_eq!(found.len(), 1, "{}\n{}", ran.out(), ran.err());
        assert_eq!(found[0]["rule"]["id"], "many");
        assert_eq!(found[0]["event"]["group"]["Hostname"], "PACS01");
        assert_eq!(found[0]["event"]["count"], 3);
        assert_eq!(found[0]["record"], 3);
        assert_eq!(found[0]["event"]["events"].as_array().unwrap().len(), 3);
    }
}
