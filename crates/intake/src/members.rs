//! A JSON object as its members stand, so that it can be put together anew without losing a digit.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of an object, in their order, each value as its bytes.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The object that `text` is.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a member.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// Whether there is such a member.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
}

/// The text of a raw value, if it is a string.
pub(crate) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(value.get()).ok().map(|text| text.0)
}

/// An object being written on one line.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    /// Begins one.
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        one_line(value.as_bytes(), self.out);
    }

    /// Adds a member whose value is text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        string(value, self.out);
    }

    /// Adds all members but those that `skip` names.
    pub(crate) fn members(&mut self, members: &Members<'_>, skip: &[&str]) {
        for (key, value) in members.0.iter().filter(|(key, _)| !skip.contains(&key.as_ref())) {
            self.raw(key, value.get());
        }
    }

    /// Adds a member that is itself an object.
    pub(crate) fn object(&mut self, key: &str) -> Object<'_> {
        self.key(key);
        Object::begin(self.out)
    }

    /// Ends it.
    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    /// Writes the key, and the value follows in `out`.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        string(key, self.out);
        self.out.push(b':');
        self.out
    }
}

/// Writes text as a JSON string.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Writes JSON without its line breaks, which stand only between its tokens.
pub(crate) fn one_line(json: &[u8], out: &mut Vec<u8>) {
    let mut rest = json;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
        let (part, after) = rest.split_at(at);
        out.extend_from_slice(part);
        rest = after.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take;
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        impl<'de> Visitor<'de> for Take {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_comes_out_as_it_went_in_on_one_line() {
        let before = "{ \"a\" : 1.10,\n \"b\\\"c\": [1,\r\n {\"d\": null}], \"e\": \"x\\ny\" }";
        let members = Members::of(before).unwrap();
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.members(&members, &["e"]);
        object.text("f", "g\n");
        object.end();
        let after = String::from_utf8(out).unwrap();
        assert_eq!(after, r#"{"a":1.10,"b\"c":[1, {"d": null}],"f":"g\n"}"#);
        assert_eq!(text(members.get("e").unwrap()).unwrap(), "x\ny");
        assert!(text(members.get("a").unwrap()).is_none());
    }

    #[test]
    fn only_objects_have_members() {
        for text in ["", "1", "[]", "null", "{", "{\"a\":}", "{} {}", "{\"a\":1,}"] {
            assert!(Members::of(text).is_none(), "{text}");
        }
    }
}
