//! What the output streams are: their width, whether colour is wanted, and text made safe to show.
//!
//! Invariant: nothing that an event or a rule says reaches a terminal with its control characters, so
//! nobody can write escape sequences to an analyst's screen by way of a log.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use ward_core::Severity;

use crate::hidden::is_hidden;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to write for the reader of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns there are.
    pub width: usize,
    /// Whether to colour levels.
    pub color: bool,
    /// Whether somebody looks at it as it is written.
    pub is_terminal: bool,
}

/// Width of what is written to a file or pipe.
const PLAIN_WIDTH: usize = 80;
/// Narrower terminals are written for as if they were this wide.
const LEAST_WIDTH: usize = 60;
/// Wider terminals are not used in full: long lines are hard to follow.
const MOST_WIDTH: usize = 200;

impl Screen {
    /// Standard output.
    pub fn stdout(color: ColorChoice) -> Self {
        let size = terminal_size::terminal_size_of(io::stdout());
        Self::new(io::stdout().is_terminal(), size.map(|(w, _)| w.0), color)
    }

    /// Standard error.
    pub fn stderr(color: ColorChoice) -> Self {
        let size = terminal_size::terminal_size_of(io::stderr());
        Self::new(io::stderr().is_terminal(), size.map(|(w, _)| w.0), color)
    }

    fn new(is_terminal: bool, width: Option<u16>, color: ColorChoice) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: width
                .filter(|_| is_terminal)
                .map_or(PLAIN_WIDTH, usize::from)
                .clamp(LEAST_WIDTH, MOST_WIDTH),
            color: match color {
                ColorChoice::Auto => is_terminal && !refused,
                ColorChoice::Always => true,
                ColorChoice::Never => false,
            },
            is_terminal,
        }
    }

    /// The text in the colour of a level. The text itself must say the level.
    pub fn paint(&self, level: Severity, text: &str) -> String {
        let code = match level {
            Severity::Critical => "1;31",
            Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Informational => return text.to_owned(),
        };
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading.
    pub fn heading(&self, text: &str) -> String {
        if self.color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Whether standard output is a pipe, to a pager perhaps.
#[cfg(unix)]
pub fn stdout_is_pipe() -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let copy = io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    copy.and_then(|file| file.metadata()).is_ok_and(|data| data.file_type().is_fifo())
}

/// Whether standard output is a pipe, to a pager perhaps. Not told here.
#[cfg(not(unix))]
pub fn stdout_is_pipe() -> bool {
    false
}

/// The text with [hidden characters](is_hidden) made visible as U+FFFD.
pub fn safe(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Breaks a text into lines of at most `width` characters: at spaces if there are, else anywhere.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() > width && word.len() <= width {
            lines.push(String::new());
            used = 0;
        }
        if used > 0 && used + 1 < width {
            lines.last_mut().into_iter().for_each(|line| line.push(' '));
            used += 1;
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        while used + word.len() > width {
            let rest = word.split_off(width - used);
            lines.last_mut().into_iter().for_each(|line| line.extend(&word));
            lines.push(String::new());
            (word, used) = (rest, 0);
        }
        used += word.len();
        lines.last_mut().into_iter().for_each(|line| line.extend(&word));
    }
    lines
}

/// Breaks a path into lines of at most `width` characters: between folders if there is room, else anywhere.
pub fn wrap_path(path: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut used = width;
    for part in path.split_inclusive('/') {
        let part: Vec<char> = part.chars().collect();
        for (at, letter) in part.iter().enumerate() {
            let breaks_here = at == 0 && part.len() <= width && used + part.len() > width;
            if used >= width || breaks_here {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().into_iter().for_each(|line| line.push(*letter));
            used += 1;
        }
    }
    lines
}

/// The text cut to `width` characters; `...` at the end says that it was.
pub fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(3)).chain("...".chars()).collect()
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 file`, `2 files`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number of bytes, in the unit that fits it.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{number} {name}") } else { format!("{value:.1} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_wrapped_at_spaces_and_words_longer_than_a_line_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 10), [""]);
        for width in 1..20 {
            for line in wrap("A rather long-winded title, of/a/very/long/path and more", width) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn paths_are_broken_between_folders() {
        assert_eq!(wrap_path("evidence/host one/log.evtx", 18), ["evidence/host one/", "log.evtx"]);
        assert_eq!(wrap_path("a/verylongname.evtx", 8), ["a/verylo", "ngname.e", "vtx"]);
        assert_eq!(wrap_path("a/bcdefgh", 8), ["a/", "bcdefgh"]);
    }

    #[test]
    fn no_escape_sequence_gets_through() {
        assert_eq!(safe("a\x1b[31mb\u{9b}c\td\u{202e}"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}");
        assert_eq!(safe("mim\u{200b}ikatz"), "mim\u{fffd}ikatz");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 1500, 33_100_000].map(bytes), ["999 bytes", "1.5 kB", "33.1 MB"]);
        assert_eq!(counted(1, "file", "files"), "1 file");
    }

    #[test]
    fn colour_is_the_readers_choice_and_never_the_only_sign() {
        let plain = Screen { width: 80, color: false, is_terminal: false };
        assert_eq!(plain.paint(Severity::High, "high"), "high");
        let colored = Screen { color: true, ..plain };
        assert_eq!(colored.paint(Severity::High, "high"), "\x1b[31mhigh\x1b[0m");
    }
}
