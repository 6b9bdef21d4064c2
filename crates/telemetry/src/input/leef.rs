//! IBM QRadar Log Event Extended Format, versions 1.0 and 2.0:
//! `LEEF:1.0|vendor|product|version|event id|key=value<TAB>key=value` and
//! `LEEF:2.0|vendor|product|version|event id|delimiter|key=value...`, where the delimiter is a
//! character or its code as `x09` or `0x09`, and may be left out.
//!
//! Names: `leefVersion`, then those of CEF: `deviceVendor`, `deviceProduct`, `deviceVersion`,
//! `deviceEventClassId`; the keys of the attributes as they stand.

use super::fields::Fields;

/// Takes a message that starts with `LEEF:` apart.
///
/// # Errors
/// It does not start so, or its header has fewer than five parts.
pub fn decode_line(line: &str, fields: &mut Fields<'_>) -> Result<(), &'static str> {
    let rest = line.trim_start().strip_prefix("LEEF:").ok_or("it does not start with 'LEEF:'")?;
    let mut parts = rest.splitn(HEADER.len() + 1, '|');
    let mut version = "";
    for key in HEADER {
        let part = parts.next().ok_or("its header has fewer than five parts")?;
        if key == "leefVersion" {
            version = part;
        }
        fields.put(key, part);
    }
    let attributes = parts.next().unwrap_or_default();
    let (delimiter, attributes) = match attributes.split_once('|') {
        Some((told, rest)) if version.starts_with('2') => match delimiter(told) {
            Some(delimiter) => (delimiter, rest),
            None => ('\t', attributes),
        },
        _ => ('\t', attributes),
    };
    for pair in attributes.split(delimiter) {
        if let Some((key, value)) = pair.split_once('=') {
            fields.put(key.trim(), value);
        }
    }
    Ok(())
}

const HEADER: [&str; 5] =
    ["leefVersion", "deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId"];

/// What the delimiter part says. `None`: it is no delimiter part.
fn delimiter(text: &str) -> Option<char> {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (None, _) => Some('\t'),
        (Some(letter), None) => Some(letter),
        _ => {
            let code = text.strip_prefix("0x").or_else(|| text.strip_prefix('x'))?;
            char::from_u32(u32::from_str_radix(code, 16).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_characters_or_codes() {
        for (text, expected) in
            [("^", Some('^')), ("", Some('\t')), ("x09", Some('\t')), ("0x7C", Some('|')), ("src=1", None)]
        {
            assert_eq!(delimiter(text), expected, "{text}");
        }
    }
}
