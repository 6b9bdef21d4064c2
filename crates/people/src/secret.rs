//! What somebody must know, and what only few should read.

use std::fmt;

/// A text that opens something. It is shown on purpose ([`Secret::expose`]) or not at all.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// One of 256 random bits, after a word by which people and scanners of leaked text recognise it.
    pub fn random(word: &str, random: [u8; 32]) -> Self {
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{word}{digits}"))
    }

    /// The text, for whoever it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Whether two byte strings are the same, in a time that tells nothing of where they differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    let difference =
        one.iter().zip(other).fold(0, |all, (one, other)| std::hint::black_box(all | (one ^ other)));
    one.len() == other.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let secret = Secret::random("ward_", [7; 32]);
        assert_eq!(secret.expose().len(), 5 + 64);
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }

    #[test]
    fn only_equal_strings_are_the_same() {
        assert!(same(b"", b"") && same(b"abc", b"abc"));
        for (one, other) in [("abc", "abd"), ("abc", "ab"), ("ab", "abc"), ("", "a"), ("abc", "Abc")] {
            assert!(!same(one.as_bytes(), other.as_bytes()), "{one} {other}");
        }
    }
}
