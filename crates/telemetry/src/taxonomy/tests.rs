//! The built-in tables against hand-written events of each family.

use ward_core::{EventBuf, EventClass, FieldNames, LogSource};

use super::{Resolver, Taxonomy, file};
use crate::json::Scanner;

/// A resolver over the built-in tables, as for rules that read these fields.
struct Bench {
    names: FieldNames,
    resolver: Resolver,
}

impl Bench {
    fn new(rule_fields: &[&str]) -> Self {
        Self::of(&Taxonomy::builtin().unwrap(), rule_fields)
    }

    fn of(taxonomy: &Taxonomy, rule_fields: &[&str]) -> Self {
        let names = taxonomy.field_names(rule_fields.iter().copied()).unwrap();
        let resolver = taxonomy.resolver(&names).unwrap();
        Self { names, resolver }
    }

    fn class(&mut self, record: &str) -> EventClass {
        let mut buf = EventBuf::default();
        Scanner::default().scan(record.as_bytes(), &self.names, &mut buf).unwrap();
        (**self.resolver.resolve(&buf.json_event(record.as_bytes()))).clone()
    }

    fn sources(&mut self, record: &str) -> Vec<String> {
        self.class(record).log_sources.iter().map(ToString::to_string).collect()
    }

    fn constant(&mut self, record: &str, field: &str) -> Option<String> {
        let id = self.names.get(field)?;
        self.class(record).constants.into_iter().find(|(f, _)| *f == id).map(|(_, text)| text)
    }

    /// The value a rule reads for `field`: from its own name, else from the class's alternatives.
    fn reads(&mut self, record: &str, field: &str) -> Option<String> {
        let id = self.names.get(field)?;
        let class = self.class(record);
        let mut buf = EventBuf::default();
        Scanner::default().scan(record.as_bytes(), &self.names, &mut buf).unwrap();
        let event = buf.json_event(record.as_bytes());
        let others = class.also_read_from.iter().find(|(f, _)| *f == id);
        let mut candidates = std::iter::once(&id).chain(others.into_iter().flat_map(|(_, from)| from));
        candidates.find_map(|field| event.first(*field))
    }
}

fn rule(text: &str) -> LogSource {
    file::log_source(text).unwrap()
}

/// Each event must belong to all of these, in the words of rules.
fn check(cases: &[(&str, &[&str])]) {
    let mut bench = Bench::new(&[]);
    for (record, expected) in cases {
        let class = bench.class(record);
        for text in *expected {
            let covered = class.log_sources.iter().any(|source| rule(text).covers(source));
            assert!(covered, "{record} is no {text}, but {:?}", bench.sources(record));
        }
    }
}

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

fn registry(event_type: &str) -> String {
    format!(r#"{{"Channel":"{SYSMON}","EventID":12,"EventType":"{event_type}","TargetObject":"HKLM\\A"}}"#)
}

#[test]
fn a_registry_delete_is_registry_delete_and_registry_event_but_no_add() {
    let mut bench = Bench::new(&["TargetObject"]);
    let event = ["windows/registry_delete/sysmon", "windows/registry_event/sysmon"];
    assert_eq!(bench.sources(&registry("DeleteKey")), event);
    assert_eq!(bench.sources(&registry("DeleteValue")), event);
    let event = ["windows/registry_add/sysmon", "windows/registry_event/sysmon"];
    assert_eq!(bench.sources(&registry("CreateKey")), event);
}

#[test]
fn a_registry_event_whose_type_the_shipper_overwrote_may_be_either() {
    let mut bench = Bench::new(&[]);
    assert_eq!(bench.sources(&registry("INFO")).len(), 3);
    assert_eq!(bench.sources(&format!(r#"{{"Channel":"{SYSMON}","EventID":12}}"#)).len(), 3);
}

#[test]
fn the_shapes_of_all_shippers_lead_to_one_class_of_event() {
    let shapes = [
        r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":1,"Channel":"C"},"EventData":{"Image":"x"}}}"##,
        r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":{"#text":1,"#attributes":{"Qualifiers":2}},"Channel":"C"},"EventData":{"Image":"x"}}}"##,
        r#"{"Event":{"System":{"Provider":{"@Name":"P"},"EventID":"1","Channel":"C"},"UserData":{"Any":{"Image":"x"}}}}"#,
        r#"{"Event":{"System":{"Provider_attributes":{"Name":"P"},"EventID":1,"EventID_attributes":{"Qualifiers":"2"},"Channel":"C"},"EventData":{"Image":"x"}}}"#,
        r#"{"System":{"Provider":{"_attributes":{"Name":"P"}},"EventID":{"_text":"1"},"Channel":"C"},"EventData":{"Image":"x"}}"#,
        r#"{"winlog":{"channel":"C","event_id":1,"provider_name":"P","event_data":{"Image":"x"}}}"#,
        r#"{"winlog.channel":"C","winlog.event_id":"1","winlog.provider_name":"P","winlog.event_data.Image":"x"}"#,
        r#"{"_source":{"winlog":{"channel":"C","event_id":1,"provider_name":"P","event_data":{"Image":"x"}}}}"#,
        r#"{"log_name":"C","event_id":1,"source_name":"P","event_data":{"Image":"x"}}"#,
        r#"{"Channel":"C","EventID":1,"SourceName":"P","Image":"x"}"#,
        r#"{"LogName":"C","Id":1,"ProviderName":"P","Image":"x"}"#,
        r#"{"Channel":"C","EventID":1,"Provider":"P","EventData":{"Image":"x"},"Type":"WindowsEvent"}"#,
    ];
    let mut bench = Bench::new(&["Image", "EventID", "Channel", "Provider_Name"]);
    for record in shapes {
        let seen = ["Channel", "EventID", "Provider_Name"].map(|f| bench.constant(record, f));
        assert_eq!(seen, ["C", "1", "P"].map(|t| Some(t.to_owned())), "{record}");
        for (field, value) in [("Image", "x"), ("EventID", "1"), ("Channel", "C"), ("Provider_Name", "P")] {
            assert_eq!(bench.reads(record, field).as_deref(), Some(value), "{field} of {record}");
        }
    }
}

#[test]
fn the_header_decides_and_not_the_payload() {
    let mut bench = Bench::new(&["Channel"]);
    for record in [
        r#"{"Event":{"System":{"EventID":104,"Channel":"System"},"UserData":{"LogFileCleared":{"Channel":"Security"}}}}"#,
        r#"{"winlog":{"channel":"System","event_id":104,"user_data":{"Channel":"Security"}}}"#,
        r#"{"winlog":{"user_data":{"Channel":"Security"},"channel":"System","event_id":104}}"#,
    ] {
        assert_eq!(bench.sources(record), ["windows/*/system"], "{record}");
        assert_eq!(bench.constant(record, "Channel"), None, "rules may read either: {record}");
    }
}

#[test]
fn constants_keep_the_case_of_the_event_and_classes_do_not_mix_it() {
    let mut bench = Bench::new(&["Channel", "EventID"]);
    let upper = r#"{"Channel":"Security","EventID":4688}"#;
    let lower = r#"{"Channel":"security","EventID":4688}"#;
    assert_eq!(bench.sources(upper), bench.sources(lower));
    assert_eq!(bench.constant(upper, "Channel").as_deref(), Some("Security"));
    assert_eq!(bench.constant(lower, "Channel").as_deref(), Some("security"));
    let escaped = r#"{"Channel":"\u0053ecurity","EventID":4688}"#;
    assert_eq!(bench.class(upper), bench.class(escaped));
}

#[test]
fn a_field_with_two_values_is_no_constant() {
    let mut bench = Bench::new(&["EventID"]);
    assert_eq!(bench.constant(r#"{"Channel":"Security","EventID":[4688,1]}"#, "EventID"), None);
}

#[test]
fn security_auditing_is_read_under_the_names_of_sysmon() {
    let mut bench =
        Bench::new(&["Image", "ParentImage", "CommandLine", "Initiated", "DestinationIp", "TargetObject"]);
    let started = r#"{"Channel":"Security","EventID":4688,"NewProcessName":"a","ParentProcessName":"b","ProcessCommandLine":"c"}"#;
    assert_eq!(bench.sources(started), ["windows/process_creation/security"]);
    for (field, value) in [("Image", "a"), ("ParentImage", "b"), ("CommandLine", "c")] {
        assert_eq!(bench.reads(started, field).as_deref(), Some(value));
    }
    let connected = r#"{"Channel":"Security","EventID":5156,"Direction":"%%14593","DestAddress":"10.0.0.1"}"#;
    assert_eq!(bench.constant(connected, "Initiated").as_deref(), Some("true"));
    assert_eq!(bench.reads(connected, "DestinationIp").as_deref(), Some("10.0.0.1"));
    let deleted =
        r#"{"Channel":"Security","EventID":4657,"OperationType":"%%1906","ObjectName":"\\REGISTRY\\A"}"#;
    assert_eq!(
        bench.sources(deleted),
        ["windows/registry_delete/security", "windows/registry_event/security"]
    );
    assert_eq!(bench.reads(deleted, "TargetObject").as_deref(), Some("\\REGISTRY\\A"));
}

#[test]
fn windows_and_endpoint_sensors() {
    check(&[
        (r#"{"Channel":"Any/Operational","EventID":7}"#, &["windows/*/*"]),
        (
            r#"{"Provider_Name":"Microsoft-Windows-Sysmon","EventID":"1"}"#,
            &["windows/process_creation/*", "windows/*/sysmon"],
        ),
        (
            r#"{"source":"XmlWinEventLog:Security","EventCode":4689}"#,
            &["windows/*/security", "windows/process_termination/*"],
        ),
        (
            r#"{"winlog":{"channel":"PowerShellCore/Operational"},"event":{"code":"4104"}}"#,
            &["windows/ps_script/*"],
        ),
        (
            r#"{"Channel":"Windows PowerShell","EventID":400}"#,
            &["windows/ps_classic_start/*", "windows/*/powershell-classic"],
        ),
        (
            r#"{"Channel":"Microsoft-Windows-Windows Defender/Operational","EventID":1116}"#,
            &["windows/*/windefend", "*/antivirus/*"],
        ),
        (
            r#"{"Channel":"Application","Provider_Name":"RPCFW","EventID":3}"#,
            &["rpc_firewall/application/*", "windows/*/application"],
        ),
        (
            r#"{"event":{"category":["process"],"type":["start"]},"host":{"os":{"type":"windows"}}}"#,
            &["windows/process_creation/*"],
        ),
        (r#"{"Type":"DeviceProcessEvents","ActionType":"ProcessCreated"}"#, &["windows/process_creation/*"]),
        (
            r#"{"category":"AdvancedHunting-DeviceFileEvents","properties":{"ActionType":"FileCreated"}}"#,
            &["windows/file_event/*"],
        ),
        (r#"{"event_simpleName":"ProcessRollup2","event_platform":"Mac"}"#, &["macos/process_creation/*"]),
    ]);
}

#[test]
fn unix() {
    check(&[
        (
            r#"{"appname":"sshd","facility":"authpriv","message":"x"}"#,
            &["linux/*/sshd", "linux/*/auth", "linux/*/syslog"],
        ),
        (r#"{"appname":"CRON"}"#, &["linux/*/cron"]),
        (r#"{"SYSLOG_IDENTIFIER":"sudo","MESSAGE":"x"}"#, &["linux/*/sudo"]),
        (r#"{"type":"EXECVE","serial":1,"a0":"id"}"#, &["linux/*/auditd"]),
        (
            r#"{"type":"SYSCALL","serial":1,"arch":"c000003e","syscall":59,"exe":"/bin/id"}"#,
            &["linux/process_creation/*", "linux/*/auditd"],
        ),
        (r#"{"event":{"module":"auditd","action":"executed"}}"#, &["linux/process_creation/*"]),
        (r#"{"Provider_Name":"Linux-Sysmon","EventID":11}"#, &["linux/file_event/*"]),
        (r#"{"log":{"file":{"path":"/var/log/vsftpd.log"}},"message":"x"}"#, &["linux/*/vsftpd"]),
        (r#"{"event":{"exec":{"target":{"executable":{"path":"/bin/sh"}}}}}"#, &["macos/process_creation/*"]),
    ]);
}

#[test]
fn clouds() {
    check(&[
        (
            r#"{"eventVersion":"1.08","eventSource":"iam.amazonaws.com","eventName":"CreateUser"}"#,
            &["aws/*/cloudtrail"],
        ),
        (r#"{"category":"SignInLogs","properties":{"x":1}}"#, &["azure/*/signinlogs"]),
        (r#"{"Type":"AuditLogs","LoggedByService":"PIM"}"#, &["azure/*/auditlogs", "azure/*/pim"]),
        (
            r#"{"category":"Administrative","resourceId":"/SUBSCRIPTIONS/1","operationName":"X"}"#,
            &["azure/*/activitylogs"],
        ),
        (
            r#"{"category":"UserRiskEvents","properties":{"riskEventType":"leakedCredentials"}}"#,
            &["azure/*/riskdetection"],
        ),
        (r#"{"Workload":"Exchange","Operation":"Set-Mailbox"}"#, &["m365/*/audit", "m365/*/exchange"]),
        (r#"{"eventSource":"SecurityComplianceCenter","eventName":"x"}"#, &["m365/*/threat_management"]),
        (r#"{"protoPayload":{"serviceName":"iam.googleapis.com","methodName":"x"}}"#, &["gcp/*/gcp.audit"]),
        (r#"{"protoPayload":{"serviceName":"login.googleapis.com"}}"#, &["gcp/*/google_workspace.login"]),
        (
            r#"{"eventType":"user.session.start","published":"x","actor":{"alternateId":"y"}}"#,
            &["okta/*/okta"],
        ),
        (r#"{"action":"repo.destroy","@timestamp":1,"_document_id":"x"}"#, &["github/*/audit"]),
        (r#"{"event_type_id":5,"account_id":1}"#, &["onelogin/*/onelogin.events"]),
        (r#"{"auditType":{"action":"x"}}"#, &["bitbucket/*/audit"]),
        (
            r#"{"verb":"create","objectRef":{"resource":"pods"}}"#,
            &["kubernetes/*/audit", "kubernetes/application/audit"],
        ),
    ]);
}

#[test]
fn networks() {
    check(&[
        (r#"{"_path":"dns","query":"x"}"#, &["zeek/*/dns", "*/dns/*"]),
        (r#"{"ts":1,"id.orig_h":"10.0.0.1","conn_state":"SF"}"#, &["zeek/*/conn", "*/firewall/*"]),
        (r#"{"event":{"dataset":"zeek.http"}}"#, &["zeek/*/http", "*/proxy/*", "*/webserver/*"]),
        (r#"{"cs-method":"GET","cs-uri-stem":"/","sc-status":200}"#, &["*/webserver/*"]),
        (r#"{"c-uri":"http://x","cs-method":"GET"}"#, &["*/proxy/*"]),
        (r#"{"devid":"FGT1","type":"event","cfgpath":"firewall.policy"}"#, &["fortigate/*/event"]),
        (r#"{"appname":"%SYS-5-CONFIG_I","message":"x"}"#, &["cisco/*/syslog", "cisco/*/aaa"]),
        (r#"{"src_ip":"a","dst_ip":"b","dst_port":1}"#, &["*/firewall/*"]),
        (r#"{"event_type":"authentication","access_device":{"ip":"x"}}"#, &["cisco/*/duo"]),
        (r#"{"logtype":5001,"node_id":"x","logdata":{}}"#, &["opencanary/application/*"]),
        (
            r#"{"logger_name":"org.springframework.x","thread_name":"main"}"#,
            &["spring/application/*", "jvm/application/*"],
        ),
    ]);
}

#[test]
fn an_event_of_no_known_source_has_none() {
    let mut bench = Bench::new(&["Image"]);
    for record in [r#"{}"#, r#"{"Image":"x"}"#, r#"{"Channel":null,"EventID":{"a":1}}"#] {
        assert!(bench.sources(record).is_empty(), "{record}");
    }
}

#[test]
fn high_cardinality_does_not_make_classes() {
    let mut bench = Bench::new(&[]);
    for n in 0..1000 {
        bench.class(&format!(r#"{{"appname":"app{n}","message":"m{n}","EventID":"e{n}"}}"#));
        bench.class(&format!(
            r#"{{"eventVersion":"1.{n}","eventSource":"s{n}.amazonaws.com","eventName":"E{n}"}}"#
        ));
    }
    assert_eq!(bench.resolver.class_count(), 2);
}

#[test]
fn a_thread_forgets_but_never_misjudges() {
    let mut bench = Bench::new(&["EventID"]);
    for n in 0..20_000 {
        let record = format!(r#"{{"Channel":"Security","EventID":{n}}}"#);
        assert_eq!(bench.class(&record).log_sources[0].service.as_deref(), Some("security"));
        let constant = bench.constant(&record, "EventID");
        assert!(constant.is_none_or(|text| text == n.to_string()));
    }
    assert!(bench.resolver.class_count() <= super::MAX_CLASSES + super::MAX_GENERIC_CLASSES);
}

#[test]
fn hints_and_a_fixed_source_add_to_what_is_recognised() {
    let mut bench = Bench::new(&[]);
    let record = r#"{"logsource":{"product":"pacs","service":"audit"},"x":1}"#;
    assert_eq!(bench.sources(record), ["pacs/*/audit"]);
    bench.resolver = bench.resolver.clone().with_fixed(rule("linux/process_creation/*"));
    assert_eq!(bench.sources(r#"{"x":1}"#), ["linux/process_creation/*"]);
    assert_eq!(bench.sources(record).len(), 2);
}

#[test]
fn a_users_table_adds_sources_fields_and_columns() {
    let mut taxonomy = Taxonomy::builtin().unwrap();
    taxonomy
        .extend(
            "pacs.toml",
            r#"
            [columns]
            host = ["modality"]
            [[source]]
            when = { kind = { prefix = "DICOM " } }
            is = ["pacs/application/dicom"]
            [[alternatives]]
            of = ["pacs/*/*"]
            fields = { User = ["operator"] }
            "#,
        )
        .unwrap();
    let mut bench = Bench::of(&taxonomy, &["User"]);
    let record = r#"{"kind":"DICOM C-MOVE","modality":"CT1","operator":"a","host":"x"}"#;
    assert_eq!(bench.sources(record), ["pacs/application/dicom"]);
    assert_eq!(bench.reads(record, "User").as_deref(), Some("a"));
    let mut buf = EventBuf::default();
    Scanner::default().scan(record.as_bytes(), &bench.names, &mut buf).unwrap();
    assert_eq!(bench.resolver.host(&buf.json_event(record.as_bytes())).as_deref(), Some("CT1"));
    assert!(taxonomy.extend("bad.toml", "[[source]]\nwhen = { a = 1 }\nis = [\"x\"]").is_err());
    assert!(taxonomy.can_reach(&rule("pacs/*/dicom")) && !taxonomy.can_reach(&rule("pacs/*/hl7")));
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let text = include_str!("../../../../docs/taxonomy.md");
    let example = text.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut taxonomy = Taxonomy::builtin().unwrap();
    taxonomy.extend("docs/taxonomy.md", example).unwrap();
    let mut bench = Bench::of(&taxonomy, &["User", "Protocol"]);
    let record = example.lines().find_map(|line| line.strip_prefix("# {")).unwrap();
    let record = format!("{{{record}");
    assert_eq!(bench.sources(&record), ["pacs/application/dicom"]);
    assert_eq!(bench.reads(&record, "User").as_deref(), Some("a.smith"));
    assert_eq!(bench.constant(&record, "Protocol").as_deref(), Some("dicom"));
}

#[test]
fn names_of_other_tables_are_refused() {
    let error = Taxonomy::builtin().unwrap().resolver(&FieldNames::default()).unwrap_err();
    assert!(error.to_string().contains("without these tables"), "{error}");
}

#[test]
fn columns_are_read_from_each_shape() {
    let mut bench = Bench::new(&[]);
    let mut columns = |record: &str| {
        let mut buf = EventBuf::default();
        Scanner::default().scan(record.as_bytes(), &bench.names, &mut buf).unwrap();
        let event = buf.json_event(record.as_bytes());
        let resolver = &mut bench.resolver;
        let text = |value: Option<String>| value.unwrap_or_default();
        let time = resolver.time(&event).map(|time| time.to_string());
        [
            text(time),
            text(resolver.host(&event)),
            text(resolver.user(&event)),
            text(resolver.record_id(&event)),
        ]
    };
    let evtx = r##"{"Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2020-10-21T12:19:01Z"}},"Computer":"pc","EventRecordID":7},"EventData":{"SubjectUserName":"-","TargetUserName":"a"}}}"##;
    assert_eq!(columns(evtx), ["2020-10-21T12:19:01Z", "pc", "a", "7"]);
    let zeek = r#"{"ts":1603282741.5,"uid":"C1"}"#;
    assert_eq!(columns(zeek), ["2020-10-21T12:19:01.5Z", "", "", "C1"]);
    let w3c = r#"{"date":"2020-10-21","time":"12:19:01","cs-username":"a","s-computername":"web"}"#;
    assert_eq!(columns(w3c), ["2020-10-21T12:19:01Z", "web", "a", ""]);
    let unreadable = r#"{"UtcTime":"soon","@timestamp":"2020-10-21T12:19:01Z"}"#;
    assert_eq!(columns(unreadable)[0], "2020-10-21T12:19:01Z");
}

#[test]
fn a_rule_that_names_the_envelope_reads_the_field_in_it() {
    let mut bench = Bench::new(&["winlog.event_data.Image"]);
    let record = r#"{"winlog":{"channel":"C","event_id":1,"event_data":{"Image":"x"}}}"#;
    assert_eq!(bench.reads(record, "winlog.event_data.Image").as_deref(), Some("x"));
}
