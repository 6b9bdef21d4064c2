//! The one thing about JSON that matcher and decoders share: undoing string escapes (RFC 8259, section 7).

/// Appends `raw`, the inside of a JSON string, to `out` with its escapes undone. What is no valid escape
/// is kept as it stands; a lone surrogate becomes U+FFFD.
pub fn unescape_into(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|&b| b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let escape = &rest[at..];
        let used = match escape.get(1) {
            Some(b'u') => unescape_unicode(escape, out),
            Some(&letter) => {
                match simple_escape(letter) {
                    Some(byte) => out.push(byte),
                    None => out.extend_from_slice(&[b'\\', letter]),
                }
                2
            }
            None => {
                out.push(b'\\');
                1
            }
        };
        rest = &escape[used.min(escape.len())..];
    }
    out.extend_from_slice(rest);
}

fn simple_escape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0c,
        _ => return None,
    })
}

/// Undoes `\uXXXX`, or a pair of surrogates, at the start of `escape`; says how many bytes it used.
fn unescape_unicode(escape: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(first) = hex4(escape.get(2..6)) else {
        out.extend_from_slice(b"\\u");
        return 2;
    };
    let (code, used) = match first {
        0xd800..0xdc00 => match (escape.get(6..8), hex4(escape.get(8..12))) {
            (Some(b"\\u"), Some(second @ 0xdc00..0xe000)) => {
                (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
            }
            _ => (0xfffd, 6),
        },
        code => (code, 6),
    };
    let letter = char::from_u32(code).unwrap_or('\u{fffd}');
    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    used
}

fn hex4(digits: Option<&[u8]>) -> Option<u32> {
    digits?.iter().try_fold(0, |sum, &digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(raw: &str) -> String {
        let mut out = Vec::new();
        unescape_into(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_escape_of_the_rfc_is_undone() {
        assert_eq!(undone(r#"C:\\Temp\/a\"b\n\t\r\b\f"#), "C:\\Temp/a\"b\n\t\r\u{8}\u{c}");
        assert_eq!(undone(r"\u00e9\ud83d\ude00!"), "é😀!");
    }

    #[test]
    fn what_is_no_escape_is_kept_and_lone_surrogates_are_marked() {
        assert_eq!(undone(r"\q\u12"), r"\q\u12");
        assert_eq!(undone(r"\ud83d!\ude00"), "\u{fffd}!\u{fffd}");
        assert_eq!(undone("end\\"), "end\\");
    }
}
