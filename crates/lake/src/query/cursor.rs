//! Going through the text of a query, character by character.

use super::pattern::{Pattern, Piece};
use super::{QueryError, error};

/// A place in the text.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What is left of the text.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes over the next `bytes`.
    pub fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Goes over white space. Says whether there was any.
    pub fn blank(&mut self) -> bool {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        self.rest().len() < rest.len()
    }

    /// Goes over the text, if it is next.
    pub fn takes(&mut self, text: &str) -> bool {
        let next = self.rest().starts_with(text);
        if next {
            self.at += text.len();
        }
        next
    }

    /// Goes over the word, if it is next and ends there.
    pub fn takes_word(&mut self, word: &str) -> bool {
        let next = self.next_is_word(word);
        if next {
            self.at += word.len();
        }
        next
    }

    /// Whether the word is next and ends there.
    pub fn next_is_word(&self, word: &str) -> bool {
        let after = self.rest().strip_prefix(word);
        after.is_some_and(|after| after.chars().next().is_none_or(ends_word))
    }

    /// An error at this place.
    pub fn error(&self, expected: impl Into<String>) -> QueryError {
        error::QueryError::new(self.text[..self.at].chars().count() + 1, expected)
    }

    /// The text in quotation marks that begins here.
    pub fn quoted(&mut self) -> Result<String, QueryError> {
        let opened = self.clone();
        self.skip(1);
        let mut text = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.skip(at + 1);
                    return Ok(text);
                }
                '\\' => match characters.clone().next() {
                    Some((_, escaped @ ('"' | '\\'))) => {
                        text.push(escaped);
                        characters.next();
                    }
                    _ => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        Err(opened
            .error("a closing '\"' (inside the quotes, '\\\\' is a backslash and '\\\"' a quotation mark)"))
    }

    /// The word that begins here, up to white space, a parenthesis, a quotation mark, or one of `ends`.
    pub fn word(&mut self, ends: &[char]) -> Pattern {
        let mut pattern = Pattern::default();
        let mut characters = self.rest().char_indices().peekable();
        let mut length = self.rest().len();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => match characters.peek() {
                    Some((_, escaped)) if is_special(*escaped) => {
                        pattern.push(*escaped);
                        characters.next();
                    }
                    _ => pattern.push('\\'),
                },
                '*' => pattern.push_wildcard(Piece::Any),
                '?' => pattern.push_wildcard(Piece::One),
                end if ends_word(end) || ends.contains(&end) => {
                    length = at;
                    break;
                }
                other => pattern.push(other),
            }
        }
        self.skip(length);
        pattern
    }
}

/// Whether a backslash before it takes away what the character means.
pub(crate) fn is_special(character: char) -> bool {
    character.is_whitespace() || r#"\*?"()[]:<>/"#.contains(character)
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')' | '"')
}
