//! Fields are asked for by their names in events of every format.

use proptest::prelude::*;
use ward_lake::FoundRow;

use crate::sample::{TestLake, event, everyone};

/// An event of a format, with these bytes.
fn row(nth: usize, format: &str, raw: String) -> FoundRow {
    FoundRow { format: format.to_owned(), raw: raw.into_bytes(), ..event(nth as u64) }
}

#[test]
fn a_field_is_found_by_its_name_in_whatever_was_sent() {
    let rows = [
        ("ndjson", r#"{"src":"10.0.0.1","name":"one"}"#),
        ("evtx", r#"{"Event":{"EventData":{"IpAddress":"10.0.0.2"}}}"#),
        ("logfmt", "level=info src=10.0.0.3 msg=\"said \\\"no\\\"\""),
        ("cef", r"CEF:0|a|b|c|d|name|5|src=10.0.0.4 cs1Label=Ward cs1=ICU act=a\=b"),
        ("leef", "LEEF:1.0|a|b|c|d|src=10.0.0.5\tusrName=nurse"),
        ("syslog", "<34>Oct 11 22:14:15 web1 su[7]: failed for nurse"),
        ("syslog-frames", "<34>1 - web1 app - - [x@1 ward=\"ICU\"] {\"src\":\"10.0.0.6\"}"),
        ("auditd", "type=EXECVE msg=audit(1.2:3): argc=1 a0=2F62696E2F636174"),
        ("access-log", "10.0.0.7 - nurse [10/Oct/2000:13:55:36 -0700] \"GET /x HTTP/1.0\" 404 1"),
        ("csv", "when,Ward,src\n1,\"A \"\"7\"\"\",10.0.0.8"),
        ("zeek", "#separator \\x09\n#fields\tid.orig_h\tuid\n#types\taddr\tstring\n10.0.0.9\tC1"),
        ("w3c", "#Fields: c-ip cs(User-Agent)\n10.0.0.10 curl/8.1"),
        ("csv", "1,2"),
    ];
    let rows: Vec<_> =
        rows.iter().enumerate().map(|(nth, (format, raw))| row(nth, format, (*raw).to_owned())).collect();
    let lake = TestLake::new().with("1-1", rows);
    for (query, found) in [
        ("src:10.0.0.*", &[0, 2, 3, 4, 6, 9][..]),
        ("IpAddress:10.0.0.2", &[1]),
        (r#"msg:"said \"NO\"""#, &[2]),
        ("Ward:icu", &[3]),
        ("act:a=b", &[3]),
        ("usrName:nurse OR cs-username:nurse", &[4, 8]),
        ("severity:crit", &[5, 6]),
        ("procid:7", &[5]),
        ("ward:ICU", &[6]),
        ("a0:*cat", &[7]),
        ("sc-status>=400", &[8]),
        (r#"Ward:"A \"7\"""#, &[9]),
        ("orig_h:10.0.0.9", &[10]),
        ("cs-user-agent:CURL*", &[11]),
        (r#""cs(User-Agent)":*8.1"#, &[11]),
        ("rd:ICU OR when:when OR Fields:*", &[]),
    ] {
        let (rows, scanned) = lake.search(&everyone(), query);
        assert_eq!(rows, lake.plainly(query), "{query}");
        let mut numbers: Vec<usize> = rows.iter().map(|row| row.id.index as usize).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, found, "{query}");
        assert!(scanned.damaged.is_empty());
    }
}

/// Values with what formats escape, and letters that have more than one small or large one.
const VALUES: [&str; 16] = [
    "10.0.0.7",
    "Two words",
    "crit",
    "true",
    "a=b",
    "c:\\temp\\x41",
    "said \"no\"",
    "x]y",
    "a|b",
    "Kelvin \u{212a}",
    "caf\u{e9}",
    "1e3",
    "1000",
    "\u{1}x",
    "abc",
    "/bin/cat",
];

fn written(format: &str, value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    match format {
        "ndjson" => format!("{{\"a\":{quoted}}}"),
        "logfmt" => format!("a={quoted} b={value} flag"),
        "cef" => format!("CEF:0|v|p|1|2|{value}|5|a={} b={value}", value.replace('=', "\\=")),
        "leef" => format!("LEEF:1.0|v|p|1|2|a={value}\tb=x"),
        "syslog" => format!("<34>1 - h {value} - - [x a=\"{value}\"] {value}"),
        "lines" => format!("{{\"a\":{quoted},\"n\":1e3}}"),
        "syslog-frames" => format!("<38>Oct 11 22:14:15 h a: a={quoted} b=\"{value}\""),
        "auditd" => {
            let digits: String = value.bytes().map(|byte| format!("{byte:02X}")).collect();
            format!("type=EXECVE msg=audit(1.2:3): a=\"{value}\" a0={digits}")
        }
        "access-log" => format!(
            "10.0.0.1 - {value} [1/Oct/2000:1 +0] \"GET /{value} HTTP/1.0\" 200 1 \"{value}\" \"\\x41bc\""
        ),
        "csv" => format!("a,b\n\"{}\",\"x\"{value}", value.replace('"', "\"\"")),
        "zeek" => format!("#separator \\x09\n#fields\ta\tid.b\n{value}\t-"),
        _ => format!("#Fields: a date time b\n\"{value}\" 2026-11-23 10:00:00 {value}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_seen_before_a_record_is_taken_apart_changes_no_answer(
        rows in prop::collection::vec((0_usize..12, 0_usize..VALUES.len()), 1..60),
        asked in prop::collection::vec((0_usize..8, 0_usize..VALUES.len(), 0_usize..4), 1..12),
    ) {
        let formats = [
            "ndjson", "logfmt", "cef", "leef", "syslog", "lines", "syslog-frames", "auditd", "access-log", "csv", "zeek",
            "w3c",
        ];
        let rows = rows.iter().enumerate().map(|(nth, (format, value))| {
            row(nth, formats[*format], written(formats[*format], VALUES[*value]))
        });
        let lake = TestLake::new().with("1-1", rows.collect());
        let names = ["a", "b", "message", "severity", "timestamp", "cs-user-agent", "flag", "a0"];
        for (name, value, form) in asked {
            let escaped = |c: char| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") };
            let value: String = VALUES[value].to_uppercase().chars().map(escaped).collect();
            let (before, after) = [("", ""), ("*", ""), ("", "*"), ("*", "*")][form];
            let query = format!("{}:{before}{value}{after}", names[name]);
            prop_assert_eq!(lake.search(&everyone(), &query).0, lake.plainly(&query), "{}", query);
        }
    }
}
