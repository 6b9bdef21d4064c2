//! Fields inside the original bytes of an event, by their names, whatever the event's format.
//!
//! JSON is read as it stands ([`crate::json`]); other records are taken apart as when they came, and have the names
//! that their formats have. A name stands for every field whose path ends with it.

use ward_telemetry::input::{Format, Part, parts};

use crate::json;

/// Whether one of the values of the fields of this name is what is asked for.
pub(crate) fn any(format: &str, raw: &[u8], name: &str, asked: &mut dyn FnMut(&str) -> bool) -> bool {
    let is_object = json::is_object(raw);
    if is_object && json::any(raw, name, asked) {
        return true;
    }
    // What senders wrap in an object has fields inside of it that are no JSON.
    let format = format.parse().ok().filter(|format| !is_object || *format == Format::Otlp);
    let mut found = false;
    if let Some(format) = format {
        parts(format, raw, &mut |part| {
            found = found
                || match part {
                    Part::Field { name: path, value } => json::is_named(path, name) && asked(value),
                    Part::Json(object) => json::any(object.as_bytes(), name, asked),
                };
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(format: &str, raw: &str, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        any(format, raw.as_bytes(), name, &mut |value| {
            values.push(value.to_owned());
            false
        });
        values
    }

    #[test]
    fn each_format_has_the_fields_that_it_has_by_its_own_names() {
        for (format, raw, name, value) in [
            ("logfmt", "level=info msg=\"two words\"", "msg", "two words"),
            ("cef", "CEF:0|a|b|c|d|e|5|src=10.0.0.1 cs1Label=Ward cs1=A 7", "Ward", "A 7"),
            ("leef", "LEEF:1.0|a|b|c|d|src=10.0.0.1\tusrName=x", "usrName", "x"),
            ("auditd", "type=EXECVE msg=audit(1.2:3): argc=1 a0=636174", "a0", "cat"),
            ("syslog", "<34>Oct 11 22:14:15 host su[7]: failed", "procid", "7"),
            ("syslog-frames", "<34>Oct 11 22:14:15 host su[7]: failed", "severity", "crit"),
            ("syslog", "<34>1 - h a - - [x@1 ip=\"10.0.0.1\"] m", "ip", "10.0.0.1"),
            ("syslog", "<34>1 - h a - - - {\"a\":{\"b\":7}}", "b", "7"),
            ("lines", "@cee: {\"b\":7}", "b", "7"),
            (
                "access-log",
                "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /x HTTP/1.0\" 404 1",
                "sc-status",
                "404",
            ),
            ("csv", "when,User\n1,\"a \"\"b\"\"\"", "User", "a \"b\""),
            ("zeek", "#separator \\x09\n#fields\tid.orig_h\tx\n10.0.0.1\t-", "orig_h", "10.0.0.1"),
            ("w3c", "#Fields: c-ip cs(User-Agent)\n10.0.0.1 curl/8", "cs-user-agent", "curl/8"),
            ("evtx", "{\"Event\":{\"System\":{\"EventID\":4625}}}", "EventID", "4625"),
            (
                "otlp",
                "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"pacs\"}}]},\
                 \"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"a=1 b=2\"}}]}]}",
                "service.name",
                "pacs",
            ),
        ] {
            assert_eq!(values(format, raw, name), [value], "{format}: {raw}");
            assert_eq!(values(format, raw, &name[1..]), [""; 0], "{format}: not in the middle of a name");
        }
    }

    #[test]
    fn what_cannot_be_read_has_none() {
        for (format, raw) in
            [("csv", "1,2"), ("zeek", "1\t2"), ("cef", "a=1"), ("nothing", "a=1"), ("otlp", "a=1")]
        {
            assert_eq!(values(format, raw, "a"), [""; 0], "{format}");
        }
    }
}
