//! Lower case, as all caseless matching in Ward sees it.

use crate::leaf;
use crate::rule::{Pattern, Piece};

/// Appends `text` in lower case, character by character as [`leaf::lower`] has it. Bytes that are not
/// UTF-8 stay.
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
            out.extend_from_slice(leaf::lower(letter).encode_utf8(&mut [0; 4]).as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// Characters outside ASCII whose lower case is inside: where one of them is, ASCII text may be hidden.
pub const HIDING_ASCII: [&str; 2] = ["\u{130}", "\u{212a}"];

/// [`fold_into`] for a rule's text.
pub fn folded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    fold_into(text.as_bytes(), &mut out);
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The pattern with its literals in lower case.
pub fn folded_pattern(pattern: &Pattern) -> Pattern {
    Pattern::new(pattern.pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => Piece::Literal(folded(text)),
        other => other.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_per_character() {
        assert_eq!(folded("CMD.exe ÉΣÄ ß \u{212a}\u{130}"), "cmd.exe éσä ß ki");
        let mut out = Vec::new();
        fold_into(b"A\xffB\xc3\x89", &mut out);
        assert_eq!(out, b"a\xffb\xc3\xa9");
    }

    #[test]
    fn no_other_characters_hide_ascii() {
        let hiding = ('\u{80}'..=char::MAX).filter(|&letter| leaf::lower(letter).is_ascii());
        assert_eq!(hiding.map(String::from).collect::<Vec<_>>(), HIDING_ASCII);
    }
}
