//! logfmt: `key=value key="quoted value" flag`. There is no standard; this is what Go's loggers, Heroku
//! and firewalls (FortiGate) write.
//!
//! Names: the keys as they stand. A key without `=` is `true`. In quotes the escapes of JSON hold.

use super::fields::Fields;
use std::borrow::Cow;
use ward_core::{ValueKind, json::unescape_into};

/// Takes a line apart.
///
/// # Errors
/// The line has no `key=value`.
pub fn decode_line(line: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
    let mut found = false;
    for (key, value) in Pairs(line) {
        match value {
            Some(value) => {
                found = true;
                fields.put(key, &value);
            }
            None => fields.put_as(key, ValueKind::Bool, "true"),
        }
    }
    if found { Ok(()) } else { Err("it has no key=value pair") }
}

/// Whether a text begins with a pair and is made of pairs for the most part.
pub(super) fn fits(text: &str) -> bool {
    let is_name = |key: &str| {
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./@".contains(&b))
    };
    let (mut pairs, mut others) = (0, 0);
    for (at, (key, value)) in Pairs(text).take(64).enumerate() {
        let pair = value.is_some() && is_name(key);
        if at == 0 && !pair {
            return false;
        }
        if pair { pairs += 1 } else { others += 1 }
    }
    pairs >= 2 && others <= pairs
}

/// The pairs of a text, from left to right.
struct Pairs<'a>(&'a str);

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, Option<Cow<'a, str>>);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_ascii_start();
        if text.is_empty() {
            return None;
        }
        let end = text.bytes().position(|b| b == b'=' || b.is_ascii_whitespace()).unwrap_or(text.len());
        let (key, rest) = text.split_at(end);
        let Some(rest) = rest.strip_prefix('=') else {
            self.0 = rest;
            return Some((key, None));
        };
        let (value, rest) = value(rest);
        self.0 = rest;
        Some((key, Some(value)))
    }
}

/// The value at the start of `text` and what follows it. Quotes that do not close reach to the end.
fn value(text: &str) -> (Cow<'_, str>, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.bytes().position(|b| b.is_ascii_whitespace()).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.into(), rest);
    };
    let mut escaped = false;
    let mut from = 0;
    let (inside, rest) = loop {
        let bytes = quoted.as_bytes().get(from..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', bytes).map(|at| from + at) {
            None => break (quoted, ""),
            Some(at) if quoted.as_bytes().get(at) == Some(&b'"') => {
                break (quoted.get(..at).unwrap_or_default(), quoted.get(at + 1..).unwrap_or_default());
            }
            Some(at) => {
                escaped = true;
                from = at + 2;
            }
        }
    };
    if !escaped {
        return (inside.into(), rest);
    }
    let mut out = Vec::with_capacity(inside.len());
    unescape_into(inside.as_bytes(), &mut out);
    (String::from_utf8_lossy(&out).into_owned().into(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_quotes_escapes_and_flags() {
        let line = r#"level=info msg="said \"hi\" in C:\\Temp" empty= path=a=b dry_run ünï=1 last="open"#;
        let pairs: Vec<_> = Pairs(line).map(|(k, v)| (k, v.map(Cow::into_owned))).collect();
        let expect = |k: &'static str, v: &str| (k, Some(v.to_owned()));
        assert_eq!(
            pairs,
            [
                expect("level", "info"),
                expect("msg", r#"said "hi" in C:\Temp"#),
                expect("empty", ""),
                expect("path", "a=b"),
                ("dry_run", None),
                expect("ünï", "1"),
                expect("last", "open"),
            ]
        );
    }

    #[test]
    fn prose_with_an_equal_sign_is_no_logfmt() {
        for (text, fit) in [
            ("a=1 b=2", true),
            ("date=2019-05-10 time=11:37:47 devname=\"FGT\"", true),
            ("Failed password for root user=root rhost=1.2.3.4", false),
            ("a=1 and then some words and more words b=2", false),
            ("a=1", false),
        ] {
            assert_eq!(fits(text), fit, "{text}");
        }
    }
}
