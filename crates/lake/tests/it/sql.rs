//! SQL reads the events of the scope, and nothing else by any text.

use std::time::Duration;

use ward_core::Scope;
use ward_lake::{ExportFormat, LakeError, Limits};

use crate::sample::{TestLake, events, everyone, leeds};

pub fn ask(lake: &TestLake, scope: &Scope, sql: &str) -> Result<Vec<serde_json::Value>, LakeError> {
    let limits = Limits { rows: usize::MAX, ..Limits::default() };
    let text = String::from_utf8(bytes(lake, scope, sql, ExportFormat::Ndjson, limits)?).unwrap();
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn bytes(
    lake: &TestLake,
    scope: &Scope,
    sql: &str,
    format: ExportFormat,
    limits: Limits,
) -> Result<Vec<u8>, LakeError> {
    let mut answer = lake.lake.sql(scope, &lake.files, sql, format, limits).unwrap();
    let mut all = Vec::new();
    while let Some(piece) = answer.blocking_next() {
        all.extend(piece?);
    }
    Ok(all)
}

fn one(lake: &TestLake, scope: &Scope, sql: &str) -> serde_json::Value {
    let rows = ask(lake, scope, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert_eq!(rows.len(), 1, "{sql}");
    rows[0].as_object().unwrap().values().next().cloned().unwrap_or_default()
}

#[test]
fn statements_count_what_the_search_finds() {
    let lake = TestLake::new().with("1-1", events(0..2_500)).with("2-2", events(2_500..4_000));
    for (condition, query) in [
        ("true", ""),
        ("device = 'pc0003.rr8.example'", "device:pc0003.rr8.example"),
        ("organisation = 'RCB' AND class_uid = 1007", "org:RCB class:1007"),
        ("array_has(addresses, '10.0.0.6')", "ip:10.0.0.6"),
        (
            "array_has(domains, 'd36.evil.example') OR user = 'trust\\user7'",
            "domain:d36.evil.example OR user:\"trust\\\\user7\"",
        ),
        ("json_field(raw, 'EventID') = '4625'", "EventID:4625"),
        ("json_field(raw, 'event_data.LogonType') IN ('3', '10')", "LogonType:(3 OR 10)"),
        ("raw_text(raw) LIKE '%powershell.exe%'", "powershell.exe"),
        ("time >= '2026-11-25' AND time < '2026-11-26T00:00:00Z'", "time:2026-11-25"),
        ("day = '2026-11-25'", "time:2026-11-25"),
        ("user IS NULL", "NOT user:*"),
        ("log_source LIKE 'windows/process%'", "log_source:windows/process*"),
        ("device = 'nowhere'", "device:nowhere"),
    ] {
        let count = one(&lake, &everyone(), &format!("SELECT count(*) FROM events WHERE {condition}"));
        assert_eq!(count, lake.plainly(query).len(), "{condition}");
    }
}

#[test]
fn lists_can_be_taken_apart_and_groups_counted() {
    let lake = TestLake::new().with("1-1", events(0..900));
    let rows = ask(
        &lake,
        &everyone(),
        "SELECT domain, count(*) AS n FROM (SELECT unnest(domains) AS domain FROM events) \
         GROUP BY domain ORDER BY n DESC, domain LIMIT 2",
    )
    .unwrap();
    assert_eq!(rows[0]["domain"], "d0.evil.example");
    let row = &ask(&lake, &everyone(), "SELECT * FROM events WHERE batch = 1 AND index = 0").unwrap()[0];
    assert_eq!(row["time"], "2026-11-24T06:00:00Z");
    assert_eq!(row["addresses"], serde_json::json!(["10.0.0.0", "2001:db8::0"]));
    assert_eq!(row["organisation"], "RR8");
    assert_eq!(row["day"], "2026-11-24");
    assert!(row["raw"].as_str().unwrap().contains("EventID"));
}

#[test]
fn what_cannot_be_answered_says_what_would_be() {
    let lake = TestLake::new().with("1-1", events(0..10));
    for (sql, said) in [
        ("SELECT substr(raw, 1, 3) FROM events", "raw_text(raw) is its text"),
        (
            "SELECT a.device, b.device FROM events a JOIN events b ON a.batch = b.batch",
            "two of its columns are called 'device'",
        ),
        ("SELECT 1 AS n, 2 AS n", "AS"),
    ] {
        let told = ask(&lake, &everyone(), sql).unwrap_err().to_string();
        assert!(told.contains(said) && !told.to_lowercase().contains("bug"), "{sql}: {told}");
    }
}

/// Statements that try to see more than one organisation's events.
const HOSTILE: &[&str] = &[
    "SELECT * FROM events WHERE organisation = 'RCB'",
    "SELECT * FROM events WHERE organisation <> 'RR8' OR true",
    "SELECT * FROM events UNION ALL SELECT * FROM events",
    "SELECT * FROM (SELECT * FROM events) WHERE organisation IN (SELECT DISTINCT organisation FROM events)",
    "WITH events AS (SELECT * FROM ward.lake.events) SELECT * FROM events",
    "SELECT a.* FROM events a CROSS JOIN (SELECT 1) b",
    "SELECT * FROM events WHERE EXISTS (SELECT 1 FROM events e WHERE e.organisation = 'RCB') OR true",
    "SELECT * FROM \"events\" WHERE 1 = 1 OR organisation = 'RAE'",
];

/// Statements that try to reach anything else.
const ELSEWHERE: &[&str] = &[
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM 'organisation=RCB/day=2026-11-24/1-1.parquet'",
    "SELECT * FROM \"organisation=RCB/day=2026-11-24/1-1.parquet\"",
    "SELECT * FROM 'lake://events/organisation=RCB/day=2026-11-24/1-1.parquet'",
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('organisation=RCB/day=2026-11-24/1-1.parquet')",
    "SELECT * FROM parquet_metadata('x')",
    "SELECT * FROM generate_series(1, 1000000000000)",
    "SELECT * FROM range(1, 2)",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM datafusion.information_schema.df_settings",
    "SELECT * FROM other.lake.events",
    "SELECT * FROM ward.other.events",
    "SELECT read_file('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT getenv('PATH')",
    "SELECT @@version",
    "COPY (SELECT * FROM events) TO '/tmp/ward-stolen.csv'",
    "COPY events TO 'lake://events/organisation=RR8/day=2026-11-24/9.parquet' STORED AS PARQUET",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE TABLE t AS SELECT * FROM events",
    "CREATE VIEW events AS SELECT 1",
    "SELECT * INTO t FROM events",
    "INSERT INTO events SELECT * FROM events",
    "DELETE FROM events",
    "DROP TABLE events",
    "SET datafusion.execution.target_partitions = 1",
    "SHOW TABLES",
    "SELECT 1; DROP TABLE events",
    "WITH t AS (SELECT 1) INSERT INTO events SELECT * FROM t",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "EXPLAIN COPY events TO '/tmp/ward-stolen.csv'",
];

#[test]
fn no_statement_sees_another_organisations_events() {
    let lake = TestLake::new().with("1-1", events(0..900));
    for sql in HOSTILE {
        let rows = ask(&lake, &leeds(), sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(rows.iter().all(|row| row["organisation"] == "RR8"), "{sql}");
    }
    let nobody = Scope::of([]);
    assert_eq!(one(&lake, &nobody, "SELECT count(*) FROM events"), 0);
    let plan = ask(&lake, &leeds(), "EXPLAIN ANALYZE SELECT * FROM events").unwrap();
    let plan = format!("{plan:?}");
    assert!(!plan.contains("RCB") && !plan.contains("RAE"), "{plan}");
}

#[test]
fn no_statement_reaches_anything_but_the_table() {
    let lake = TestLake::new().with("1-1", events(0..900));
    for sql in ELSEWHERE {
        let answer = ask(&lake, &everyone(), sql);
        assert!(answer.is_err(), "{sql}: {answer:?}");
    }
    assert!(!std::path::Path::new("/tmp/ward-stolen.csv").exists());
    assert_eq!(one(&lake, &everyone(), "SELECT count(*) FROM events"), 900, "nothing was changed");
}

#[test]
fn a_list_of_files_that_lies_is_not_believed() {
    let mut lake = TestLake::new().with("1-1", events(0..900));
    for nth in 0..lake.files.len() {
        let mut lie = lake.files[nth].clone();
        lie.organisation = ward_core::OrganisationId::new("RR8").unwrap();
        lake.files.push(lie.clone());
        lie.path = format!("organisation=RR8/day={}/../../{}", lie.day, lie.path);
        lake.files.push(lie);
    }
    let rows = ask(&lake, &leeds(), "SELECT DISTINCT json_field(raw, 'Computer') AS c FROM events").unwrap();
    assert!(rows.iter().all(|row| row["c"].as_str().unwrap().contains("RR8")), "{rows:?}");
}

#[test]
fn memory_time_and_rows_are_limited_and_a_statement_can_be_called_off() {
    let lake = TestLake::new().with("1-1", events(0..4_000));
    let run = |sql: &str, limits: Limits| bytes(&lake, &everyone(), sql, ExportFormat::Ndjson, limits);
    let little = Limits { memory: 200_000, rows: usize::MAX, ..Limits::default() };
    let sorted = run("SELECT raw FROM events ORDER BY raw_text(raw)", little);
    assert!(matches!(sorted, Err(LakeError::OutOfMemory(200_000))), "{sorted:?}");
    let long =
        "SELECT count(*) FROM events a, events b, events c WHERE a.device <> b.user AND b.device <> c.user";
    let hurried = run(long, Limits { time: Duration::from_millis(300), ..Limits::default() });
    assert!(matches!(hurried, Err(LakeError::OutOfTime(_))), "{hurried:?}");
    let limits = Limits::default();
    let cancel = limits.cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        cancel.cancel();
    });
    let called_off = run(long, limits);
    assert!(matches!(called_off, Err(LakeError::Cancelled)), "{called_off:?}");
    let few = run("SELECT * FROM events", Limits { rows: 7, ..Limits::default() }).unwrap();
    assert_eq!(few.iter().filter(|byte| **byte == b'\n').count(), 7);
}

#[test]
fn long_conditions_do_not_exhaust_the_stack() {
    let lake = TestLake::new().with("1-1", events(0..30));
    let many = vec!["class_uid=1"; 1_000].join(" OR ");
    let answer = ask(&lake, &everyone(), &format!("SELECT count(*) FROM events WHERE {many}"));
    assert!(answer.is_ok(), "{answer:?}");
    let too_long = format!("SELECT 1 WHERE {}", vec!["1=1"; 9_000].join(" OR "));
    assert!(matches!(ask(&lake, &everyone(), &too_long), Err(LakeError::Refused(_))));
}

#[test]
fn errors_say_what_is_wrong() {
    let lake = TestLake::new().with("1-1", events(0..30));
    for (sql, says) in [
        ("SELECT devise FROM events", "device"),
        ("SELECT * FROM alerts", "'alerts' not found"),
        ("SELECT * FROM events WHERE", "Expected"),
        ("DROP TABLE events", "only SELECT"),
        ("SELECT nosuch(raw) FROM events", "nosuch"),
    ] {
        let error = ask(&lake, &everyone(), sql).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{sql}: {error}");
    }
}
