//! Characters that are not seen, or change how others are shown: control characters (C0, DEL and C1, which
//! terminals obey), those that turn the direction of writing, and those without width.
//!
//! Whoever attacks writes what events say, names of files and accounts among it. Text for people has such
//! characters replaced ([`crate::terminal::safe`]); text for programs has them escaped, and loses nothing.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is one of these.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// A JSON text whose strings have the characters escaped as `\uXXXX`: the same value to any reader. Line
/// breaks and tabs between tokens stay.
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    escaped(json, |c| is_hidden(c) && !matches!(c, '\n' | '\r' | '\t'))
}

/// A text with the characters escaped as `\uXXXX`, so that it is one line; tabs stay.
pub fn escaped_text(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_hidden(c) && c != '\t')
}

fn escaped(text: &str, is_hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_escaped_and_what_is_seen_is_left() {
        assert_eq!(escaped_text("a\x1b[2J\u{9b}2J\u{7f}"), "a\\u001b[2J\\u009b2J\\u007f");
        assert_eq!(
            escaped_text("exe.\u{202e}fdp\u{2066}\u{200b}\u{feff}"),
            "exe.\\u202efdp\\u2066\\u200b\\ufeff"
        );
        assert_eq!(escaped_text("two\nlines\tlong"), "two\\u000alines\tlong");
        assert_eq!(escaped_text("\u{e0041}"), "\\udb40\\udc41");
        assert!(matches!(escaped_text("Zoë, 東京, مستشفى ☂"), Cow::Borrowed(_)));
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let text = "{\n\t\"\u{202e}key\": \"\u{85}\u{200d}\u{e0041}\\n\u{7f}é\"}";
        let escaped = escaped_json(text);
        assert!(!escaped.contains(|c| is_hidden(c) && !matches!(c, '\n' | '\t')), "{escaped}");
        let value = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&escaped), value(text));
    }
}
