//! Fields inside the original bytes of an event that is JSON.
//!
//! A name stands for every field whose path ends with it: `EventID` is `Event.System.EventID` as well as
//! `EventID` at the top, and `winlog.event_data.Image` is a nested field as well as a key with dots in it.
//! Lists are looked through. Bytes that stop being JSON have the fields up to there; other bytes have none.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Whether one of the values of the fields of this name is what is asked for. Texts come as they are,
/// numbers and truth values as JSON writes them; null is no value.
pub(crate) fn any(raw: &[u8], name: &str, asked: &mut dyn FnMut(&str) -> bool) -> bool {
    if !may_have(raw, name) {
        return false;
    }
    let mut path = String::new();
    let mut found = false;
    let walk = Walk { name, path: &mut path, asked, found: &mut found };
    // an error is either the sign that it was found, or where the JSON ends
    let _ = walk.deserialize(&mut serde_json::Deserializer::from_slice(raw));
    found
}

/// The first value of the fields of this name.
#[cfg(feature = "engine")]
pub(crate) fn first(raw: &[u8], name: &str) -> Option<String> {
    let mut value = None;
    any(raw, name, &mut |text| {
        value = Some(text.to_owned());
        true
    });
    value
}

/// The text as JSON writes it inside quotation marks.
pub(crate) fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Whether it is an object.
pub(crate) fn is_object(raw: &[u8]) -> bool {
    raw.trim_ascii_start().starts_with(b"{")
}

/// Whether a path is the name, or ends with it.
pub(crate) fn is_named(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// Whether it is worth looking: there is an object, and the last part of the name is in it.
fn may_have(raw: &[u8], name: &str) -> bool {
    let object = is_object(raw);
    let last = name.rsplit('.').next().unwrap_or(name);
    let written_so = !last.contains(['"', '\\']) && !last.contains(char::is_control);
    object
        && (!written_so
            || memchr::memmem::find(raw, last.as_bytes()).is_some()
            || memchr::memmem::find(raw, b"\\").is_some() && last_may_be_escaped(raw))
}

/// Keys with escapes are rare, and found only by reading.
fn last_may_be_escaped(raw: &[u8]) -> bool {
    memchr::memmem::find(raw, b"\\u").is_some() || memchr::memmem::find(raw, b"\\/").is_some()
}

struct Walk<'a> {
    name: &'a str,
    path: &'a mut String,
    asked: &'a mut dyn FnMut(&str) -> bool,
    found: &'a mut bool,
}

impl Walk<'_> {
    fn is_named(&self) -> bool {
        is_named(self.path, self.name)
    }

    fn value<E: Error>(self, text: impl fmt::Display) -> Result<(), E> {
        if self.is_named() {
            return self.text(&text.to_string());
        }
        Ok(())
    }

    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        if self.is_named() && (self.asked)(text) {
            *self.found = true;
            return Err(E::custom("found"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let before = self.path.len();
        while map.next_key_seed(Key { path: &mut *self.path })?.is_some() {
            let inside = Walk { name: self.name, path: self.path, asked: self.asked, found: self.found };
            map.next_value_seed(inside)?;
            self.path.truncate(before);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let inside = Walk { name: self.name, path: self.path, asked: self.asked, found: self.found };
            if list.next_element_seed(inside)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.value(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.value(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.value(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.value(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.text(value)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Adds a key to the path.
struct Key<'a> {
    path: &'a mut String,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<(), E> {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(raw: &str, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        any(raw.as_bytes(), name, &mut |value| {
            values.push(value.to_owned());
            false
        });
        values
    }

    #[test]
    fn a_name_is_every_field_whose_path_ends_with_it() {
        let event = r#"{"Event":{"System":{"EventID":4625},"EventData":{"LogonType":"3"}},"EventID":"x"}"#;
        assert_eq!(values(event, "EventID"), ["4625", "x"]);
        assert_eq!(values(event, "System.EventID"), ["4625"]);
        assert_eq!(values(event, "Event.EventData.LogonType"), ["3"]);
        assert_eq!(values(event, "ID"), [""; 0], "not in the middle of a name");
        assert_eq!(values(r#"{"winlog.event_data":{"Image":"a"}}"#, "winlog.event_data.Image"), ["a"]);
        assert_eq!(values(r#"{"winlog.event_data.Image":"b"}"#, "event_data.Image"), ["b"]);
    }

    #[test]
    fn lists_are_looked_through_and_null_is_no_value() {
        assert_eq!(values(r#"{"a":[1,{"a":true},[-2.5]],"b":null}"#, "a"), ["1", "true", "-2.5"]);
        assert_eq!(values(r#"{"b":null}"#, "b"), [""; 0]);
    }

    #[test]
    fn keys_and_values_may_have_escapes() {
        assert_eq!(values(r#"{"\u0041b":"c:\\x"}"#, "Ab"), ["c:\\x"]);
        assert_eq!(values(r#"{"a\/b":1}"#, "a/b"), ["1"]);
        assert_eq!(values(r#"{"a\"b":1}"#, "a\"b"), ["1"]);
    }

    #[test]
    fn what_is_torn_has_the_fields_before_and_what_is_no_object_has_none() {
        assert_eq!(values(r#"{"a":1,"b":{"a":2,"#, "a"), ["1", "2"]);
        for none in ["<13>a: 1", "", "[{\"a\":1}]", "\"a\"", "\u{feff}{\"a\":1}"] {
            assert_eq!(values(none, "a"), [""; 0], "{none}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
        assert_eq!(values(&deep, "a"), [""; 0], "deeper than anybody nests");
    }
}
