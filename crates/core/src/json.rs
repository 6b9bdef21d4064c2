//! What matcher and decoders share of JSON (RFC 8259): undoing string escapes, and finding all texts.

/// Appends `raw`, the inside of a JSON string, to `out` with its escapes undone. What is no valid escape
/// is kept as it stands; a lone surrogate becomes U+FFFD.
pub fn unescape_into(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = copy_to_backslash(rest, out) {
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
}

/// Copies the text before the first backslash and says where that is; copies all if there is none.
#[inline]
fn copy_to_backslash(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let (chunks, rest) = text.as_chunks::<16>();
    for (index, chunk) in chunks.iter().enumerate() {
        // all sixteen are copied before it is known how many of them count: that needs no branch
        let before = out.len();
        out.extend_from_slice(chunk);
        if let Some(at) = backslash_in(chunk) {
            out.truncate(before + at);
            return Some(index * 16 + at);
        }
    }
    let at = rest.iter().position(|&byte| byte == b'\\');
    out.extend_from_slice(&rest[..at.unwrap_or(rest.len())]);
    at.map(|at| chunks.len() * 16 + at)
}

/// The first backslash of sixteen bytes, found all at once.
#[inline]
fn backslash_in(chunk: &[u8; 16]) -> Option<usize> {
    const ONES: u128 = u128::MAX / 255;
    let zero_where_found = u128::from_le_bytes(*chunk) ^ (ONES * 0x5c);
    let found = zero_where_found.wrapping_sub(ONES) & !zero_where_found & (ONES << 7);
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

/// Calls `visit` with the text of each string, number, `true` and `false` that is a value (not a key)
/// anywhere in a well-formed record, escapes undone, until `visit` says `false`. Of a record that is not
/// well-formed it visits what it can make out.
pub fn each_text(record: &[u8], visit: &mut impl FnMut(&[u8]) -> bool) {
    let mut scratch = Vec::new();
    let mut at = 0;
    while let Some(&byte) = record.get(at) {
        let rest = &record[at..];
        at += match byte {
            b'"' => {
                let inside = &rest[1..];
                let end = string_end(inside);
                let after = inside.get(end + 1..).unwrap_or_default();
                if after.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b':') {
                    scratch.clear();
                    unescape_into(&inside[..end], &mut scratch);
                    if !visit(&scratch) {
                        return;
                    }
                }
                end + 2
            }
            b'-' | b'0'..=b'9' | b't' | b'f' => {
                let end = rest.iter().position(|b| b",}] \t\r\n".contains(b)).unwrap_or(rest.len());
                if !visit(&rest[..end]) {
                    return;
                }
                end
            }
            _ => 1,
        };
    }
}

/// Length of a string whose opening quote has been passed.
fn string_end(inside: &[u8]) -> usize {
    let mut escaped = false;
    inside
        .iter()
        .position(|&byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })
        .unwrap_or(inside.len())
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

    #[test]
    fn a_backslash_is_undone_wherever_it_stands() {
        for front in 0..40 {
            for back in 0..40 {
                let (front, back) = ("x".repeat(front), "y".repeat(back));
                assert_eq!(undone(&format!(r"{front}\\{back}\t")), format!("{front}\\{back}\t"));
            }
        }
    }

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
    fn every_value_and_no_key_is_visited_until_told_to_stop() {
        let record = br#"{"k\"ey" : "v\\1", "n":[-1.5,true,null,{"x":"y"}],"e":""}"#;
        let mut seen = Vec::new();
        each_text(record, &mut |text| {
            seen.push(String::from_utf8_lossy(text).into_owned());
            true
        });
        assert_eq!(seen, ["v\\1", "-1.5", "true", "y", ""]);
        let mut count = 0;
        each_text(record, &mut |_| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2);
        each_text(b"\"no end", &mut |_| true);
    }

    #[test]
    fn what_is_no_escape_is_kept_and_lone_surrogates_are_marked() {
        assert_eq!(undone(r"\q\u12"), r"\q\u12");
        assert_eq!(undone(r"\ud83d!\ude00"), "\u{fffd}!\u{fffd}");
        assert_eq!(undone("end\\"), "end\\");
    }
}
