//! Records as they are kept: each by itself, without the file or document it came in, a row of a table behind the
//! lines of its header ([`Decoded::Event`](super::Decoded::Event)).
//!
//! They are decoded again for rules over the past, as if they came now ([`Decoder::decode_kept`]), and for those who
//! ask for a field by its name, whatever the name ([`parts`]).
//!
//! Invariant: a record that was kept with its header has the fields again that it had when it came.
//! Invariant: a text that [`stands_verbatim`] speaks of is looked for in the bytes of a record, and found there if
//! one of its fields has it.

use super::decode::{Each, Record, Table};
use super::fields::{Fields, Pairs};
use super::syslog::Message;
use super::table::{Columns, apart};
use super::{Decoder, Format, access_log, auditd, cef, leef, logfmt, otlp, payload};
use memchr::memmem;
use ward_core::FieldNames;

/// Where fields of a kept record are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A field, by its name as its format has it.
    Field {
        /// Its name.
        name: &'a str,
        /// Its value, with escapes undone.
        value: &'a str,
    },
    /// A JSON object in it that has fields of its own.
    Json(&'a str),
}

impl Decoder {
    /// Gives `each` one record as it is kept. A row that was kept without its header is told as an error, or not at
    /// all.
    pub fn decode_kept(&mut self, format: Format, bytes: &[u8], names: &FieldNames, each: &mut Each<'_>) {
        let (head, row) = apart(format, bytes);
        let columns = is_table(format).then(|| Columns::of_head(format, head, self.options.limits.columns));
        let table = columns.as_ref().map(|columns| Table { columns, head });
        let record = Record { bytes: row, number: 1, offset: 0 };
        self.record(record, false, alone(format), table, names, each);
    }
}

/// The record itself, without the lines of a header before it.
pub fn without_head(format: Format, bytes: &[u8]) -> &[u8] {
    match apart(format, bytes) {
        // Kept without a header, a row of CSV is the only line there is.
        (row, []) => row,
        (_, row) => row,
    }
}

fn is_table(format: Format) -> bool {
    matches!(format, Format::Csv | Format::Zeek | Format::W3c)
}

/// How one record of a format is written when it stands alone.
fn alone(format: Format) -> Format {
    match format {
        Format::Evtx | Format::Json => Format::JsonLines,
        Format::SyslogFrames => Format::Syslog,
        other => other,
    }
}

/// Gives `each` all that has fields in a kept record: what its envelope says as well as what it holds. What cannot be
/// read has none.
pub fn parts(format: Format, bytes: &[u8], each: &mut dyn FnMut(Part<'_>)) {
    let text = String::from_utf8_lossy(bytes);
    let mut pairs = Pairs::default();
    match alone(format) {
        Format::JsonLines => return each(Part::Json(&text)),
        Format::Syslog => message(&Message::of(&text), &mut pairs, each),
        Format::Lines => message(&Message::plain(&text), &mut pairs, each),
        Format::Otlp => {
            if let Some(json) = otlp::pairs(&text, &mut pairs) {
                each(Part::Json(&json));
            }
        }
        other => {
            // Up to where it is wrong, it has fields.
            let _ = line(other, bytes, &text, &mut pairs);
        }
    }
    pairs.iter().for_each(|(name, value)| each(Part::Field { name, value }));
}

fn message(message: &Message<'_>, pairs: &mut Pairs, each: &mut dyn FnMut(Part<'_>)) {
    match payload::json_in(message.message) {
        Some(json) => each(Part::Json(json)),
        None => {
            if payload::line(message.message, &mut Fields::all(pairs)).is_err() {
                pairs.clear();
            }
        }
    }
    message.put(None, &mut Fields::all(pairs));
}

fn line(format: Format, bytes: &[u8], text: &str, pairs: &mut Pairs) -> Result<(), &'static str> {
    let mut fields = Fields::all(pairs);
    match format {
        Format::Cef => cef::decode_line(text, &mut fields),
        Format::Leef => leef::decode_line(text, &mut fields),
        Format::Logfmt => logfmt::decode_line(text, &mut fields),
        Format::Auditd => auditd::decode_line(text, &mut fields),
        Format::AccessLog => access_log::decode_line(text, &mut fields),
        _ => {
            let (head, row) = apart(format, bytes);
            let columns = Columns::of_head(format, head, usize::MAX);
            columns.decode_line(&String::from_utf8_lossy(row), &mut fields)
        }
    }
}

/// Whether a text of letters, digits, spaces and `_ . - : @` that is in a value of a field of this name must be in
/// the record's bytes, too, in one case of letters or the other.
pub fn stands_verbatim(text: &str, name: &str, format: Format, bytes: &[u8]) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " _.-:@".contains(c);
    let last = name.rsplit('.').next().unwrap_or(name);
    let has = |written: &str| memmem::find(bytes, written.as_bytes()).is_some();
    // Made of numbers, of more than one cell, or of nothing.
    let is_made =
        matches!(last, "facility" | "severity" | "timestamp") || "true".contains(&text.to_ascii_lowercase());
    // Other letters may have one of these as their small one; damaged ones are mended.
    let is_ascii = bytes.is_ascii();
    // JSON and access logs may write a letter as its number, JSON a number in many ways; the kernel writes some values
    // as numbers only.
    let is_encoded = has("\\u") || has("\\x") || has("{") || has("msg=audit(");
    // Wrongly quoted cells are joined.
    let is_joined = format == Format::Csv && has("\"");
    text.chars().all(is_plain) && is_ascii && !is_made && !is_encoded && !is_joined
}

#[cfg(test)]
mod tests {
    use super::super::{Decoded, Options};
    use super::*;

    fn first(format: Format, kept: &str, name: &str) -> Option<String> {
        let (mut names, mut value) = (FieldNames::default(), None);
        let field = names.intern(name).unwrap();
        Decoder::new(&Options::default()).decode_kept(format, kept.as_bytes(), &names, &mut |decoded| {
            let Decoded::Event { event, .. } = decoded else { return };
            assert_eq!(event.record, without_head(format, kept.as_bytes()), "the record itself");
            value = event.first(field);
        });
        value
    }

    #[test]
    fn rows_are_read_by_the_header_before_them() {
        for (format, kept, name, value) in [
            (Format::Csv, "a;b\n1;\"x\ny\"", "b", Some("x\ny")),
            (Format::Csv, "1,2", "1", None),
            (Format::Zeek, "#separator \\x09\n#unset_field\t?\n#fields\ta\tb\n-\t?", "a", Some("-")),
            (Format::Zeek, "-\t?", "a", None),
            (Format::W3c, "#Fields: a b\n- 2", "b", Some("2")),
            (Format::SyslogFrames, "<34>Oct 11 22:14:15 host su: x", "appname", Some("su")),
            (Format::Json, "{\n\"a\": 1}", "a", Some("1")),
        ] {
            assert_eq!(first(format, kept, name).as_deref(), value, "{format}: {kept}");
        }
    }

    #[test]
    fn what_the_envelope_says_and_what_it_holds_are_parts() {
        let mut told = Vec::new();
        let record = b"<34>1 - web1 app - - - level=info severity=low";
        parts(Format::Syslog, record, &mut |part| {
            if let Part::Field { name, value } = part {
                told.push(format!("{name}={value}"));
            }
        });
        let expected = ["level=info", "severity=low", "facility=auth", "hostname=web1", "appname=app"];
        assert_eq!(told[..5], expected);
    }

    #[test]
    fn only_what_cannot_be_written_otherwise_stands_verbatim() {
        let stands = |text: &str, name: &str, format, record: &str| {
            stands_verbatim(text, name, format, record.as_bytes())
        };
        assert!(stands("10.0.0.1", "src", Format::Cef, r"CEF:0|a|b\|c|d|e|5|src=1"));
        assert!(stands("two words", "msg", Format::Logfmt, "a=1"));
        for (text, name, format, record) in [
            ("a=b", "act", Format::Cef, "CEF:0|"),
            ("abc", "msg", Format::Logfmt, r#"msg="\u0041bc""#),
            ("abc", "cs-user-agent", Format::AccessLog, r"\x41bc"),
            ("cat", "a0", Format::Syslog, "<1>type=EXECVE msg=audit(1.2:3): a0=636174"),
            ("crit", "severity", Format::Syslog, "<34>"),
            ("rue", "flag", Format::Logfmt, "a=1 flag"),
            ("ab", "x", Format::Csv, "x\n\"a\"b"),
            ("kelvin", "x", Format::Lines, "\u{212a}elvin"),
            ("1000", "n", Format::Syslog, "{\"n\":1e3}"),
        ] {
            assert!(!stands(text, name, format, record), "{text} {name} {format} {record}");
        }
    }
}
