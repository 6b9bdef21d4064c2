//! Lower case, as all caseless matching in Ward sees it.

/// Appends `text` in lower case: each character's own lower case, without regard to its neighbours. The
/// few characters outside ASCII whose lower case is inside (the Kelvin sign) stay, so that bytes below
/// 128 in the result come only from bytes below 128. Bytes that are not UTF-8 stay.
pub fn fold_into(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(text);
    if let Some(copy) = out.get_mut(start..) {
        copy.make_ascii_lowercase();
        if copy.is_ascii() {
            return;
        }
    }
    out.truncate(start);
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let mut bytes = [0; 4];
            if letter.is_ascii() || letter.to_lowercase().any(|lower| lower.is_ascii()) {
                out.extend_from_slice(letter.to_ascii_lowercase().encode_utf8(&mut bytes).as_bytes());
            } else {
                for lower in letter.to_lowercase() {
                    out.extend_from_slice(lower.encode_utf8(&mut bytes).as_bytes());
                }
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// [`fold_into`] for a rule's text.
pub fn folded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    fold_into(text.as_bytes(), &mut out);
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_per_character_and_ascii_comes_only_from_ascii() {
        assert_eq!(folded("CMD.exe ÉΣÄ ß"), "cmd.exe éσä ß");
        assert_eq!(folded("\u{212a}elvin \u{130}"), "\u{212a}elvin \u{130}");
        let mut out = Vec::new();
        fold_into(b"A\xffB\xc3\x89", &mut out);
        assert_eq!(out, b"a\xffb\xc3\xa9");
    }
}
