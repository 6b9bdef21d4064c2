//! Records as they are kept: each by itself, without the file or document it came in, a row of a table behind the
//! lines of its header ([`Decoded::Event`](super::Decoded::Event)).
//!
//! They are decoded again for rules over the past, as if they came now ([`Decoder::decode_kept`]).
//!
//! Invariant: a record that was kept with its header has the fields again that it had when it came.

use super::decode::{Each, Record, Table};
use super::table::{Columns, apart};
use super::{Decoder, Format};
use ward_core::FieldNames;

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
}
