//! Values with wildcards: `*` for any text, `?` for one character, in either case of letters.

/// A value as it is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pattern(Vec<Piece>);

/// A part of a pattern. Two texts, or two `Any`, do not follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// This text.
    Text(String),
    /// Any text, also none: `*`.
    Any,
    /// One character: `?`.
    One,
}

impl Pattern {
    /// Exactly this text.
    pub fn literal(text: impl Into<String>) -> Self {
        let mut pattern = Self::default();
        text.into().chars().for_each(|character| pattern.push(character));
        pattern
    }

    /// Adds a character to it.
    pub fn push(&mut self, character: char) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.push(character),
            _ => self.0.push(Piece::Text(character.into())),
        }
    }

    /// Adds a wildcard to it.
    pub fn push_wildcard(&mut self, wildcard: Piece) {
        if wildcard != Piece::Any || self.0.last() != Some(&Piece::Any) {
            self.0.push(wildcard);
        }
    }

    /// Its parts.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text that it is, if it has no wildcard.
    pub fn as_literal(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The same without `*` at its ends: what is looked for anywhere in a text.
    pub fn inner(mut self) -> Self {
        if self.0.last() == Some(&Piece::Any) {
            self.0.pop();
        }
        if self.0.first() == Some(&Piece::Any) {
            self.0.remove(0);
        }
        self
    }

    /// The same in lower case, to be asked of texts in lower case.
    pub fn lower(&self) -> Self {
        let lower = |piece: &Piece| match piece {
            Piece::Text(text) => Piece::Text(text.to_lowercase()),
            wildcard => wildcard.clone(),
        };
        Self(self.0.iter().map(lower).collect())
    }

    /// Whether the whole text is of this form. Time is at most the product of their lengths.
    pub fn covers(&self, text: &str) -> bool {
        let (mut rest, mut at) = (text, 0);
        // where to go on when a text after `*` was found too early
        let mut again: Option<(usize, &str)> = None;
        loop {
            let step = match self.0.get(at) {
                Some(Piece::Any) => {
                    again = Some((at + 1, rest));
                    Some(rest)
                }
                Some(Piece::One) => {
                    let mut characters = rest.chars();
                    characters.next().map(|_| characters.as_str())
                }
                Some(Piece::Text(text)) => rest.strip_prefix(text.as_str()),
                None if rest.is_empty() => return true,
                None => None,
            };
            if let Some(after) = step {
                (rest, at) = (after, at + 1);
                continue;
            }
            let Some((after_any, from)) = again else { return false };
            let mut characters = from.chars();
            if characters.next().is_none() {
                return false;
            }
            (at, rest) = (after_any, characters.as_str());
            again = Some((after_any, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        for character in text.chars() {
            match character {
                '*' => pattern.push_wildcard(Piece::Any),
                '?' => pattern.push_wildcard(Piece::One),
                other => pattern.push(other),
            }
        }
        pattern
    }

    #[test]
    fn wildcards_stand_for_what_they_say() {
        for (form, text, covers) in [
            ("*\\cmd.exe", "c:\\windows\\cmd.exe", true),
            ("*\\cmd.exe", "c:\\windows\\cmd.exe.bak", false),
            ("pacs??", "pacs01", true),
            ("pacs??", "pacs1", false),
            ("caf?", "caf\u{e9}", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "ab a", false),
            ("a*ab", "aab", true),
            ("a*ab", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(pattern(form).covers(text), covers, "{form} {text}");
        }
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        assert!(!pattern(&"*a".repeat(60)).covers(&"a".repeat(59)));
        assert!(!pattern(&format!("{}b", "*a".repeat(60))).covers(&"a".repeat(20_000)));
    }
}
