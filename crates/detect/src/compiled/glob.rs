//! Wildcard patterns that are more than a prefix, suffix, part or the whole of a value.

use crate::rule::{Pattern, Piece};

/// Whether the pattern covers the whole text. `?` takes one character, or one byte where the text is not
/// UTF-8. Both must be folded alike. Takes time in the product of the lengths at worst.
pub fn covers(pattern: &Pattern, text: &[u8]) -> bool {
    let pieces = &pattern.pieces;
    let (mut piece, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None; // after the last run: (its next piece, where it was tried)
    loop {
        let step = match pieces.get(piece) {
            Some(Piece::Run) => {
                retry = Some((piece + 1, at));
                piece += 1;
                continue;
            }
            Some(Piece::One) => (at < text.len()).then(|| character(&text[at..])),
            Some(Piece::Literal(literal)) => {
                text[at..].starts_with(literal.as_bytes()).then_some(literal.len())
            }
            None if at == text.len() => return true,
            None => None,
        };
        match (step, &mut retry) {
            (Some(length), _) => {
                at += length;
                piece += 1;
            }
            (None, Some((next, tried))) if *tried < text.len() => {
                *tried += 1;
                (piece, at) = (*next, *tried);
            }
            _ => return false,
        }
    }
}

/// Length of the first character, 1 if it is no UTF-8.
fn character(text: &[u8]) -> usize {
    let length = match text[0] {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    if text.get(..length).is_some_and(|bytes| std::str::from_utf8(bytes).is_ok()) { length } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::new(text.chars().map(|c| match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            c => Piece::Literal(c.to_string()),
        }))
    }

    #[test]
    fn patterns_cover_whole_values() {
        for (glob, text, expected) in [
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--b--cd", false),
            ("*a?c*", "xxabcxx", true),
            ("*aab", "aaaab", true),
            ("?", "é", true),
            ("?", "", false),
            ("", "", true),
            ("*", "", true),
            ("a**?", "a", false),
            ("*abc*abd", "abcabcabd", true),
        ] {
            assert_eq!(covers(&pattern(glob), text.as_bytes()), expected, "{glob} on {text}");
        }
    }
}
