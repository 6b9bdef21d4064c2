//! One event, as the bytes it came in and the places of its known fields in them.

use crate::FieldId;

/// What a value is in its source. Matching works on the text; the kind tells null and containers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A string.
    Text,
    /// A number, as written.
    Number,
    /// `true` or `false`.
    Bool,
    /// JSON `null`: the text is empty.
    Null,
    /// A whole JSON array or object, raw: recorded beside its parts, so that presence can be told.
    Container,
}

/// The place of one value of one known field. A field may have many values (JSON arrays).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpan {
    /// Whose value it is.
    pub field: FieldId,
    /// What it is in the source.
    pub kind: ValueKind,
    /// The text holds JSON escapes that must be undone before use.
    pub escaped: bool,
    /// First byte in [`Event::text`].
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Form of [`Event::record`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordForm {
    /// One JSON object.
    #[default]
    Json,
    /// A line of text (syslog, CEF, CSV...).
    Text,
}

/// An event to match: borrowed, so nothing is copied on the way to the matcher.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The bytes that the spans point into.
    pub text: &'a [u8],
    /// The known fields, in the order they came. Fields that no rule and no table names are absent.
    pub fields: &'a [FieldSpan],
    /// The whole record as it came: what a keyword search reads and what is shown as evidence.
    pub record: &'a [u8],
    /// Form of `record`.
    pub form: RecordForm,
    /// A JSON record writes some characters as `\uXXXX`, so its raw bytes may hide text.
    pub unicode_escapes: bool,
}

impl<'a> Event<'a> {
    /// The raw text of a span, escapes and all.
    pub fn raw(&self, span: &FieldSpan) -> &'a [u8] {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The text of a span with its escapes undone, in `scratch` if there were any.
    pub fn text_of<'s>(&self, span: &FieldSpan, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        let raw = self.raw(span);
        if !span.escaped {
            return raw;
        }
        scratch.clear();
        crate::json::unescape_into(raw, scratch);
        scratch
    }

    /// The first value of a field, as text. `None`: absent, null or a container.
    pub fn first(&self, field: FieldId) -> Option<String> {
        let mut scratch = Vec::new();
        let span = self.fields.iter().find(|s| {
            s.field == field && matches!(s.kind, ValueKind::Text | ValueKind::Number | ValueKind::Bool)
        })?;
        Some(String::from_utf8_lossy(self.text_of(span, &mut scratch)).into_owned())
    }
}

/// A reusable buffer in which a decoder lays out an event. Not cleared by itself.
#[derive(Debug, Default, Clone)]
pub struct EventBuf {
    /// Places of the known fields.
    pub fields: Vec<FieldSpan>,
    /// Values that are not slices of the record: what a text format decoded.
    pub arena: Vec<u8>,
    /// See [`Event::unicode_escapes`].
    pub unicode_escapes: bool,
}

impl EventBuf {
    /// Forgets the event, keeps the memory.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.arena.clear();
        self.unicode_escapes = false;
    }

    /// Appends a decoded value to the arena as a value of `field`.
    pub fn push(&mut self, field: FieldId, kind: ValueKind, value: &[u8]) {
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(value);
        self.fields.push(FieldSpan { field, kind, escaped: false, start, end: self.arena.len() as u32 });
    }

    /// The event whose values lie in the arena, with the record it came from.
    pub fn text_event<'a>(&'a self, record: &'a [u8]) -> Event<'a> {
        Event {
            text: &self.arena,
            fields: &self.fields,
            record,
            form: RecordForm::Text,
            unicode_escapes: false,
        }
    }

    /// The event whose values are slices of the JSON `record`.
    pub fn json_event<'a>(&'a self, record: &'a [u8]) -> Event<'a> {
        let unicode_escapes = self.unicode_escapes;
        Event { text: record, fields: &self.fields, record, form: RecordForm::Json, unicode_escapes }
    }
}
