//! `replace_string`: what a regular expression matches in a text gives way to another text, which may
//! refer to the groups matched (`\1`, `\g<1>`, `\g<name>`).
//!
//! The expression sees the text with wildcards as `*` and `?`. A wildcard or literal that is kept, or
//! comes back through a group, stays what it was; in the new text `*` and `?` are wildcards unless
//! escaped, except with `skip_special`, where only `interpret_special` makes them so.

use regex::{Captures, Regex};

use super::super::limits::{Loading, Meter};
use super::super::text::{Mark, Shown};
use super::super::yaml::Keys;

/// A replacement in texts.
#[derive(Debug)]
pub(crate) struct Replacement {
    regex: Regex,
    pieces: Vec<Piece>,
    /// Only text between wildcards and placeholders is looked at.
    skip_special: bool,
}

#[derive(Debug)]
enum Piece {
    Text(Shown),
    Group(usize),
}

impl Replacement {
    /// The replacement from its keys.
    pub(super) fn parse(keys: &mut Keys, loading: &Loading) -> Result<Self, String> {
        let regex = loading.regex(&keys.need_text("regex")?)?;
        let skip_special = keys.flag("skip_special")?;
        let interpret = keys.flag("interpret_special")? || !skip_special;
        let template = keys.need_text("replacement")?;
        let pieces =
            pieces(&template, &regex, interpret).map_err(|reason| format!("`replacement`: {reason}"))?;
        Ok(Self { regex, pieces, skip_special })
    }

    /// The text with all matches replaced; `None` if there is none.
    pub(super) fn replace(&self, shown: &Shown, meter: &mut Meter) -> Result<Option<Shown>, String> {
        let mut out = Shown::default();
        let mut changed = false;
        let whole = (0..shown.text().len(), Mark::Plain);
        let runs: Vec<_> = match self.skip_special {
            true => shown.runs().collect(),
            false => vec![whole],
        };
        for (range, mark) in runs {
            if mark != Mark::Plain {
                out.push_from(shown, range);
                continue;
            }
            let mut at = range.start;
            for captures in self.regex.captures_iter(&shown.text()[range.clone()]) {
                let Some(found) = captures.get(0) else { continue };
                out.push_from(shown, at..range.start + found.start());
                let before = out.text().len();
                self.expand(&captures, shown, range.start, &mut out);
                meter.spend(out.text().len() - before)?;
                at = range.start + found.end();
                changed = true;
            }
            out.push_from(shown, at..range.end);
        }
        Ok(changed.then_some(out))
    }

    fn expand(&self, captures: &Captures<'_>, shown: &Shown, offset: usize, out: &mut Shown) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_from(text, 0..text.text().len()),
                Piece::Group(index) => {
                    if let Some(group) = captures.get(*index) {
                        out.push_from(shown, offset + group.start()..offset + group.end());
                    }
                }
            }
        }
    }
}

/// Reads a template as Python's `re.sub` does, then, if asked, its wildcards.
fn pieces(template: &str, regex: &Regex, interpret: bool) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut chars = template.chars().peekable();
    let flush = |text: &mut String, pieces: &mut Vec<Piece>| {
        let taken = std::mem::take(text);
        if !taken.is_empty() {
            pieces.push(Piece::Text(if interpret { wildcards(&taken) } else { plain(&taken) }));
        }
    };
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let group = match chars.next() {
            None => return Err("it ends in a lone backslash".to_owned()),
            Some('\\') => {
                text.push('\\');
                continue;
            }
            Some('n') => {
                text.push('\n');
                continue;
            }
            Some('t') => {
                text.push('\t');
                continue;
            }
            Some('r') => {
                text.push('\r');
                continue;
            }
            Some('g') => {
                let rest: String = chars.by_ref().take_while(|c| *c != '>').collect();
                rest.strip_prefix('<').ok_or("`\\g` must be followed by a group in `<>`")?.to_owned()
            }
            Some(digit @ '1'..='9') => {
                let mut name = digit.to_string();
                name.extend(chars.next_if(char::is_ascii_digit));
                name
            }
            Some(other) if other.is_ascii_alphanumeric() => {
                return Err(format!("unknown escape `\\{other}`"));
            }
            Some(other) => {
                text.extend(['\\', other]);
                continue;
            }
        };
        let named = || regex.capture_names().position(|name| name == Some(group.as_str()));
        let index = group.parse().ok().or_else(named).filter(|index| *index < regex.captures_len());
        flush(&mut text, &mut pieces);
        pieces.push(Piece::Group(index.ok_or_else(|| format!("there is no group `{group}`"))?));
    }
    flush(&mut text, &mut pieces);
    Ok(pieces)
}

/// Text in which `*` and `?` are wildcards unless escaped; any other backslash stands for itself.
fn wildcards(text: &str) -> Shown {
    let mut out = Shown::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('*' | '?')) => {
                out.push(chars.next().map_or("", |c| if c == '*' { "*" } else { "?" }), Mark::Plain)
            }
            ('*', _) => out.push("*", Mark::Wild),
            ('?', _) => out.push("?", Mark::Wild),
            (other, _) => out.push(other.encode_utf8(&mut [0; 4]), Mark::Plain),
        }
    }
    out
}

fn plain(text: &str) -> Shown {
    let mut out = Shown::default();
    out.push(text, Mark::Plain);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(value: &str, regex: &str, template: &str, skip: bool, interpret: bool) -> String {
        let regex = Regex::new(regex).unwrap();
        let pieces = pieces(template, &regex, interpret || !skip).unwrap();
        let replacement = Replacement { regex, pieces, skip_special: skip };
        let shown = Shown::parse(value);
        match replacement.replace(&shown, &mut Meter::new()).unwrap() {
            Some(shown) => shown.to_value().original,
            None => "unchanged".to_owned(),
        }
    }

    #[test]
    fn a_wildcard_after_a_backslash_stays_a_wildcard() {
        assert_eq!(replaced(r"C:\Temp\\*", "Temp", "tmp", false, false), r"C:\tmp\\*");
        assert_eq!(replaced(r"C:\Temp\*", "Temp", "tmp", false, false), r"C:\tmp\*");
    }

    #[test]
    fn groups_bring_back_what_they_matched() {
        assert_eq!(replaced("*a-b*", r"(?P<l>\w)-(\w)", r"\2\g<l>\g<0>", false, false), "*baa-b*");
        assert_eq!(replaced("a*b", r"(\*)", r"\1\1", false, false), "a**b");
        assert_eq!(replaced(r"a\*b", r"(\*)", r"\1\1", false, false), r"a\*\*b");
    }

    #[test]
    fn new_wildcards_are_wildcards_unless_told_otherwise() {
        assert_eq!(replaced("ab", "b", "*", false, false), "a*");
        assert_eq!(replaced("ab", "b", r"\*", false, false), r"a\*");
        assert_eq!(replaced("ab*", "b", "*", true, false), r"a\**");
        assert_eq!(replaced("ab*", "b", "?", true, true), "a?*");
        assert_eq!(replaced("a*", r"\*", "x", true, false), "unchanged");
    }

    #[test]
    fn templates_that_mean_nothing_are_refused() {
        let regex = Regex::new("(a)").unwrap();
        for (template, reason) in [
            (r"\2", "there is no group `2`"),
            (r"\g<x>", "there is no group `x`"),
            (r"\gx", "`\\g` must be followed by a group in `<>`"),
            (r"\q", "unknown escape `\\q`"),
            ("\\", "it ends in a lone backslash"),
        ] {
            assert_eq!(pieces(template, &regex, true).unwrap_err(), reason);
        }
    }
}
