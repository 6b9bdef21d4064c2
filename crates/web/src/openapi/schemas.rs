//! What bodies and answers consist of.

use serde_json::{Map, Value, json};

/// Name of a schema, and its fields with what they are. A name in capitals is another schema; `?` may be null,
/// `[]` is a list, `~` need not be there.
const SCHEMAS: &[(&str, &[(&str, &str)])] = &[
    ("Error", &[("error", "Reason")]),
    ("Reason", &[("status", "integer"), ("message", "string"), ("hint", "string~"), ("column", "integer~")]),
    ("Alive", &[("alive", "boolean")]),
    ("Ready", &[("ready", "boolean"), ("reasons", "string[]~")]),
    (
        "Me",
        &[("name", "string"), ("role", "string?"), ("permissions", "string[]"), ("organisations", "Reach")],
    ),
    ("Reach", &[("count", "integer"), ("whole_sector", "boolean")]),
    ("Alerts", &[("alerts", "Alert[]"), ("next", "string?"), ("total", "integer")]),
    ("AlertWithFindings", &[("alert", "Alert"), ("findings", "Finding[]"), ("next", "string?")]),
    (
        "Alert",
        &[
            ("id", "string"),
            ("organisation", "string"),
            ("rule", "string"),
            ("title", "string"),
            ("tags", "string[]"),
            ("entity", "Entity"),
            ("level", "string"),
            ("state", "string"),
            ("verdict", "string"),
            ("owner", "string?"),
            ("note", "string"),
            ("first_seen", "string"),
            ("last_seen", "string"),
            ("count", "integer"),
            ("opened", "string"),
            ("changed", "string"),
        ],
    ),
    ("Entity", &[("kind", "string"), ("name", "string")]),
    ("Decision", &[("state", "string~"), ("verdict", "string~"), ("owner", "string?~"), ("note", "string~")]),
    ("Findings", &[("findings", "Finding[]"), ("next", "string?")]),
    ("FindingWithEvidence", &[("finding", "Finding"), ("evidence", "Event[]~"), ("missing", "string[]~")]),
    (
        "Finding",
        &[
            ("id", "string"),
            ("organisation", "string"),
            ("source", "string"),
            ("events", "string[]"),
            ("rule", "string"),
            ("title", "string"),
            ("tags", "string[]"),
            ("level", "string"),
            ("host", "string?"),
            ("user", "string?"),
            ("time", "string"),
            ("received", "string"),
            ("stored", "string"),
            ("matched", "object"),
            ("exception", "string?"),
            ("alert", "string?"),
        ],
    ),
    (
        "Events",
        &[
            ("rows", "Event[]~"),
            ("scanned", "Scanned~"),
            ("more", "boolean~"),
            ("error", "Reason~"),
            ("estimate", "Estimate~"),
        ],
    ),
    ("OneEvent", &[("event", "Event")]),
    (
        "Event",
        &[
            ("id", "string"),
            ("organisation", "string"),
            ("time", "string"),
            ("received", "string"),
            ("source", "string"),
            ("format", "string"),
            ("device", "string?"),
            ("user", "string?"),
            ("class_uid", "integer"),
            ("log_source", "string"),
            ("addresses", "string[]"),
            ("hashes", "string[]"),
            ("domains", "string[]"),
            ("urls", "string[]"),
            ("raw", "string~"),
            ("raw_base64", "string~"),
        ],
    ),
    (
        "Scanned",
        &[
            ("files", "integer"),
            ("files_pruned", "integer"),
            ("groups_pruned", "integer"),
            ("groups_read", "integer"),
            ("rows", "integer"),
            ("bytes", "integer"),
            ("found", "integer"),
            ("milliseconds", "integer"),
            ("damaged", "Damaged[]"),
        ],
    ),
    ("Damaged", &[("file", "string"), ("reason", "string")]),
    (
        "Estimate",
        &[("files", "integer"), ("rows", "integer"), ("bytes", "integer"), ("reads_original", "boolean")],
    ),
    (
        "Statement",
        &[("sql", "string"), ("from", "string~"), ("to", "string~"), ("organisations", "string[]~")],
    ),
    ("Organisations", &[("organisations", "Organisation[]"), ("next", "string?"), ("total", "integer")]),
    ("OrganisationWithBelow", &[("organisation", "Organisation"), ("below", "Organisation[]")]),
    ("Organisation", &[("id", "string"), ("parent", "string?"), ("kind", "string"), ("name", "string")]),
    ("Sources", &[("sources", "Source[]"), ("next", "string?"), ("total", "integer")]),
    ("OneSource", &[("source", "Source")]),
    (
        "Source",
        &[
            ("id", "string"),
            ("organisation", "string"),
            ("rate", "integer?"),
            ("silent_after_seconds", "integer?"),
            ("enabled", "boolean"),
            ("created", "string"),
        ],
    ),
    ("SilentSources", &[("silent", "SilentSource[]")]),
    (
        "SilentSource",
        &[("source", "string"), ("organisation", "string"), ("since", "string"), ("ever_heard", "boolean")],
    ),
    ("Devices", &[("devices", "Device[]"), ("next", "string?")]),
    (
        "Device",
        &[
            ("organisation", "string"),
            ("source", "string"),
            ("device", "string"),
            ("first_seen", "string"),
            ("last_seen", "string"),
            ("events", "integer"),
            ("silent", "boolean"),
        ],
    ),
    ("Exceptions", &[("exceptions", "Exception[]")]),
    (
        "Exception",
        &[
            ("id", "string"),
            ("organisation", "string"),
            ("and_below", "boolean"),
            ("filter", "string"),
            ("reason", "string"),
            ("owner", "string"),
            ("created", "string"),
            ("expires", "string"),
            ("removed", "string?"),
            ("in_force", "boolean"),
            ("muted", "integer"),
        ],
    ),
    (
        "NewException",
        &[
            ("organisation", "string"),
            ("and_below", "boolean~"),
            ("filter", "string"),
            ("reason", "string"),
            ("owner", "string"),
            ("expires", "string"),
        ],
    ),
    ("Made", &[("id", "string")]),
    ("DeadLetters", &[("dead_letters", "DeadLetter[]"), ("next", "string?")]),
    ("OneDeadLetter", &[("dead_letter", "DeadLetter")]),
    (
        "DeadLetter",
        &[
            ("id", "string"),
            ("organisation", "string"),
            ("source", "string"),
            ("received", "string"),
            ("format", "string"),
            ("reason", "string"),
            ("detail", "string"),
            ("bytes", "integer"),
            ("replayed", "string?~"),
            ("content_base64", "string~"),
            ("text", "string?~"),
        ],
    ),
    ("DeadLetterCounts", &[("counts", "DeadLetterCount[]"), ("dropped", "DroppedLetters[]")]),
    ("DeadLetterCount", &[("reason", "string"), ("count", "integer")]),
    (
        "DroppedLetters",
        &[
            ("organisation", "string"),
            ("source", "string"),
            ("why", "string"),
            ("count", "integer"),
            ("bytes", "integer"),
            ("latest", "string"),
        ],
    ),
    ("Replayed", &[("batch", "integer")]),
    ("Discarded", &[("discarded", "integer")]),
    (
        "RulesReport",
        &[
            ("generation", "integer"),
            ("rules", "integer"),
            ("correlations", "integer"),
            ("refused", "RefusedRule[]"),
        ],
    ),
    ("RefusedRule", &[("place", "string"), ("reason", "string")]),
    ("Ledger", &[("entries", "LedgerEntry[]"), ("next", "string?")]),
    (
        "LedgerEntry",
        &[
            ("number", "integer"),
            ("time", "string"),
            ("actor", "Entity"),
            ("action", "string"),
            ("subject", "string"),
            ("detail", "object"),
            ("previous", "string"),
            ("hash", "string"),
        ],
    ),
    (
        "Verified",
        &[
            ("whole", "boolean"),
            ("entries", "integer~"),
            ("hash", "string~"),
            ("first_bad", "integer~"),
            ("why", "string~"),
        ],
    ),
];

/// All of them.
pub(super) fn all() -> Map<String, Value> {
    let mut all: Map<String, Value> =
        SCHEMAS.iter().map(|(name, fields)| ((*name).to_owned(), object(fields))).collect();
    all.insert("Description".to_owned(), json!({ "type": "object" }));
    all
}

fn object(fields: &[(&str, &str)]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, kind)| ((*name).to_owned(), schema(kind.trim_end_matches('~')))).collect();
    let required: Vec<&str> =
        fields.iter().filter(|(_, kind)| !kind.ends_with('~')).map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn schema(kind: &str) -> Value {
    if let Some(item) = kind.strip_suffix("[]") {
        return json!({ "type": "array", "items": schema(item) });
    }
    if let Some(kind) = kind.strip_suffix('?') {
        return json!({ "type": [kind, "null"] });
    }
    if kind.starts_with(|first: char| first.is_ascii_uppercase()) {
        return json!({ "$ref": format!("#/components/schemas/{kind}") });
    }
    json!({ "type": kind })
}
