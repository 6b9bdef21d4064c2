//! ArcSight Common Event Format, as in "Micro Focus Security ArcSight Common Event Format" version 26:
//! `CEF:version|vendor|product|device version|class id|name|severity|extension`.
//!
//! Names: `cefVersion`, `deviceVendor`, `deviceProduct`, `deviceVersion`, `deviceEventClassId`, `name`,
//! `severity`; the keys of the extension as they stand; and where `cs1Label=Foo` comes with `cs1=bar`,
//! `Foo` is `bar` too, for every key with a label.

use super::fields::Fields;
use std::borrow::Cow;

/// Takes a message that starts with `CEF:` apart.
///
/// # Errors
/// It does not start so, or its header has fewer than seven parts.
pub fn decode_line(line: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
    let mut rest = line.trim_start().strip_prefix("CEF:").ok_or("it does not start with 'CEF:'")?;
    for (at, key) in HEADER.into_iter().enumerate() {
        let (part, after) = match (header_part(rest), at == HEADER.len() - 1) {
            (Some(found), _) => found,
            (None, true) => (rest, ""), // no extension
            (None, false) => return Err("its header has fewer than seven parts"),
        };
        fields.put(key, &unescaped(part));
        rest = after;
    }
    let pairs = extension(rest);
    for (key, value) in &pairs {
        fields.put(key, &unescaped(value));
    }
    let labels = pairs.iter().filter_map(|(key, label)| Some((key.strip_suffix("Label")?, label)));
    for (labelled, label) in labels.take(MOST_LABELS) {
        for (_, value) in pairs.iter().filter(|(key, _)| *key == labelled) {
            fields.put(&unescaped(label), &unescaped(value));
        }
    }
    Ok(())
}

/// The standard has 24 keys with labels; vendors add a few.
const MOST_LABELS: usize = 64;
const LONGEST_KEY: usize = 256;

const HEADER: [&str; 7] = [
    "cefVersion",
    "deviceVendor",
    "deviceProduct",
    "deviceVersion",
    "deviceEventClassId",
    "name",
    "severity",
];

/// The text up to the next `|` that is not escaped, and what follows.
pub(super) fn header_part(text: &str) -> Option<(&str, &str)> {
    let at = unescaped_at(text, b'|', 0)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The pairs of an extension. A value reaches to the space before the next key; an `=` whose left side
/// cannot be a key (as in a URL) belongs to the value.
fn extension(text: &str) -> Vec<(&str, &str)> {
    let mut pairs = Vec::new();
    let mut current: Option<(&str, usize)> = None;
    let mut from = 0;
    while let Some(equals) = unescaped_at(text, b'=', from) {
        from = equals + 1;
        let before = text.get(..equals).unwrap_or_default();
        let near = equals.saturating_sub(LONGEST_KEY);
        let space = memchr::memrchr(b' ', before.as_bytes().get(near..).unwrap_or_default());
        let start = space.map_or(near, |space| near + space + 1);
        let key = before.get(start..).unwrap_or_default();
        if !is_key(key) || current.is_some_and(|(_, value)| start <= value && start != 0) {
            continue;
        }
        if let Some((key, value)) = current {
            pairs.push((key, text.get(value..start).unwrap_or_default().trim_end()));
        }
        current = Some((key, equals + 1));
    }
    if let Some((key, value)) = current {
        pairs.push((key, text.get(value..).unwrap_or_default().trim_end()));
    }
    pairs
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-[]".contains(&b))
}

fn unescaped_at(text: &str, wanted: u8, mut from: usize) -> Option<usize> {
    loop {
        let bytes = text.as_bytes().get(from..)?;
        let at = from + memchr::memchr2(wanted, b'\\', bytes)?;
        if text.as_bytes().get(at) == Some(&wanted) {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Undoes `\\`, `\|`, `\=`, `\n` and `\r`; any other backslash stands for itself.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let undone = match (letter, letters.peek()) {
            ('\\', Some(&next @ ('\\' | '|' | '='))) => Some(next),
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('r')) => Some('\r'),
            _ => None,
        };
        out.push(undone.unwrap_or(letter));
        if undone.is_some() {
            letters.next();
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_spaces_and_equal_signs_that_start_no_key() {
        let text = r"src=10.0.0.1 msg=two  words request=http://x/y?a=b&c=d e=\=f\\ g= h=1 ";
        assert_eq!(
            extension(text),
            [
                ("src", "10.0.0.1"),
                ("msg", "two  words"),
                ("request", "http://x/y?a=b&c=d"),
                ("e", r"\=f\\"),
                ("g", ""),
                ("h", "1"),
            ]
        );
        assert_eq!(unescaped(r"\=f\\\n\|C:\Temp"), "=f\\\n|C:\\Temp");
    }
}
