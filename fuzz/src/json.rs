//! The JSON scanner against serde_json: what one finds, the other must find.

use serde_json::de::Deserializer;
use ward_core::{EventBuf, FieldNames, NodeId, ValueKind};
use ward_telemetry::json::Scanner;

use expected::{Expected, Seen};

/// No panic on any bytes; on valid JSON objects the same fields with the same values, in the same order.
pub fn scanner(input: &[u8]) {
    let names = names();
    let mut event = EventBuf::default();
    let scanned = Scanner::default().scan(input, &names, &mut event);
    let Ok(text) = std::str::from_utf8(input) else { return };
    let expected = expected(text, &names);
    match (scanned, expected) {
        (Ok(()), Some(expected)) => assert_eq!(found(&event, input), expected),
        (Err(error), Some(_)) => assert_eq!(error.reason, "nested too deep", "{error}"),
        (Ok(()) | Err(_), None) => {}
    }
}

fn names() -> FieldNames {
    let mut names = FieldNames::default();
    for name in ["a", "b", "a.b", "long.path.x", "CommandLine", "é", "Threat Name"] {
        names.intern(name);
    }
    names.envelope(&["Event", "EventData"]);
    names.envelope(&["Event", "UserData", "*"]);
    names
}

fn found(event: &EventBuf, record: &[u8]) -> Vec<Seen> {
    let event = event.json_event(record);
    let mut scratch = Vec::new();
    let seen = |span: &ward_core::FieldSpan| {
        let text = match span.kind {
            ValueKind::Text => String::from_utf8_lossy(event.text_of(span, &mut scratch)).into_owned(),
            _ => String::new(),
        };
        (span.field, span.kind, text)
    };
    event.fields.iter().map(seen).collect()
}

/// The same question answered by serde_json. `None`: it is no JSON object.
fn expected(text: &str, names: &FieldNames) -> Option<Vec<Seen>> {
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return None;
    }
    let mut seen = Vec::new();
    let mut deserializer = Deserializer::from_str(text);
    let root = Expected { names, node: Some(NodeId::ROOT), seen: &mut seen, root: true };
    serde::de::DeserializeSeed::deserialize(root, &mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(seen)
}

/// A walk over what serde_json parses that notes the known fields.
mod expected {
    use std::fmt;

    use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
    use ward_core::{FieldId, FieldNames, NodeId, ValueKind};

    /// A value of a known field; the text of strings only.
    pub type Seen = (FieldId, ValueKind, String);

    pub struct Expected<'a> {
        pub names: &'a FieldNames,
        pub node: Option<NodeId>,
        pub seen: &'a mut Vec<Seen>,
        pub root: bool,
    }

    impl Expected<'_> {
        fn note(self, kind: ValueKind, text: &str) {
            if let Some(field) = self.node.and_then(|node| self.names.field(node)) {
                self.seen.push((field, kind, text.to_owned()));
            }
        }

        fn below(&mut self, node: Option<NodeId>) -> Expected<'_> {
            Expected { names: self.names, node, seen: self.seen, root: false }
        }
    }

    impl<'de> DeserializeSeed<'de> for Expected<'_> {
        type Value = ();

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
            deserializer.deserialize_any(self)
        }
    }

    impl<'de> Visitor<'de> for Expected<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            self.note(ValueKind::Bool, "");
            Ok(())
        }

        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            self.note(ValueKind::Number, "");
            Ok(())
        }

        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            self.note(ValueKind::Number, "");
            Ok(())
        }

        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            self.note(ValueKind::Number, "");
            Ok(())
        }

        fn visit_str<E>(self, text: &str) -> Result<(), E> {
            self.note(ValueKind::Text, text);
            Ok(())
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            self.note(ValueKind::Null, "");
            Ok(())
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
            let node = self.node;
            self.below(node).note(ValueKind::Container, "");
            while elements.next_element_seed(self.below(node))?.is_some() {}
            Ok(())
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
            let node = self.node;
            if !self.root {
                self.below(node).note(ValueKind::Container, "");
            }
            let read = node.filter(|node| self.root || self.names.has_children(*node));
            while let Some(key) = members.next_key::<String>()? {
                match read {
                    Some(node) => {
                        let child = self.names.child(node, key.as_bytes());
                        members.next_value_seed(self.below(child))?;
                    }
                    None => drop(members.next_value::<IgnoredAny>()?),
                }
            }
            Ok(())
        }
    }
}
